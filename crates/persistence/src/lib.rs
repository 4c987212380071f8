//! What happened, remembered: Diesel over SQLite or PostgreSQL behind one [`Store`].
//!
//! Owns the tables, the migrations, the lease that lets one run go at a time, the intentions that survive a crash, the
//! outbox of e-mails and webhook messages, the saved settings and filters, who has taken which moment of the schedule, the membership of stable audiences, and
//! the people who left. Every write is a short transaction; whatever two processes could fight over is a compare-and-swap.
//! Refuses to know what a step does, to talk to anything but the database, and to read any clock but the given one.
//!
//! All calls block. Nothing here retries: a connection that broke is replaced by the pool at the next call, and every
//! write can be repeated by the caller (each method says how).
//!
//! A NUL character, which PostgreSQL can not hold in text, is stored as U+FFFD on both engines, so that one odd contact
//! never costs the others.

mod backup;
mod bucket_contacts;
mod configs;
mod connection;
mod contacts;
mod database_url;
mod erasing;
mod error;
mod follow_up;
mod intentions;
mod leases;
mod made_audiences;
mod members;
mod migrate;
mod outbox;
mod person;
mod removals;
mod retention;
mod run_neighbours;
mod run_rows;
mod runs;
mod saved_filters;
mod saved_settings;
mod schedule;
mod schema;
mod sqlite_file;
mod stable_audiences;
mod standing;
mod steps;
mod store;
mod suppression;
mod text;

pub use backup::{back_up, restore};
pub use bucket_contacts::{BucketPart, ContactPlace};
pub use contacts::RunContact;
pub use database_url::{DatabaseUrl, PostgresAddress};
pub use erasing::KnownContact;
pub use error::StoreError;
pub use intentions::{Intention, IntentionOutcome, RemoteKind};
pub use leases::LeaseOutcome;
pub use made_audiences::MadeAudience;
pub use members::Member;
pub use outbox::{MessageState, QueuedMessage};
pub use person::PersonHashes;
pub use removals::{PendingRemoval, Removal, RemovalCause};
pub use saved_filters::{FilterDeletion, SavedFilter};
pub use schedule::SlotClaim;
pub use stable_audiences::{OpenReplacement, StableAudience};
pub use standing::Standing;
pub use store::{Page, Store};
