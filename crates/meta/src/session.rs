//! The receipt of an upload session.

use crate::client::{MetaClient, SERVICE};
use crate::error::MetaError;
use crate::paging::USUAL_PAGE;
use crate::upload::{UploadBatch, UploadReceipt};
use crate::wire::Scalar;
use domain::{Cancel, Cancelled};
use http_client::{Retry, retry};
use serde::Deserialize;

/// The receipt of an upload session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionStatus {
    /// Rows received; not a match count.
    pub num_received: Option<u64>,
    /// People matched: the only match count Meta documents. `None` while it does not report one (-1), perhaps for ever.
    pub num_matched: Option<u64>,
    /// Rows refused as malformed.
    pub num_invalid_entries: Option<u64>,
}

#[derive(Deserialize)]
struct SessionBody {
    session_id: Option<Scalar>,
    num_received: Option<Scalar>,
    num_matched: Option<Scalar>,
    num_invalid_entries: Option<Scalar>,
}

/// Why a look at the session told nothing.
enum NotSeen {
    /// The session, or the rows of the batch in it, do not show yet.
    Yet,
    Failed(MetaError),
}

impl From<Cancelled> for NotSeen {
    fn from(cancelled: Cancelled) -> Self {
        Self::Failed(cancelled.into())
    }
}

impl MetaClient {
    /// The receipt of a session, or `None` while Meta does not know it. A GET, repeated after passing errors.
    /// <https://developers.facebook.com/docs/marketing-api/reference/custom-audience/sessions>
    ///
    /// # Errors
    /// [`MetaError`].
    pub fn session(
        &self,
        audience_id: &str,
        session_id: u64,
        cancel: &Cancel,
    ) -> Result<Option<SessionStatus>, MetaError> {
        let path = format!("{audience_id}/sessions");
        let wanted = session_id.to_string();
        let query = [("session_id", wanted.clone())];
        let sessions: Vec<SessionBody> =
            self.list("read the upload session", &path, USUAL_PAGE, &query, cancel)?;
        let count = |scalar: Option<Scalar>| scalar.and_then(|scalar| scalar.count());
        let found =
            sessions.into_iter().find(|body| body.session_id.as_ref().is_some_and(|id| id.text() == wanted));
        Ok(found.map(|body| SessionStatus {
            num_received: count(body.num_received),
            num_matched: count(body.num_matched),
            num_invalid_entries: count(body.num_invalid_entries),
        }))
    }

    /// Looks the session of a batch up whose reply was lost, several times, for it may show late. `None` when it does not
    /// show at least the rows of the batch.
    pub(crate) fn receipt_of_session(
        &self,
        audience_id: &str,
        batch: &UploadBatch<'_>,
        cancel: &Cancel,
    ) -> Result<Option<UploadReceipt>, MetaError> {
        let not_yet = |reason: &NotSeen| match reason {
            NotSeen::Yet => Retry::Backoff,
            NotSeen::Failed(_) => Retry::No,
        };
        let look = || {
            let session = self.session(audience_id, batch.session_id, cancel).map_err(NotSeen::Failed)?;
            let figures = session.and_then(|found| Some((found.num_received?, found.num_invalid_entries?)));
            figures.filter(|(received, _)| *received >= batch.rows.len() as u64).ok_or(NotSeen::Yet)
        };
        let (num_received, num_invalid_entries) =
            match retry(SERVICE, &self.settings.fresh_audience_retry, cancel, not_yet, look) {
                Ok(figures) => figures,
                Err(NotSeen::Yet) => return Ok(None),
                Err(NotSeen::Failed(error)) => return Err(error),
            };
        Ok(Some(UploadReceipt {
            num_received,
            num_invalid_entries,
            samples: Vec::new(),
            resent_rows: 0,
            from_session: true,
        }))
    }
}
