//! The dashboard for people, opened in a browser or from the links in the mails, and the JSON API for programs.
//!
//! Owns the URL table (`routes.rs`), the pages and what they say, the JSON API with its documentation, the login, and the
//! protection of a service on a local network: the `Host` and `Origin` checks, the tokens of forms, the content security
//! policy, and no address or phone number in full. Refuses to talk to any vendor itself, to know settings and clients (the
//! program around it is an [`Installation`]), and to block one of its own workers: whatever waits for the database or a
//! vendor runs on the threads that actix keeps for blocking work.

mod actions;
mod api;
mod app;
mod assets;
mod audiences;
mod auth;
mod base;
mod body;
mod connections;
mod csrf;
mod error;
mod etag;
mod headers;
mod history;
mod host;
mod in_context;
mod installation;
mod meta_check;
mod network;
mod next_run;
mod openapi;
mod pages;
mod previews;
mod problem;
mod random;
mod routes;
mod server;
mod settings;
mod unread;
mod wording;

pub use error::WebError;
pub use installation::{
    ExistingAudience, Installation, MailAddresses, Mailed, SchedulerState, Setting, SettingSource,
    SettingsError, TestSent,
};
pub use next_run::NextRun;
pub use server::{RunningServer, start};
pub use settings::{ClientLimits, WebSettings};
