//! What went to the vendors since the process began, counted for whoever watches the service.

use crate::client::{Response, TransportError, TransportFault};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use std::sync::LazyLock;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// Counters that all clients of this process share. Their labels are fixed words, never anything a vendor or a contact
/// could choose.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    /// Calls that ended, with or without a reply.
    pub calls: Family<Call, Counter>,
    /// Waits because a vendor limits the calls.
    pub waits: Family<Vendor, Counter>,
    /// How long those waits took, in seconds.
    pub waited: Family<Vendor, Counter<f64, AtomicU64>>,
    /// Bytes of the bodies that were sent, each time they were; by all clients together.
    pub sent: Counter,
}

/// What a call is counted under.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Call {
    /// The vendor, as log lines call it.
    pub service: &'static str,
    /// How the call ended: `2xx`, `3xx`, `4xx`, `429`, `5xx`, or why no reply came, such as `timeout`.
    pub class: &'static str,
}

/// Whom a wait was for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Vendor {
    /// The vendor, as log lines call it.
    pub service: &'static str,
}

/// The counters of this process.
pub fn traffic() -> &'static Traffic {
    static TRAFFIC: LazyLock<Traffic> = LazyLock::new(Traffic::default);
    &TRAFFIC
}

impl Traffic {
    /// Counts a call that ended, and the size of its body.
    pub(crate) fn called(
        &self,
        service: &'static str,
        sent: usize,
        result: &Result<Response, TransportError>,
    ) {
        self.sent.inc_by(sent as u64);
        let class = match result {
            Ok(reply) => class_of_status(reply.status),
            Err(error) => class_of_fault(error.fault),
        };
        self.calls.get_or_create(&Call { service, class }).inc();
    }

    /// Counts a wait that a vendor's limit asked for, after it is over.
    pub fn waited(&self, service: &'static str, wait: Duration) {
        let vendor = Vendor { service };
        self.waits.get_or_create(&vendor).inc();
        self.waited.get_or_create(&vendor).inc_by(wait.as_secs_f64());
    }
}

/// Meta answers its limits with 400 and a code of its own: those are `4xx` here.
fn class_of_status(status: u16) -> &'static str {
    match status {
        429 => "429",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500..600 => "5xx",
        _ => "other",
    }
}

fn class_of_fault(fault: TransportFault) -> &'static str {
    match fault {
        TransportFault::Unreachable => "unreachable",
        TransportFault::Timeout => "timeout",
        TransportFault::Broken => "broken",
        TransportFault::TooLarge => "too_large",
        TransportFault::Tls => "tls",
        TransportFault::Protocol => "protocol",
    }
}

#[cfg(test)]
mod tests {
    use super::{Traffic, Vendor, class_of_status};
    use std::time::Duration;

    #[test]
    fn statuses_fall_into_few_classes() {
        for (status, class) in [
            (200, "2xx"),
            (302, "3xx"),
            (400, "4xx"),
            (428, "4xx"),
            (429, "429"),
            (503, "5xx"),
            (999, "other"),
        ] {
            assert_eq!(class_of_status(status), class);
        }
    }

    #[test]
    fn waits_are_counted_and_their_time_adds_up() {
        let traffic = Traffic::default();
        for millis in [1_500, 500] {
            traffic.waited("Meta", Duration::from_millis(millis));
        }
        let meta = Vendor { service: "Meta" };
        assert_eq!(traffic.waits.get_or_create(&meta).get(), 2);
        assert!((traffic.waited.get_or_create(&meta).get() - 2.0).abs() < 1e-9);
    }
}
