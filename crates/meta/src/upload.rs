//! Sending members in a session: adding, removing, replacing.

use crate::client::{Call, MetaClient, Verb};
use crate::error::MetaError;
use crate::patience::Repeat;
use crate::refusal::ReplaceRefusal;
use crate::reply;
use crate::rows::UserRows;
use crate::wire::Scalar;
use domain::Cancel;
use domain::foreign_text::presentable;
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
    /// Rows that Meta may have received more than once because a reply was lost: `num_received` may count them again,
    /// the audience itself holds everybody once.
    pub resent_rows: u64,
    /// The reply was lost and the batch had arrived all the same: the figures were read from the session. So it is for a
    /// last batch whose repetition Meta answers with "session finished", and for the first batch of a replacement, which
    /// must not be repeated.
    pub from_session: bool,
}

/// A row Meta refused.
#[derive(Clone, PartialEq, Eq)]
pub struct InvalidSample {
    /// The row as Meta names it. Personal data, though hashed: never show or log it.
    pub row: String,
    /// Its number in the batch, counted from 0, when Meta names it by that.
    pub number: Option<usize>,
    /// Meta's reason, shortened and without hashes. Hostile input: escape it.
    pub reason: String,
}

impl fmt::Debug for InvalidSample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvalidSample")
            .field("row", &"***")
            .field("number", &self.number)
            .field("reason", &self.reason)
            .finish()
    }
}

#[derive(Deserialize)]
struct ReceiptBody {
    num_received: Option<Scalar>,
    num_invalid_entries: Option<Scalar>,
    invalid_entry_samples: Option<Value>,
}

/// What is done with the rows of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Add,
    Remove,
    Replace,
}

impl Act {
    fn operation(self) -> &'static str {
        match self {
            Self::Add => "upload contacts",
            Self::Remove => "remove contacts from the audience",
            Self::Replace => "replace the members of the audience",
        }
    }

    fn edge(self) -> &'static str {
        match self {
            Self::Add | Self::Remove => "users",
            Self::Replace => "usersreplace",
        }
    }
}

/// Behind the rows in the body of a request.
const TAIL: &[u8] = b"]}}";

impl MetaClient {
    /// Adds the rows of one batch to an audience. <https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/users>
    ///
    /// Adding somebody twice changes nothing, so a lost reply and every passing error lead to the same batch being sent
    /// again, and [`UploadReceipt::resent_rows`] counts those that Meta may have taken already. When the lost reply was
    /// that of the last batch, Meta refuses the repetition because the session is finished (2650/1870159): that proves the
    /// batch arrived, and the receipt is read from the session. Code 803 (an audience made a moment ago is not known yet)
    /// is repeated for up to a minute, and 2650/1870145 (an earlier update is running) as after throttling. Never in
    /// parallel with a replacement of the members.
    ///
    /// # Errors
    /// [`MetaError`]; after an error the batch may or may not have been added.
    pub fn add_users(
        &self,
        audience_id: &str,
        batch: &UploadBatch<'_>,
        cancel: &Cancel,
    ) -> Result<UploadReceipt, MetaError> {
        self.send_batch(Act::Add, audience_id, batch, cancel)
    }

    /// Removes the people of one batch, whose rows carry no values, from an audience: `POST` with `method=DELETE`, because
    /// a `DELETE` with a long body breaks in practice. Removing somebody twice changes nothing, so it is repeated as
    /// [`add_users`](Self::add_users) is. Never in parallel with a replacement.
    ///
    /// # Errors
    /// [`MetaError`]; [`MetaError::would_be_too_small`] when Meta refuses because too few people would be left, and nobody
    /// was removed then.
    pub fn remove_users(
        &self,
        audience_id: &str,
        batch: &UploadBatch<'_>,
        cancel: &Cancel,
    ) -> Result<UploadReceipt, MetaError> {
        self.send_batch(Act::Remove, audience_id, batch, cancel)
    }

    /// Sends one batch of a replacement, which removes everybody and then adds the rows of all batches of its session.
    /// <https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/usersreplace>
    ///
    /// Batch 1 opens the session and must be answered before any other is sent; the rest may come in any order until the
    /// last, within 90 minutes. It must never be sent twice, so it is repeated only when it was certainly not carried out.
    /// After a lost reply or a passing error the session is looked up for up to a minute: when it shows the rows, the
    /// receipt is read from it, else the error is [`MetaError::ReplyLost`] and the audience may be empty. That another
    /// update is running is answered at once: wait until the audience is at rest. Every other batch is repeated as
    /// [`add_users`](Self::add_users) repeats it. An empty list is refused here: it would empty the audience.
    ///
    /// # Errors
    /// [`MetaError`]; [`MetaError::replace_refusal`] tells the refusals that belong to replacements.
    pub fn replace_users(
        &self,
        audience_id: &str,
        batch: &UploadBatch<'_>,
        cancel: &Cancel,
    ) -> Result<UploadReceipt, MetaError> {
        self.send_batch(Act::Replace, audience_id, batch, cancel)
    }

    /// Removes people, by rows without values, from every customer list of the ad account.
    /// <https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences>
    ///
    /// Meta may do nothing, without an error, when the account is not owned by a business portfolio, when terms are
    /// missing, or when nobody matches. Removing twice changes nothing, so lost replies and passing errors are repeated.
    ///
    /// # Errors
    /// [`MetaError`]; after an error the people may or may not have been removed.
    pub fn remove_from_all(&self, rows: &UserRows, cancel: &Cancel) -> Result<(), MetaError> {
        let operation = "remove contacts from all audiences";
        if rows.is_empty() {
            return Err(MetaError::InvalidInput { operation, what: "there are no rows" });
        }
        if rows.have_values() {
            return Err(MetaError::InvalidInput { operation, what: WITH_VALUES });
        }
        let head = self.body_before_rows(Act::Remove, None, rows);
        let path = format!("{}/usersofanyaudience", self.ad_account_id());
        let body = [head.as_slice(), rows.open_json(), TAIL];
        let call = Call { operation, path: &path, query: Vec::new(), verb: Verb::Post(&body) };
        let reply: ReceiptBody = reply::shape(self.call(&call, cancel)?, operation)?;
        match reply.num_invalid_entries.and_then(|number| number.count()) {
            None | Some(0) => Ok(()),
            Some(rows) => {
                let samples = reply.invalid_entry_samples.as_ref().map(samples).unwrap_or_default();
                let reason = samples.into_iter().next().map(|sample| sample.reason).unwrap_or_default();
                Err(MetaError::RowsRefused { operation, rows, reason })
            }
        }
    }

    fn send_batch(
        &self,
        act: Act,
        audience_id: &str,
        batch: &UploadBatch<'_>,
        cancel: &Cancel,
    ) -> Result<UploadReceipt, MetaError> {
        let operation = act.operation();
        if let Some(what) = against_the_rules(act, batch) {
            return Err(MetaError::InvalidInput { operation, what });
        }
        let session = json!({
            "session_id": batch.session_id,
            "batch_seq": batch.batch_seq,
            "last_batch_flag": batch.last,
            "estimated_num_total": batch.estimated_total,
        });
        let head = self.body_before_rows(act, Some(session), batch.rows);
        let path = format!("{audience_id}/{}", act.edge());
        let body = [head.as_slice(), batch.rows.open_json(), TAIL];
        let call = Call { operation, path: &path, query: Vec::new(), verb: Verb::Post(&body) };
        let opens = act == Act::Replace && batch.batch_seq == 1;
        let repeat = if opens { Repeat::WhenNotDone } else { Repeat::Freely };
        // Tries that Meta may have carried out.
        let mut doubtful = 0_u64;
        let result = self.patiently(repeat, cancel, || {
            let result = self.once(&call, cancel).and_then(|body| receipt(body, operation));
            doubtful += u64::from(result.as_ref().is_err_and(MetaError::may_have_been_applied));
            result
        });
        let rows = batch.rows.len() as u64;
        let error = match result {
            Ok(receipt) => return Ok(UploadReceipt { resent_rows: doubtful * rows, ..receipt }),
            Err(error) if doubtful == 0 => return Err(error),
            Err(error) => error,
        };
        if opens {
            return match self.receipt_of_session(audience_id, batch, cancel) {
                Ok(Some(receipt)) => Ok(receipt),
                Ok(None) => Err(MetaError::ReplyLost { operation, source: Box::new(error) }),
                // A cancellation too: one that came before the request is not doubtful.
                Err(look_up) => Err(MetaError::ReplyLost { operation, source: Box::new(look_up) }),
            };
        }
        if batch.last && is_session_finished(&error) {
            let receipt = self.receipt_of_session(audience_id, batch, cancel)?.ok_or(error)?;
            return Ok(UploadReceipt { resent_rows: (doubtful - 1) * rows, ..receipt });
        }
        Err(error)
    }

    /// The body as far as the rows, which are sent from where they stand: a batch is several megabytes. `is_raw` is true
    /// as in Meta's parameter text and SDK, and must be the same for an audience's whole life.
    fn body_before_rows(&self, act: Act, session: Option<Value>, rows: &UserRows) -> Vec<u8> {
        let method = (act == Act::Remove).then(|| ("method", "DELETE".into()));
        let fields = session.map(|session| ("session", session)).into_iter().chain(method);
        let mut body = self.signed_body(fields);
        body.pop();
        body.extend_from_slice(br#","payload":{"is_raw":true,"schema":"#);
        body.extend_from_slice(json!(rows.schema()).to_string().as_bytes());
        body.extend_from_slice(br#","data":"#);
        body
    }
}

const WITH_VALUES: &str = "the rows carry values, which a removal has no use for";

fn against_the_rules(act: Act, batch: &UploadBatch<'_>) -> Option<&'static str> {
    let id_is_positive = batch.session_id > 0 && i64::try_from(batch.session_id).is_ok();
    match (act, batch.rows.have_values()) {
        _ if batch.rows.is_empty() => Some("the batch has no rows"),
        _ if batch.batch_seq == 0 => Some("batches are numbered from 1"),
        _ if !id_is_positive => Some("the session id is not a positive 64-bit number"),
        (Act::Remove, true) => Some(WITH_VALUES),
        (Act::Add | Act::Replace, false) => Some("the rows have no values, which the audience is based on"),
        _ => None,
    }
}

fn receipt(body: Value, operation: &'static str) -> Result<UploadReceipt, MetaError> {
    let reply: ReceiptBody = reply::shape(body, operation)?;
    let count = |number: Option<Scalar>| {
        number.and_then(|number| number.count()).ok_or_else(|| MetaError::UnexpectedShape {
            operation,
            detail: "a count is missing or not a number".to_owned(),
        })
    };
    Ok(UploadReceipt {
        num_received: count(reply.num_received)?,
        num_invalid_entries: count(reply.num_invalid_entries)?,
        samples: reply.invalid_entry_samples.as_ref().map(samples).unwrap_or_default(),
        resent_rows: 0,
        from_session: false,
    })
}

fn is_session_finished(error: &MetaError) -> bool {
    error.replace_refusal() == Some(ReplaceRefusal::Finished)
}

/// "JSON Array of String or Map {string: string}: up to 100 samples of invalid entries": a map of row to reason, or a list
/// of the entries themselves, whose places in it say nothing of the batch. An empty one is written `{}` or `[]`.
/// <https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences>
fn samples(value: &Value) -> Vec<InvalidSample> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let explained = |(row, reason): (&String, &Value)| InvalidSample {
        row: row.clone(),
        number: row.parse().ok(),
        reason: presentable(&text(reason), &[]),
    };
    let listed = |entry: &Value| InvalidSample {
        row: text(entry),
        number: None,
        reason: "Meta gives no reason".to_owned(),
    };
    match value {
        Value::Object(map) => map.iter().map(explained).take(MAX_SAMPLES).collect(),
        Value::Array(list) => list.iter().map(listed).take(MAX_SAMPLES).collect(),
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
        let sample = |row: &str, number, reason: &str| InvalidSample {
            row: row.to_owned(),
            number,
            reason: reason.to_owned(),
        };
        let named = samples(&json!({"[\"x\",1]": "bad hash", "7": {"code": 1}}));
        let expected = [sample("7", Some(7), r#"{"code":1}"#), sample("[\"x\",1]", None, "bad hash")];
        assert_eq!(named, expected);
        let listed = samples(&json!(["f1904cf1", ["x", 1], "0"]));
        let expected = ["f1904cf1", "[\"x\",1]", "0"].map(|row| sample(row, None, "Meta gives no reason"));
        assert_eq!(listed, expected, "a place in the list is no row of the batch");
        let many: serde_json::Map<_, _> = (0..200).map(|row| (row.to_string(), json!("bad"))).collect();
        assert_eq!(samples(&json!(many)).len(), 100);
    }

    #[test]
    fn debug_hides_the_row() {
        let sample =
            InvalidSample { row: "f1904cf1".to_owned(), number: None, reason: "bad hash".to_owned() };
        assert_eq!(
            format!("{sample:?}"),
            r#"InvalidSample { row: "***", number: None, reason: "bad hash" }"#
        );
    }
}
