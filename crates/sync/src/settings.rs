//! What a sync does, apart from the list and the field.

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

/// Settings of the sync.
#[derive(Debug, Clone)]
pub struct SyncSettings {
    /// Folder for the working files of runs; each run has its own below it.
    pub spool_folder: PathBuf,
    /// `act_<digits>`.
    pub ad_account_id: String,
    /// See [`OptOutRule`].
    pub respect_opt_out: OptOutRule,
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
    /// Pause between two looks at a processing audience (`META_POLL_SECONDS`).
    pub poll_every: Duration,
    /// Longest wait for Meta to process the upload within a run (`META_POLL_TIMEOUT_SECONDS`).
    pub poll_timeout: Duration,
    /// Life of the lease without a heartbeat; a crashed run blocks the next one that long.
    pub lease_ttl: Duration,
}
