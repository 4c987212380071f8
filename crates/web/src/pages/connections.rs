//! `GET /connections`: what each service needs and whether it is set. The tests make one small real call.

use super::layout::{Layout, PartLayout};
use super::mail::WEBHOOK;
use super::notice::Notice;
use super::standing::Standing;
use super::{html, wants_fragment};
use crate::app::App;
use crate::csrf::CsrfForm;
use crate::problem::Problem;
use crate::wording::Badge;
use actix_web::{HttpRequest, HttpResponse, rt, web};
use askama::Template;
use serde::de::IgnoredAny;
use std::collections::HashMap;
use sync::checks::{CheckResult, Checked, Verdict};

const SET: Badge = Badge { class: "ok", icon: "✓", word: "Set" };
const NOT_SET: Badge = Badge { class: "warn", icon: "○", word: "Not set" };
const NOT_NEEDED: Badge = Badge { class: "idle", icon: "–", word: "Not needed" };
const WORKS: Badge = Badge { class: "ok", icon: "✓", word: "Works" };
const NOT_TRIED: Badge = Badge { class: "idle", icon: "–", word: "Not tried" };
const NOT_SET_UP: Badge = Badge { class: "idle", icon: "–", word: "Not set up" };
const FAILED: Badge = Badge { class: "bad", icon: "✕", word: "Does not work" };

/// A service as the page introduces it.
struct Service {
    checked: Checked,
    purpose: &'static str,
    variables: &'static [&'static str],
}

const SERVICES: [Service; 6] = [
    Service {
        checked: Checked::Ghl,
        purpose: "Contacts and their lifetime values are read from it.",
        variables: &["GHL_API_KEY", "GHL_LOCATION_ID"],
    },
    Service {
        checked: Checked::Meta,
        purpose: "The custom audience and its lookalike are made in its ad account.",
        variables: &["META_ACCESS_TOKEN", "META_AD_ACCOUNT_ID"],
    },
    Service {
        checked: Checked::Claude,
        purpose: "It ranks the lifetime values; every rank is checked.",
        variables: &["CLAUDE_API_KEY"],
    },
    Service { checked: Checked::Database, purpose: "It keeps the syncs and their results.", variables: &[] },
    Service {
        checked: Checked::Smtp,
        purpose: "It tells how syncs ended: every one, unless the settings page (E-mails) says otherwise.",
        variables: &["SMTP_HOST", "SMTP_FROM_EMAIL", "SMTP_TO_EMAIL"],
    },
    Service {
        checked: Checked::Webhook,
        purpose: "It tells the same in a chat such as Slack, Mattermost or Discord.",
        variables: &[WEBHOOK],
    },
];

#[derive(Template)]
#[template(path = "pages/connections.html", blocks = ["services"])]
struct ConnectionsPage {
    layout: Layout,
    services: Vec<ServiceView>,
}

#[derive(Template)]
#[template(path = "partials/service.html")]
struct ServicePart {
    layout: PartLayout,
    service: ServiceView,
}

/// One card.
struct ServiceView {
    /// Its word in addresses and ids.
    slug: &'static str,
    name: &'static str,
    purpose: &'static str,
    variables: Vec<VariableView>,
    remark: Option<&'static str>,
    result: Option<ResultView>,
}

struct VariableView {
    name: &'static str,
    badge: Badge,
}

/// What a test found.
struct ResultView {
    badge: Badge,
    /// As [`Notice::role`].
    role: &'static str,
    /// How long the calls took; `None` when none was made.
    latency: Option<String>,
    found: Vec<String>,
    notices: Vec<Notice>,
}

pub(crate) async fn show(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    page(&app, &request, HashMap::new()).await
}

/// Tests one service.
pub(crate) async fn test(
    app: web::Data<App>,
    request: HttpRequest,
    slug: web::Path<String>,
    _form: CsrfForm<IgnoredAny>,
) -> Result<HttpResponse, Problem> {
    let service = SERVICES.iter().find(|service| service.checked.word() == *slug).ok_or(Problem::NotFound)?;
    let checked = service.checked;
    let result = app.blocking(move |app| Ok(check(app, checked))).await?;
    if !wants_fragment(&request) {
        return page(&app, &request, HashMap::from([(checked, result)])).await;
    }
    let set = app.blocking(|app| Ok(WhatIsSet::read(app, Standing::read(app)?.ranked_here))).await?;
    html(&ServicePart { layout: PartLayout::new(&app, &request), service: service.view(&set, Some(result)) })
}

/// Blocks.
fn check(app: &App, service: Checked) -> CheckResult {
    let result = app.installation.check(service);
    if service == Checked::Meta {
        app.meta_check.learn(result.clone());
    }
    result
}

/// Tests all services at once.
pub(crate) async fn test_all(
    app: web::Data<App>,
    request: HttpRequest,
    _form: CsrfForm<IgnoredAny>,
) -> Result<HttpResponse, Problem> {
    let checks = SERVICES.map(|service| {
        let app = app.clone();
        let check = async move { app.blocking(move |app| Ok(check(app, service.checked))).await };
        (service.checked, rt::spawn(check))
    });
    let mut results = HashMap::new();
    for (checked, check) in checks {
        let result = check.await.map_err(|lost| Problem::System(lost.to_string()))??;
        results.insert(checked, result);
    }
    page(&app, &request, results).await
}

async fn page(
    app: &web::Data<App>,
    request: &HttpRequest,
    mut results: HashMap<Checked, CheckResult>,
) -> Result<HttpResponse, Problem> {
    let (standing, set) = app
        .blocking(|app| {
            let standing = Standing::read(app)?;
            let set = WhatIsSet::read(app, standing.ranked_here);
            Ok((standing, set))
        })
        .await?;
    let services =
        SERVICES.iter().map(|service| service.view(&set, results.remove(&service.checked))).collect();
    let layout = Layout::new(app, request, "/connections", "Connections", &standing);
    let page = ConnectionsPage { layout, services };
    if wants_fragment(request) { html(&page.as_services()) } else { html(&page) }
}

/// Which variables are set.
struct WhatIsSet {
    variables: Vec<&'static str>,
    mail: bool,
    ranked_here: bool,
}

impl WhatIsSet {
    /// Blocks.
    fn read(app: &App, ranked_here: bool) -> Self {
        let all = SERVICES.iter().flat_map(|service| service.variables).copied();
        Self {
            variables: all.filter(|name| app.installation.is_set(name)).collect(),
            mail: app.installation.mail_addresses().is_some(),
            ranked_here,
        }
    }

    fn badge(&self, service: Checked, variable: &str) -> Badge {
        match service {
            Checked::Claude if self.ranked_here => NOT_NEEDED,
            _ if self.variables.contains(&variable) => SET,
            _ => NOT_SET,
        }
    }

    fn remark(&self, service: Checked) -> Option<&'static str> {
        match service {
            Checked::Claude if self.ranked_here => Some("The ranks are computed here (NORMALIZER is local)."),
            Checked::Smtp if !self.mail => {
                Some("E-mail is optional; without it and without a webhook nobody is told how a sync ended.")
            }
            Checked::Webhook if !self.variables.contains(&WEBHOOK) => Some("A webhook is optional."),
            Checked::Database => Some(
                "DATABASE_URL or POSTGRES_HOST chooses a PostgreSQL server; without them the data is kept in a file below DATA_DIR.",
            ),
            _ => None,
        }
    }
}

impl Service {
    fn view(&self, set: &WhatIsSet, result: Option<CheckResult>) -> ServiceView {
        let variable = |name: &&'static str| VariableView { name, badge: set.badge(self.checked, name) };
        ServiceView {
            slug: self.checked.word(),
            name: self.checked.title(),
            purpose: self.purpose,
            variables: self.variables.iter().map(variable).collect(),
            remark: set.remark(self.checked),
            result: result.map(ResultView::new),
        }
    }
}

impl ResultView {
    fn new(result: CheckResult) -> Self {
        Self {
            badge: match result.verdict() {
                Verdict::Problem => FAILED,
                Verdict::Works => WORKS,
                Verdict::NotTried => NOT_TRIED,
                Verdict::NotNeeded => NOT_NEEDED,
                Verdict::NotSetUp => NOT_SET_UP,
            },
            role: if result.is_good() { "status" } else { "alert" },
            latency: result.milliseconds().map(|milliseconds| format!("{milliseconds} ms")),
            found: result.found,
            notices: result.problems.into_iter().map(Notice::refused).collect(),
        }
    }
}
