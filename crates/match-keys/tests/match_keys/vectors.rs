//! Facts about normalization and hash, each with its source: `tests/data/normalization-vectors.tsv`.

use crate::{country, today};
use match_keys::{Place, Reason, birth, city, country as countries, email, hash, name, phone, state, zip};
use std::collections::BTreeMap;

/// Keys of the vectors that this product never sends, and why.
const NOT_SENT: [(&str, &str); 6] = [
    ("GEN", "a contact has no gender field"),
    ("FI", "the first initial is part of FN, which is sent"),
    ("MADID", "a contact list knows no devices"),
    ("EXTERN_ID", "not part of the schema; one schema per audience for ever"),
    ("LOOKALIKE_VALUE", "a number that the uploader adds; it is neither normalized nor hashed"),
    (
        "ROW(EMAIL,FI,LOOKALIKE_VALUE)",
        "FI is never sent; `is_identifiable` refuses a row without e-mail and phone",
    ),
];

/// What we do where the sources disagree: field, raw text, what we send (`<drop>` for nothing), why.
const DECISIONS: [(&str, &str, &str, &str); 20] = [
    (
        "PHONE",
        "00555123456",
        "<drop>",
        "+55 5123456 is a local Brazilian number at most; it can match nobody",
    ),
    (
        "PHONE",
        "555.123.4567",
        "15551234567",
        "Meta asks for the country code always; the contact's or location's is known",
    ),
    (
        "PHONE",
        "44-12390821300A",
        "<drop>",
        "eleven digits after +44 exist in no plan; an invented number is worse than none",
    ),
    (
        "PHONE",
        "@09432457768",
        "919432457768",
        "the customer-information page asks for the prefix even if COUNTRY is sent",
    ),
    (
        "EMAIL",
        "test@example.com.",
        "test@example.com",
        "the dot is no part of the address: strip, then validate",
    ),
    (
        "EMAIL",
        "816341caf0c06dbc4c156d3465323f52b3cb62533241d5f9247c008f657e8343",
        "816341caf0c06dbc4c156d3465323f52b3cb62533241d5f9247c008f657e8343",
        "a SHA-256 already: hashing it again would match nobody, and one hash must not cost the row",
    ),
    (
        "FN/LN",
        "  John   Smith  ",
        "johnsmith",
        "inner spaces go in both of Meta's audience-side implementations",
    ),
    ("FN/LN", "Van Der Berg", "vanderberg", "as above"),
    ("FN/LN", "St. Mary, Jr.", "stmaryjr", "as above"),
    ("FN", "John Smith1", "johnsmith1", "spaces go, digits stay, as in Meta's audience-side code"),
    ("FN", "1234", "1234", "digits stay, as in Meta's audience-side code; harmless where Meta has none"),
    (
        "CT",
        "San José",
        "sanjose",
        "the guide wants a-z and the Roman translation; a lost letter matches nobody",
    ),
    ("CT", "Montréal", "montreal", "as above"),
    ("CT", "Seattle-98121", "seattle", "the guide wants a-z only"),
    ("ST", "Ontario", "on", "Meta's newest code has two letters for Canadian provinces"),
    ("ST", "British Columbia", "bc", "as above"),
    ("ST", "123abc ", "abc", "the guide wants a-z only and never a cut"),
    (
        "DOB(db)",
        "05-03-1995",
        "19950503",
        "GoHighLevel's own forms have the month first, and so has Meta's newest code",
    ),
    ("COUNTRY", "United States of America", "us", "a name of the country; Meta prints us for United States"),
    ("COUNTRY", "USA", "us", "ISO 3166-1 alpha-3; dropping it loses a key"),
];

/// The country the note of a row gives, for phone numbers that cannot be read without one.
const PHONE_COUNTRIES: [(&str, &str); 9] = [
    ("(650)555-1212", "us"),
    ("1(650)123-4567", "us"),
    ("01(650)123-4567", "us"),
    ("00555123456", "us"),
    ("555.123.4567", "us"),
    ("0000", "us"),
    ("1-800-FLOWERS", "us"),
    ("44-12390821300A", "us"),
    ("@09432457768", "in"),
];

struct Vector {
    field: String,
    raw: String,
    expected: String,
    sha256: String,
    status: String,
    line: usize,
}

fn vectors() -> Vec<Vector> {
    let lines = include_str!("../data/normalization-vectors.tsv").lines().enumerate().skip(1);
    let vectors: Vec<Vector> = lines
        .map(|(index, line)| {
            let cell = |column: usize| line.split('\t').nth(column).expect("seven columns").to_owned();
            let raw = cell(2).replace("\\t", "\t").replace("\\n", "\n");
            let [field, expected, sha256, status] = [1, 3, 4, 5].map(cell);
            let raw = if raw == "(nil)" { String::new() } else { raw };
            Vector { field, raw, expected, sha256, status, line: index + 1 }
        })
        .collect();
    assert_eq!(vectors.len(), 189);
    vectors
}

fn is_sent(vector: &Vector) -> bool {
    NOT_SENT.iter().all(|(field, _)| *field != vector.field)
}

fn normalize(vector: &Vector) -> Result<String, Reason> {
    let raw = vector.raw.as_str();
    let nowhere = Place::default();
    match vector.field.as_str() {
        "EMAIL" => email::normalize(raw).map(Into::into),
        "PHONE" => {
            let code = PHONE_COUNTRIES.iter().find(|(number, _)| *number == raw).map_or("", |(_, code)| code);
            phone::normalize(raw, country(code)).map(Into::into)
        }
        "FN" | "LN" | "FN/LN" => name::normalize(raw).map(Into::into),
        "CT" => city::normalize(raw).map(Into::into),
        "ST" => state::normalize(raw, nowhere).map(Into::into),
        "ZIP" => zip::normalize(raw, nowhere).map(Into::into),
        "COUNTRY" => countries::normalize(raw).map(Into::into),
        // The Conversions API has the date in one piece; an audience has the same three in columns of their own.
        "DOB(db)" => birth::normalize(raw, today()).map(|parts| parts.concat()),
        "DOBY" => birth::year(raw, 2026),
        "DOBM" => birth::month(raw),
        "DOBD" => birth::day(raw),
        other => panic!("line {}: {other} is neither sent nor listed as not sent", vector.line),
    }
}

/// `<drop>` and an empty expectation both mean an empty cell.
fn text(normalized: Result<String, Reason>) -> String {
    normalized.unwrap_or_else(|_| "<drop>".to_owned())
}

#[test]
fn every_fact_that_meta_printed_or_all_agree_on_holds() {
    let mut counts = BTreeMap::new();
    for vector in vectors().iter().filter(|vector| is_sent(vector)) {
        if !["META", "AGREE", "AGREE-META-CODE"].contains(&vector.status.as_str()) {
            continue;
        }
        let expected = if vector.expected.is_empty() { "<drop>" } else { &vector.expected };
        let normalized = normalize(vector);
        assert_eq!(
            text(normalized.clone()),
            expected,
            "line {}: {} {:?}",
            vector.line,
            vector.field,
            vector.raw
        );
        if let Ok(normalized) = normalized {
            let digest = hash(&normalized).expect("a hash");
            assert_eq!(digest.to_string(), vector.sha256, "line {}: {:?}", vector.line, vector.raw);
        }
        *counts.entry(vector.status.clone()).or_insert(0) += 1;
    }
    let counts: Vec<_> = counts.iter().map(|(status, count)| (status.as_str(), *count)).collect();
    assert_eq!(counts, [("AGREE", 90), ("AGREE-META-CODE", 9), ("META", 22)]);
}

#[test]
fn every_disagreement_is_decided() {
    let mut decided = 0;
    for vector in vectors().iter().filter(|vector| is_sent(vector) && vector.status == "DISAGREE") {
        let decision = DECISIONS.iter().find(|(field, raw, ..)| *field == vector.field && *raw == vector.raw);
        let (.., ours, why) = decision.unwrap_or_else(|| panic!("line {} has no decision", vector.line));
        assert_eq!(text(normalize(vector)), *ours, "line {}: {:?} ({why})", vector.line, vector.raw);
        decided += 1;
    }
    assert_eq!(decided, DECISIONS.len(), "a decision without a row");
}

#[test]
fn every_key_that_is_listed_as_not_sent_occurs() {
    let vectors = vectors();
    for (field, why) in NOT_SENT {
        assert!(vectors.iter().any(|vector| vector.field == field), "{field} ({why})");
    }
    assert_eq!(vectors.iter().filter(|vector| !is_sent(vector)).count(), 26);
}

#[test]
fn no_bug_of_a_peer_is_repeated() {
    let mut avoided = 0;
    for vector in vectors().iter().filter(|vector| is_sent(vector) && vector.status == "PEER-BUG") {
        let ours = normalize(vector).ok();
        let digest = ours.as_deref().and_then(hash).map(|digest| digest.to_string());
        assert_ne!(digest.as_deref(), Some(vector.sha256.as_str()), "line {}: {:?}", vector.line, vector.raw);
        // Where the peer's hash is not that of its own text, the bug is in the hash alone.
        let own_hash = hash(&vector.expected).map(|digest| digest.to_string());
        if own_hash.as_deref() == Some(vector.sha256.as_str()) || vector.sha256.is_empty() {
            assert_ne!(
                ours.as_deref(),
                Some(vector.expected.as_str()),
                "line {}: {:?}",
                vector.line,
                vector.raw
            );
        }
        avoided += 1;
    }
    assert_eq!(avoided, 22);
}

#[test]
fn the_literal_hashes_of_the_facts_are_right_themselves() {
    for vector in vectors().iter().filter(|vector| is_sent(vector) && vector.status != "PEER-BUG") {
        if !vector.sha256.is_empty() {
            let digest = hash(&vector.expected).expect("a hash");
            assert_eq!(digest.to_string(), vector.sha256, "line {}", vector.line);
        }
    }
}
