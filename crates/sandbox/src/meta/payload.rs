//! The `payload` of an upload: schema, rows, and which rows are unusable (meta-api §2.1, §2.2, §3.1).

use std::collections::HashSet;
use std::io;

use serde_json::{Value, json};

use super::cell::Cell;
use super::errors::GraphError;
use super::members::{DataProcessing, Key, Member};
use super::session::Purpose;
use crate::people::Population;

/// Rows per request.
const MAX_ROWS: usize = 10_000;
/// Samples of invalid rows per reply.
const MAX_SAMPLES: usize = 100;

/// The two families of schemas; an audience keeps to the first it was filled with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Family {
    /// One name, such as `EMAIL_SHA256`.
    Single,
    /// A list of keys.
    Multi,
}

impl Family {
    /// The `sub_type` of the audience's data source.
    pub fn sub_type(self) -> &'static str {
        match self {
            Self::Single => "HASHES_OR_USER_IDS",
            Self::Multi => "MULTI_HASHES",
        }
    }
}

/// One column of a schema.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Column {
    Email,
    Phone,
    /// Any other key that must be hashed.
    Hashed(&'static str),
    /// In clear: an id of the advertiser's, a device or a user id.
    Clear(&'static str),
    /// `LOOKALIKE_VALUE`.
    Value,
    /// `DATA_PROCESSING_OPTIONS`: `[]` or `["LDU"]`.
    Processing,
    /// One of the two places of limited data use: its name, and the only number but 0 it takes.
    ProcessingPlace(&'static str, u16),
}

const HASHED: [&str; 13] =
    ["GEN", "DOBY", "DOBM", "DOBD", "LN", "FN", "FI", "CT", "ST", "ZIP", "COUNTRY", "F5FIRST", "F5LAST"];
const CLEAR: [&str; 4] = ["EXTERN_ID", "MADID", "APPUID", "PAGEUID"];
/// Columns that say something about a person but find nobody.
const NO_IDENTIFIER: [&str; 5] = ["COUNTRY", "GEN", "DOBY", "DOBM", "DOBD"];

impl Column {
    fn of_list(name: &str) -> Option<Self> {
        let among = |names: &[&'static str]| names.iter().find(|known| **known == name).copied();
        match name {
            "EMAIL" => Some(Self::Email),
            "PHONE" => Some(Self::Phone),
            "LOOKALIKE_VALUE" => Some(Self::Value),
            "DATA_PROCESSING_OPTIONS" => Some(Self::Processing),
            // 1 is the United States, 1000 California; 0 leaves it to Meta.
            "DATA_PROCESSING_OPTIONS_COUNTRY" => {
                Some(Self::ProcessingPlace("DATA_PROCESSING_OPTIONS_COUNTRY", 1))
            }
            "DATA_PROCESSING_OPTIONS_STATE" => {
                Some(Self::ProcessingPlace("DATA_PROCESSING_OPTIONS_STATE", 1000))
            }
            _ => among(&HASHED).map(Self::Hashed).or_else(|| among(&CLEAR).map(Self::Clear)),
        }
    }

    fn of_single(name: &str) -> Option<Self> {
        match name {
            "EMAIL" | "EMAIL_SHA256" => Some(Self::Email),
            "PHONE" | "PHONE_SHA256" => Some(Self::Phone),
            "MOBILE_ADVERTISER_ID" => Some(Self::Clear("MADID")),
            "EXTERN_ID" => Some(Self::Clear("EXTERN_ID")),
            "UID" => Some(Self::Clear("UID")),
            _ => None,
        }
    }
}

/// What the settings say of rows.
pub(super) struct RowRules {
    /// E-mail and phone cells that make a row invalid.
    pub refused: HashSet<String>,
}

/// What one request brings.
pub(super) struct Upload {
    pub family: Family,
    pub schema: Vec<Column>,
    /// The usable rows, in order.
    pub members: Vec<Member>,
    pub received: u64,
    pub invalid: u64,
    /// The first invalid ones.
    pub samples: Vec<Sample>,
}

/// An invalid row.
pub(super) struct Sample {
    /// Its number in this request, counted from 0.
    pub number: usize,
    /// What it holds, as JSON.
    pub entry: String,
    pub reason: String,
}

impl Upload {
    /// Reads the payload and matches its rows.
    ///
    /// # Errors
    /// 100 for a schema or rows that do not fit it, 1/99 for more than 10,000 rows. One bad cell only makes its row invalid.
    pub fn read(
        text: &str,
        purpose: Purpose,
        population: &Population,
        rules: &RowRules,
    ) -> Result<Self, GraphError> {
        let wrong = |message: &str| GraphError::parameter("payload", message);
        let Ok(payload) = serde_json::from_str::<Payload<'_>>(text) else {
            return Err(wrong("Param payload must be a JSON object with schema and data"));
        };
        let (family, schema) = schema_of(&payload.schema)?;
        if payload.data.len() > MAX_ROWS {
            let message = "An unknown error occurred";
            let error = GraphError::new(1, "Unknown error", message).sub(99).worded(message);
            return Err(error.with_status(actix_web::http::StatusCode::BAD_REQUEST).permanent());
        }
        if payload.data.is_empty() {
            return Err(wrong("Data is missing or does not match schema"));
        }
        let received = payload.data.len() as u64;
        let mut upload = Self {
            family,
            schema,
            members: Vec::with_capacity(payload.data.len()),
            received,
            invalid: 0,
            samples: Vec::new(),
        };
        for (number, cells) in payload.data.iter().enumerate() {
            let single = std::slice::from_ref(cells);
            let cells = match (cells, family) {
                (Cell::List(cells), _) => cells.as_slice(),
                (_, Family::Single) => single,
                (_, Family::Multi) => &[],
            };
            if cells.len() != upload.schema.len() {
                return Err(wrong("Data is missing or does not match schema"));
            }
            let usable = match refusal(&upload.schema, cells, purpose, rules) {
                Some(reason) => Err(reason),
                None => usable(&upload.schema, cells, purpose),
            };
            match usable {
                Ok(row) => upload.members.push(row.matched(population)?),
                Err(reason) => {
                    upload.invalid += 1;
                    if upload.samples.len() < MAX_SAMPLES {
                        upload.samples.push(Sample { number, entry: json_row(cells), reason });
                    }
                }
            }
        }
        Ok(upload)
    }
}

fn schema_of(schema: &Cell<'_>) -> Result<(Family, Vec<Column>), GraphError> {
    let wrong = |name: &str| GraphError::parameter("payload", &format!("Invalid schema: {name}"));
    match schema {
        Cell::Text(name) => Ok((Family::Single, vec![Column::of_single(name).ok_or_else(|| wrong(name))?])),
        Cell::List(names) if !names.is_empty() => {
            let mut columns = Vec::with_capacity(names.len());
            for name in names {
                let Cell::Text(name) = name else { return Err(wrong("a key is not a string")) };
                let column = Column::of_list(name).ok_or_else(|| wrong(name))?;
                if columns.contains(&column) {
                    return Err(wrong(&format!("{name} stands twice")));
                }
                columns.push(column);
            }
            Ok((Family::Multi, columns))
        }
        _ => Err(wrong("neither a name nor a list of names")),
    }
}

/// Why a row that reads well is called invalid all the same.
fn refusal(schema: &[Column], cells: &[Cell<'_>], purpose: Purpose, rules: &RowRules) -> Option<String> {
    let refused = |(column, cell): (&Column, &Cell<'_>)| matches!((column, cell), (Column::Email | Column::Phone, Cell::Text(text)) if rules.refused.contains(&**text));
    let refused = purpose != Purpose::Remove && schema.iter().zip(cells).any(refused);
    refused.then(|| "the row is refused".to_owned())
}

fn json_row(cells: &[Cell<'_>]) -> String {
    fn value(cell: &Cell<'_>) -> Value {
        match cell {
            Cell::Text(text) => json!(text),
            Cell::Number(number) => json!(number),
            Cell::List(cells) => cells.iter().map(value).collect(),
            Cell::Other => Value::Null,
        }
    }
    cells.iter().map(value).collect::<Value>().to_string()
}

/// What matters of a usable row.
struct Row {
    email: Option<[u8; 32]>,
    phone: Option<[u8; 32]>,
    value: Option<f64>,
    processing: DataProcessing,
}

impl Row {
    fn matched(&self, population: &Population) -> io::Result<Member> {
        let (email, phone) = (self.email.as_ref(), self.phone.as_ref());
        let person = population.match_person(email, phone)?;
        let member = Member::new(Key::of(email), Key::of(phone), self.value, person);
        Ok(Member { processing: self.processing, ..member })
    }
}

fn usable(schema: &[Column], cells: &[Cell<'_>], purpose: Purpose) -> Result<Row, String> {
    let (mut email, mut phone, mut value, mut identified) = (None, None, None, false);
    let mut processing = DataProcessing::Unsaid;
    for (column, cell) in schema.iter().zip(cells) {
        match column {
            Column::Email => email = hash(cell, "EMAIL")?,
            Column::Phone => phone = hash(cell, "PHONE")?,
            Column::Hashed(name) => {
                let found = hash(cell, name)?.is_some();
                identified |= found && !NO_IDENTIFIER.contains(name);
            }
            Column::Clear(name) => match cell {
                Cell::Text(text) => identified |= !text.is_empty(),
                Cell::Number(_) => identified = true,
                _ => return Err(format!("{name} is neither text nor number")),
            },
            // Of someone to be removed only who it is matters.
            Column::Value | Column::Processing | Column::ProcessingPlace(..)
                if purpose == Purpose::Remove => {}
            // Meta's guide shows a value of 0, its own uploader refuses 0 and rows without a value; refusing is safer.
            Column::Value => match cell {
                Cell::Number(number) if *number > 0.0 => value = Some(*number),
                _ => return Err("LOOKALIKE_VALUE is not a number greater than 0".to_owned()),
            },
            Column::Processing => processing = data_processing(cell)?,
            Column::ProcessingPlace(name, place) => match cell {
                Cell::Number(number) if *number == 0.0 || *number == f64::from(*place) => {}
                Cell::Text(text) if text.is_empty() => {}
                _ => return Err(format!("{name} is neither 0 nor {place}")),
            },
        }
    }
    if email.is_none() && phone.is_none() && !identified {
        return Err("the row has no identifier".to_owned());
    }
    Ok(Row { email, phone, value, processing })
}

fn data_processing(cell: &Cell<'_>) -> Result<DataProcessing, String> {
    match cell {
        Cell::Text(text) if text.is_empty() => Ok(DataProcessing::Unsaid),
        Cell::List(options) => match options.as_slice() {
            [] => Ok(DataProcessing::Unlimited),
            [Cell::Text(option)] if option == "LDU" => Ok(DataProcessing::Limited),
            _ => Err("DATA_PROCESSING_OPTIONS names an unknown option".to_owned()),
        },
        _ => Err("DATA_PROCESSING_OPTIONS is not a list".to_owned()),
    }
}

/// 64 lower-case hex digits or an empty cell.
fn hash(cell: &Cell<'_>, name: &str) -> Result<Option<[u8; 32]>, String> {
    let wrong = || format!("{name} is not a SHA-256 hash in lower-case hex");
    let Cell::Text(text) = cell else { return Err(wrong()) };
    if text.is_empty() {
        return Ok(None);
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut hash = [0; 32];
    let bytes = text.as_bytes();
    if bytes.len() != 64 {
        return Err(wrong());
    }
    for (place, pair) in hash.iter_mut().zip(bytes.chunks_exact(2)) {
        let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else { return Err(wrong()) };
        *place = high << 4 | low;
    }
    Ok(Some(hash))
}

/// Unknown keys (`is_raw`, `data_source`, …) are ignored, as Graph API does.
#[derive(serde::Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    schema: Cell<'a>,
    #[serde(borrow)]
    data: Vec<Cell<'a>>,
}
