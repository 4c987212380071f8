//! `GET /sync/{id}/contacts.csv?bucket=…`: the contacts of a run that ended in a bucket, or in one of several, as a file
//! for a spreadsheet. It is read from the database part by part while it is sent, so its length costs no memory.

use super::account_view::{Fate, fate};
use super::problem_rows::link;
use crate::app::App;
use crate::in_context::InContext;
use crate::problem::Problem;
use crate::wording::{masked_email, masked_phone};
use actix_web::http::header::{self, ContentDisposition, DispositionParam, DispositionType};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, web};
use domain::error_chain::Chain;
use domain::foreign_text::presentable;
use domain::{Bucket, Explanation, RunId, log_context};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use persistence::{ContactPlace, RunContact};

/// Contacts read at once.
const ROWS_AT_ONCE: u32 = 1_000;

/// What stands in each column, in the words of the pages.
const COLUMNS: [&str; 8] = [
    "Contact id",
    "Contact in GoHighLevel",
    "Ended as",
    "Reason",
    "Lifetime value",
    "Percentile",
    "E-mail (masked)",
    "Phone (masked)",
];

/// Without it spreadsheets read the file in the encoding of the computer's language.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// How far the file has been read.
struct Reading {
    app: web::Data<App>,
    run: RunId,
    /// Those that are not yet read to their end.
    buckets: Vec<Bucket>,
    /// Where the part before ended, in the first of them.
    behind: Option<ContactPlace>,
}

pub(crate) async fn download(
    app: web::Data<App>,
    id: web::Path<String>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let run = RunId(id.parse().ok().ok_or(Problem::NotFound)?);
    let word = query.iter().find(|(key, _)| key == "bucket").map_or("", |(_, word)| word);
    let buckets = buckets(word);
    if buckets.is_empty() {
        return Err(Problem::NotFound);
    }
    let found = app.read(move |store| store.run_get(run)).await?.ok_or(Problem::NotFound)?;
    let nothing = || {
        Problem::Refused(Explanation::new(
            format!("No such contacts are stored for sync {run}."),
            "There were none, or their rows have been removed since: they are kept for RETENTION_DAYS.",
        ))
    };
    if !found.has_contacts() {
        return Err(nothing());
    }
    // What goes wrong before anything is sent can still be told as a page.
    let read = Reading { app, run, buckets, behind: None }.next().await?;
    let (first, reading) = read.ok_or_else(nothing)?;
    let head = [BYTE_ORDER_MARK.as_bytes(), &records([COLUMNS.map(str::to_owned)])?, &first].concat();
    // It is worked on after the request has been answered, as far as the log knows.
    let context = log_context::current();
    let next = move |reading: Reading| InContext::new(context, reading.next());
    let rest = stream::try_unfold(reading, next).inspect_err(move |problem| {
        log::error!("the file of contacts of sync {run} was cut short: {}", Chain(problem));
    });
    let file = stream::once(std::future::ready(Ok(Bytes::from(head)))).chain(rest);
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(format!("sync-{run}-{word}.csv"))],
    };
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, disposition))
        .streaming(Box::pin(file)))
}

/// The buckets that a word of the address means: the one with this name, or all contacts that were skipped or rejected.
fn buckets(word: &str) -> Vec<Bucket> {
    let is_meant = |bucket: &Bucket| match word {
        "skipped" => fate(*bucket) == Fate::Skipped,
        "rejected" => fate(*bucket) == Fate::Rejected,
        "refused" => *bucket == Bucket::RefusedByMeta,
        name => bucket.as_str() == name,
    };
    Bucket::ALL.iter().copied().filter(is_meant).collect()
}

impl Reading {
    /// The next lines, and where to go on.
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Problem> {
        while let Some(bucket) = self.buckets.first().copied() {
            let (run, behind) = (self.run, self.behind.take());
            let part = self
                .app
                .read(move |store| store.contacts_of_bucket(run, bucket, behind.as_ref(), ROWS_AT_ONCE))
                .await?;
            if part.end.is_some() {
                let location = self.app.location_id.as_deref();
                let lines = records(part.contacts.iter().map(|contact| cells(contact, location)))?;
                self.behind = part.end;
                return Ok(Some((lines.into(), self)));
            }
            self.buckets.remove(0);
        }
        Ok(None)
    }
}

/// One contact. Nobody can be reached with what stands here; the link leads to whoever has the right to see more.
fn cells(contact: &RunContact, location: Option<&str>) -> [String; 8] {
    let text = |text: Option<String>| text.as_deref().map(harmless).unwrap_or_default();
    [
        harmless(&contact.ghl_contact_id),
        link(contact, location).unwrap_or_default(),
        contact.bucket.title().to_owned(),
        text(contact.reason.as_deref().map(|reason| presentable(reason, &[]))),
        // Both are made of our own digits. A refund stays the negative number that it is.
        contact.raw_ltv.map(|amount| amount.to_string()).unwrap_or_default(),
        contact.normalized_value.map(|rank| rank.get().to_string()).unwrap_or_default(),
        text(contact.email.as_deref().map(masked_email)),
        text(contact.phone.as_deref().map(masked_phone)),
    ]
}

/// A text that no spreadsheet takes for a formula: behind an apostrophe it is a text. Where the language of a computer
/// separates lists by `;`, or a person chose tabs, a spreadsheet knows neither our commas nor our quotes: there a cell
/// begins wherever it finds its separator, so these are replaced, and what follows any that could be one is looked at too.
/// <https://owasp.org/www-community/attacks/CSV_Injection>
fn harmless(text: &str) -> String {
    let begins_a_formula = |c: char| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    let mut harmless = String::with_capacity(text.len() + 1);
    if text.starts_with(char::is_control) {
        harmless.push('\'');
    }
    // Where the cell begins whose first sign is not yet read.
    let mut begin = Some(harmless.len());
    for c in text.chars() {
        let c = if matches!(c, ';' | '\t') { ',' } else { c };
        if let Some(begin) = begin.filter(|_| begins_a_formula(c)) {
            harmless.insert(begin, '\'');
        }
        harmless.push(c);
        begin = match c {
            ',' | '"' | '\r' | '\n' => Some(harmless.len()),
            c if c.is_whitespace() || c.is_control() => begin,
            _ => None,
        };
    }
    harmless
}

/// Lines as RFC 4180 has them.
fn records(rows: impl IntoIterator<Item = [String; 8]>) -> Result<Vec<u8>, Problem> {
    let failed = |error: &dyn std::fmt::Display| Problem::System(error.to_string());
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).map_err(|error| failed(&error))?;
    }
    writer.into_inner().map_err(|error| failed(error.error()))
}

#[cfg(test)]
mod tests {
    use super::{buckets, harmless, records};
    use domain::Bucket;

    #[test]
    fn no_text_is_taken_for_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\n", " =1", "\u{a0}@x", "＝1", "=HYPERLINK(\"//evil\")"]
        {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        for (text, cells) in [
            ("\t=1", "',\'=1"),
            ("\r=1", "'\r'=1"),
            ("x; =1+1;y", "x,' =1+1,y"),
            ("x;\u{a0}＝1", "x,'\u{a0}＝1"),
            ("x\t@y", "x,'@y"),
            ("x, -1", "x,' -1"),
            ("is no number: \"+1\"", "is no number: \"'+1\""),
            ("x\r\n=1", "x\r\n'=1"),
            ("=1;=2", "'=1,'=2"),
        ] {
            assert_eq!(harmless(text), cells);
        }
        for text in ["", "c1", "a, b=1", "\"TBD, maybe\"", "a=1", "1-2", "***23", "j***@e***.com", "'=1"] {
            assert_eq!(harmless(text), text);
        }
    }

    #[test]
    fn a_line_keeps_quotes_commas_and_breaks_in_their_cell() {
        let row = ["a", "b,c", "d\"e", "f\r\ng", "", "ä", "", ""].map(str::to_owned);
        let line = String::from_utf8(records([row]).unwrap()).unwrap();
        assert_eq!(line, "a,\"b,c\",\"d\"\"e\",\"f\r\ng\",,ä,,\r\n");
    }

    #[test]
    fn every_bucket_is_sent_skipped_or_rejected() {
        let mut grouped = [buckets("sent"), buckets("skipped"), buckets("rejected")].concat();
        grouped.sort_unstable();
        assert_eq!(grouped, Bucket::ALL);
        for bucket in Bucket::ALL {
            assert_eq!(buckets(bucket.as_str()), [*bucket]);
        }
        assert_eq!(buckets("refused"), [Bucket::RefusedByMeta]);
        assert!(buckets("").is_empty() && buckets("everything").is_empty());
    }
}
