//! Uploading members in a session, and the session's receipt.

use crate::client::{Call, MetaClient, Verb};
use crate::error::MetaError;
use crate::reply;
use crate::rows::UserRows;
use crate::wire::Scalar;
use domain::Cancel;
use domain::foreign_text::{LONGEST, one_line, presentable};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;

/// Meta names at most this many invalid rows per request.
const MAX_SAMPLES: usize = 100;

/// One request of an upload session.
#[derive(Debug, Clone, Copy)]
pub struct UploadBatch<'a> {
    /// Chosen by the caller: positive, at most 2^63 - 1, never used before in the ad account.
    pub session_id: u64,
    /// 1, 2, 3, …
    pub batch_seq: u32,
    /// Whether the session ends with this batch. Without a last batch it stays open for 90 minutes.
    pub last: bool,
    /// Rows of the whole session.
    pub estimated_total: u64,
    /// The rows, at least one.
    pub rows: &'a UserRows,
}

/// What Meta answered to a batch. None of the figures is a match count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadReceipt {
    /// Rows received in the session so far. At its end between the rows sent and the rows sent plus those resent.
    pub num_received: u64,
    /// Rows of this batch refused as malformed; with `from_session`, of the whole session.
    pub num_invalid_entries: u64,
    /// At most 100 of the refused rows; none with `from_session`.
    pub samples: Vec<InvalidSample>,
    /// The session, as Meta names it.
    pub session_id: String,
    /// Rows that Meta may have received more than once because a reply was lost: `num_received` may count them again,
    /// the audience itself holds everybody once.
    pub resent_rows: u64,
    /// The reply to the last batch was lost, and Meta answered its repetition with "session finished": the batch had
    /// arrived, and the figures were read from the session.
    pub from_session: bool,
}

/// A row Meta refused.
#[derive(Clone, PartialEq, Eq)]
pub struct InvalidSample {
    /// The row as Meta names it. Personal data, though hashed: never show or log it.
    pub row: String,
    /// Meta's reason, shortened and without hashes. Hostile input: escape it.
    pub reason: String,
}

impl fmt::Debug for InvalidSample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvalidSample").field("row", &"***").field("reason", &self.reason).finish()
    }
}

/// The receipt of an upload session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionStatus {
    /// Where Meta's processing stands, such as `uploading`. Meta's word, not documented: escape it.
    pub stage: String,
    /// Rows received; not a match count.
    pub num_received: Option<u64>,
    /// People matched: the only match count Meta documents. `None` while it does not report one (-1), perhaps for ever.
    pub num_matched: Option<u64>,
    /// Rows refused as malformed.
    pub num_invalid_entries: Option<u64>,
    /// Meta's progress figure, undocumented.
    pub progress: Option<String>,
}

#[derive(Deserialize)]
struct ReceiptBody {
    session_id: Option<Scalar>,
    num_received: Scalar,
    num_invalid_entries: Scalar,
    invalid_entry_samples: Option<Value>,
}

#[derive(Deserialize)]
struct SessionBody {
    session_id: Option<Scalar>,
    stage: Option<Scalar>,
    num_received: Option<Scalar>,
    num_matched: Option<Scalar>,
    num_invalid_entries: Option<Scalar>,
    progress: Option<Scalar>,
}

impl MetaClient {
    /// Adds the rows of one batch to an audience. <https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/users>
    ///
    /// Adding somebody twice changes nothing, so a lost reply and every passing error lead to the same batch being sent
    /// again, and [`UploadReceipt::resent_rows`] counts those that Meta may have taken already. When the lost reply was
    /// that of the last batch, Meta refuses the repetition because the session is finished (2650/1870159): that proves the
    /// batch arrived, and the receipt is read from the session. Code 803 (an audience made a
    /// moment ago is not known yet) is repeated for up to a minute. Never in parallel with a replacement of the members.
    ///
    /// # Errors
    /// [`MetaError`]; after an error the batch may or may not have been added.
    pub fn add_users(
        &self,
        audience_id: &str,
        batch: &UploadBatch<'_>,
        cancel: &Cancel,
    ) -> Result<UploadReceipt, MetaError> {
        let operation = "upload contacts";
        let invalid = |what| Err(MetaError::InvalidInput { operation, what });
        if batch.rows.is_empty() {
            return invalid("the batch has no rows");
        }
        if batch.batch_seq == 0 {
            return invalid("batches are numbered from 1");
        }
        if batch.session_id == 0 || i64::try_from(batch.session_id).is_err() {
            return invalid("the session id is not a positive 64-bit number");
        }
        let body = self.upload_body(batch);
        let path = format!("{audience_id}/users");
        let call = Call { operation, path: &path, query: Vec::new(), verb: Verb::Post(&body) };
        let mut doubtful = 0_u64;
        let result = self.patiently(cancel, || {
            let result = self.once(&call).and_then(|body| reply::shape::<ReceiptBody>(body, operation));
            doubtful += u64::from(result.as_ref().is_err_and(MetaError::may_have_been_applied));
            result
        });
        let rows = batch.rows.len() as u64;
        let reply = match result {
            Err(error) if batch.last && doubtful > 0 && is_session_finished(&error) => {
                return self.receipt_of_session(
                    audience_id,
                    batch.session_id,
                    (doubtful - 1) * rows,
                    cancel,
                    error,
                );
            }
            other => other?,
        };
        let unexpected =
            || MetaError::UnexpectedShape { operation, detail: "a count is not a number".to_owned() };
        Ok(UploadReceipt {
            num_received: reply.num_received.count().ok_or_else(unexpected)?,
            num_invalid_entries: reply.num_invalid_entries.count().ok_or_else(unexpected)?,
            samples: reply.invalid_entry_samples.as_ref().map(samples).unwrap_or_default(),
            session_id: reply
                .session_id
                .map_or_else(|| batch.session_id.to_string(), |id| one_line(&id.text(), LONGEST)),
            resent_rows: doubtful * rows,
            from_session: false,
        })
    }

    /// The receipt of a last batch whose reply was lost; `refusal` is returned when the session tells no figures.
    fn receipt_of_session(
        &self,
        audience_id: &str,
        session_id: u64,
        resent_rows: u64,
        cancel: &Cancel,
        refusal: MetaError,
    ) -> Result<UploadReceipt, MetaError> {
        let session = self.session(audience_id, session_id, cancel)?;
        let figures = session.and_then(|session| Some((session.num_received?, session.num_invalid_entries?)));
        let (num_received, num_invalid_entries) = figures.ok_or(refusal)?;
        Ok(UploadReceipt {
            num_received,
            num_invalid_entries,
            samples: Vec::new(),
            session_id: session_id.to_string(),
            resent_rows,
            from_session: true,
        })
    }

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
        let sessions: Vec<SessionBody> = self.list("read the upload session", &path, &query, cancel)?;
        let count = |scalar: Option<Scalar>| scalar.and_then(|scalar| scalar.count());
        let found =
            sessions.into_iter().find(|body| body.session_id.as_ref().is_some_and(|id| id.text() == wanted));
        Ok(found.map(|body| SessionStatus {
            stage: body.stage.map(|stage| presentable(&stage.text(), &[])).unwrap_or_default(),
            num_received: count(body.num_received),
            num_matched: count(body.num_matched),
            num_invalid_entries: count(body.num_invalid_entries),
            progress: body.progress.map(|progress| presentable(&progress.text(), &[])),
        }))
    }

    /// The rows are spliced in as they are, not parsed: a batch is several megabytes. `is_raw` is true as in Meta's
    /// parameter text and SDK, and must be the same for an audience's whole life.
    fn upload_body(&self, batch: &UploadBatch<'_>) -> Vec<u8> {
        let session = json!({
            "session_id": batch.session_id,
            "batch_seq": batch.batch_seq,
            "last_batch_flag": batch.last,
            "estimated_num_total": batch.estimated_total,
        });
        let mut body = self.signed_body([("session", session)]);
        body.pop();
        body.extend_from_slice(br#","payload":{"is_raw":true,"schema":"#);
        body.extend_from_slice(json!(batch.rows.schema()).to_string().as_bytes());
        body.extend_from_slice(br#","data":"#);
        batch.rows.write_json(&mut body);
        body.extend_from_slice(b"}}");
        body
    }
}

fn is_session_finished(error: &MetaError) -> bool {
    error.api().is_some_and(|error| error.code == 2650 && error.subcode == Some(1_870_159))
}

/// A map of row to reason. An empty one is written `{}` or `[]`, and one whose rows happen to be 0, 1, 2, … as a list.
fn samples(value: &Value) -> Vec<InvalidSample> {
    let sample = |(row, reason): (String, &Value)| {
        let reason = reason.as_str().map_or_else(|| reason.to_string(), str::to_owned);
        InvalidSample { row, reason: presentable(&reason, &[]) }
    };
    match value {
        Value::Object(map) => {
            map.iter().map(|(row, reason)| (row.clone(), reason)).map(sample).take(MAX_SAMPLES).collect()
        }
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(at, reason)| (at.to_string(), reason))
            .map(sample)
            .take(MAX_SAMPLES)
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidSample, samples};
    use serde_json::json;

    #[test]
    fn samples_come_as_maps_and_as_lists() {
        for clean in [json!({}), json!([]), json!(null), json!("")] {
            assert_eq!(samples(&clean), []);
        }
        let named = samples(&json!({"[\"x\",1]": "bad hash"}));
        assert_eq!(named, [InvalidSample { row: "[\"x\",1]".to_owned(), reason: "bad hash".to_owned() }]);
        let listed = samples(&json!(["first", {"code": 1}]));
        assert_eq!((listed[0].row.as_str(), listed[1].row.as_str()), ("0", "1"));
        assert_eq!((listed[0].reason.as_str(), listed[1].reason.as_str()), ("first", r#"{"code":1}"#));
        let many: serde_json::Map<_, _> = (0..200).map(|row| (row.to_string(), json!("bad"))).collect();
        assert_eq!(samples(&json!(many)).len(), 100);
    }

    #[test]
    fn debug_hides_the_row() {
        let sample = InvalidSample { row: "f1904cf1".to_owned(), reason: "bad hash".to_owned() };
        assert_eq!(format!("{sample:?}"), r#"InvalidSample { row: "***", reason: "bad hash" }"#);
    }
}
