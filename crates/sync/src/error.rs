//! What can end a run, and what can refuse to begin one.

mod edge;
mod list;
mod start;

pub use edge::EdgeError;
pub use list::ListError;
pub use start::StartError;

use domain::accounting::Unbalanced;
use domain::error_chain::Chain;
use domain::foreign_text::{LONGEST, one_line};
use domain::run::Failure;
use domain::{Cancelled, Explain, Explanation, RunId};
use std::io;
use std::time::Duration;

/// Why a run ended without success.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A person stopped it.
    #[error("the run was cancelled")]
    Cancelled(#[from] Cancelled),
    /// The service was stopped while it ran.
    #[error("the service was stopped")]
    Stopped,
    /// It took longer than a run may.
    #[error("the run took longer than {} s", .allowed.as_secs())]
    Overdue {
        /// How long it was allowed to take.
        allowed: Duration,
    },
    /// Another process took over: this one did not renew its lease in time.
    #[error("the run lost its lease")]
    LeaseLost,
    /// A service failed.
    #[error("a service failed")]
    Edge(#[source] EdgeError),
    /// The database failed.
    #[error("the database failed")]
    Store(#[from] persistence::StoreError),
    /// The spool file could not be written or read.
    #[error("could not {doing} the spool")]
    Spool {
        /// `write`, `read`, …
        doing: &'static str,
        /// The system's own error.
        #[source]
        source: io::Error,
    },
    /// The list has no contacts.
    #[error("the list `{list}` has no contacts")]
    EmptyList {
        /// Its name.
        list: String,
    },
    /// The saved filter the list is made of was deleted.
    #[error("the list `{list}` was deleted")]
    ListGone {
        /// Its name. Hostile input: escape it.
        list: String,
    },
    /// A chosen pipeline does not exist.
    #[error("the pipeline `{wanted}` does not exist")]
    NoPipeline {
        /// What was chosen.
        wanted: String,
        /// Those there are. Hostile input: escape them.
        known: Vec<String>,
    },
    /// A chosen pipeline is named by a name that several have.
    #[error("`{wanted}` is the name of {} pipelines", .ids.len())]
    AmbiguousPipeline {
        /// What was chosen.
        wanted: String,
        /// Their ids. Hostile input: escape them.
        ids: Vec<String>,
    },
    /// The won opportunities changed whenever they were read.
    #[error("{read} won opportunities were read but there are {counted}")]
    OpportunitiesChanged {
        /// Distinct opportunities read.
        read: u64,
        /// Opportunities the source counts.
        counted: u64,
    },
    /// No contact of the list has a lifetime value.
    #[error("no contact has a lifetime value")]
    NoLtv {
        /// The field's name.
        field: String,
        /// Contacts read.
        fetched: u64,
        /// Contacts whose value is not an amount.
        bad: u64,
    },
    /// Every contact with a value is left out.
    #[error("no contact can be sent")]
    NobodyToSend {
        /// Contacts read.
        fetched: u64,
    },
    /// Far fewer contacts than last time.
    #[error("{sendable} contacts would be sent, {before} were sent last time")]
    ListShrank {
        /// Contacts that would be sent now.
        sendable: u64,
        /// Contacts sent by the last success.
        before: u64,
        /// Whether the conditions of the list are others than then.
        conditions_changed: bool,
    },
    /// The field stands in the run in the words of the environment, because it could not be looked up: what a success under
    /// that key is compared with would never be found again.
    #[error("the custom field {0} was not looked up when the run began")]
    FieldNotLookedUp(String),
    /// The list changed whenever it was read.
    #[error("{read} contacts were read but the list holds {counted}")]
    CountMismatch {
        /// Distinct contacts read.
        read: u64,
        /// Contacts the source counts.
        counted: u64,
    },
    /// Something at Meta must be put right before anything is made there.
    #[error("Meta is not prepared: {}", .0.message)]
    NotPrepared(Explanation),
    /// Meta counted other rows than were sent.
    #[error("{sent} rows were sent but Meta received {received}")]
    RowsLost {
        /// Rows sent.
        sent: u64,
        /// Rows sent again after a lost reply.
        resent: u64,
        /// Rows Meta says it received.
        received: u64,
    },
    /// Meta will not let the audience be used.
    #[error("the audience is unusable: {words}")]
    AudienceUnusable {
        /// Meta's status in plain words.
        words: String,
        /// Meta's status code.
        code: u32,
    },
    /// The chosen audience can not hold values.
    #[error("the audience is not value-based")]
    NotValueBased {
        /// Its name. Hostile input: escape it.
        name: String,
    },
    /// Meta was at work on the audience for longer than anybody waits.
    #[error("Meta is still at work on the audience: {words}")]
    StillBusy {
        /// Meta's status in plain words.
        words: String,
    },
    /// The working files of an unfinished replacement are not on this machine.
    #[error("the working files of run {run} are not here")]
    NoPlan {
        /// The run that began it.
        run: RunId,
    },
    /// Meta refused to remove people from all lists, because too few would be left in one of them.
    #[error("too few people would be left in a list")]
    TooFewWouldBeLeft(#[source] EdgeError),
    /// A row that the uploader refuses: a fault of this program.
    #[error("a row could not be encoded")]
    Row(#[source] meta::RowError),
    /// The run's own code panicked.
    #[error("the run stopped unexpectedly")]
    Panicked,
    /// The buckets do not add up.
    #[error(transparent)]
    Unbalanced(#[from] Unbalanced),
    /// The stored contacts are not those of the account.
    #[error("the stored contacts do not match the account")]
    StoredOtherwise,
}

impl RunError {
    /// The error of a service.
    pub fn edge(error: impl Explain) -> Self {
        Self::Edge(EdgeError::new(error))
    }

    pub(crate) fn count_mismatch(read: u64, counted: u64) -> Self {
        Self::CountMismatch { read, counted }
    }

    pub(crate) fn opportunities_changed(read: u64, counted: u64) -> Self {
        Self::OpportunitiesChanged { read, counted }
    }

    /// Whether Meta says that the audience does not exist (any more), or not for this login.
    pub(crate) fn is_gone_at_meta(&self) -> bool {
        self.of_meta().is_some_and(meta::MetaError::is_gone)
    }

    /// Whether only Meta's limits stood in the way: the same may be done later.
    pub(crate) fn is_limit(&self) -> bool {
        self.of_meta().is_some_and(meta::MetaError::is_limit)
    }

    fn of_meta(&self) -> Option<&meta::MetaError> {
        let Self::Edge(EdgeError(error)) = self else { return None };
        let error: &(dyn std::error::Error + 'static) = &**error;
        error.downcast_ref()
    }

    pub(crate) fn spool(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Spool { doing, source }
    }
}

impl From<EdgeError> for RunError {
    fn from(error: EdgeError) -> Self {
        Self::Edge(error)
    }
}

impl Explain for RunError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Cancelled(_) => Explanation::new(
                "The sync was cancelled before it was complete.",
                "Press Sync now to start again. What was half-finished at Meta is deleted or completed by itself.",
            ),
            Self::Stopped => Explanation::new(
                Failure::STOPPED,
                "Start the service and press Sync now, or wait for the next scheduled run. What was half-finished at Meta is deleted or completed by itself.",
            ),
            Self::Overdue { allowed } => Explanation::new(
                format!(
                    "The sync was not complete after {} hours and was stopped, so that it does not stand in the way of the next one.",
                    (allowed.as_secs_f64() / 360.0).round() / 10.0
                ),
                "Look at the step it was stopped at: a vendor that limits the calls for hours, or a very slow one, is the usual cause. Sync again later; what was half-finished at Meta is deleted or completed by itself.",
            ),
            Self::LeaseLost => Explanation::new(
                "Another copy of this program took over while this one was not answering.",
                "Check that only one copy is meant to run, and that the machine was not suspended.",
            ),
            Self::Edge(error) => error.explain(),
            Self::Store(error) => error.explain(),
            Self::Spool { source, .. } if is_full(source) => Explanation::new(
                format!("The disk is full: a working file of the sync could not be written ({source})."),
                "Free some space on the disk that holds the folder DATA_DIR (a sync needs about a kilobyte for each contact), then sync again.",
            ),
            Self::Spool { source, .. } => Explanation::new(
                format!("A working file could not be written or read ({source})."),
                "Check that the folder of DATA_DIR is writable and that the disk has free space, then sync again.",
            ),
            Self::EmptyList { list } => Explanation::new(
                format!("The Smart List \"{list}\" has no contacts, so nothing was sent to Meta."),
                "Choose another Smart List (GHL_SMART_LIST_ID), or check the tag in GoHighLevel. If the list is really empty, leave the audience as it is.",
            ),
            Self::ListGone { list } => Explanation::new(
                format!("The Smart List \"{list}\" was deleted, so nothing was read and nothing was sent to Meta."),
                "Choose another Smart List on the dashboard (GHL_SMART_LIST_ID).",
            ),
            Self::NoPipeline { wanted, known } => Explanation::new(
                format!("The pipeline \"{wanted}\" does not exist in this GoHighLevel location, so no lifetime value is known."),
                format!("Choose pipelines by name or id in LTV_PIPELINES; there are: {}.", names(known)),
            ),
            Self::AmbiguousPipeline { wanted, ids } => Explanation::new(
                format!("Several pipelines of this GoHighLevel location are named \"{wanted}\", so it is not known whose won opportunities count."),
                format!("Write the id of the one you mean in LTV_PIPELINES: {}.", names(ids)),
            ),
            Self::OpportunitiesChanged { read, counted } => Explanation::new(
                format!("The won opportunities kept changing while they were being read ({read} read, {counted} counted), so the lifetime values were not complete and nothing was sent."),
                "Sync again when no import or bulk action is running in GoHighLevel.",
            ),
            Self::NoLtv { field, fetched, bad } => Explanation::new(
                format!(
                    "None of the {fetched} contacts has a lifetime value in \"{field}\" ({bad} hold something that is not an amount), so nothing was sent to Meta."
                ),
                "Choose the custom field that holds the lifetime value (GHL_LTV_FIELD) or fill it in GoHighLevel, or take the values of won opportunities (LTV_SOURCE=won_opportunities).",
            ),
            Self::NobodyToSend { fetched } => Explanation::new(
                format!("None of the {fetched} contacts can be sent: all are opted out, without a value, or without a usable e-mail or phone."),
                "Look at the counts of this run: they say why each contact was left out.",
            ),
            Self::ListShrank { sendable, before, conditions_changed } => Explanation::new(
                format!(
                    "Only {sendable} contacts would be sent, but the last successful sync sent {before}.{} The sync stopped before touching Meta.",
                    if *conditions_changed { " The conditions of the Smart List were changed since then." } else { "" }
                ),
                format!(
                    "If the list {}, choose {} (or `sync --accept-smaller-list`). Otherwise check the Smart List and the value field.",
                    if *conditions_changed { "is meant to be that small" } else { "really shrank" },
                    Failure::RUN_ANYWAY
                ),
            ),
            Self::FieldNotLookedUp(field) => Explanation::new(
                format!("The field \"{field}\" could not be looked up when the sync began, because GoHighLevel did not answer then."),
                "Press Sync now, or wait for the next scheduled sync.",
            ),
            Self::CountMismatch { read, counted } => Explanation::new(
                format!("The list kept changing while it was being read ({read} contacts read, {counted} counted), so it was not complete and nothing was sent."),
                "Sync again when no import or bulk action is running in GoHighLevel.",
            ),
            Self::NotPrepared(explanation) => explanation.clone(),
            Self::RowsLost { sent, received, .. } => Explanation::new(
                format!("{sent} rows were sent but Meta says it received {received}, so the audience can not be trusted."),
                "Sync again. If it happens again, look at Meta's status page or report it with the run's details.",
            ),
            Self::AudienceUnusable { words, code } => Explanation::new(
                format!("Meta does not let the audience be used: {words}"),
                match code {
                    415 => "Press Sync now, or wait for the next scheduled sync: the whole list is then sent again.",
                    _ => "Open the audience in Ads Manager; when its name or description was flagged, change AUDIENCE_PREFIX or appeal there.",
                },
            )
            .with_code(format!("operation_status {code}")),
            Self::NotValueBased { name } => Explanation::new(
                format!("The audience \"{name}\" was made without values, and Meta can not add them later."),
                "Choose a value-based audience on the settings page (STABLE_AUDIENCE_ID), or leave it empty and let this program make one.",
            ),
            Self::StillBusy { words } => Explanation::new(
                format!("Meta has been at work on the audience for so long that the sync gave up waiting: {words}."),
                "Sync again in an hour or two. If it stays, look at the audience in Ads Manager.",
            ),
            Self::NoPlan { .. } => Explanation::new(
                "The audience was being replaced when the sync was interrupted, and the working files to finish it are not on this machine.",
                "Start the machine on which the sync ran, or sync again: the whole list is then sent anew.",
            ),
            Self::TooFewWouldBeLeft(error) => Explanation {
                message: "Meta keeps at least a minimum of people in an audience, so nobody was removed.".to_owned(),
                remedy: "Nothing needs to be done: it is tried again by itself, and the people are in no later list."
                    .to_owned(),
                ..error.explain()
            },
            Self::Row(_) | Self::Panicked => Explanation::new(
                "The sync stopped because of a fault of this program. What was half-finished at Meta is deleted or completed by itself.",
                "Please report it with the details of this run and the log.",
            ),
            Self::Unbalanced(_) | Self::StoredOtherwise => Explanation::new(
                format!("The account of the contacts does not add up ({}), so the run is not counted as a success.", Chain(self)),
                "This is a fault of this program: please report it with the details of this run.",
            ),
        }
    }
}

/// Whether the disk, its quota or a limit on the size of files leaves no room.
fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// Names of the source in one line; a location may have any number of them.
fn names(known: &[String]) -> String {
    let shown: Vec<String> = known.iter().take(10).map(|name| one_line(name, LONGEST)).collect();
    match (shown.is_empty(), known.len() > shown.len()) {
        (true, _) => "none".to_owned(),
        (_, true) => format!("{}, …", shown.join(", ")),
        _ => shown.join(", "),
    }
}

/// Why nobody was erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// Nobody can be found by what was given. What it was is not repeated.
    #[error("the {what} can not be used: {reason}")]
    Unusable {
        /// `e-mail address`, `phone number` or `contact id`.
        what: &'static str,
        /// What is wrong with it.
        reason: match_keys::Reason,
    },
    /// The database failed in between. Repeating is harmless and finishes what was begun.
    #[error("the erasure failed")]
    Failed(#[from] RunError),
}

impl Explain for EraseError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Unusable { what, reason: match_keys::Reason::NoCountry } => Explanation::new(
                format!(
                    "Nobody can be found by this {what}: it has no country code, and the country of the GoHighLevel location is not known."
                ),
                "Write it with its country code, such as +1 for the United States. Nothing was changed.",
            ),
            Self::Unusable { what, reason } => Explanation::new(
                format!("Nobody can be found by this {what}: it is {reason}."),
                "Check what was typed. Nothing was changed.",
            ),
            Self::Failed(error) => error.explain(),
        }
    }
}
