//! `check`: one cheap real call per service, and what it found.

use crate::failure::{Failed, technical};
use crate::settings::{Environment, Normalizer, Settings};
use crate::terminal::Terminal;
use crate::wiring::{self, Patience};
use crate::{installed, logging};
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use claude::{ClaudeClient, ClaudeSettings};
use domain::{Clock, Explain, Explanation, SystemClock};
use http_client::RetryPolicy;
use mailer::{Mailer, MailerSettings};
use meta::MetaClient;
use persistence::Store;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use sync::GhlApi;
use sync::checks::{Access, CheckResult, Checked, Checkers, Verdict};

#[derive(Debug, Args)]
pub struct CheckOptions {
    /// The service to check.
    #[arg(value_name = "SERVICE", default_value = "all")]
    pub target: CheckTarget,
}

/// One service, or all of them at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckTarget {
    One(Checked),
    All,
}

impl ValueEnum for CheckTarget {
    fn value_variants<'a>() -> &'a [Self] {
        static TARGETS: LazyLock<Vec<CheckTarget>> = LazyLock::new(|| {
            Checked::ALL.into_iter().map(CheckTarget::One).chain([CheckTarget::All]).collect()
        });
        &TARGETS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::One(service) => PossibleValue::new(service.word()).help(service.title()),
            Self::All => PossibleValue::new("all").help("All of them at once"),
        })
    }
}

/// A person waits for the answer: nothing is repeated, and a service that keeps silent is given up soon.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(15);
const ONE_TRY: RetryPolicy =
    RetryPolicy { max_retries: 0, first_wait: Duration::ZERO, longest_wait: Duration::ZERO };

/// Checks one service or all by the settings in force and prints what was found.
///
/// # Errors
/// Exit status 1 when a service has a problem, 2 when a setting or the log can not be used.
pub fn run(options: &CheckOptions, environment: &Environment, terminal: &Terminal) -> Result<(), Failed> {
    let initial = Settings::read(environment)?;
    let _log = logging::start(&initial.log_dir, initial.log_level, false)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let opened = Store::open(&initial.database, clock)
        .and_then(|store| Ok((installed::saved_in_force(environment, &store)?, store)));
    let (settings, store) = match opened {
        Ok((saved, store)) => (Settings::read(&environment.with_saved(&saved))?, Access::Ready(store)),
        // What was saved can not be read; the others are checked all the same.
        Err(error) => (initial, Access::Blocked(error.explain())),
    };
    let meta = wiring::meta(&settings, Patience::AsDocumented);
    let ghl = wiring::ghl(&settings, Patience::AsDocumented);
    let checkers = checkers(&settings, ghl.as_ref(), meta.as_ref(), store);
    let results = match options.target {
        CheckTarget::One(service) => vec![checkers.check(service)],
        CheckTarget::All => checkers.check_all(),
    };
    for line in results.iter().flat_map(lines) {
        terminal.say(&line);
    }
    let bad: Vec<&str> =
        results.iter().filter(|result| !result.is_good()).map(|result| result.service.title()).collect();
    if bad.is_empty() {
        return Ok(());
    }
    Err(Failed::job(format!("There is a problem with {}; see above what to do.", bad.join(", "))))
}

/// The checkers of the settings, with clients that give up soon; those of GoHighLevel and Meta share the limits of the
/// clients they are made from.
pub fn checkers(
    settings: &Settings,
    ghl: Option<&GhlApi>,
    meta: Option<&MetaClient>,
    store: Access<Store>,
) -> Checkers {
    Checkers {
        ghl: ghl.map_or_else(
            || Access::Blocked(missing(settings, "GHL_")),
            |ghl| Access::Ready(impatient_ghl(ghl)),
        ),
        meta: meta.map_or_else(
            || Access::Blocked(missing(settings, "META_")),
            |meta| Access::Ready(impatient(meta)),
        ),
        claude: claude(settings),
        store,
        mailer: settings.smtp.clone().map_or_else(
            || Access::NotUsed("SMTP_HOST is not set: nobody gets e-mails about the runs.".to_owned()),
            mailer,
        ),
        webhook: match settings.webhook {
            Some(_) => Access::Ready(()),
            None => Access::NotUsed("NOTIFY_WEBHOOK_URL is not set: nothing is posted to a chat.".to_owned()),
        },
        clock: Arc::new(SystemClock),
        audience_mode: settings.sync.audience_mode,
        existing_audience: settings.sync.existing_audience.clone(),
    }
}

/// GoHighLevel, asked once.
pub fn impatient_ghl(ghl: &GhlApi) -> GhlApi {
    ghl.impatient(CONNECT_TIMEOUT, TOTAL_TIMEOUT)
}

/// Meta, asked once, and not at all behind a limit that a run has met.
pub fn impatient(meta: &MetaClient) -> Arc<MetaClient> {
    Arc::new(meta.impatient(CONNECT_TIMEOUT, TOTAL_TIMEOUT))
}

fn claude(settings: &Settings) -> Access<Arc<ClaudeClient>> {
    if settings.claude.normalizer == Normalizer::Local {
        return Access::NotUsed(
            "NORMALIZER=local: the ranks are computed here, so Claude is not asked.".to_owned(),
        );
    }
    let Some(key) = settings.claude.api_key.clone() else {
        return Access::Blocked(missing(settings, "CLAUDE_"));
    };
    Access::Ready(Arc::new(ClaudeClient::new(ClaudeSettings {
        connect_timeout: CONNECT_TIMEOUT,
        total_timeout: TOTAL_TIMEOUT,
        retry: ONE_TRY,
        ..ClaudeSettings::new(settings.claude.base_url.clone(), key, &settings.claude.model)
    })))
}

fn mailer(settings: MailerSettings) -> Access<Mailer> {
    access(Mailer::new(MailerSettings { timeout: TOTAL_TIMEOUT, ..settings }))
}

fn access<T, E: Explain>(opened: Result<T, E>) -> Access<T> {
    opened.map_or_else(|error| Access::Blocked(error.explain()), Access::Ready)
}

/// Names the variables of one service that are not set.
pub fn missing(settings: &Settings, prefix: &str) -> Explanation {
    let names: Vec<&str> =
        settings.missing_keys().into_iter().filter(|name| name.starts_with(prefix)).collect();
    let are = if names.len() == 1 { "is" } else { "are" };
    Explanation::new(
        format!("{} {are} not set.", names.join(" and ")),
        "Set it in the environment (or the .env file); the README says where each is found.",
    )
}

/// The service with its state and, when it was called, the latency; and below it what was found.
fn lines(result: &CheckResult) -> Vec<String> {
    let state = match result.verdict() {
        Verdict::Problem => "PROBLEM",
        Verdict::Works => "ok",
        Verdict::NotTried => "not tried",
        Verdict::NotNeeded => "not needed",
        Verdict::NotSetUp => "not set up",
    };
    let head = format!("{:12} {state:10}", result.service.title());
    let mut lines = vec![match result.milliseconds() {
        Some(milliseconds) => format!("{head} {milliseconds:>6} ms"),
        None => head.trim_end().to_owned(),
    }];
    let mut tell = |line: &str| lines.push(format!("    {line}"));
    for sentence in &result.found {
        tell(sentence);
    }
    for problem in &result.problems {
        tell(&problem.message);
        tell(&format!("What to do: {}", problem.remedy));
        for line in technical(problem.provider_code.as_deref(), problem.trace_id.as_deref()) {
            tell(&line);
        }
    }
    lines
}
