//! The Marketing API client: customer-list and value-based custom audiences, their uploads, and their lookalikes.
//!
//! Owns everything that is Meta's: addresses and versions, the shapes of requests and replies, what an error code means
//! and whether it may be tried again ([`error_table`]), how a row of an upload is written ([`UserRows`]). Refuses to know
//! contacts, normalization or hashing (rows come in hashed), names and tags of audiences (the caller chooses them), and
//! the order of a run. A match count is only what Meta calls one; `num_received` never is.
//!
//! Reference: <https://developers.facebook.com/documentation/ads-commerce/marketing-api>.

mod account;
mod audience;
mod client;
mod error;
pub mod error_table;
mod integrity;
mod lookalike;
mod pace;
mod paging;
mod patience;
mod refusal;
mod reply;
mod rows;
mod session;
mod settings;
mod status;
mod upload;
mod usage;
mod wire;

pub use account::{AccountStatus, AdAccount, TokenInfo};
pub use audience::{AudienceState, AudienceSummary, NewCustomAudience};
pub use client::MetaClient;
pub use error::{ApiError, ErrorKind, MetaError};
pub use integrity::flagged_words;
pub use lookalike::{LookalikeOutcome, LookalikeSummary, NewLookalike};
pub use refusal::ReplaceRefusal;
pub use rows::{DataProcessing, MAX_ROWS_PER_BATCH, MemberValue, RowError, UserRows};
pub use session::SessionStatus;
pub use settings::{AdAccountId, AdAccountIdError, ApiVersion, ApiVersionError, MetaSettings};
pub use status::OperationStatus;
pub use upload::{InvalidSample, UploadBatch, UploadReceipt};
