//! The checklist of what is still missing before a sync can run.

use super::choice::Choice;
use super::standing::Standing;
use crate::wording::Badge;

/// The services, the variables each needs, and what it is for.
const SERVICES: [(&str, &[&str], &str); 3] = [
    ("GoHighLevel", &["GHL_API_KEY", "GHL_LOCATION_ID"], "Contacts are read from it."),
    ("Meta", &["META_ACCESS_TOKEN", "META_AD_ACCOUNT_ID"], "Audiences are made in its ad account."),
    ("Claude", &["CLAUDE_API_KEY"], "It ranks the lifetime values."),
];

const DONE: Badge = Badge { class: "ok", icon: "✓", word: "Done" };
const MISSING: Badge = Badge { class: "warn", icon: "○", word: "Missing" };
const OPTIONAL: Badge = Badge { class: "idle", icon: "○", word: "Optional" };

/// The checklist; it disappears once nothing is missing.
pub(super) struct Setup {
    pub(super) lines: Vec<Line>,
}

/// One thing to set up.
pub(super) struct Line {
    pub(super) badge: Badge,
    pub(super) name: &'static str,
    pub(super) reason: String,
    /// Address and text of the way there.
    pub(super) link: Option<(&'static str, &'static str)>,
}

impl Setup {
    pub(super) fn new(standing: &Standing, mail_is_set_up: bool) -> Self {
        let missing = &standing.missing;
        let mut lines: Vec<Line> = SERVICES
            .iter()
            .map(|(name, variables, purpose)| service(name, variables, purpose, missing))
            .collect();
        // A variable this table does not know is not to be hidden.
        let known = |name: &str| SERVICES.iter().any(|(_, variables, _)| variables.contains(&name));
        lines.extend(missing.iter().filter(|name| !known(name)).map(|name| Line {
            badge: MISSING,
            name,
            reason: "Set it in the environment and start the service again.".to_owned(),
            link: None,
        }));
        lines.extend(chosen(&standing.choice));
        lines.push(Line {
            badge: if mail_is_set_up { DONE } else { OPTIONAL },
            name: "E-mail",
            reason: if mail_is_set_up {
                "A mail tells how each sync ended.".to_owned()
            } else {
                "Set SMTP_HOST, SMTP_FROM_EMAIL and SMTP_TO_EMAIL to be told how each sync ended.".to_owned()
            },
            link: mail_is_set_up.then_some(("#mail", "Send a test")),
        });
        Self { lines }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.lines.iter().all(|line| line.badge != MISSING)
    }
}

fn service(name: &'static str, variables: &[&'static str], purpose: &str, missing: &[&str]) -> Line {
    let absent: Vec<&str> = variables.iter().filter(|name| missing.contains(name)).copied().collect();
    if absent.is_empty() {
        let link = Some(("/connections", "Test the connection"));
        return Line { badge: DONE, name, reason: purpose.to_owned(), link };
    }
    let reason =
        format!("{purpose} Set {} in the environment and start the service again.", absent.join(" and "));
    Line { badge: MISSING, name, reason, link: None }
}

fn chosen(choice: &Choice) -> [Line; 2] {
    let line = |name, done: bool, reason: &str| Line {
        badge: if done { DONE } else { MISSING },
        name,
        reason: reason.to_owned(),
        link: (!done).then_some(("#configuration", "Choose it")),
    };
    [
        line("Smart List", choice.list.is_some(), "Its contacts become the custom audience."),
        line("Lifetime value field", choice.field.is_some(), "It says what each customer is worth."),
    ]
}
