//! The mails about lookalikes that came later than their run.

use crate::error::MailError;
use crate::mail::{MESSAGE_LIMIT, Mail, MailContext, ended_at, lookalike_line, message_id, named_id};
use askama::Template;
use domain::Run;
use domain::foreign_text::{LONGEST, one_line};
use domain::run::{Lookalike, LookalikeStatus};

/// The kind of the mail that tells that no lookalike of the run waits any more: each is created or given up.
pub const LOOKALIKES_SETTLED: &str = "lookalikes_settled";

/// The kind of the mail that tells that Meta could not build a lookalike it had created: the one at that place of the run,
/// counted from 0. Each has a mail of its own, because Meta may give them up hours apart.
pub fn lookalike_unbuilt(place: usize) -> String {
    format!("lookalike_unbuilt_{}", place + 1)
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
        message_id: message_id(context, run, kind),
        link: view.link,
    })
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
