//! Confirming every figure of a run against the sandbox's own record, over HTTP.
//!
//! The sandbox computes what must have arrived by itself: SHA-256 of the true addresses and numbers, ranks from the
//! published expectation. Nothing of the product's own arithmetic is used here.

use crate::command_line::Simulator;
use crate::failure::Failed;
use crate::terminal::Terminal;
use domain::Run;
use domain::run::LookalikeStatus;
use http_client::{BaseUrl, Body, HttpClient, HttpSettings, Method, Request};
use sandbox::{Expectations, Mail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::time::Duration;

/// Asks the sandbox what it saw.
pub struct Witness {
    control: BaseUrl,
    http: HttpClient,
}

#[derive(Deserialize)]
struct Audiences {
    audiences: Vec<Audience>,
}

#[derive(Deserialize)]
struct Audience {
    id: String,
    name: String,
    subtype: String,
    deleted: bool,
    is_value_based: bool,
    rows: Option<u64>,
    matched: Option<u64>,
    origin_audience_id: Option<String>,
}

#[derive(Deserialize)]
struct Verification {
    expected: u64,
    received_rows: u64,
    distinct_persons: u64,
    missing_count: u64,
    unexpected: u64,
    duplicates: u64,
    wrong_value_count: u64,
}

#[derive(Deserialize)]
struct Mails {
    mails: Vec<Mail>,
}

impl Witness {
    /// A witness at the sandbox's control address.
    ///
    /// # Errors
    /// A failed job when the address is not usable.
    pub fn new(control: &str) -> Result<Self, Failed> {
        let control = BaseUrl::parse(control)
            .map_err(|error| Failed::job(format!("The sandbox announced an unusable address: {error}.")))?;
        let http = HttpClient::new(HttpSettings {
            service: "Sandbox",
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(120),
            max_body_bytes: 64 << 20,
        });
        Ok(Self { control, http })
    }

    /// Switches one simulator off.
    ///
    /// # Errors
    /// A failed job when the sandbox does not answer.
    pub fn stop(&self, simulator: Simulator) -> Result<(), Failed> {
        let name = match simulator {
            Simulator::Ghl => "ghl",
            Simulator::Meta => "meta",
            Simulator::Claude => "claude",
            Simulator::Smtp => "smtp",
        };
        self.call(Method::Post, &format!("/control/services/{name}/stop")).map(drop)
    }

    /// Compares the run with the record, printing each confirmed figure; returns what differs.
    ///
    /// # Errors
    /// A failed job when the sandbox does not answer.
    pub fn confirm(&self, run: &Run, terminal: &Terminal) -> Result<Vec<String>, Failed> {
        let mut figures = Figures { terminal, differences: Vec::new() };
        let expected: Expectations = self.get("/control/people/expectations")?;
        let account = &run.accounting;
        figures.equal("contacts read", account.fetched, expected.fetched);
        figures.equal("contacts sent", account.sent, expected.sent);
        figures.equal("opted out", account.excluded_opted_out, expected.opted_out);
        figures.equal("without a lifetime value", account.skipped_no_ltv, expected.no_ltv);
        figures.equal("with an unreadable value", account.rejected_bad_ltv, expected.bad_ltv);
        figures.equal("without e-mail and phone", account.skipped_no_identifier, expected.no_identifier);
        figures.equal("merged", account.merged, expected.merged);
        figures.equal("sum of all buckets", account.accounted(), expected.fetched);
        figures.equal("values ranked", run.stats.as_ref().map_or(0, |stats| stats.count), expected.ranked);
        self.confirm_audience(run, &mut figures)?;
        self.confirm_lookalike(run, &mut figures)?;
        let counts: HashMap<String, u64> = self.get("/control/record/counts")?;
        let asked = counts.get("claude").copied().unwrap_or(0);
        figures.holds(&format!("requests to Claude: {asked}"), asked >= 1);
        self.confirm_mail(run, &mut figures)?;
        Ok(figures.differences)
    }

    fn confirm_audience(&self, run: &Run, figures: &mut Figures<'_>) -> Result<(), Failed> {
        let all: Audiences = self.get("/control/meta/audiences")?;
        let made: Vec<&Audience> = all
            .audiences
            .iter()
            .filter(|audience| audience.subtype == "CUSTOM" && !audience.deleted)
            .collect();
        figures.equal("custom audiences", made.len() as u64, 1);
        let (Some(ours), Some(theirs)) = (&run.audience, made.first()) else {
            figures.holds("a custom audience exists", false);
            return Ok(());
        };
        figures.holds("its id and name", ours.id == theirs.id && ours.name == theirs.name);
        figures.holds("it is value-based", theirs.is_value_based);
        figures.equal("rows in it", theirs.rows.unwrap_or(0), run.accounting.sent);
        figures.equal("people matched", run.matched.exact.unwrap_or(0), theirs.matched.unwrap_or(0));
        let seen: Verification = self.get(&format!("/control/meta/audiences/{}/verification", theirs.id))?;
        figures.equal("expected people who arrived, by their SHA-256", seen.distinct_persons, seen.expected);
        figures.equal("expected people missing", seen.missing_count, 0);
        figures.equal("rows of nobody expected", seen.unexpected, 0);
        figures.equal("rows received twice", seen.duplicates, 0);
        figures.equal("rows received", seen.received_rows, run.accounting.sent);
        figures.equal("people with a wrong percentile", seen.wrong_value_count, 0);
        Ok(())
    }

    fn confirm_lookalike(&self, run: &Run, figures: &mut Figures<'_>) -> Result<(), Failed> {
        let all: Audiences = self.get("/control/meta/audiences")?;
        let seed = run.audience.as_ref().map(|audience| audience.id.as_str());
        let made: Vec<&Audience> = all
            .audiences
            .iter()
            .filter(|audience| {
                audience.subtype == "LOOKALIKE" && audience.origin_audience_id.as_deref() == seed
            })
            .collect();
        figures.equal("lookalikes", made.len() as u64, 1);
        let same = run.lookalikes.iter().any(|lookalike| {
            lookalike.status == LookalikeStatus::Created
                && made
                    .iter()
                    .any(|made| Some(&made.id) == lookalike.id.as_ref() && made.name == lookalike.name)
        });
        figures.holds("its id and name", same);
        Ok(())
    }

    fn confirm_mail(&self, run: &Run, figures: &mut Figures<'_>) -> Result<(), Failed> {
        let received: Mails = self.get("/control/mails")?;
        figures.equal("e-mails about the success", received.mails.len() as u64, 1);
        if received.mails.is_empty() {
            figures.differences.push("the e-mail of step \"Tell people\" (notify) did not arrive".to_owned());
        }
        let link = format!("/sync/{}", run.id);
        let fits = received.mails.iter().any(|mail| {
            mail.subject.starts_with("✅ GHL Meta Sync Successful")
                && mail.text.as_deref().is_some_and(|text| text.contains(&link))
        });
        figures.holds("its subject and link", fits);
        Ok(())
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failed> {
        let body = self.call(Method::Get, path)?;
        serde_json::from_slice(&body).map_err(|error| {
            Failed::job(format!("The sandbox answered {path} with something unexpected: {error}."))
        })
    }

    fn call(&self, method: Method, path: &str) -> Result<Vec<u8>, Failed> {
        let request = Request {
            method,
            url: self.control.join(path),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::None,
        };
        match self.http.send(request) {
            Ok(reply) if reply.is_success() => Ok(reply.body),
            Ok(reply) => {
                Err(Failed::job(format!("The sandbox answered {path} with status {}.", reply.status)))
            }
            Err(error) => Err(Failed::job(format!("The sandbox does not answer {path}: {error}."))),
        }
    }
}

/// Prints what was confirmed and collects what was not.
struct Figures<'a> {
    terminal: &'a Terminal,
    differences: Vec<String>,
}

impl Figures<'_> {
    fn equal(&mut self, what: &str, ours: u64, theirs: u64) {
        if ours == theirs {
            self.terminal.say(&format!("  confirmed  {what}: {ours}"));
        } else {
            self.differences.push(format!("{what}: {ours} here, {theirs} there"));
        }
    }

    fn holds(&mut self, what: &str, is_true: bool) {
        if is_true {
            self.terminal.say(&format!("  confirmed  {what}"));
        } else {
            self.differences.push(format!("{what}: not so"));
        }
    }
}
