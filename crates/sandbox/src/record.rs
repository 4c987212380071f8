//! The record of everything the simulators received. Tests and the demo prove their figures against it.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// Bytes of one body that are kept.
const BODY_LIMIT: usize = 64 * 1024;
/// Bytes of all bodies together that are kept; beyond it only the metadata is.
const BODIES_LIMIT: usize = 64 * 1024 * 1024;

/// One of the simulated services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// GoHighLevel API 2.0.
    Ghl,
    /// Meta Marketing API.
    Meta,
    /// Anthropic Messages API.
    Claude,
    /// The mail receiver. One entry per message: method `DATA`, the recipients as path.
    Smtp,
}

impl Service {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Ghl, Self::Meta, Self::Claude, Self::Smtp];

    /// As written in the control API: `ghl`, `meta`, `claude`, `smtp`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ghl => "ghl",
            Self::Meta => "meta",
            Self::Claude => "claude",
            Self::Smtp => "smtp",
        }
    }
}

/// One request as it came in, and what it was answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordedRequest {
    /// Who received it.
    pub service: Service,
    /// `GET`, `POST`, …
    pub method: String,
    /// Path with query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The first 64 kB; empty once 64 MB of bodies are held.
    pub body: String,
    /// The status of the reply; 0 when none was given (reset, hang).
    pub status: u16,
}

impl RecordedRequest {
    /// The first header of that lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Default)]
struct Kept {
    entries: Vec<RecordedRequest>,
    body_bytes: usize,
}

/// Clones share the same record.
#[derive(Clone, Debug, Default)]
pub struct Record(Arc<Mutex<Kept>>);

impl Record {
    /// An empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an entry; cuts or drops its body as the limits say.
    pub fn push(&self, mut entry: RecordedRequest) {
        let mut kept = self.kept();
        if entry.body.len() > BODY_LIMIT {
            let end = entry.body.floor_char_boundary(BODY_LIMIT);
            entry.body.truncate(end);
            entry.body.shrink_to_fit();
        }
        if kept.body_bytes + entry.body.len() > BODIES_LIMIT {
            entry.body = String::new();
        }
        kept.body_bytes += entry.body.len();
        kept.entries.push(entry);
    }

    /// What a service received, in order.
    pub fn entries(&self, service: Service) -> Vec<RecordedRequest> {
        self.kept().entries.iter().filter(|entry| entry.service == service).cloned().collect()
    }

    /// How many requests a service received.
    pub fn count(&self, service: Service) -> u64 {
        self.kept().entries.iter().filter(|entry| entry.service == service).count() as u64
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.kept() = Kept::default();
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(body: String) -> RecordedRequest {
        let (method, path) = ("POST".to_owned(), "/x".to_owned());
        RecordedRequest { service: Service::Meta, method, path, headers: Vec::new(), body, status: 200 }
    }

    #[test]
    fn a_body_is_cut_at_a_character_boundary() {
        let record = Record::new();
        record.push(entry("é".repeat(BODY_LIMIT)));
        assert_eq!(record.entries(Service::Meta)[0].body.len(), BODY_LIMIT);
        record.push(entry(format!("x{}", "é".repeat(BODY_LIMIT))));
        assert_eq!(record.entries(Service::Meta)[1].body.len(), BODY_LIMIT - 1);
    }

    #[test]
    fn beyond_the_sum_only_metadata_is_kept() {
        let record = Record::new();
        for _ in 0..=BODIES_LIMIT / BODY_LIMIT {
            record.push(entry("x".repeat(BODY_LIMIT)));
        }
        let entries = record.entries(Service::Meta);
        assert_eq!(entries.len(), BODIES_LIMIT / BODY_LIMIT + 1);
        assert_eq!(entries.last().map(|entry| entry.body.len()), Some(0));
        assert_eq!((record.count(Service::Meta), record.count(Service::Ghl)), (1025, 0));
        record.clear();
        assert_eq!(record.count(Service::Meta), 0);
    }
}
