//! The password, kept as an argon2id hash in memory only.

use crate::problem::Problem;
use crate::random;
use argon2::Argon2;
use domain::Secret;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::sync::{Mutex, PoisonError};

/// Longer ones are not hashed: nobody types them.
const LONGEST: usize = 1024;

/// What is known of the password.
pub(super) struct Password {
    salt: [u8; 16],
    hash: [u8; 32],
    /// Compares in constant time, and makes what [`Self::proven`] holds useless outside this process.
    key: [u8; 32],
    /// The keyed hash of the password once somebody has sent it: programs send it with every request, and argon2 is
    /// slow on purpose. The lock also lets only one argon2, with its 19 MB, run at a time.
    proven: Mutex<Option<[u8; 32]>>,
}

impl Password {
    pub(super) fn new(password: &Secret) -> Result<Self, Problem> {
        let salt = random::bytes()?;
        Ok(Self {
            hash: slow_hash(password.expose().as_bytes(), &salt)?,
            salt,
            key: random::bytes()?,
            proven: Mutex::new(None),
        })
    }

    pub(super) fn is(&self, password: &[u8]) -> Result<bool, Problem> {
        if password.len() > LONGEST {
            return Ok(false);
        }
        let sent = self.keyed(password)?;
        let mut proven = self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(proven) = *proven {
            return self.same(&sent, &proven);
        }
        let is_right = self.same(&slow_hash(password, &self.salt)?, &self.hash)?;
        if is_right {
            *proven = Some(sent);
        }
        Ok(is_right)
    }

    fn keyed(&self, bytes: &[u8]) -> Result<[u8; 32], Problem> {
        Ok(self.mac(bytes)?.finalize().into_bytes().into())
    }

    /// In constant time.
    fn same(&self, one: &[u8; 32], other: &[u8; 32]) -> Result<bool, Problem> {
        Ok(self.mac(one)?.verify_slice(&self.keyed(other)?).is_ok())
    }

    fn mac(&self, bytes: &[u8]) -> Result<Hmac<Sha256>, Problem> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).map_err(|error| Problem::System(error.to_string()))?;
        mac.update(bytes);
        Ok(mac)
    }
}

fn slow_hash(password: &[u8], salt: &[u8]) -> Result<[u8; 32], Problem> {
    let mut hash = [0; 32];
    Argon2::default()
        .hash_password_into(password, salt, &mut hash)
        .map_err(|error| Problem::System(error.to_string()))?;
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Password};
    use domain::Secret;

    #[test]
    fn only_the_password_itself_is_right_before_and_after_it_was_proven() {
        let password = Password::new(&Secret::new("correct horse")).unwrap();
        let wrong = ["", "correct hors", "correct horse ", "Correct horse", &"x".repeat(LONGEST + 1)];
        for _ in 0..2 {
            for text in wrong {
                assert!(!password.is(text.as_bytes()).unwrap(), "{text}");
            }
            assert!(password.is(b"correct horse").unwrap());
        }
    }

    #[test]
    fn the_text_is_not_kept() {
        let password = Password::new(&Secret::new("correct horse")).unwrap();
        assert!(password.proven.lock().unwrap().is_none(), "nobody has sent it yet");
        password.is(b"correct horse").unwrap();
        let proven = password.proven.lock().unwrap().unwrap();
        assert_ne!(&proven[..13], b"correct horse");
        assert_ne!(proven, password.hash);
    }
}
