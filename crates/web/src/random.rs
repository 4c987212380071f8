//! Random numbers that nobody can guess.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The length of a [`token`].
pub(crate) const TOKEN_LENGTH: usize = 43;

/// 256 random bits for a cookie.
///
/// # Errors
/// See [`bytes`].
pub(crate) fn token() -> Result<String, getrandom::Error> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}

/// That many bytes of the system's generator.
///
/// # Errors
/// The system has none; nothing can be kept secret then.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{TOKEN_LENGTH, token};

    #[test]
    fn tokens_differ_and_have_the_stated_length() {
        let (one, other) = (token().unwrap(), token().unwrap());
        assert_ne!(one, other);
        assert_eq!((one.len(), other.len()), (TOKEN_LENGTH, TOKEN_LENGTH));
    }
}
