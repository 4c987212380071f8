//! The checklist of what is still missing before a sync can run, here and at Meta. `GET /fragments/setup` for htmx.

use super::choice::Choice;
use super::layout::Layout;
use super::linked::{Part, linked};
use super::standing::Standing;
use super::{polled, see_other, wants_fragment};
use crate::app::App;
use crate::meta_check::{self, Known};
use crate::problem::Problem;
use crate::wording::{Badge, Moment};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use domain::Explanation;
use std::time::Duration;

/// A page asks this often whether the check that is under way has ended.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Where what is missing is put, and what to do then.
const WHERE_TO: &str = "in the .env file or Unraid's form and start the service again.";

const META: &str = "Meta";
const CLAUDE: &str = "Claude";

/// A service that a sync needs.
struct Service {
    name: &'static str,
    /// What it is for.
    purpose: &'static str,
    /// The variables it needs, and where their values are found: in the words of the guide to the keys.
    variables: &'static [(&'static str, &'static str)],
}

const SERVICES: [Service; 3] = [
    Service {
        name: "GoHighLevel",
        purpose: "Contacts are read from it.",
        variables: &[
            ("GHL_API_KEY", "The token is made in the sub-account under Settings → Private Integrations."),
            (
                "GHL_LOCATION_ID",
                "The location id is the part behind location/ in the browser's address of the sub-account.",
            ),
        ],
    },
    Service {
        name: META,
        purpose: "Audiences are made in its ad account.",
        variables: &[
            (
                "META_ACCESS_TOKEN",
                "The token is made at https://business.facebook.com/settings under Users → System users.",
            ),
            (
                "META_AD_ACCOUNT_ID",
                "The account id is act_ and the digits behind act= in the address of https://adsmanager.facebook.com/.",
            ),
        ],
    },
    Service {
        name: CLAUDE,
        purpose: "It ranks the lifetime values.",
        variables: &[(
            "CLAUDE_API_KEY",
            "The key is made at platform.claude.com under API keys; with NORMALIZER=local none is needed.",
        )],
    },
];

const DONE: Badge = Badge { class: "ok", icon: "✓", word: "Done" };
const MISSING: Badge = Badge { class: "warn", icon: "○", word: "Missing" };
const OPTIONAL: Badge = Badge { class: "idle", icon: "○", word: "Optional" };
const PROBLEM: Badge = Badge { class: "bad", icon: "✕", word: "Problem" };
const NOTE: Badge = Badge { class: "warn", icon: "⚠", word: "Note" };

/// How the sentences of a check begin that ask for attention soon.
const WARNING: &str = "Warning: ";

/// The checklist; it disappears once nothing is missing and nothing is wrong at Meta.
pub(super) struct Setup {
    pub(super) lines: Vec<Line>,
    /// When Meta was checked.
    pub(super) checked: Option<Moment>,
    /// Seconds after which the page asks again; only while a check is under way.
    pub(super) ask_again: Option<u64>,
}

#[derive(Template)]
#[template(path = "partials/setup.html")]
struct SetupPart {
    layout: Layout,
    setup: Setup,
}

/// One thing to set up.
pub(super) struct Line {
    pub(super) badge: Badge,
    pub(super) name: &'static str,
    pub(super) reason: Vec<Part>,
    /// Address and text of the way there.
    pub(super) link: Option<(&'static str, &'static str)>,
}

pub(crate) async fn show(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if !wants_fragment(&request) {
        return Ok(see_other("/"));
    }
    let (standing, mail_is_set_up) =
        app.blocking(|app| Ok((Standing::read(app)?, app.installation.mail_addresses().is_some()))).await?;
    let setup = Setup::new(&app, &standing, mail_is_set_up);
    polled(&request, &SetupPart { layout: Layout::new(&app, &request, "/", "", &standing), setup })
}

impl Setup {
    /// Has Meta checked in the background when what is known of it is old.
    pub(super) fn new(app: &web::Data<App>, standing: &Standing, mail_is_set_up: bool) -> Self {
        let known = meta_check::look(app, &standing.missing, standing.latest.as_ref());
        let mut lines = steps(standing, mail_is_set_up);
        if lines.iter().all(|line| line.badge != MISSING) {
            lines.clear();
        }
        let found = found_at_meta(&known);
        if found.iter().any(|line| line.badge == PROBLEM) {
            lines.retain(|line| line.name != META);
        }
        lines.extend(found);
        Self {
            lines,
            checked: known.last.map(|(_, at)| standing.wording.minute(at)),
            ask_again: known.under_way.then_some(ASKED_AGAIN_AFTER.as_secs()),
        }
    }
}

/// Everything that has to be set or chosen, done or not.
fn steps(standing: &Standing, mail_is_set_up: bool) -> Vec<Line> {
    let missing = &standing.missing;
    let mut lines: Vec<Line> = SERVICES
        .iter()
        .filter(|service| service.name != CLAUDE || !standing.ranked_here)
        .map(|service| service.line(missing))
        .collect();
    // A variable this table does not know is not to be hidden.
    let known = |name: &str| {
        SERVICES.iter().flat_map(|service| service.variables).any(|(variable, _)| *variable == name)
    };
    lines.extend(
        missing
            .iter()
            .filter(|name| !known(name))
            .map(|name| Line::new(MISSING, name, &format!("Set it {WHERE_TO}"), None)),
    );
    lines.extend(chosen(&standing.choice));
    lines.push(if mail_is_set_up {
        Line::new(
            DONE,
            "E-mail",
            "A mail tells how each sync ended, unless the settings page (E-mails) says otherwise.",
            Some(("#mail", "Send a test")),
        )
    } else {
        let reason = "Set SMTP_HOST, SMTP_FROM_EMAIL and SMTP_TO_EMAIL to be told how syncs ended.";
        Line::new(OPTIONAL, "E-mail", reason, None)
    });
    lines
}

/// What the latest check of Meta has against a sync, and what it warns of.
fn found_at_meta(known: &Known) -> Vec<Line> {
    let Some((result, _)) = &known.last else { return vec![] };
    let problem = |problem: &Explanation| {
        let mut line = Line::new(PROBLEM, META, &problem.message, None);
        line.reason.extend(linked(&format!(" {}", problem.remedy)));
        line
    };
    let warnings = result.found.iter().filter_map(|sentence| sentence.strip_prefix(WARNING));
    let note = |warning| Line { reason: linked(&capitalized(warning)), ..Line::new(NOTE, META, "", None) };
    result.problems.iter().map(problem).chain(warnings.map(note)).collect()
}

fn capitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

impl Line {
    /// The reason as it is, without links of its own.
    fn new(
        badge: Badge,
        name: &'static str,
        reason: &str,
        link: Option<(&'static str, &'static str)>,
    ) -> Self {
        let reason = vec![Part { text: reason.to_owned(), is_address: false }];
        Self { badge, name, reason, link }
    }
}

impl Service {
    fn line(&self, missing: &[&str]) -> Line {
        let absent: Vec<_> = self.variables.iter().filter(|(name, _)| missing.contains(name)).collect();
        let Self { name, purpose, .. } = *self;
        if absent.is_empty() {
            return Line::new(DONE, name, purpose, Some(("/connections", "Test the connection")));
        }
        let names: Vec<&str> = absent.iter().map(|(name, _)| *name).collect();
        let places: String = absent.iter().map(|(_, place)| format!(" {place}")).collect();
        let reason = format!("{purpose} Set {} {WHERE_TO}{places}", names.join(" and "));
        Line { reason: linked(&reason), ..Line::new(MISSING, name, "", None) }
    }
}

fn chosen(choice: &Choice) -> [Line; 2] {
    let line = |name, done: bool, reason: &str| {
        let badge = if done { DONE } else { MISSING };
        Line::new(badge, name, reason, (!done).then_some(("#configuration", "Choose it")))
    };
    [
        line("Smart List", choice.list.is_some(), "Its contacts become the custom audience."),
        line("Lifetime value field", choice.field.is_some(), "It says what each customer is worth."),
    ]
}
