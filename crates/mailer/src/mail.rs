//! The mails about a run.

use crate::error::MailError;
use askama::Template;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::foreign_text::{LONGEST, one_line};
use domain::ranking::RankingReport;
use domain::run::{ADS_STAY, Lookalike, LookalikeStatus, Matched, Trigger};
use domain::{Bucket, Run, RunId};

/// Longest message of a failure, which quotes a provider inside our own sentence.
pub(crate) const MESSAGE_LIMIT: usize = 1000;

/// A finished message. Sender and recipients are the mailer's.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// One line.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part, with the same content.
    pub html: String,
    /// `<…@…>`. The same for every attempt to send the same mail, so that mail programs fold doubles.
    pub message_id: String,
    /// Where more about it is found on the dashboard.
    pub link: String,
}

/// What the mails need to know beside the run.
#[derive(Debug, Clone)]
pub struct MailContext {
    /// Where the dashboard is, without a trailing slash: `PUBLIC_URL` or its default.
    pub public_url: String,
    /// Whether `PUBLIC_URL` was set; if not, the mail says that its links work on the server only.
    pub public_url_is_set: bool,
    /// `INSTANCE_NAME`, appended to the subject.
    pub instance_name: Option<String>,
    /// `TZ`, for every time in the mail.
    pub time_zone: Tz,
    /// The random tag of this installation, part of the Message-ID.
    pub instance_tag: String,
    /// `AUDIENCE_MODE=dated`: every run makes an audience of its own, and ad sets stay on theirs.
    pub audience_per_run: bool,
}

/// The kind of the one mail that tells how a run ended.
pub const OUTCOME: &str = "outcome";

/// The Message-ID of a mail of that kind about that run: the same whenever it is made. The run's start is in it, because
/// a database that was restored from a backup gives the numbers of runs again.
pub fn message_id(context: &MailContext, run: &Run, kind: &str) -> String {
    context.message_id(&format!("run-{}-{}.{kind}", run.id, run.started_at.timestamp()))
}

#[derive(Template)]
#[template(path = "mail/success.txt")]
struct SuccessText<'a>(&'a Success);

#[derive(Template)]
#[template(path = "mail/success.html")]
struct SuccessHtml<'a>(&'a Success);

/// What both parts of the success mail show, ready-made.
struct Success {
    ended: String,
    made_up: Option<String>,
    summary: Vec<(&'static str, String)>,
    ads_stay: Option<&'static str>,
    segments: Option<[(&'static str, u64); 3]>,
    fetched: u64,
    buckets: Vec<(&'static str, u64)>,
    changes: Option<String>,
    ranking: Vec<(&'static str, String)>,
    warnings: Vec<String>,
    link: String,
    link_remark: bool,
}

#[derive(Template)]
#[template(path = "mail/failure.txt")]
struct FailureText<'a>(&'a Failed);

#[derive(Template)]
#[template(path = "mail/failure.html")]
struct FailureHtml<'a>(&'a Failed);

/// What both parts of the failure mail show.
struct Failed {
    ended: String,
    made_up: Option<String>,
    error: String,
    step: Option<&'static str>,
    remedy: Option<String>,
    details: Vec<(&'static str, String)>,
    link: String,
    link_remark: bool,
}

#[derive(Template)]
#[template(path = "mail/test.txt")]
struct TestText<'a>(&'a TestMail);

#[derive(Template)]
#[template(path = "mail/test.html")]
struct TestHtml<'a>(&'a TestMail);

struct TestMail {
    at: String,
    link: String,
    link_remark: bool,
}

/// The mail about a run that ended well: `✅ GHL Meta Sync Successful - {date}`.
///
/// # Errors
/// [`MailError::Template`] when a template can not be rendered.
pub fn success(run: &Run, context: &MailContext) -> Result<Mail, MailError> {
    let view = Success {
        ended: context.ended(run),
        made_up: context.made_up(run),
        summary: summary(run),
        ads_stay: context.audience_per_run.then_some(ADS_STAY),
        segments: run.stats.as_ref().map(|stats| {
            [("Top 10%", stats.top), ("Middle 50%", stats.middle), ("Bottom 40%", stats.bottom)]
        }),
        fetched: run.accounting.fetched,
        buckets: buckets(run),
        changes: run.changes.map(|changes| {
            format!(
                "{} contacts added, {} removed since the last successful sync",
                changes.added, changes.removed
            )
        }),
        ranking: ranking(run),
        warnings: warnings(run),
        link: context.run_link(run.id),
        link_remark: !context.public_url_is_set,
    };
    Ok(Mail {
        subject: context.subject("✅ GHL Meta Sync Successful", ended_at(run)),
        text: SuccessText(&view).render()?,
        html: SuccessHtml(&view).render()?,
        message_id: message_id(context, run, OUTCOME),
        link: view.link,
    })
}

/// The mail about a run that failed: `❌ GHL Meta Sync Failed - {date}`.
///
/// # Errors
/// [`MailError::Template`] when a template can not be rendered.
pub fn failure(run: &Run, context: &MailContext) -> Result<Mail, MailError> {
    let failure = run.failure.as_ref();
    let mut details = vec![
        ("Smart List", one_line(&run.config.list_name, LONGEST)),
        ("LTV Field", one_line(&run.config.ltv_field_name, LONGEST)),
        ("Contacts Retrieved", run.contacts_read().to_string()),
    ];
    if let Some(audience) = &run.audience {
        details.push(("Custom Audience", named_id(&audience.name, &audience.id)));
    }
    let code = failure.and_then(|failure| failure.provider_code.as_deref());
    let trace = failure.and_then(|failure| failure.trace_id.as_deref());
    details.extend(code.map(|code| ("Provider Code", one_line(code, LONGEST))));
    details.extend(trace.map(|trace| ("Trace ID", one_line(trace, LONGEST))));
    details.extend(ranking(run));
    let error = match failure {
        Some(failure) => one_line(&failure.message, MESSAGE_LIMIT),
        None => "No reason was recorded.".to_owned(),
    };
    let view = Failed {
        ended: context.ended(run),
        made_up: context.made_up(run),
        error,
        step: failure.map(|failure| failure.step.title()),
        remedy: failure
            .map(|failure| one_line(&failure.remedy, MESSAGE_LIMIT))
            .filter(|text| !text.is_empty()),
        details,
        link: context.run_link(run.id),
        link_remark: !context.public_url_is_set,
    };
    Ok(Mail {
        subject: context.subject("❌ GHL Meta Sync Failed", ended_at(run)),
        text: FailureText(&view).render()?,
        html: FailureHtml(&view).render()?,
        message_id: message_id(context, run, OUTCOME),
        link: view.link,
    })
}

/// A mail that proves the settings. Its Message-ID holds the time, so that no mail program folds it with an
/// earlier one.
///
/// # Errors
/// [`MailError::Template`] when a template can not be rendered.
pub fn test(context: &MailContext, now: DateTime<Utc>) -> Result<Mail, MailError> {
    let view = TestMail {
        at: context.time(now),
        link: context.address().to_owned(),
        link_remark: !context.public_url_is_set,
    };
    Ok(Mail {
        subject: context.subject("GHL Meta Sync test e-mail", now),
        text: TestText(&view).render()?,
        html: TestHtml(&view).render()?,
        message_id: context.message_id(&format!("test-{}", now.timestamp_micros())),
        link: view.link,
    })
}

impl MailContext {
    /// The domain is one that RFC 2606 keeps free for ever: the id must be unique, nobody has to reach it.
    pub(crate) fn message_id(&self, what: &str) -> String {
        let tag: String = self.instance_tag.chars().filter(char::is_ascii_alphanumeric).collect();
        format!("<{what}.{tag}@ghl-meta-sync.invalid>")
    }

    /// `{what} - {date}`, and the instance's name when it has one.
    pub(crate) fn subject(&self, what: &str, at: DateTime<Utc>) -> String {
        self.subject_of_day(what, at.with_timezone(&self.time_zone).date_naive())
    }

    pub(crate) fn subject_of_day(&self, what: &str, date: NaiveDate) -> String {
        match self.instance_name.as_deref().map(|name| one_line(name, 80)) {
            Some(name) if !name.is_empty() => format!("{what} - {date} ({name})"),
            _ => format!("{what} - {date}"),
        }
    }

    pub(crate) fn time(&self, at: DateTime<Utc>) -> String {
        format!("{} ({})", at.with_timezone(&self.time_zone).format("%Y-%m-%d %H:%M:%S"), self.time_zone)
    }

    /// `at <time>`; a run whose end was not recorded says when it began instead of an invented time.
    fn ended(&self, run: &Run) -> String {
        match run.completed_at {
            Some(end) => format!("at {}", self.time(end)),
            None => format!("(started at {})", self.time(run.started_at)),
        }
    }

    /// Which moment of the schedule was missed, for a run that makes up for it.
    fn made_up(&self, run: &Run) -> Option<String> {
        let slot = run.scheduled_for.filter(|_| run.trigger == Trigger::MadeUp)?;
        Some(format!(
            "This sync was made up: the service was not running at {}, when it was due.",
            self.time(slot)
        ))
    }

    pub(crate) fn address(&self) -> &str {
        self.public_url.trim_end_matches('/')
    }

    pub(crate) fn run_link(&self, run: RunId) -> String {
        format!("{}/sync/{run}", self.address())
    }
}

pub(crate) fn ended_at(run: &Run) -> DateTime<Utc> {
    run.completed_at.unwrap_or(run.started_at)
}

fn summary(run: &Run) -> Vec<(&'static str, String)> {
    let audience = match &run.audience {
        Some(audience) => named_id(&audience.name, &audience.id),
        None => "none".to_owned(),
    };
    let mut summary = vec![
        ("Contacts Processed", run.accounting.fetched.to_string()),
        ("Contacts Matched by Meta", matched(&run.matched, run.accounting.sent)),
        ("Custom Audience", audience),
    ];
    if run.lookalikes.is_empty() {
        summary.push(("Lookalike Audience", "none".to_owned()));
    }
    summary.extend(run.lookalikes.iter().map(|lookalike| ("Lookalike Audience", lookalike_line(lookalike))));
    summary
}

fn matched(matched: &Matched, sent: u64) -> String {
    let (count, rate) = (matched.count_text(sent), matched.rate_text(sent));
    // Both say "not reported by Meta" when they do not know; once is enough.
    if count == rate || sent == 0 { count } else { format!("{count} ({rate})") }
}

pub(crate) fn lookalike_line(lookalike: &Lookalike) -> String {
    let name = one_line(&lookalike.name, LONGEST);
    match (lookalike.status, &lookalike.id) {
        (LookalikeStatus::Created, Some(id)) => named_id(&name, id),
        (LookalikeStatus::Created, None) => format!("{name} (ID: not reported by Meta)"),
        (LookalikeStatus::Pending, _) => format!("{name} (pending)"),
        (LookalikeStatus::Failed, Some(id)) => {
            format!("{name} (ID: {}; of no use)", one_line(id, LONGEST))
        }
        (LookalikeStatus::Failed, None) => format!("{name} (not created)"),
        (LookalikeStatus::None, _) => format!("{name} (not asked for)"),
    }
}

pub(crate) fn named_id(name: &str, id: &str) -> String {
    format!("{} (ID: {})", one_line(name, LONGEST), one_line(id, LONGEST))
}

/// Every bucket that holds somebody, and always the one that was sent, which comes first.
fn buckets(run: &Run) -> Vec<(&'static str, u64)> {
    let mut rows = vec![(Bucket::Sent.title(), run.accounting.sent)];
    rows.extend(
        run.accounting
            .buckets()
            .into_iter()
            .filter(|&(bucket, count)| bucket != Bucket::Sent && count > 0)
            .map(|(bucket, count)| (bucket.title(), count)),
    );
    rows
}

/// How the ranks were made, as far as that came.
fn ranking(run: &Run) -> Vec<(&'static str, String)> {
    let facts = run.ranking.iter().flat_map(RankingReport::facts);
    facts.map(|(label, text)| (label, one_line(&text, MESSAGE_LIMIT))).collect()
}

fn warnings(run: &Run) -> Vec<String> {
    let ranking = run.ranking.iter().flat_map(|ranking| &ranking.warnings);
    let mut warnings: Vec<String> = ranking.map(|warning| one_line(warning, MESSAGE_LIMIT)).collect();
    warnings.extend(run.lookalikes.iter().filter_map(|lookalike| {
        let name = one_line(&lookalike.name, LONGEST);
        let note = lookalike.note.as_deref().map(|note| format!(" {}", one_line(note, MESSAGE_LIMIT)));
        let note = note.unwrap_or_default();
        match lookalike.status {
            LookalikeStatus::Pending => Some(format!(
                "The lookalike {name} is pending: Meta has not finished matching the custom audience. It is created as \
                 soon as that is done; you need not do anything.{note}"
            )),
            LookalikeStatus::Failed => Some(format!(
                "The lookalike {name} {}; the custom audience is complete all the same.{note}",
                if lookalike.id.is_some() { "is of no use" } else { "was not created" }
            )),
            LookalikeStatus::Created | LookalikeStatus::None => None,
        }
    }));
    warnings
}
