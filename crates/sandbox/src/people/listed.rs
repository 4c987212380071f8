//! Contacts read from a CSV: the bundled demo account, or one with the columns of a messy export.

use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::generated::all_channels;
use super::{Contact, FIELD_LTV, FIELD_NOTES, Known, TrueLtv};

const DEMO: &str = include_str!("../../data/demo_contacts.csv");

/// Which contacts the simulated account holds.
#[derive(Debug, Clone, Default)]
pub enum Contacts {
    /// The bundled account: 2,357 real lifetime values, made-up people (`data/README.md`).
    #[default]
    Cdnow,
    /// A CSV file; see [`Contacts::CsvText`].
    CsvFile(PathBuf),
    /// CSV text with the columns `contact_id, first_name, last_name, email, phone_raw, phone_e164_truth, city, state,
    /// postal_code, country, ltv_raw, ltv_expected, ltv_bucket` (`ok`, `no_ltv`, `bad_ltv`). Optional: `email_truth` (default: the
    /// trimmed, lower-case e-mail), `country_truth` (default: country), `ltv_type` (`number` sends a JSON number; default
    /// `string`), `tags` (separated by `;`), `dnd` (`all`, or channels such as `SMS;Email`), `notes_value`,
    /// `expected_percentile` (default: computed), `additional_emails` and `additional_phones` with
    /// `additional_emails_truth` (default: as for `email_truth`) and `additional_phones_truth` (E.164; each separated by `;`, unusable
    /// ones left out of the truth), `address`, `date_of_birth`, `known_to_meta` (the true addresses and numbers, separated by `;`, by
    /// which Meta knows this person for sure; default: about 74 % of the people, by all of them).
    CsvText(String),
    /// This many, made up on the fly and never held.
    Generated(u32),
}

/// Why contacts could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ContactsError {
    /// The file.
    #[error("the contacts file {path} can not be read")]
    File {
        /// As configured.
        path: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The text.
    #[error("the contacts are no CSV of the expected columns")]
    Csv(#[from] csv::Error),
    /// A row.
    #[error("row {row} of the contacts: {problem}")]
    Row {
        /// Counted from 1, without the header.
        row: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// What depends on all contacts lies in temporary files.
    #[error("no temporary file can be used")]
    TemporaryFile(#[from] std::io::Error),
}

type Row = HashMap<String, String>;

/// All contacts in the order they were added.
pub(super) fn read(contacts: &Contacts) -> Result<Vec<Known>, ContactsError> {
    match contacts {
        Contacts::Cdnow => parse(DEMO),
        Contacts::CsvFile(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|source| ContactsError::File { path: path.display().to_string(), source })?;
            parse(&text)
        }
        Contacts::CsvText(text) => parse(text),
        Contacts::Generated(_) => Ok(Vec::new()),
    }
}

fn parse(text: &str) -> Result<Vec<Known>, ContactsError> {
    let mut known = Vec::new();
    for (row, record) in (1..).zip(csv::Reader::from_reader(text.as_bytes()).deserialize()) {
        known.push(known_of(row, &record?)?);
    }
    Ok(known)
}

fn known_of(row: usize, record: &Row) -> Result<Known, ContactsError> {
    let problem = |problem| ContactsError::Row { row, problem };
    let get = |name: &str| record.get(name).map_or("", String::as_str);
    let id = record.get("contact_id").filter(|id| !id.is_empty()).ok_or(problem("contact_id is missing"))?;
    let email = record.get("email_truth").map_or_else(|| get("email").trim().to_lowercase(), Clone::clone);
    let country = record.get("country_truth").map_or(get("country"), String::as_str).to_lowercase();
    let ltv = match get("ltv_bucket") {
        "ok" => TrueLtv::Cents(cents(get("ltv_expected")).ok_or(problem("ltv_expected is no amount"))?),
        "no_ltv" => TrueLtv::Missing,
        "bad_ltv" => TrueLtv::Bad,
        _ => return Err(problem("ltv_bucket is none of ok, no_ltv, bad_ltv")),
    };
    let typed_ltv = match (get("ltv_type"), get("ltv_raw")) {
        (_, "") => None,
        ("number", raw) => Some(Value::from(raw.parse::<f64>().ok().ok_or(problem("ltv_raw is no number"))?)),
        (_, raw) => Some(json!(raw)),
    };
    let notes = Some(get("notes_value")).filter(|notes| !notes.is_empty()).map(|notes| json!(notes));
    let fields = [(FIELD_LTV, typed_ltv), (FIELD_NOTES, notes)];
    let (dnd, dnd_settings) = do_not_disturb(get("dnd"));
    // Three contacts share each moment, as after an import: a cursor needs more than the date.
    let added = 1_704_067_200_000 + (row as i64 - 1) / 3 * 600_000;
    let contact = Contact {
        id: id.clone(),
        first_name: get("first_name").to_owned(),
        last_name: get("last_name").to_owned(),
        email: get("email").to_owned(),
        phone: get("phone_raw").to_owned(),
        additional_emails: list(get("additional_emails")).map(str::to_owned).collect(),
        additional_phones: list(get("additional_phones")).map(str::to_owned).collect(),
        date_of_birth: get("date_of_birth").to_owned(),
        address: get("address").to_owned(),
        city: get("city").to_owned(),
        state: get("state").to_owned(),
        postal_code: get("postal_code").to_owned(),
        country: get("country").to_owned(),
        source: "import".to_owned(),
        tags: list(get("tags")).map(str::to_lowercase).collect(),
        dnd,
        dnd_settings,
        custom_fields: fields.into_iter().filter_map(|(id, value)| Some((id.to_owned(), value?))).collect(),
        date_added: Some(added),
        date_updated: added + 1000,
    };
    let further_emails =
        record.get("additional_emails_truth").map_or(get("additional_emails"), String::as_str);
    let emails = list(further_emails).map(|text| text.trim().to_lowercase());
    let phones = list(get("phone_e164_truth")).chain(list(get("additional_phones_truth"))).map(digits);
    let held = Some(get("known_to_meta")).filter(|held| !held.is_empty());
    Ok(Known {
        contact,
        emails: distinct(std::iter::once(email).chain(emails)),
        phones: distinct(phones),
        known_to_meta: held.map(|held| list(held).map(digits).collect()),
        country: country.as_bytes().try_into().ok().ok_or(problem("the country is no two letters"))?,
        ltv,
        expected_percentile: get("expected_percentile").parse().ok(),
    })
}

fn list(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(';').filter(|item| !item.is_empty())
}

/// A number in E.164 without its plus; other text as it is.
fn digits(truth: &str) -> String {
    truth.trim_start_matches('+').to_owned()
}

/// Those that are filled, each once, in their order.
fn distinct(truths: impl Iterator<Item = String>) -> Vec<String> {
    let mut distinct = Vec::new();
    for truth in truths.filter(|truth| !truth.is_empty()) {
        if !distinct.contains(&truth) {
            distinct.push(truth);
        }
    }
    distinct
}

fn do_not_disturb(text: &str) -> (bool, Map<String, Value>) {
    if text == "all" {
        return (true, all_channels());
    }
    let channels = list(text);
    let active = json!({"status": "active", "message": "", "code": ""});
    (false, channels.map(|channel| (channel.to_owned(), active.clone())).collect())
}

/// Exact cents of a plain `-12.34`.
fn cents(text: &str) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.')?;
    let value =
        whole.parse::<i64>().ok()? * 100 + (fraction.len() == 2).then(|| fraction.parse::<i64>().ok())??;
    Some(if negative { -value } else { value })
}
