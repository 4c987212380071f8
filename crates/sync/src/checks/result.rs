//! What is checked, and what a check found.

use domain::Explanation;
use std::time::Duration;

/// What can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Checked {
    /// GoHighLevel.
    Ghl,
    /// Meta.
    Meta,
    /// Claude.
    Claude,
    /// The database.
    Database,
    /// The mail server.
    Smtp,
    /// The webhook of a chat.
    Webhook,
}

impl Checked {
    /// Every service, in the order they are shown.
    pub const ALL: [Self; 6] =
        [Self::Ghl, Self::Meta, Self::Claude, Self::Database, Self::Smtp, Self::Webhook];

    /// Its word in commands and addresses.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ghl => "ghl",
            Self::Meta => "meta",
            Self::Claude => "claude",
            Self::Database => "database",
            Self::Smtp => "smtp",
            Self::Webhook => "webhook",
        }
    }

    /// The service's name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Ghl => "GoHighLevel",
            Self::Meta => "Meta",
            Self::Claude => "Claude",
            Self::Database => "Database",
            Self::Smtp => "E-mail",
            Self::Webhook => "Webhook",
        }
    }
}

/// How far a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The service was called, or could not be although it should.
    Called,
    /// It is set up, and was not called. A webhook never is: whatever it is sent is posted.
    NotCalled,
    /// It is not used, so there was nothing to call.
    NotUsed,
}

/// What a check came to, in one word; whoever shows it chooses the word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Something is wrong.
    Problem,
    /// It was called, and works.
    Works,
    /// It is set up, and was not called.
    NotTried,
    /// What it would do is done without it.
    NotNeeded,
    /// It is not set up, and that is well.
    NotSetUp,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckResult {
    /// The service.
    pub service: Checked,
    /// Whether the service was called.
    pub extent: Extent,
    /// Sentences about what was found, such as the account's name. No secrets. One that asks for attention soon begins
    /// with `Warning:`.
    pub found: Vec<String>,
    /// What is wrong and what to do, each thing for itself; empty when everything is well.
    pub problems: Vec<Explanation>,
    /// How long the calls took together.
    pub latency: Duration,
}

impl CheckResult {
    /// Whether everything is well.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }

    /// What it came to.
    pub fn verdict(&self) -> Verdict {
        match (self.extent, self.service) {
            _ if !self.is_good() => Verdict::Problem,
            (Extent::Called, _) => Verdict::Works,
            (Extent::NotCalled, _) => Verdict::NotTried,
            (Extent::NotUsed, Checked::Claude) => Verdict::NotNeeded,
            (Extent::NotUsed, _) => Verdict::NotSetUp,
        }
    }

    /// How long the calls took together, in whole milliseconds; `None` when there were none.
    pub fn milliseconds(&self) -> Option<u128> {
        (self.extent == Extent::Called).then_some(self.latency.as_millis())
    }
}
