//! The dashboard: pages a person opens in a browser, also from the links in the mails.
//!
//! Owns the URL table (`routes.rs`), the pages and what they say, and the protection of a service without a login on a
//! local network: the `Host` check, the content security policy, and no address or phone number in full. So far it only
//! reads. Refuses to talk to any vendor, and never blocks one of its own workers: whatever the database does runs on the
//! threads that actix keeps for blocking work.

mod app;
mod assets;
mod error;
mod headers;
mod host;
mod pages;
mod problem;
mod routes;
mod server;
mod settings;
mod wording;

pub use error::WebError;
pub use server::{RunningServer, start};
pub use settings::WebSettings;
