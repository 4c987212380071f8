//! How the mail server is reached.

use domain::Secret;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How the connection is encrypted (`SMTP_TLS`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Plain at first, encrypted before anything else is said; usual on port 587. A server that does not offer it is
    /// refused: nothing is ever sent in the clear because somebody removed the offer on the way.
    StartTls,
    /// Encrypted from the first byte; usual on port 465.
    Implicit,
    /// Never encrypted. Only ever by the user's own choice: password and mails can be read on the way.
    None,
}

/// A word that is none of `starttls`, `implicit` and `none`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of starttls, implicit and none")]
pub struct UnknownTls(pub String);

impl FromStr for Tls {
    type Err = UnknownTls;

    fn from_str(word: &str) -> Result<Self, UnknownTls> {
        match word.trim().to_ascii_lowercase().as_str() {
            "starttls" => Ok(Self::StartTls),
            "implicit" => Ok(Self::Implicit),
            "none" => Ok(Self::None),
            _ => Err(UnknownTls(word.to_owned())),
        }
    }
}

impl fmt::Display for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StartTls => "starttls",
            Self::Implicit => "implicit",
            Self::None => "none",
        })
    }
}

/// The `SMTP_*` variables.
#[derive(Clone)]
pub struct MailerSettings {
    /// `SMTP_HOST`: a host name or an IP address.
    pub host: String,
    /// `SMTP_PORT`.
    pub port: u16,
    /// `SMTP_USERNAME`; without one there is no login.
    pub username: Option<String>,
    /// `SMTP_PASSWORD`.
    pub password: Option<Secret>,
    /// `SMTP_FROM_EMAIL`: `a@example.com` or `Name <a@example.com>`.
    pub from: String,
    /// `SMTP_TO_EMAIL`: one entry per recipient.
    pub to: Vec<String>,
    /// `SMTP_TLS`.
    pub tls: Tls,
    /// Longest wait for the connection and for each answer of the server.
    pub timeout: Duration,
}

/// The addresses are personal data, so `Debug` shows only where the server is and how many recipients there are.
impl fmt::Debug for MailerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailerSettings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("login", &self.username.is_some())
            .field("recipients", &self.to.len())
            .field("timeout", &self.timeout)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Tls;

    #[test]
    fn the_words_of_smtp_tls_read_and_write() {
        for tls in [Tls::StartTls, Tls::Implicit, Tls::None] {
            assert_eq!(tls.to_string().parse(), Ok(tls));
        }
        assert_eq!(" STARTTLS ".parse(), Ok(Tls::StartTls));
        assert_eq!(
            "ssl".parse::<Tls>().unwrap_err().to_string(),
            "`ssl` is none of starttls, implicit and none"
        );
    }
}
