//! Wrong passwords, counted by address.

use crate::network::network;
use std::collections::HashMap;
use std::net::IpAddr;
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
    /// Counts an attempt before its password is looked at, so that many at once are not more than the limit.
    ///
    /// # Errors
    /// The seconds until the address may try again.
    pub(super) fn begin(&self, from: IpAddr) -> Result<(), u64> {
        self.begin_at(from, Instant::now())
    }

    fn begin_at(&self, from: IpAddr, now: Instant) -> Result<(), u64> {
        let mut counts = self.lock();
        counts.retain(|_, (since, _)| now < *since + WINDOW);
        let has_room = counts.len() < MOST;
        match counts.get_mut(&network(from)) {
            Some((since, count)) if *count >= ATTEMPTS => return Err((*since + WINDOW - now).as_secs() + 1),
            Some((_, count)) => *count += 1,
            None if has_room => {
                counts.insert(network(from), (now, 1));
            }
            None => {}
        }
        Ok(())
    }

    /// The password of one attempt was right: that one does not count. Others of the same address do, because many
    /// people may share it behind a proxy.
    pub(super) fn take_back(&self, from: IpAddr) {
        if let Some((_, count)) = self.lock().get_mut(&network(from)) {
            *count = count.saturating_sub(1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, (Instant, u32)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
            assert_eq!(throttle.begin_at(from, now), Ok(()));
        }
        assert_eq!(throttle.begin_at(from, now), Err(61));
        assert_eq!(throttle.begin_at(from, now + WINDOW - Duration::from_secs(5)), Err(6));
        assert_eq!(throttle.begin_at(address("192.0.2.2"), now), Ok(()), "others are not held up");
        assert_eq!(throttle.begin_at(from, now + WINDOW), Ok(()), "the count began anew");
    }

    #[test]
    fn a_right_password_takes_back_its_own_attempt_only() {
        let (throttle, now, from) = (Throttle::default(), Instant::now(), address("192.0.2.1"));
        for _ in 0..ATTEMPTS {
            throttle.begin_at(from, now).unwrap();
        }
        throttle.take_back(from);
        assert_eq!(throttle.begin_at(from, now), Ok(()));
        assert!(throttle.begin_at(from, now).is_err());
    }

    #[test]
    fn a_network_of_many_addresses_counts_as_one() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for n in 0..ATTEMPTS {
            throttle.begin_at(address(&format!("2001:db8::{n}")), now).unwrap();
        }
        assert!(throttle.begin_at(address("2001:db8::ffff"), now).is_err());
        assert!(throttle.begin_at(address("2001:db8:0:1::1"), now).is_ok());
    }
}
