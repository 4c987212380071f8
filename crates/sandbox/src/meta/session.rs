//! Upload sessions (meta-api §2.1, §2.5).

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Instants;
use super::call::Call;
use super::errors::GraphError;
use super::members::PersonSet;
use super::payload::{Column, Upload};
use super::settings::MetaSettings;

/// From the first batch on; what comes later is dropped.
const LIFETIME: TimeDelta = TimeDelta::minutes(90);

/// What a session does to its audience.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    Add,
    Remove,
    Replace,
}

/// One session of one audience.
pub(super) struct Session {
    pub id: i64,
    pub purpose: Purpose,
    /// The same in every batch.
    pub schema: Vec<Column>,
    pub received: u64,
    pub invalid: u64,
    pub matched: PersonSet,
    /// The last flag was received.
    pub closed: bool,
    /// A replacement that broke off: the audience holds a part, and says so until it is replaced again.
    pub failed: bool,
    /// `batch_seq` of the newest batch.
    pub last_seq: Option<i64>,
    opened: Instants,
    last_batch_at: DateTime<Utc>,
}

impl Session {
    pub fn open(id: i64, purpose: Purpose, schema: Vec<Column>, at: Instants) -> Self {
        Self {
            id,
            purpose,
            schema,
            received: 0,
            invalid: 0,
            matched: PersonSet::default(),
            closed: false,
            failed: false,
            last_seq: None,
            opened: at,
            last_batch_at: at.now,
        }
    }

    pub fn expired(&self, at: Instants) -> bool {
        at.steady - self.opened.steady > LIFETIME
    }

    /// Adds up one batch.
    pub fn receive(&mut self, parameter: &SessionParameter, upload: &Upload, at: Instants) {
        self.received += upload.received;
        self.invalid += upload.invalid;
        self.closed = parameter.last_batch_flag;
        self.last_seq = parameter.batch_seq;
        self.last_batch_at = at.now;
        for person in upload.members.iter().filter_map(|member| member.person) {
            self.matched.insert(person);
        }
    }

    /// Closed, and its members matched.
    pub fn settled(&self, at: Instants, settings: &MetaSettings) -> bool {
        (self.closed || self.expired(at)) && self.settled_at(settings) <= at.now
    }

    fn settled_at(&self, settings: &MetaSettings) -> DateTime<Utc> {
        self.last_batch_at + super::seconds(settings.matching_delay_seconds)
    }

    /// As the `sessions` edge shows it: every value a string.
    pub fn json(&self, at: Instants, settings: &MetaSettings) -> Value {
        let settled = settings.reports_num_matched && self.settled(at, settings);
        let (stage, progress) =
            match (settled, settings.reports_num_matched && (self.closed || self.expired(at))) {
                (true, _) => ("completed", "100"),
                (false, true) => ("processing", "50"),
                (false, false) => ("uploading", "0"),
            };
        let matched = if settled { self.matched.len().to_string() } else { "-1".to_owned() };
        let end = if settled { self.settled_at(settings).timestamp() } else { 0 };
        json!({
            "session_id": self.id.to_string(),
            "start_time": self.opened.now.timestamp().to_string(),
            "end_time": end.to_string(),
            "num_received": self.received.to_string(),
            "num_matched": matched,
            "num_invalid_entries": self.invalid.to_string(),
            "progress": progress,
            "stage": stage,
        })
    }
}

/// The `session` parameter.
#[derive(Deserialize)]
pub(super) struct SessionParameter {
    #[serde(deserialize_with = "number_or_text")]
    pub session_id: i64,
    #[serde(default)]
    pub batch_seq: Option<i64>,
    #[serde(default)]
    pub last_batch_flag: bool,
}

impl SessionParameter {
    /// Meta's own value-based example leaves it out; such a call is a session of its own, closed at once.
    ///
    /// # Errors
    /// 100 when it is malformed.
    pub fn read(call: &Call) -> Result<Self, GraphError> {
        let Some(text) = call.get("session") else {
            return Ok(Self {
                session_id: fastrand::i64(1..i64::MAX),
                batch_seq: Some(1),
                last_batch_flag: true,
            });
        };
        let wrong = |message: &str| GraphError::parameter("session", message);
        let Ok(session) = serde_json::from_str::<Self>(text) else {
            return Err(wrong(
                "Param session must be an object with session_id, batch_seq and last_batch_flag",
            ));
        };
        if session.session_id <= 0 {
            return Err(wrong("session_id must be a positive 64-bit integer"));
        }
        // Meta's uploader leaves batch_seq out.
        if session.batch_seq.is_some_and(|number| number < 1) {
            return Err(wrong("batch_seq must be 1 or more"));
        }
        Ok(session)
    }
}

fn number_or_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Number(i64),
        Text(String),
    }
    match Id::deserialize(deserializer)? {
        Id::Number(id) => Ok(id),
        Id::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}
