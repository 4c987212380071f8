//! Why the dashboard could not be started.

use domain::{Explain, Explanation};
use persistence::StoreError;
use std::error::Error;
use std::io;
use std::net::SocketAddr;

/// The dashboard could not be started.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The address can not be listened on.
    #[error("could not listen on {address}")]
    Bind {
        /// The address from `WEB_BIND` and `WEB_PORT`.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A setting can not be used.
    #[error("{variable} {problem}")]
    Setting {
        /// The variable to change.
        variable: &'static str,
        /// What is wrong with it, as the rest of a sentence.
        problem: String,
    },
    /// The system gave no thread.
    #[error("could not start the thread of the dashboard")]
    Thread(#[source] io::Error),
    /// The system gave no random numbers, or the password could not be hashed.
    #[error("could not prepare the login of the dashboard")]
    Login(#[source] Box<dyn Error + Send + Sync>),
    /// The database failed.
    #[error("the database failed")]
    Store(#[from] StoreError),
}

impl Explain for WebError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Bind { address, source } => {
                let (ip, port) = (address.ip(), address.port());
                match source.kind() {
                    io::ErrorKind::AddrInUse => Explanation::new(
                        format!(
                            "Port {port} on {ip} is already in use by another program, so the dashboard can not be opened there."
                        ),
                        "Set WEB_PORT to a free port, or stop the other program.",
                    ),
                    io::ErrorKind::PermissionDenied => Explanation::new(
                        format!("This system does not allow the dashboard to listen on port {port}."),
                        "Set WEB_PORT to a port above 1023.",
                    ),
                    io::ErrorKind::AddrNotAvailable => Explanation::new(
                        format!("The address {ip} does not belong to this computer."),
                        "Set WEB_BIND to 127.0.0.1, or to 0.0.0.0 to listen on every address of this computer.",
                    ),
                    _ => Explanation::new(
                        format!("The dashboard can not listen on {address} ({source})."),
                        "Check WEB_BIND and WEB_PORT.",
                    ),
                }
            }
            Self::Setting { variable, problem } => Explanation::new(
                format!("{variable} {problem}."),
                format!("Correct {variable} and start again."),
            ),
            Self::Thread(source) => Explanation::new(
                format!("The dashboard could not be started ({source})."),
                "The system is out of threads or memory; close other programs and start again.",
            ),
            Self::Login(source) => Explanation::new(
                format!("The login of the dashboard could not be prepared ({source})."),
                "The system is out of memory or random numbers; close other programs and start again.",
            ),
            Self::Store(error) => error.explain(),
        }
    }
}
