//! The record of everything the simulators received. Tests and the demo prove their figures against it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::temporary::made;

/// Bytes of one body that are kept.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;
/// Bytes of all bodies together that are kept: who asks for the record gets it whole, and hundreds of syncs must not fill
/// the folder for temporary files. Beyond it only the metadata is kept.
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
    services: [Entries; Service::ALL.len()],
    body_bytes: usize,
}

/// What one service received, as lines of JSON in an unlinked temporary file that is made with the first.
#[derive(Debug, Default)]
struct Entries {
    count: u64,
    file: Option<File>,
}

impl Entries {
    fn push(&mut self, entry: &RecordedRequest) -> io::Result<()> {
        self.count += 1;
        let file = made(&mut self.file)?;
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        file.seek(SeekFrom::End(0))?;
        file.write_all(&line)
    }

    fn read(&self) -> io::Result<Vec<RecordedRequest>> {
        let Some(mut file) = self.file.as_ref() else { return Ok(Vec::new()) };
        file.seek(SeekFrom::Start(0))?;
        BufReader::new(file).lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect()
    }
}

/// Clones share the same record.
#[derive(Clone, Debug, Default)]
pub struct Record(Arc<Mutex<Kept>>);

impl Record {
    /// An empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an entry; cuts or drops its body as the limits say. When the temporary file can not be written the entry is
    /// only counted, and the log says so.
    pub fn push(&self, mut entry: RecordedRequest) {
        let mut kept = self.kept();
        entry.body.truncate(entry.body.floor_char_boundary(BODY_LIMIT));
        if kept.body_bytes + entry.body.len() > BODIES_LIMIT {
            entry.body = String::new();
        }
        kept.body_bytes += entry.body.len();
        if let Err(error) = kept.services[entry.service as usize].push(&entry) {
            log::error!("the record can not be written: {error}");
        }
    }

    /// What a service received, in order. Nothing when the temporary file can not be read, and the log says so.
    pub fn entries(&self, service: Service) -> Vec<RecordedRequest> {
        self.kept().services[service as usize].read().unwrap_or_else(|error| {
            log::error!("the record can not be read: {error}");
            Vec::new()
        })
    }

    /// How many requests a service received.
    pub fn count(&self, service: Service) -> u64 {
        self.kept().services[service as usize].count
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.kept() = Kept::default();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
