//! What must be true in the end.

use crate::figures::{Figures, Sample};
use crate::installation::Installation;
use crate::{Failure, Options, say};
use chrono::TimeDelta;
use domain::accounting::Accounting;
use domain::{Clock, SystemClock};
use persistence::{RemoteKind, Store};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// Audiences the service keeps.
pub const AUDIENCE_KEEP: u64 = 5;

/// How long an audience that was perhaps made without a reply is looked for.
const STILL_BEING_MADE: TimeDelta = TimeDelta::minutes(11);

/// The upkeep comes once a minute.
const TWO_TICKS: Duration = Duration::from_secs(130);

/// Prints the figures; what is wrong.
pub fn look(
    installation: &mut Installation,
    options: &Options,
    figures: &Figures,
) -> Result<Vec<String>, Failure> {
    let mut wrong = Vec::new();
    say(&figures.line());
    let history = history(installation);
    runs(&history, options, figures, &mut wrong);
    at_meta(installation, &history, &mut wrong)?;
    told(installation, &history, &mut wrong)?;
    usage(figures, options, &mut wrong);
    if !wrong.is_empty() {
        say(&format!("Database and log are kept in {}", installation.keep().display()));
    }
    Ok(wrong)
}

/// Every run, newest first.
fn history(installation: &Installation) -> Vec<Value> {
    let mut runs = Vec::new();
    for page in 1.. {
        let items = installation.get(&format!("/api/sync/history?page={page}"));
        match items["items"].as_array() {
            Some(items) if !items.is_empty() => runs.extend(items.iter().cloned()),
            _ => break,
        }
    }
    runs
}

/// Every run is closed, and the contacts of each success are those of the list, each in one bucket.
fn runs(history: &[Value], options: &Options, figures: &Figures, wrong: &mut Vec<String>) {
    if history.len() as u64 != u64::from(figures.begun()) {
        wrong.push(format!("{} runs were begun and {} are recorded", figures.begun(), history.len()));
    }
    let mut accounts: HashMap<String, u32> = HashMap::new();
    for run in history {
        let (id, account) = (&run["id"], &run["accounting"]);
        if run["status"] == "running" || run["completed_at"].is_null() {
            wrong.push(format!("run {id} is not closed"));
        }
        if run["status"] != "success" {
            if run["error_message"].as_str().is_none_or(str::is_empty) || run["failed_step"].is_null() {
                wrong.push(format!("run {id} is {} and does not say why", run["status"]));
            }
            continue;
        }
        let adds_up = Accounting::deserialize(account)
            .is_ok_and(|account| account.fetched == u64::from(options.contacts) && account.check().is_ok());
        if !adds_up {
            wrong.push(format!("run {id} does not account for every contact: {account}"));
        }
        *accounts.entry(account.to_string()).or_default() += 1;
    }
    for (account, runs) in accounts {
        say(&format!("{runs} successes with the account {account}"));
    }
}

/// The members are those of the last success, and nothing is left over.
fn at_meta(installation: &Installation, history: &[Value], wrong: &mut Vec<String>) -> Result<(), Failure> {
    let store = installation.store()?;
    let unfinished = unfinished(&store)?;
    wrong.extend(unfinished.iter().map(|name| format!("the creation of {name} was never settled")));
    let all = installation.control("/control/meta/audiences")?;
    let living: Vec<&Value> =
        all["audiences"].as_array().into_iter().flatten().filter(|one| one["deleted"] == false).collect();
    let of_kind = |kind: &str| living.iter().filter(|one| one["subtype"] == kind).count();
    let (seeds, lookalikes) = (of_kind("CUSTOM"), of_kind("LOOKALIKE"));
    say(&format!("{seeds} audiences and {lookalikes} lookalikes at Meta"));
    if seeds as u64 > AUDIENCE_KEEP {
        wrong.push(format!("{seeds} audiences are at Meta, {AUDIENCE_KEEP} are kept"));
    }
    let expected = installation.control("/control/people/expectations")?;
    for audience in living.iter().filter(|one| one["subtype"] == "CUSTOM") {
        let id = audience["id"].as_str().unwrap_or_default();
        let seen = installation.control(&format!("/control/meta/audiences/{id}/verification"))?;
        for nothing in ["missing_count", "unexpected", "duplicates", "wrong_value_count"] {
            if seen[nothing] != 0 {
                wrong.push(format!("audience {id}: {nothing} is {}", seen[nothing]));
            }
        }
    }
    let last = history.iter().find(|run| run["status"] == "success");
    match last {
        None => wrong.push("no run succeeded".to_owned()),
        Some(last) => {
            if !living.iter().any(|one| one["id"] == last["meta_audience_id"]) {
                wrong.push(format!("the audience of the last success, run {}, is not at Meta", last["id"]));
            }
            if last["accounting"]["sent"] != expected["sent"] {
                wrong.push(format!(
                    "{} were sent, {} should be",
                    last["accounting"]["sent"], expected["sent"]
                ));
            }
        }
    }
    // A killed run's files go with the first upkeep that finds no run.
    let begun = Instant::now();
    while installation.spooled() > 0 && begun.elapsed() < TWO_TICKS {
        std::thread::sleep(Duration::from_millis(100));
    }
    if installation.spooled() > 0 {
        wrong.push(format!("{} spool folders are left", installation.spooled()));
    }
    Ok(())
}

/// Audiences whose creation is still open although there was time to settle it.
fn unfinished(store: &Store) -> Result<Vec<String>, Failure> {
    let open = store.intentions_open()?;
    let (audiences, others): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|one| one.kind == RemoteKind::Audience && one.remote_id.is_none());
    let young = SystemClock.now() - STILL_BEING_MADE;
    let (waiting, late): (Vec<_>, Vec<_>) = audiences.into_iter().partition(|one| one.created_at > young);
    say(&format!("{} creations without a reply are still looked for", waiting.len()));
    Ok(late.into_iter().chain(others).map(|one| one.name).collect())
}

/// Every run that was not cancelled was told once, or waits to be; the same mail twice carries the same Message-ID.
fn told(installation: &Installation, history: &[Value], wrong: &mut Vec<String>) -> Result<(), Failure> {
    let store = installation.store()?;
    // The mail of the very last run is on its way.
    let begun = Instant::now();
    let (mut waiting, mut given_up) = (0, 0);
    let mut sent = HashSet::new();
    for run in history.iter().filter(|run| run["status"] != "cancelled") {
        let id = run["id"].as_i64().unwrap_or_default();
        let mails = loop {
            let mails = store.outbox_of_run(domain::RunId(id))?;
            if !mails.is_empty() || begun.elapsed() > Duration::from_secs(5) {
                break mails;
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        if mails.is_empty() {
            wrong.push(format!("run {id} is not told"));
        }
        for mail in mails {
            waiting += u32::from(mail.sent_at.is_none() && mail.given_up_at.is_none());
            given_up += u32::from(mail.given_up_at.is_some());
            sent.extend(mail.sent_at.map(|_| mail.message_id));
        }
    }
    let mut received: HashMap<String, u32> = HashMap::new();
    let mails = installation.control("/control/mails")?;
    for mail in mails["mails"].as_array().into_iter().flatten() {
        let id = mail["message_id"].as_str().unwrap_or_default();
        *received.entry(id.trim_matches(['<', '>']).to_owned()).or_default() += 1;
    }
    let doubled = received.values().filter(|times| **times > 1).count();
    say(&format!(
        "{} mails received, {doubled} of them more than once (with the same Message-ID), {waiting} wait for another try, {given_up} given up",
        received.len()
    ));
    for id in sent {
        if !received.contains_key(id.trim_matches(['<', '>'])) {
            wrong.push(format!("the mail {id} counts as sent and was not received"));
        }
    }
    if given_up > 0 {
        wrong.push(format!("{given_up} mails were given up within the hour"));
    }
    Ok(())
}

/// One number of a sample.
type Figure = fn(&Sample) -> u64;

/// Memory, threads and files of the longest life are at its end what they were at its beginning.
fn usage(figures: &Figures, options: &Options, wrong: &mut Vec<String>) {
    let life = figures.of_the_longest_life();
    let tenth = (life.len() / 10).max(1);
    let (first, last) = (&life[..tenth.min(life.len())], &life[life.len().saturating_sub(tenth)..]);
    let kinds: [(&str, Figure, u64); 4] = [
        // Each of eight connections to the embedded database fills a page cache of 2 MB with the growing history.
        ("resident memory in kB", |one| one.resident_kb, 16 * 1024),
        ("threads", |one| one.threads, 3),
        ("open files", |one| one.files, 6),
        ("spool folders", |one| one.spooled, 0),
    ];
    say(&format!("in the longest life of {} runs:", life.len()));
    for (name, of, slack) in kinds {
        let mean = |samples: &[Sample]| samples.iter().map(of).sum::<u64>() / (samples.len() as u64).max(1);
        let values = life.iter().map(of);
        let (lowest, highest) = (values.clone().min().unwrap_or(0), values.max().unwrap_or(0));
        let (before, after) = (mean(first), mean(last));
        say(&format!(
            "  {name}: first tenth {before}, last tenth {after}, lowest {lowest}, highest {highest}"
        ));
        if after > before + slack {
            wrong.push(format!("{name} grew from {before} to {after}"));
        }
    }
    say(&format!("rows of the database, every tenth run: {:?}", figures.rows));
    // The contacts of a run are kept for days; beside them each run has a few dozen rows of its own.
    let most = i64::from(options.contacts) + 40;
    for (before, after) in figures.rows.iter().zip(figures.rows.iter().skip(1)) {
        if after - before > 10 * most {
            wrong.push(format!("ten runs made {} rows", after - before));
        }
    }
}
