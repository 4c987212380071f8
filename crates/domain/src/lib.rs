//! The words of the business: contacts, exact money, percentile ranks, runs and the account of every contact.
//!
//! Owns the rules that hold whatever the vendor or the database is. Refuses I/O and the shapes of vendors' replies:
//! nothing here opens a file, a socket or a database, and only [`clock::SystemClock`] looks at the wall clock.

pub mod accounting;
pub mod cancel;
pub mod clock;
pub mod contact;
pub mod error_chain;
pub mod explain;
pub mod foreign_text;
pub mod log_context;
pub mod ltv;
pub mod money;
pub mod percentile;
pub mod ranking;
pub mod run;
pub mod secret;
pub mod sent_values;

pub use accounting::{Accounting, Bucket};
pub use cancel::{Cancel, Cancelled};
pub use clock::{Clock, SystemClock};
pub use contact::{Conditions, Contact, ListSelection, RawLtv};
pub use explain::{Explain, Explanation};
pub use money::Cents;
pub use percentile::{Distribution, Percentile, Segment};
pub use run::{Run, RunId};
pub use secret::Secret;
pub use sent_values::SentValues;
