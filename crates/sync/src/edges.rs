//! The small traits through which a run talks to the world, and their implementations by the clients.
//!
//! They exist where a run has more than one partner (Claude or exact local ranks; later a second contact source) or
//! where only a sliver of a client is needed. The database is not behind a trait: `Store` already hides two engines.

use crate::error::{EdgeError, RunError};
use domain::percentile::Sketch;
use domain::run::RankingReport;
use domain::{Cancel, Contact, ListSelection};
use ghl::ContactQuery;
use std::ops::ControlFlow;

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
        self.contact_count(&query_of(list), cancel).map_err(EdgeError::new)
    }

    fn read(
        &self,
        list: &ListSelection,
        field_id: &str,
        cancel: &Cancel,
        page: &mut dyn FnMut(Vec<Contact>, u64) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let mut failed = None;
        let result = self.read_contacts(&query_of(list), field_id, cancel, &mut |contacts, total| {
            page(contacts, total).map_or_else(
                |error| {
                    failed = Some(error);
                    ControlFlow::Break(())
                },
                ControlFlow::Continue,
            )
        });
        match (failed, result) {
            (Some(error), _) => Err(error),
            // The list changed while it was read, or not: whoever reads a list counts it afterwards and reads it again.
            (None, Err(ghl::GhlError::Incomplete { read, total })) => {
                log::warn!("GoHighLevel gave {read} of the {total} contacts of the list");
                Ok(())
            }
            (None, result) => result.map_err(RunError::edge),
        }
    }
}

fn query_of(list: &ListSelection) -> ContactQuery {
    match list {
        ListSelection::All => ContactQuery::all(),
        ListSelection::Tag(tag) => ContactQuery::tag(tag),
    }
}

/// Whoever assigns the percentile ranks.
pub trait Ranker: Send + Sync {
    /// Ranks the rows of the sketch; succeeds only with ranks that were verified against the exact ones.
    ///
    /// # Errors
    /// The ranker's own error; then nothing is sent.
    fn rank(&self, sketch: &Sketch, cancel: &Cancel) -> Result<RankingReport, EdgeError>;
}

impl Ranker for claude::ClaudeClient {
    fn rank(&self, sketch: &Sketch, cancel: &Cancel) -> Result<RankingReport, EdgeError> {
        Self::rank(self, sketch, cancel).map_err(EdgeError::new)
    }
}

/// Exact ranks computed here, without a key and without a call (`NORMALIZER=local`).
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalRanker;

impl Ranker for LocalRanker {
    fn rank(&self, _sketch: &Sketch, _cancel: &Cancel) -> Result<RankingReport, EdgeError> {
        Ok(RankingReport { normalizer: "local".to_owned(), ..RankingReport::default() })
    }
}
