//! What the dashboard needs of the program around it. The binary implements it: it alone knows settings and clients.

use chrono::{DateTime, Utc};
use domain::Explanation;
use persistence::StoreError;
use std::collections::HashMap;
use sync::checks::{CheckResult, Checked};
use sync::{EraseError, ErasePerson, ErasureReceipt, SyncService};

/// One value of the settings page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The variable's name, such as `AUDIENCE_PREFIX`.
    pub name: &'static str,
    /// The name people see.
    pub title: &'static str,
    /// One sentence: what it does and what may be entered.
    pub help: &'static str,
    /// The words to choose from; empty for free text.
    pub choices: &'static [&'static str],
    /// The value in force; empty when none is.
    pub value: String,
    /// Where the value comes from.
    pub source: SettingSource,
    /// What would be in force without a saved value; empty when nothing would.
    pub initial: String,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingSource {
    /// Saved on the settings page: it wins.
    Saved,
    /// The environment.
    Environment,
    /// Nobody set it.
    Default,
}

/// Why changed settings are not in force.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Values that can not be used: the setting's name and what it must be. Nothing was saved.
    #[error("some settings can not be used")]
    Refused(Vec<(String, String)>),
    /// They were saved, but what is saved can not be followed: why, and what to do.
    #[error("the settings are saved, but not in force: {}", .0.message)]
    NotInForce(Explanation),
    /// The database failed, and nothing was saved.
    #[error("the settings could not be saved")]
    Store(#[from] StoreError),
}

/// The e-mail addresses of the environment, for display only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailAddresses {
    /// `SMTP_FROM_EMAIL`.
    pub from: String,
    /// `SMTP_TO_EMAIL`.
    pub to: Vec<String>,
}

/// The recipients of a mail that at least one of them got.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mailed {
    /// Who got it.
    pub to: Vec<String>,
    /// Who did not, and what the mail server said instead.
    pub refused: Vec<(String, Explanation)>,
}

impl Mailed {
    /// The recipients of a mail, and at which places of them, from 0, somebody was refused.
    pub fn new(recipients: Vec<String>, mut refused: HashMap<usize, Explanation>) -> Self {
        let mut mailed = Self::default();
        for (place, address) in recipients.into_iter().enumerate() {
            match refused.remove(&place) {
                Some(why) => mailed.refused.push((address, why)),
                None => mailed.to.push(address),
            }
        }
        mailed
    }
}

/// How a test message fared on each channel that is set up. One that fails does not hide whether the other works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestSent {
    /// Who got it by e-mail, or what the mail server said instead; `None` when e-mail is not set up.
    pub mailed_to: Option<Result<Mailed, Explanation>>,
    /// Whether it was posted to the webhook, or what that said instead; `None` when no webhook is set up.
    pub posted: Option<Result<(), Explanation>>,
}

impl TestSent {
    /// Sentences about what was taken, and for whom it was not; empty when nothing was.
    pub(crate) fn taken(&self) -> String {
        let mailed = self.mailed_to.as_ref().and_then(|mailed| mailed.as_ref().ok()).map(|mailed| {
            let to = mailed.to.join(", ");
            let refused =
                mailed.refused.iter().map(|(to, why)| format!(" Not the one to {to}: {}", why.message));
            format!("The test e-mail to {to} was handed to the mail server.{}", refused.collect::<String>())
        });
        let posted = matches!(self.posted, Some(Ok(())))
            .then(|| "A test message was posted to the webhook.".to_owned());
        mailed.into_iter().chain(posted).collect::<Vec<_>>().join(" ")
    }

    /// What was taken when one of several recipients was refused.
    pub(crate) fn refusal(&self) -> Option<Explanation> {
        let mailed = self.mailed_to.as_ref()?.as_ref().ok()?;
        let (_, first) = mailed.refused.first()?;
        Some(Explanation { message: self.taken(), ..first.clone() })
    }

    /// What was not taken and what was; `None` when every channel took it, if only for some recipients.
    pub(crate) fn problem(&self) -> Option<Explanation> {
        let by_mail = self.mailed_to.as_ref().and_then(|mailed| mailed.as_ref().err());
        let by_webhook = self.posted.as_ref().and_then(|posted| posted.as_ref().err());
        let taken = self.taken();
        let mut problem = match (by_mail, by_webhook) {
            (None, None) => return None,
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (Some(mail), Some(webhook)) => Explanation {
                message: format!("{} {}", mail.message, webhook.message),
                remedy: format!("{} {}", mail.remedy, webhook.remedy),
                ..mail.clone()
            },
        };
        if !taken.is_empty() {
            problem.message = format!("{} {taken}", problem.message);
        }
        Some(problem)
    }
}

/// A customer list at Meta that a sync could replace in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingAudience {
    /// Meta's id, digits.
    pub id: String,
    /// Its name there.
    pub name: String,
}

/// Whether the two threads of the scheduler are at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchedulerState {
    /// The one that begins scheduled runs.
    pub schedule: bool,
    /// The one that sends mails, follows lookalikes and removes people between runs.
    pub upkeep: bool,
}

/// The program around the dashboard. Every method but [`instance_name`](Self::instance_name) may block: call it on a thread
/// for blocking work.
pub trait Installation: Send + Sync + 'static {
    /// Variables without which no sync can run, as far as they are not set. Empty when the setup is complete.
    fn missing_settings(&self) -> Vec<&'static str>;

    /// Whether the environment sets the variable.
    fn is_set(&self, variable: &str) -> bool;

    /// The name of this installation among several. Strangers may ask for it any number of times: it asks nobody.
    fn instance_name(&self) -> Option<String>;

    /// Puts in force what another copy of the service on the same database has saved. Before anything is begun by the
    /// settings, and every minute.
    fn follow_saved_settings(&self) {}

    /// Starts, cancels and looks up; `None` while keys of a vendor are missing.
    fn sync(&self) -> Option<SyncService>;

    /// List id and field of the environment (`GHL_SMART_LIST_ID`, `GHL_LTV_FIELD`), used until a choice is saved. In the
    /// place of the field stands the source of the values when it is none (`LTV_SOURCE`).
    fn initial_choice(&self) -> (Option<String>, Option<String>);

    /// Every setting that can be saved.
    ///
    /// # Errors
    /// The database's error.
    fn settings(&self) -> Result<Vec<Setting>, StoreError>;

    /// Saves values, or goes back to the initial one where the value is `None`. All or none; in force at once, for a
    /// running sync from its next run on.
    ///
    /// # Errors
    /// [`SettingsError::Refused`] names every value that can not be used; [`SettingsError::NotInForce`] when they are saved.
    fn change_settings(&self, changes: &[(String, Option<String>)]) -> Result<(), SettingsError>;

    /// Why what another copy has saved can not be in force here; `None` when it is.
    fn not_in_force(&self) -> Option<Explanation>;

    /// The next times of the schedule, soonest first, whether it is enabled or not.
    fn next_runs(&self, count: usize) -> Vec<DateTime<Utc>>;

    /// Whether runs begin by themselves, and what waits between them goes on; `None` before the scheduler is started.
    fn scheduler(&self) -> Option<SchedulerState>;

    /// Erases a person: out of every list at Meta, out of the records here, out of all later syncs.
    ///
    /// # Errors
    /// [`EraseError::Unusable`] when nobody can be found by what was given.
    fn erase(&self, who: &ErasePerson) -> Result<ErasureReceipt, EraseError>;

    /// One cheap real call to the service.
    fn check(&self, service: Checked) -> CheckResult;

    /// The value-based customer lists of the ad account, as Meta has them now.
    ///
    /// # Errors
    /// What to show: the settings that are missing, or Meta's reason.
    fn audiences(&self) -> Result<Vec<ExistingAudience>, Explanation>;

    /// Whom mails come from and go to; `None` when e-mail is not set up.
    fn mail_addresses(&self) -> Option<MailAddresses>;

    /// Sends a test message on every channel that is set up, and returns how it fared on each.
    ///
    /// # Errors
    /// What to show: that none is set up, or why there is no message to send.
    fn send_test_mail(&self) -> Result<TestSent, Explanation>;
}

#[cfg(test)]
mod tests {
    use super::{Mailed, TestSent};
    use domain::Explanation;

    #[test]
    fn a_test_message_is_told_for_each_channel_whatever_became_of_the_other() {
        let mailed = || {
            let to = vec!["ann@example.com".to_owned(), "bob@example.com".to_owned()];
            Ok(Mailed { to, refused: vec![] })
        };
        let refused =
            |words: &str| Explanation::new(format!("{words} refused it."), format!("Mend {words}."));
        let told = |mailed_to, posted| {
            let sent = TestSent { mailed_to, posted };
            (sent.taken(), sent.problem().map(|problem| (problem.message, problem.remedy)))
        };
        let by_mail = "The test e-mail to ann@example.com, bob@example.com was handed to the mail server.";
        let by_webhook = "A test message was posted to the webhook.";
        let no_mail = || Some(Err(refused("The server").with_code("550")));
        let no_webhook = || Some(Err(refused("The webhook")));
        let of = |message: &str, remedy: &str| Some((message.to_owned(), remedy.to_owned()));
        assert_eq!(told(Some(mailed()), None), (by_mail.to_owned(), None));
        assert_eq!(told(None, Some(Ok(()))), (by_webhook.to_owned(), None));
        assert_eq!(told(Some(mailed()), Some(Ok(()))), (format!("{by_mail} {by_webhook}"), None));
        assert_eq!(
            told(no_mail(), Some(Ok(()))),
            (by_webhook.to_owned(), of(&format!("The server refused it. {by_webhook}"), "Mend The server."))
        );
        assert_eq!(
            told(Some(mailed()), no_webhook()),
            (by_mail.to_owned(), of(&format!("The webhook refused it. {by_mail}"), "Mend The webhook."))
        );
        assert_eq!(
            told(no_mail(), no_webhook()),
            (
                String::new(),
                of("The server refused it. The webhook refused it.", "Mend The server. Mend The webhook.")
            )
        );
        let both = TestSent { mailed_to: no_mail(), posted: no_webhook() };
        assert_eq!(both.problem().unwrap().provider_code.as_deref(), Some("550"));
    }

    #[test]
    fn a_refused_recipient_is_told_beside_those_who_got_it() {
        let why = Explanation::new("The server refused it.", "Mend the address.").with_code("550");
        let recipients = ["bob@example.com", "ann@example.com"].map(str::to_owned).to_vec();
        let mailed = Mailed::new(recipients, [(0, why)].into());
        let sent = TestSent { mailed_to: Some(Ok(mailed)), posted: None };
        let told = sent.refusal().unwrap();
        assert_eq!(
            (told.message.as_str(), told.remedy.as_str(), told.provider_code.as_deref()),
            (
                "The test e-mail to ann@example.com was handed to the mail server. Not the one to bob@example.com: The \
                 server refused it.",
                "Mend the address.",
                Some("550")
            )
        );
        assert_eq!(sent.problem(), None, "the channel works");
        assert_eq!(TestSent { mailed_to: Some(Ok(Mailed::default())), posted: None }.refusal(), None);
    }
}
