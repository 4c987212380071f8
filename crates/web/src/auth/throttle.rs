//! Wrong passwords, counted by address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Wrong passwords an address may send within [`WINDOW`].
pub(super) const ATTEMPTS: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses remembered at most; whoever has more at hand is not stopped by counting.
const MOST: usize = 10_000;

/// How often each address was wrong, and since when.
#[derive(Default)]
pub(super) struct Throttle(Mutex<HashMap<IpAddr, (Instant, u32)>>);

impl Throttle {
    /// # Errors
    /// The seconds until the address may try again.
    pub(super) fn check(&self, from: IpAddr) -> Result<(), u64> {
        self.check_at(from, Instant::now())
    }

    fn check_at(&self, from: IpAddr, now: Instant) -> Result<(), u64> {
        match self.lock().get(&network(from)) {
            Some((since, count)) if *count >= ATTEMPTS && now < *since + WINDOW => {
                Err((*since + WINDOW - now).as_secs() + 1)
            }
            _ => Ok(()),
        }
    }

    /// Counts a wrong password.
    pub(super) fn count(&self, from: IpAddr) {
        self.count_at(from, Instant::now());
    }

    fn count_at(&self, from: IpAddr, now: Instant) {
        let mut counts = self.lock();
        counts.retain(|_, (since, _)| now < *since + WINDOW);
        if counts.len() < MOST {
            counts.entry(network(from)).or_insert((now, 0)).1 += 1;
        }
    }

    /// The right password came.
    pub(super) fn forget(&self, from: IpAddr) {
        self.lock().remove(&network(from));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, (Instant, u32)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A household has as many IPv6 addresses as it likes, but one network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::{ATTEMPTS, Throttle, WINDOW};
    use std::net::IpAddr;
    use std::time::{Duration, Instant};

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_with_too_many_wrong_passwords_waits() {
        let (throttle, now, from) = (Throttle::default(), Instant::now(), address("192.0.2.1"));
        for _ in 0..ATTEMPTS {
            assert_eq!(throttle.check_at(from, now), Ok(()));
            throttle.count_at(from, now);
        }
        assert_eq!(throttle.check_at(from, now), Err(61));
        assert_eq!(throttle.check_at(from, now + WINDOW - Duration::from_secs(5)), Err(6));
        assert_eq!(throttle.check_at(from, now + WINDOW), Ok(()));
        assert_eq!(throttle.check_at(address("192.0.2.2"), now), Ok(()), "others are not held up");
        throttle.count_at(from, now + WINDOW);
        assert_eq!(throttle.check_at(from, now + WINDOW), Ok(()), "the count began anew");
    }

    #[test]
    fn a_network_of_many_addresses_counts_as_one() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for n in 0..ATTEMPTS {
            throttle.count_at(address(&format!("2001:db8::{n}")), now);
        }
        assert!(throttle.check_at(address("2001:db8::ffff"), now).is_err());
        assert!(throttle.check_at(address("2001:db8:0:1::1"), now).is_ok());
        throttle.forget(address("2001:db8::1"));
        assert!(throttle.check_at(address("2001:db8::ffff"), now).is_ok());
    }
}
