//! SHA-256 as Meta wants it: of the UTF-8 bytes, 64 lower-case hexadecimal digits.

use sha2::{Digest as _, Sha256};
use std::fmt;

/// A SHA-256 value: 32 bytes in memory, 64 lower-case hexadecimal digits through `Display`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// SHA-256 of the empty string. Meta accepts it without complaint and matches nobody, so it is never sent.
const OF_NOTHING: Digest = Digest([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

impl Digest {
    /// A digest that was stored as bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits of either case; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let text = text.as_bytes();
        if text.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        Some(Self(bytes))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn is_of_nothing(&self) -> bool {
        *self == OF_NOTHING
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(const_hex::Buffer::<32>::new().format(&self.0))
    }
}

/// A hashed identifier is personal data still, so `Debug` shows nothing of it.
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(***)")
    }
}

/// Hashes normalized text. Text that is a SHA-256 already (64 hexadecimal digits of either case) passes through.
/// `None` for the empty text and for the hash of the empty text: an empty cell is sent empty.
pub fn hash(normalized: &str) -> Option<Digest> {
    if normalized.is_empty() {
        return None;
    }
    match Digest::from_hex(normalized) {
        Some(given) if given.is_of_nothing() => None,
        Some(given) => Some(given),
        None => Some(Digest(Sha256::digest(normalized.as_bytes()).into())),
    }
}

#[cfg(test)]
mod tests {
    use super::{Digest, OF_NOTHING, hash};
    use sha2::{Digest as _, Sha256};

    #[test]
    fn meta_s_printed_hash_comes_out() {
        let printed = "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79";
        assert_eq!(hash("mary@example.com").unwrap().to_string(), printed);
        assert_eq!(hash(&printed.to_uppercase()).unwrap().to_string(), printed);
        let digest = hash(printed).unwrap();
        assert_eq!(Digest::from_bytes(*digest.as_bytes()), digest);
        assert_eq!(format!("{digest:?}"), "Digest(***)");
    }

    #[test]
    fn nothing_has_no_hash() {
        let of_nothing: [u8; 32] = Sha256::digest(b"").into();
        assert_eq!(of_nothing, *OF_NOTHING.as_bytes());
        assert_eq!(hash(""), None);
        assert_eq!(hash(&OF_NOTHING.to_string()), None);
    }

    #[test]
    fn only_64_digits_are_a_hash() {
        assert_eq!(Digest::from_hex(&"a".repeat(63)), None);
        assert_eq!(Digest::from_hex(&"g".repeat(64)), None);
        assert_eq!(Digest::from_hex(&"é".repeat(32)), None);
    }
}
