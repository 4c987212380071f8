//! A person as Meta knows one: by the hashes of e-mail address and phone number.

use crate::error::StoreError;
use sha2::{Digest, Sha256};
use std::fmt;

/// The match keys by which Meta finds a person, as the 32 bytes of their SHA-256. At least one should be there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PersonHashes {
    /// Of the normalized e-mail address.
    pub email: Option<[u8; 32]>,
    /// Of the normalized phone number.
    pub phone: Option<[u8; 32]>,
}

/// A hashed identifier is personal data still, so `Debug` tells only which are there.
impl fmt::Debug for PersonHashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PersonHashes")
            .field("email", &self.email.is_some())
            .field("phone", &self.phone.is_some())
            .finish()
    }
}

impl PersonHashes {
    /// SHA-256 of both hashes: equal exactly when both are. Zeros, which are no hash of anything, stand for an absent one.
    pub fn key(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for hash in [self.email, self.phone] {
            hasher.update(hash.unwrap_or_default());
        }
        hasher.finalize().into()
    }
}

/// Stored bytes as a hash.
pub(crate) fn hash(what: &'static str, bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(StoreError::corrupt::<std::array::TryFromSliceError>(what))
}

/// [`hash`] of a column that may be empty.
pub(crate) fn hash_option(
    what: &'static str,
    bytes: Option<Vec<u8>>,
) -> Result<Option<[u8; 32]>, StoreError> {
    bytes.map(|bytes| hash(what, &bytes)).transpose()
}

/// A hash for a column that may be empty.
pub(crate) fn bytes(hash: Option<[u8; 32]>) -> Option<Vec<u8>> {
    hash.map(Vec::from)
}

#[cfg(test)]
mod tests {
    use super::PersonHashes;

    #[test]
    fn the_key_tells_an_email_from_a_phone() {
        let one = Some([1; 32]);
        let keys = [(one, None), (None, one), (one, one), (None, None)]
            .map(|(email, phone)| PersonHashes { email, phone }.key());
        for (at, key) in keys.iter().enumerate() {
            assert_eq!(keys.iter().position(|other| other == key), Some(at));
        }
    }

    #[test]
    fn debug_shows_no_hash() {
        let person = PersonHashes { email: Some([171; 32]), phone: None };
        assert_eq!(format!("{person:?}"), "PersonHashes { email: true, phone: false }");
    }
}
