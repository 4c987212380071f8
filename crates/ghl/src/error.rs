//! Everything that can go wrong while reading a location, and its words for the user.

use crate::refusal::{Meaning, Refusal};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Cancelled, Explain, Explanation};
use http_client::{TransportError, TransportFault};

/// Why something could not be read from GoHighLevel. Names contacts by id only.
#[derive(Debug, thiserror::Error)]
pub enum GhlError {
    /// No complete reply came.
    #[error("no reply came from GoHighLevel")]
    Transport(#[from] TransportError),
    /// A reply with a status other than 2xx.
    #[error("GoHighLevel refused to {} (status {})", .0.doing, .0.status)]
    Refused(Box<Refusal>),
    /// A success whose body is not what the API documents.
    #[error("the reply to the attempt to {doing} has an unknown form ({reason})")]
    Unreadable {
        /// What was being done, such as `read the contacts`.
        doing: &'static str,
        /// Where reading stopped; never text of the reply.
        reason: String,
    },
    /// One contact has a form this program does not know. It is not skipped, because then it would be lost silently.
    #[error("the contact {contact} can not be read: {reason}")]
    UnreadableContact {
        /// Its id, or its place when it has none.
        contact: String,
        /// Which field; never what stands in it.
        reason: String,
    },
    /// One opportunity has a form this program does not know. It is not skipped, because its contact would be worth less.
    #[error("the opportunity {opportunity} can not be read: {reason}")]
    UnreadableOpportunity {
        /// Its id, or its place when it has none.
        opportunity: String,
        /// Which field; never what stands in it.
        reason: String,
    },
    /// A page that is not the last has no cursor to continue behind.
    #[error("GoHighLevel sent a page without the cursor of the next one after {read} of {total} contacts")]
    MissingCursor {
        /// Contacts read so far.
        read: u64,
        /// Contacts in the list.
        total: u64,
    },
    /// A cursor came twice, so the pages would never end.
    #[error("GoHighLevel sent the same cursor twice after {read} of {total} contacts")]
    RepeatedCursor {
        /// Contacts read so far.
        read: u64,
        /// Contacts in the list.
        total: u64,
    },
    /// The pages ended before as many contacts came as the list holds.
    #[error("GoHighLevel ended the list after {read} of {total} contacts")]
    Incomplete {
        /// Contacts read.
        read: u64,
        /// Contacts in the list, as the last page said.
        total: u64,
    },
    /// The address of the next page is on another server, to which the key must not go.
    #[error("the page behind {read} of {total} contacts is on another server")]
    ForeignPage {
        /// Contacts read so far.
        read: u64,
        /// Contacts in the list.
        total: u64,
    },
    /// The run was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl GhlError {
    /// The error as it ends a reading in ranges: whatever may come of the way ranges are asked for is told as an incomplete
    /// list, because a reading by a single cursor may put it right.
    pub(crate) fn met_in_ranges(self, read: u64, total: u64) -> Self {
        let by_ranges = match &self {
            Self::MissingCursor { .. } | Self::RepeatedCursor { .. } => true,
            Self::Refused(refusal) => refusal.meaning == Meaning::Invalid,
            _ => false,
        };
        if !by_ranges {
            return self;
        }
        log::warn!("reading in ranges failed, so the list is read by a single cursor next: {self}");
        Self::Incomplete { read, total }
    }
}

impl Explain for GhlError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Transport(error) => transport(error),
            Self::Refused(refusal) => refused(refusal),
            Self::Unreadable { doing, .. } => Explanation::new(
                format!("GoHighLevel answered the attempt to {doing} in a form this program does not know."),
                "Remove GHL_BASE_URL or correct it if you set it; otherwise update this program, as the API may have \
                 changed.",
            ),
            Self::UnreadableContact { contact, reason } => Explanation::new(
                format!(
                    "The contact {contact} can not be read: {reason}. The list is not used without it, so that nobody \
                     is lost silently."
                ),
                "Open this contact in GoHighLevel, correct or remove the named field, and run again.",
            ),
            Self::UnreadableOpportunity { opportunity, reason } => Explanation::new(
                format!(
                    "The opportunity {opportunity} can not be read: {reason}. The values are not used without it, so that \
                     nobody is ranked too low."
                ),
                "Open this opportunity in GoHighLevel, correct or remove the named field, and run again.",
            ),
            Self::MissingCursor { read, total }
            | Self::RepeatedCursor { read, total }
            | Self::Incomplete { read, total } => Explanation::new(
                format!(
                    "GoHighLevel gave only {read} of the {total} entries of the list and no way to the rest. An \
                     incomplete list is not used."
                ),
                "The list may have changed while it was read: run again in a minute. If it happens again and \
                 GHL_BASE_URL is set, check that address.",
            ),
            Self::ForeignPage { read, total } => Explanation::new(
                format!(
                    "After {read} of the {total} contacts the server at GHL_BASE_URL named a next page on another server. \
                     It was not asked, because it would have been told GHL_API_KEY."
                ),
                "Check GHL_BASE_URL: it must be the address the server itself uses.",
            ),
            Self::Cancelled(_) => {
                Explanation::new("The run was cancelled.", "Start it again when you are ready.")
            }
        }
    }
}

fn transport(error: &TransportError) -> Explanation {
    let remedy = match error.fault {
        TransportFault::Unreachable | TransportFault::Timeout | TransportFault::Broken => {
            "Check the internet connection of this machine and whether GoHighLevel works in the browser, then run again. \
             If GHL_BASE_URL is set, check that address too."
        }
        TransportFault::Tls => {
            "Check the clock of this machine, any proxy in between, and GHL_BASE_URL if it is set."
        }
        TransportFault::TooLarge => {
            "Check GHL_BASE_URL if it is set; the server there does not behave like GoHighLevel."
        }
        TransportFault::Protocol => {
            "Check that GHL_API_KEY holds the token alone, without line breaks or other signs, and that GHL_BASE_URL, if \
             set, is GoHighLevel's address."
        }
    };
    Explanation::new(format!("{error}, so nothing could be read."), remedy)
}

/// `after 2026-11-22 00:00 UTC`, rounded up to the minute.
fn after(time: DateTime<Utc>) -> String {
    let rounded = time + TimeDelta::seconds(59);
    format!("after {} UTC", rounded.format("%Y-%m-%d %H:%M"))
}

/// Where tokens and their scopes are found.
const PLACE: &str = "in GoHighLevel, inside the sub-account, under Settings > Private Integrations";

fn refused(refusal: &Refusal) -> Explanation {
    let doing = refusal.doing;
    let (message, remedy) = match refusal.meaning {
        Meaning::DeadToken => (
            "GoHighLevel does not accept the token in GHL_API_KEY: it is wrong, deleted or expired.".to_owned(),
            format!("Create or rotate the token {PLACE}, put it into GHL_API_KEY and restart."),
        ),
        Meaning::DeadV1Key => (
            "The server at GHL_BASE_URL does not accept GHL_API_KEY as a key of API v1: it is wrong, deleted or another \
             kind of token."
                .to_owned(),
            format!(
                "Put a key of API v1 into GHL_API_KEY and restart. GoHighLevel makes no new ones: without one, remove \
                 GHL_API_VERSION and create a token {PLACE}."
            ),
        ),
        Meaning::MissingScope(scope) => (
            format!("The token in GHL_API_KEY lacks the scope {scope}, which is needed to {doing}."),
            format!("Add the scope {scope} to the integration {PLACE}, and save. GHL_API_KEY stays the same."),
        ),
        Meaning::WrongTokenKind => (
            format!("The token in GHL_API_KEY is of a kind that may not {doing}, for example one of an agency."),
            format!("Create a token {PLACE} (not in the agency), put it into GHL_API_KEY and restart."),
        ),
        Meaning::WrongLocation => (
            "The token in GHL_API_KEY does not belong to the location in GHL_LOCATION_ID, or there is no such location."
                .to_owned(),
            format!(
                "Set GHL_LOCATION_ID to the id of the sub-account the token was made in, or create a token {PLACE} of the \
                 right sub-account, and restart."
            ),
        ),
        Meaning::LocationPaused => (
            "The sub-account of GHL_LOCATION_ID is paused or cancelled, so GoHighLevel gives nothing of it.".to_owned(),
            "Activate the sub-account in GoHighLevel (its agency can) and run again. The token stays the same.".to_owned(),
        ),
        Meaning::Version => (
            "GoHighLevel no longer accepts the version of its API that this program speaks.".to_owned(),
            "Update this program. If GHL_BASE_URL is set, check that address too.".to_owned(),
        ),
        Meaning::Blocked => (
            "A firewall in front of GoHighLevel blocked this program.".to_owned(),
            "Turn off any VPN or proxy of this machine, or check GHL_BASE_URL if it is set, and run again.".to_owned(),
        ),
        Meaning::Invalid => (
            format!("GoHighLevel refused the request to {doing} as invalid."),
            "Check GHL_LOCATION_ID and choose the list and the field again. If it is refused again, report the trace id."
                .to_owned(),
        ),
        Meaning::NotGoHighLevel => (
            format!("The server at GHL_BASE_URL does not know the request to {doing}: it is not GoHighLevel's API, or another version of it."),
            "Remove GHL_BASE_URL and GHL_API_VERSION, or correct them, and restart.".to_owned(),
        ),
        Meaning::Burst => (
            format!("GoHighLevel refused to {doing} because too many calls were made in a few seconds."),
            "Run again in a minute. If other programs use the same token, give this one a GHL_API_KEY of its own."
                .to_owned(),
        ),
        Meaning::DailyLimit => (
            "The number of calls GoHighLevel allows per day is used up for this location.".to_owned(),
            format!(
                "Run again {}. If other programs use the same token, give this one a GHL_API_KEY of its own.",
                refusal.limited_until.map_or_else(|| "tomorrow".to_owned(), after)
            ),
        ),
        Meaning::Trouble => (
            format!("GoHighLevel has trouble at the moment and did not let this program {doing}."),
            "Run again later. If GHL_BASE_URL is set, check that address too.".to_owned(),
        ),
        Meaning::Unknown => (
            format!("GoHighLevel refused to let this program {doing}, for a reason this program does not know."),
            "Check GHL_API_KEY and GHL_LOCATION_ID. If it is refused again, report the trace id.".to_owned(),
        ),
    };
    let message = match refusal.message.as_str() {
        "" => message,
        words => format!("{message} GoHighLevel's words: \"{words}\""),
    };
    Explanation::new(message, remedy).with_code(refusal.code.clone()).with_trace(refusal.trace_id.clone())
}
