//! What a sync does, apart from the list and the field.

use crate::edges::ValueField;
use chrono_tz::Tz;
use domain::Cents;
use domain::ltv::DecimalMark;
use std::path::PathBuf;
use std::time::Duration;

/// Whose wish not to be contacted keeps them out of the audience (`RESPECT_OPT_OUT`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OptOutRule {
    /// Contacts with "do not disturb" for all channels.
    #[default]
    All,
    /// Those, and contacts who opted out of both e-mail and SMS.
    EmailAndSms,
    /// Nobody is left out.
    Off,
}

/// Whether every run makes an audience of its own (`AUDIENCE_MODE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AudienceMode {
    /// A new audience per run, named with the day; old ones are cleaned up.
    #[default]
    Dated,
    /// One audience for ever, whose members every run replaces in place.
    Stable,
}

/// What of a contact's lifetime value is sent to Meta (`VALUE_MODE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ValueMode {
    /// The percentile rank, 1 to 100.
    #[default]
    Percentile,
    /// The amount in proportion to the largest, above 0 up to 100; what lies beyond the 99th percentile counts as much as the
    /// 99th percentile.
    Scaled,
}

/// Which runs are told by mail (`NOTIFY_ON`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NotifyOn {
    /// Every one.
    #[default]
    Always,
    /// Those that failed, and lookalikes that did.
    Failure,
    /// The first success after a failure, the first failure after a success, and what becomes of lookalikes.
    Change,
}

/// Where lifetime values come from (`LTV_SOURCE`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum LtvSource {
    /// A custom field of the contact.
    #[default]
    Field,
    /// The sum of what the contact's won opportunities are worth.
    WonOpportunities {
        /// Ids or names of the pipelines that count (`LTV_PIPELINES`); all when there are none.
        pipelines: Vec<String>,
    },
}

/// The key of won opportunities where otherwise the key of a field stands. No key of a field begins like this.
const WON_OPPORTUNITIES: &str = "won_opportunities";

impl LtvSource {
    /// What stands in the place of the value field for a source that is none. Other pipelines have another key, because
    /// runs are compared with those of the same source only.
    pub(crate) fn in_place_of_a_field(&self) -> Option<ValueField> {
        let Self::WonOpportunities { pipelines } = self else { return None };
        let mut chosen: Vec<&str> = pipelines.iter().map(String::as_str).collect();
        // However a name is written, it is the same pipeline.
        chosen.sort_by_key(|pipeline| pipeline.to_lowercase());
        chosen.dedup_by_key(|pipeline| pipeline.to_lowercase());
        let (key, name) = match chosen.as_slice() {
            [] => (WON_OPPORTUNITIES.to_owned(), "Won opportunities".to_owned()),
            some => (
                format!("{WON_OPPORTUNITIES}:{}", some.join(",").to_lowercase()),
                format!("Won opportunities of {}", some.join(", ")),
            ),
        };
        Some(ValueField { id: key.clone(), key, name, data_type: "OPPORTUNITIES".to_owned() })
    }

    /// Whether this is the key of a source that is no field.
    pub(crate) fn is_key(key: &str) -> bool {
        key.split(':').next() == Some(WON_OPPORTUNITIES)
    }
}

/// Settings of the sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncSettings {
    /// Folder for the working files of runs; each run has its own below it.
    pub spool_folder: PathBuf,
    /// `act_<digits>`.
    pub ad_account_id: String,
    /// See [`OptOutRule`].
    pub respect_opt_out: OptOutRule,
    /// See [`LtvSource`].
    pub ltv_source: LtvSource,
    /// How `1,797` is read (`LTV_LOCALE`).
    pub decimal_mark: DecimalMark,
    /// Contacts below are left out (`LTV_MIN`).
    pub ltv_min: Option<Cents>,
    /// See [`AudienceMode`].
    pub audience_mode: AudienceMode,
    /// Meta's id (digits) of an audience of the account that stable mode uses instead of creating one
    /// (`STABLE_AUDIENCE_ID`).
    pub existing_audience: Option<String>,
    /// Audiences are named `<prefix>-YYYY-MM-DD` (`AUDIENCE_PREFIX`).
    pub audience_prefix: String,
    /// How many of the newest audiences the clean-up of dated mode never touches, 1 to 400 (`AUDIENCE_KEEP`).
    pub audience_keep: u32,
    /// See [`ValueMode`].
    pub value_mode: ValueMode,
    /// Whether contacts of California are sent with the columns for Limited Data Use (`META_LIMITED_DATA_USE`).
    pub limited_data_use: bool,
    /// Lookalike countries, ISO 3166-1 alpha-2 upper case (`LOOKALIKE_COUNTRIES`).
    pub lookalike_countries: Vec<String>,
    /// Lookalike sizes in percent, 1 to 20 (`LOOKALIKE_RATIOS`).
    pub lookalike_percents: Vec<u8>,
    /// The zone of the date in audience names (`TZ`).
    pub time_zone: Tz,
    /// Pause before a list that changed while it was read is read again: longer than the source's index lags behind.
    pub reread_after: Duration,
    /// Pause between two looks at a processing audience (`META_POLL_SECONDS`).
    pub poll_every: Duration,
    /// Longest wait for Meta to process the upload within a run (`META_POLL_TIMEOUT_SECONDS`).
    pub poll_timeout: Duration,
    /// See [`NotifyOn`].
    pub notify_on: NotifyOn,
    /// How long the contacts of a run are kept after its end, in days (`RETENTION_DAYS`).
    pub retention_days: u32,
    /// Life of the lease without a heartbeat; a crashed run blocks the next one that long.
    pub lease_ttl: Duration,
    /// A run that is not complete by then is stopped, whatever it waits for.
    pub run_deadline: Duration,
}

#[cfg(test)]
impl SyncSettings {
    /// The initial values, for tests.
    pub(crate) fn of_tests(folder: &std::path::Path) -> Self {
        Self {
            spool_folder: folder.to_owned(),
            ad_account_id: "act_1234567890".to_owned(),
            respect_opt_out: OptOutRule::All,
            ltv_source: LtvSource::Field,
            decimal_mark: DecimalMark::Point,
            ltv_min: None,
            audience_mode: AudienceMode::Dated,
            existing_audience: None,
            audience_prefix: "GHL-HighValue".to_owned(),
            audience_keep: 14,
            value_mode: ValueMode::Percentile,
            limited_data_use: false,
            lookalike_countries: Vec::new(),
            lookalike_percents: Vec::new(),
            time_zone: Tz::UTC,
            reread_after: Duration::from_millis(1),
            poll_every: Duration::from_millis(10),
            poll_timeout: Duration::from_secs(1),
            notify_on: NotifyOn::Always,
            retention_days: 30,
            lease_ttl: Duration::from_secs(60),
            run_deadline: Duration::from_secs(600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LtvSource;

    #[test]
    fn other_pipelines_are_another_source_and_their_order_is_not() {
        let key = |pipelines: &[&str]| {
            let pipelines = pipelines.iter().map(|pipeline| (*pipeline).to_owned()).collect();
            LtvSource::WonOpportunities { pipelines }.in_place_of_a_field().unwrap().key
        };
        assert_eq!(key(&[]), "won_opportunities");
        assert_eq!(key(&["Sales", "Renewals", "Sales"]), "won_opportunities:renewals,sales");
        assert_eq!(key(&["Renewals", "Sales"]), key(&["Sales", "Renewals"]));
        assert!(LtvSource::is_key(&key(&[])) && LtvSource::is_key(&key(&["a:b"])));
        assert!(!LtvSource::is_key("contact.won_opportunities") && !LtvSource::is_key("won_opportunities_2"));
        assert_eq!(LtvSource::Field.in_place_of_a_field(), None);
    }
}
