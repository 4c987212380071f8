//! Mails as people read them, and their way through a mail server that may misbehave.

#![expect(clippy::unwrap_used, reason = "a test that can not set up its world must stop")]

mod delivery;
mod runs;
mod smtp_server;
mod texts;
mod webhook;
