//! A client that loses its patience within milliseconds, and what its requests looked like.

use domain::Secret;
use http_client::{BaseUrl, RetryPolicy};
use meta::{AdAccountId, MemberValue, MetaClient, MetaError, MetaSettings, UploadBatch, UserRows};
use serde_json::Value;
use std::num::NonZeroU32;
use std::time::Duration;
use testkit::{Received, Reply, ScriptedServer};

pub const TOKEN: &str = "EAAtoken-mark";
pub const APP_SECRET: &str = "app-secret-mark";
/// HMAC-SHA256 of the token under the app secret, computed with OpenSSL.
pub const PROOF: &str = "934a5b9a68eb22df5b904d0a843d5189d13ce124e0037aa6091563c308a12128";
pub const MARY: &str = "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79";
pub const PHONE: &str = "1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e";

/// Meta's answer to a batch of two rows.
pub const RECEIPT: &str = r#"{"audience_id":"9","session_id":"9778993","num_received":2,"num_invalid_entries":0,"invalid_entry_samples":{}}"#;

pub fn bytes(hex: &str) -> [u8; 32] {
    const_hex::decode_to_array(hex).unwrap()
}

/// A value without decimals.
pub fn value(whole: u32) -> Option<MemberValue> {
    NonZeroU32::new(whole * 100).map(MemberValue::from_hundredths)
}

pub fn rows() -> UserRows {
    let mut rows = UserRows::new(&["EMAIL", "PHONE"]);
    rows.push_row(&[Some(&bytes(MARY)), None], value(85), None).unwrap();
    rows.push_row(&[None, Some(&bytes(PHONE))], value(1), None).unwrap();
    rows
}

pub fn batch(rows: &UserRows) -> UploadBatch<'_> {
    UploadBatch { session_id: 653_573_199_724_136_401, batch_seq: 1, last: true, estimated_total: 2, rows }
}

pub fn policy(max_retries: usize) -> RetryPolicy {
    RetryPolicy { max_retries, first_wait: Duration::from_millis(1), longest_wait: Duration::from_millis(2) }
}

pub fn settings(server: &ScriptedServer) -> MetaSettings {
    let account = AdAccountId::parse("act_1234567890").unwrap();
    MetaSettings {
        connect_timeout: Duration::from_secs(5),
        total_timeout: Duration::from_secs(20),
        retry: policy(2),
        throttle_retry: policy(2),
        fresh_audience_retry: policy(3),
        longest_wait: Duration::from_secs(2),
        ..MetaSettings::new(BaseUrl::parse(server.url()).unwrap(), Secret::new(TOKEN), account)
    }
}

pub fn start(script: Vec<Reply>) -> (ScriptedServer, MetaClient) {
    let server = ScriptedServer::start(script).unwrap();
    let client = MetaClient::new(settings(&server));
    (server, client)
}

pub fn ok(body: &str) -> Reply {
    Reply::json(200, body)
}

/// An error body with HTTP status 400.
pub fn error(code: u64, subcode: Option<u64>) -> Reply {
    let subcode = subcode.map(|subcode| format!(r#","error_subcode":{subcode}"#)).unwrap_or_default();
    Reply::json(
        400,
        format!(
            r#"{{"error":{{"message":"words of Meta","type":"OAuthException","code":{code}{subcode},"fbtrace_id":"F78cCCJoZPx"}}}}"#
        ),
    )
}

/// Method, path and decoded query parameters in order.
pub fn line(request: &Received) -> (String, String, Vec<(String, String)>) {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let query = query.split('&').filter(|part| !part.is_empty()).map(|part| {
        let (name, value) = part.split_once('=').unwrap();
        (name.to_owned(), decoded(value))
    });
    (request.method.clone(), path.to_owned(), query.collect())
}

pub fn pairs(parts: &[(&str, &str)]) -> Vec<(String, String)> {
    parts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub fn body(request: &Received) -> Value {
    serde_json::from_str(&request.body).unwrap()
}

pub fn codes(error: &MetaError) -> (u64, Option<u64>) {
    let api = error.api().unwrap_or_else(|| panic!("{error:?}"));
    (api.code, api.subcode)
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex = String::from_utf8(vec![rest.next().unwrap(), rest.next().unwrap()]).unwrap();
            bytes.push(u8::from_str_radix(&hex, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}
