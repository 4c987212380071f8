//! People who leave: out of every list at Meta, out of what earlier syncs recorded, and never again into a later one.

mod erasure;
mod known;
mod leavers;
mod receipt;
mod removals;
mod suppression;
#[cfg(test)]
mod tests;

pub use erasure::{ErasePerson, Leaving};
pub use receipt::{AtMeta, ErasureReceipt};
pub(crate) use suppression::Suppression;
