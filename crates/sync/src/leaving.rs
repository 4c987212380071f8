//! People who leave: out of every list at Meta, out of what earlier syncs recorded, and never again into a later one.

mod erasure;
mod known;
mod receipt;
mod removals;
mod suppression;
#[cfg(test)]
mod tests;

pub use erasure::{ErasePerson, Leaving};
pub use receipt::{AtMeta, ErasureReceipt};
pub(crate) use suppression::Suppression;

use match_keys::{Field, Row};
use persistence::PersonHashes;

/// By what Meta finds the person of a row.
fn hashes(row: &Row) -> PersonHashes {
    let hash = |field| row.cell(field).map(|digest| *digest.as_bytes());
    PersonHashes { email: hash(Field::Email), phone: hash(Field::Phone) }
}
