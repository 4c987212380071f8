//! The mails about a run.

use crate::error::MailError;
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use domain::foreign_text::{LONGEST, one_line};
use domain::ranking::RankingReport;
use domain::run::{Lookalike, LookalikeStatus, Matched};
use domain::{Bucket, Run, RunId};

/// Longest message of a failure, which quotes a provider inside our own sentence.
const MESSAGE_LIMIT: usize = 1000;

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
}

/// The kind of the one mail that tells how a run ended.
pub const OUTCOME: &str = "outcome";

/// The kind of the mail that tells that no lookalike of the run waits any more: each is created or given up.
pub const LOOKALIKES_SETTLED: &str = "lookalikes_settled";

/// The kind of the mail that tells that Meta could not build a lookalike it had created: the one at that place of the run,
/// counted from 0. Each has a mail of its own, because Meta may give them up hours apart.
pub fn lookalike_unbuilt(place: usize) -> String {
    format!("lookalike_unbuilt_{}", place + 1)
}

/// The Message-ID of a mail of that kind about that run: the same whenever it is made.
pub fn message_id(context: &MailContext, run: RunId, kind: &str) -> String {
    context.message_id(&format!("run-{run}.{kind}"))
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
    summary: Vec<(&'static str, String)>,
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
    error: String,
    step: Option<&'static str>,
    remedy: Option<String>,
    details: Vec<(&'static str, String)>,
    link: String,
    link_remark: bool,
}

#[derive(Template)]
#[template(path = "mail/lookalikes.txt")]
struct LookalikesText<'a>(&'a Lookalikes);

#[derive(Template)]
#[template(path = "mail/lookalikes.html")]
struct LookalikesHtml<'a>(&'a Lookalikes);

/// What both parts of the mail about lookalikes that came later show.
struct Lookalikes {
    sync: String,
    fates: Vec<String>,
    failed: bool,
    audience: Option<String>,
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
        summary: summary(run),
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
        message_id: message_id(context, run.id, OUTCOME),
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
        message_id: message_id(context, run.id, OUTCOME),
    })
}

/// The mail about the lookalikes of a run that ended before they did: `✅ GHL Meta Sync Lookalike Finished - {date}`, or
/// `❌ GHL Meta Sync Lookalike Failed - {date}` when one failed, with the date of the run. `kind` is
/// [`LOOKALIKES_SETTLED`] or that of a [`lookalike_unbuilt`]; the words tell how each lookalike stands now.
///
/// # Errors
/// [`MailError::Template`] when a template can not be rendered.
pub fn lookalikes(run: &Run, context: &MailContext, kind: &str) -> Result<Mail, MailError> {
    // Others may still be pending.
    let failed = run.lookalikes.iter().any(|lookalike| lookalike.status == LookalikeStatus::Failed);
    let view = Lookalikes {
        sync: context.time(run.started_at),
        fates: run.lookalikes.iter().map(fate).collect(),
        failed,
        audience: run.audience.as_ref().map(|audience| named_id(&audience.name, &audience.id)),
        link: context.run_link(run.id),
        link_remark: !context.public_url_is_set,
    };
    let what =
        if failed { "❌ GHL Meta Sync Lookalike Failed" } else { "✅ GHL Meta Sync Lookalike Finished" };
    Ok(Mail {
        subject: context.subject(what, ended_at(run)),
        text: LookalikesText(&view).render()?,
        html: LookalikesHtml(&view).render()?,
        message_id: message_id(context, run.id, kind),
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
    })
}

impl MailContext {
    /// The domain is one that RFC 2606 keeps free for ever: the id must be unique, nobody has to reach it.
    fn message_id(&self, what: &str) -> String {
        let tag: String = self.instance_tag.chars().filter(char::is_ascii_alphanumeric).collect();
        format!("<{what}.{tag}@ghl-meta-sync.invalid>")
    }

    /// `{what} - {date}`, and the instance's name when it has one.
    fn subject(&self, what: &str, at: DateTime<Utc>) -> String {
        let date = at.with_timezone(&self.time_zone).format("%Y-%m-%d");
        match self.instance_name.as_deref().map(|name| one_line(name, 80)) {
            Some(name) if !name.is_empty() => format!("{what} - {date} ({name})"),
            _ => format!("{what} - {date}"),
        }
    }

    fn time(&self, at: DateTime<Utc>) -> String {
        format!("{} ({})", at.with_timezone(&self.time_zone).format("%Y-%m-%d %H:%M:%S"), self.time_zone)
    }

    /// `at <time>`; a run whose end was not recorded says when it began instead of an invented time.
    fn ended(&self, run: &Run) -> String {
        match run.completed_at {
            Some(end) => format!("at {}", self.time(end)),
            None => format!("(started at {})", self.time(run.started_at)),
        }
    }

    fn address(&self) -> &str {
        self.public_url.trim_end_matches('/')
    }

    fn run_link(&self, run: RunId) -> String {
        format!("{}/sync/{run}", self.address())
    }
}

fn ended_at(run: &Run) -> DateTime<Utc> {
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
    let (count, rate) = (matched.count_text(), matched.rate_text(sent));
    // Both say "not reported by Meta" when they do not know; once is enough.
    if count == rate || sent == 0 { count } else { format!("{count} ({rate})") }
}

fn lookalike_line(lookalike: &Lookalike) -> String {
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

/// One lookalike with its country and size, how it stands and why.
fn fate(lookalike: &Lookalike) -> String {
    let Lookalike { country, ratio_percent, status, .. } = lookalike;
    let stands = match status {
        LookalikeStatus::Created => "created",
        LookalikeStatus::Pending => "still pending",
        LookalikeStatus::Failed => "failed",
        LookalikeStatus::None => "not asked for",
    };
    let note = lookalike.note.as_deref().map(|note| format!(". {}", one_line(note, MESSAGE_LIMIT)));
    let place = format!("{}, {ratio_percent}%", one_line(country, LONGEST));
    format!("{stands}: {}, {place}{}", lookalike_line(lookalike), note.unwrap_or_default())
}

fn named_id(name: &str, id: &str) -> String {
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
