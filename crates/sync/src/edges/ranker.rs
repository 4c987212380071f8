//! Who ranks the lifetime values.

use crate::error::EdgeError;
use chrono::NaiveDate;
use domain::Cancel;
use domain::percentile::Sketch;
use domain::run::RankingReport;

/// Whoever assigns the percentile ranks.
pub trait Ranker: Send + Sync {
    /// Ranks the rows of the sketch; succeeds only with ranks that were verified against the exact ones. `report` is made
    /// anew; after an error it tells how far the ranking came and what it cost.
    ///
    /// # Errors
    /// The ranker's own error; then nothing is sent.
    fn rank(&self, sketch: &Sketch, cancel: &Cancel, report: &mut RankingReport) -> Result<(), EdgeError>;

    /// The model that is asked and the day (UTC) from which it does not answer any more, when that is known. Free, and
    /// changes nothing.
    ///
    /// # Errors
    /// The ranker's own error.
    fn retirement(&self, _cancel: &Cancel) -> Result<Option<(String, NaiveDate)>, EdgeError> {
        Ok(None)
    }
}

impl Ranker for claude::ClaudeClient {
    fn rank(&self, sketch: &Sketch, cancel: &Cancel, report: &mut RankingReport) -> Result<(), EdgeError> {
        Self::rank(self, sketch, cancel, report).map_err(EdgeError::new)
    }

    fn retirement(&self, cancel: &Cancel) -> Result<Option<(String, NaiveDate)>, EdgeError> {
        let model = self.model(cancel).map_err(EdgeError::new)?;
        Ok(model.retires_on.map(|on| (model.id, on)))
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
