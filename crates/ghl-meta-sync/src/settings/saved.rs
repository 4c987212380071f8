//! What can be saved on the settings page. Secrets and connections live in the environment only.

use super::Environment;
use super::reader::DEFAULT_SCHEDULE;
use std::collections::HashMap;
use web::{Setting, SettingSource};

/// Name, title, help, words to choose from, and the value when nobody sets it.
type Entry = (&'static str, &'static str, &'static str, &'static [&'static str], &'static str);

const SAVABLE: &[Entry] = &[
    (
        "SYNC_SCHEDULE_CRON",
        "Schedule",
        "When the sync runs by itself: minute, hour, day, month, weekday, such as `0 2 * * *` for every day at two.",
        &[],
        DEFAULT_SCHEDULE,
    ),
    (
        "TZ",
        "Time zone",
        "The zone of the schedule, of every time shown and of the date in audience names, such as Europe/Berlin.",
        &[],
        "UTC",
    ),
    (
        "AUDIENCE_MODE",
        "New or same audience",
        "stable (recommended): one audience for ever, whose people every sync replaces. Ad sets keep pointing at it, \
         their learning phase does not begin anew, and it never nears the limit of 500 audiences per ad account. dated: \
         every sync makes an audience named with the day; each has to be chosen in the ad sets by hand, and old ones are \
         cleaned up.",
        &["dated", "stable"],
        "dated",
    ),
    (
        "STABLE_AUDIENCE_ID",
        "Use an existing audience",
        "For `stable` only: the audience of the ad account that every sync replaces, instead of one that is created. It must \
         be value-based. All people who are in it now are replaced by those of the list.",
        &[],
        "",
    ),
    (
        "AUDIENCE_KEEP",
        "Newest audiences to keep",
        "For `dated` only: clean-up deletes older audiences, but never this many of the newest, never one that it did not \
         make, and never one that an ad uses or excludes, itself or through its lookalike: deleting it would stop the ad \
         for ever. From 1 to 400.",
        &[],
        "14",
    ),
    (
        "VALUE_MODE",
        "Value sent to Meta",
        "percentile: everybody's rank from 1 to 100, in equal steps. It is robust: one mistyped or huge amount changes \
         nothing for the others. Right for most lists. scaled: the amount itself in proportion, so that a customer who \
         paid ten times as much counts ten times as much; amounts beyond the 99th percentile are capped, so that one very \
         large customer does not drown the rest. Right when the amounts are exact and a few good customers bring most of \
         the money.",
        &["percentile", "scaled"],
        "percentile",
    ),
    (
        "META_LIMITED_DATA_USE",
        "Limited Data Use",
        "california: contacts of California are sent with Meta's mark that limits how their data are processed, which \
         can lower how many of them are matched. off: nobody is marked.",
        &["off", "california"],
        "off",
    ),
    (
        "AUDIENCE_PREFIX",
        "Audience name",
        "Audiences are named with this and the date. Words that hint at health or money matters are refused, because Meta blocks such audiences.",
        &[],
        "GHL-HighValue",
    ),
    (
        "LOOKALIKE_COUNTRIES",
        "Lookalike countries",
        "Two-letter codes separated by commas, such as US,CA. Each needs 100 matched people of its own.",
        &[],
        "US",
    ),
    (
        "LOOKALIKE_RATIOS",
        "Lookalike sizes",
        "Shares of the country's population from 0.01 (1 %, most similar) to 0.20, separated by commas.",
        &[],
        "0.01",
    ),
    (
        "RESPECT_OPT_OUT",
        "Opted-out contacts",
        "all: leave out who asked for no contact at all. email_and_sms: also who opted out of both e-mail and SMS. off: leave out nobody.",
        &["all", "email_and_sms", "off"],
        "all",
    ),
    (
        "LTV_SOURCE",
        "Lifetime value from",
        "field: the custom field chosen on the dashboard. won_opportunities: the sum of what the contact's won opportunities \
         are worth; a contact without one has no lifetime value and is left out.",
        &["field", "won_opportunities"],
        "field",
    ),
    (
        "LTV_PIPELINES",
        "Pipelines that count",
        "For `won_opportunities` only: names or ids of pipelines, separated by commas. Empty: all pipelines.",
        &[],
        "",
    ),
    (
        "LTV_MIN",
        "Smallest lifetime value",
        "Contacts below this amount are left out; the ranks of the others do not change.",
        &[],
        "",
    ),
    (
        "LTV_LOCALE",
        "Number style",
        "How amounts such as 1,797 or 1.234 are read: the language of whoever typed them, such as en or de.",
        &[],
        "en",
    ),
    ("LTV_CURRENCY", "Currency", "Shown behind amounts, such as USD. It changes no value.", &[], ""),
    (
        "RETENTION_DAYS",
        "Keep contacts for",
        "Days after a sync until its contacts, with names, addresses and values, are removed from the database; its figures \
         stay. Those of the last successful sync of each list and field and of each ad account stay too: the next one is \
         compared with them. From 1 to 3650. What was removed does not come back.",
        &[],
        "30",
    ),
    (
        "NORMALIZER",
        "Ranked by",
        "claude: Claude assigns the ranks and every one is verified. local: the same ranks computed here, without a key.",
        &["claude", "local"],
        "claude",
    ),
    ("CLAUDE_MODEL", "Claude model", "The exact model id.", &[], claude::DEFAULT_MODEL),
    (
        "META_POLL_SECONDS",
        "Look at Meta every",
        "Seconds between two looks at an audience that Meta is processing. More than 3600 counts as 3600.",
        &[],
        "15",
    ),
    (
        "META_POLL_TIMEOUT_SECONDS",
        "Wait for Meta at most",
        "Seconds a sync waits for Meta to match the audience; after that the lookalike follows later. More than 14400 (four \
         hours) counts as that.",
        &[],
        "600",
    ),
    (
        "NOTIFY_ON",
        "E-mails",
        "always: after every sync. failure: only when a sync or a lookalike failed. change: when a sync fails after a success or \
         succeeds after a failure, and when a lookalike is finished or failed. Nobody is told when the service itself does \
         not run any more, so with `failure` and `change` silence is no proof.",
        &["always", "failure", "change"],
        "always",
    ),
    (
        "INSTANCE_NAME",
        "Instance name",
        "Shown in the header and in mail subjects, such as the client's name.",
        &[],
        "",
    ),
];

/// The change as it is stored: `None` when a value of that name can not be saved. A blank value means "none" where
/// that is possible, and otherwise the initial value: it must not hide what the environment says behind a default.
pub fn storable(name: &str, value: Option<&str>) -> Option<(String, Option<String>)> {
    let (name, .., default) = SAVABLE.iter().find(|(known, ..)| *known == name)?;
    let value = value.map(str::trim).filter(|value| !value.is_empty() || default.is_empty());
    Some(((*name).to_owned(), value.map(str::to_owned)))
}

/// Every setting that can be saved, with the value in force and where it comes from.
pub fn saved_settings(environment: &Environment, saved: &HashMap<String, String>) -> Vec<Setting> {
    SAVABLE
        .iter()
        .map(|(name, title, help, choices, default)| {
            let initial = environment.get(name).unwrap_or(default);
            let (value, source) = match (saved.get(*name), environment.get(name)) {
                (Some(value), _) => (value.as_str(), SettingSource::Saved),
                (None, Some(value)) => (value, SettingSource::Environment),
                (None, None) => (*default, SettingSource::Default),
            };
            Setting {
                name,
                title,
                help,
                choices,
                value: value.to_owned(),
                source,
                initial: initial.to_owned(),
            }
        })
        .collect()
}
