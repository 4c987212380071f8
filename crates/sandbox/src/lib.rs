//! Simulators of GoHighLevel API 2.0, Meta's Marketing API, Anthropic's Messages API and an SMTP receiver, on loopback,
//! written from the vendors' documents.
//!
//! Owns: what the vendors would answer, the people behind the contacts, a record of everything received, faults and a
//! clock that can be moved. Refuses: any type of our clients (they agree because both follow the documents), any route
//! the product does not call, any address but loopback.

mod announcement;
mod claude;
pub mod clock;
mod control;
pub mod faults;
mod ghl;
pub mod meta;
pub mod people;
pub mod record;
mod sandbox;
mod server;
mod smtp;
mod sorter;
mod tap;
mod temporary;

pub use announcement::{Addresses, Announcement, Credentials};
pub use claude::{ClaudeMode, ClaudeSettings, ModeSetting};
pub use control::Expectations;
pub use ghl::{ContactPatch, GhlSettings, GhlStatePatch, PlannedChange};
pub use people::{Contacts, ContactsError, Expectation};
pub use record::Service;
pub use sandbox::{Sandbox, SandboxError, SandboxSettings, run_blocking};
pub use smtp::{Mail, Mails, SmtpSettings};
