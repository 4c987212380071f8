//! The small traits through which a run talks to the world, and their implementations by the clients.
//!
//! They exist where a run has more than one partner (Claude or exact local ranks; later a second contact source) or
//! where only a sliver of a client is needed. The database is not behind a trait: `Store` already hides two engines.

use crate::error::{EdgeError, RunError};
use domain::percentile::Sketch;
use domain::run::RankingReport;
use domain::{Cancel, Contact, ListSelection};

/// A custom field that may hold the lifetime value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueField {
    /// The source's id, unique per location.
    pub id: String,
    /// The key, such as `contact.lifetime_value`; the same in every location.
    pub key: String,
    /// The name people see.
    pub name: String,
    /// The source's word for its type, such as `MONETORY`.
    pub data_type: String,
}

/// Where contacts come from.
pub trait ContactSource: Send + Sync {
    /// The location's country as the source writes it; phones without a country are read with it.
    ///
    /// # Errors
    /// The source's own error.
    fn country(&self, cancel: &Cancel) -> Result<Option<String>, EdgeError>;

    /// The custom fields of contacts.
    ///
    /// # Errors
    /// The source's own error.
    fn fields(&self, cancel: &Cancel) -> Result<Vec<ValueField>, EdgeError>;

    /// The tags in use.
    ///
    /// # Errors
    /// The source's own error.
    fn tags(&self, cancel: &Cancel) -> Result<Vec<String>, EdgeError>;

    /// How many contacts the list holds now.
    ///
    /// # Errors
    /// The source's own error.
    fn count(&self, list: &ListSelection, cancel: &Cancel) -> Result<u64, EdgeError>;

    /// Reads the whole list page by page. `page` gets the contacts and the size of the list as the source states it;
    /// it ends the reading by returning an error.
    ///
    /// # Errors
    /// The source's own error, or the one `page` returned.
    fn read(
        &self,
        list: &ListSelection,
        field_id: &str,
        cancel: &Cancel,
        page: &mut dyn FnMut(Vec<Contact>, u64) -> Result<(), RunError>,
    ) -> Result<(), RunError>;
}

impl ContactSource for ghl::GhlClient {
    fn country(&self, cancel: &Cancel) -> Result<Option<String>, EdgeError> {
        Ok(self.location(cancel).map_err(EdgeError::new)?.country)
    }

    fn fields(&self, cancel: &Cancel) -> Result<Vec<ValueField>, EdgeError> {
        let fields = self.custom_fields(cancel).map_err(EdgeError::new)?;
        Ok(fields
            .into_iter()
            .map(|field| ValueField {
                id: field.id,
                key: field.field_key,
                name: field.name,
                data_type: field.data_type,
            })
            .collect())
    }

    fn tags(&self, cancel: &Cancel) -> Result<Vec<String>, EdgeError> {
        Self::tags(self, cancel).map_err(EdgeError::new)
    }

    fn count(&self, list: &ListSelection, cancel: &Cancel) -> Result<u64, EdgeError> {
        self.contact_count(list, cancel).map_err(EdgeError::new)
    }

    fn read(
        &self,
        list: &ListSelection,
        field_id: &str,
        cancel: &Cancel,
        page: &mut dyn FnMut(Vec<Contact>, u64) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        for read in self.contact_pages(list, field_id, cancel) {
            let read = read.map_err(RunError::edge)?;
            page(read.contacts, read.total)?;
        }
        Ok(())
    }
}

/// Whoever assigns the percentile ranks.
pub trait Ranker: Send + Sync {
    /// Ranks the rows of the sketch; succeeds only with ranks that were verified against the exact ones. `report` is made
    /// anew; after an error it tells how far the ranking came and what it cost.
    ///
    /// # Errors
    /// The ranker's own error; then nothing is sent.
    fn rank(&self, sketch: &Sketch, cancel: &Cancel, report: &mut RankingReport) -> Result<(), EdgeError>;
}

impl Ranker for claude::ClaudeClient {
    fn rank(&self, sketch: &Sketch, cancel: &Cancel, report: &mut RankingReport) -> Result<(), EdgeError> {
        Self::rank(self, sketch, cancel, report).map_err(EdgeError::new)
    }
}

/// Exact ranks computed here, without a key and without a call (`NORMALIZER=local`).
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalRanker;

impl Ranker for LocalRanker {
    fn rank(&self, _sketch: &Sketch, _cancel: &Cancel, report: &mut RankingReport) -> Result<(), EdgeError> {
        *report = RankingReport {
            normalizer: "local".to_owned(),
            max_deviation: Some(0),
            ..RankingReport::default()
        };
        Ok(())
    }
}
