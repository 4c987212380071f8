//! The use cases: one run from fetch to notify, its recovery, and what follows it.
//!
//! Owns the order of the steps, the account of every contact, the guard before Meta is touched, and the rule that
//! nothing half-made is left behind. Talks to the world through the small traits of [`edges`] and the clients; refuses
//! to know SQL, HTTP shapes, pages and the environment.

mod account;
mod catalogue;
pub mod checks;
mod choice;
mod cleanup;
mod delivery;
pub mod edges;
mod ending;
mod error;
mod expiry;
mod follow_up;
mod grouping;
mod lease;
mod leaving;
mod lookalikes;
mod membership;
mod notify;
mod pipeline;
mod preview;
mod progress;
mod reading;
mod recovery;
mod replacement;
mod retention;
mod samples;
mod saved_lists;
mod saving;
pub mod schedule;
#[cfg(test)]
mod scripted_source;
mod service;
mod settings;
mod spool;
mod stable;
mod target;
mod unfinished;
mod upkeep;
mod upload;
mod won;

pub use catalogue::ListInfo;
pub use choice::find_field;
pub use edges::{
    ConditionProblem, ConditionsRefused, ContactList, ContactSource, GhlApi, ListNotOffered, LocalRanker,
    Pipeline, Ranker, SourceList, ValueField, WonOpportunity,
};
pub use error::{EdgeError, EraseError, ListError, RunError, StartError};
pub use ghl::{Entry, PAGING_KEYS, Question};
pub use leaving::{AtMeta, ErasePerson, ErasureReceipt, Leaving};
pub use preview::{Column, LookalikeReach, Preview, Reach};
pub use progress::{NobodyWatches, Watcher};
pub use saved_lists::ConditionField;
pub use service::{Parts, RunHandle, SyncService};
pub use settings::{AudienceMode, LtvSource, NotifyOn, OptOutRule, SyncSettings, ValueMode};
