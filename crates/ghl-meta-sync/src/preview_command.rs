//! `preview`: what a sync would send, without sending it.

use crate::failure::{Failed, words};
use crate::installed::Installed;
use crate::logging;
use crate::settings::{Environment, Settings};
use crate::signals::Signals;
use crate::terminal::Terminal;
use crate::wiring::{self, Patience};
use domain::error_chain::Chain;
use domain::foreign_text::{LONGEST, one_line};
use domain::run::{NormalizationStats, RankingReport, Step};
use domain::{Accounting, Bucket, Cancel, Explain};
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Arc;
use sync::{Column, LookalikeReach, NobodyWatches, Preview, RunError};

/// Reads and ranks the list, and prints what a sync would send.
///
/// # Errors
/// Exit status 1 when the preview failed or a sync would stop, 2 when it could not begin.
pub fn run(environment: Environment, terminal: &Terminal) -> Result<(), Failed> {
    let initial = Settings::read(&environment)?;
    let _log = logging::start(&initial.log_dir, initial.log_level, false)?;
    let store = wiring::open_store(&initial)?;
    let installed = Installed::new(environment, store, Arc::new(NobodyWatches), Patience::AsDocumented)?;
    let service = installed.service()?;
    let signals = Signals::watch()?;
    let cancel = Cancel::new();
    let currency = installed.settings_in_force().currency;
    // The bar goes to standard error, and only when that is a terminal: the report can be piped.
    let bar = ProgressBar::no_length().with_style(style());
    let work = {
        let (cancel, bar) = (cancel.clone(), bar.clone());
        move || {
            let config = installed.choice(&service).map_err(|error| Failed::not_begun(&error))?;
            service
                .preview(&config, &cancel, &|step, done, total| show(&bar, step, done, total))
                .map_err(|error| failed(&error, &cancel))
        }
    };
    // The working files hold personal data and are deleted at the end, so a signal ends the work and not the process; the
    // next start deletes those of a work that did not end.
    let made = signals.attend(work, || cancel.cancel());
    bar.finish_and_clear();
    let preview = made?.unwrap_or_else(|| Err(Failed::job("The preview was cancelled.")))?;
    for line in report(&preview, currency.as_deref()) {
        terminal.say(&line);
    }
    match &preview.obstacle {
        None => Ok(()),
        Some(obstacle) => {
            Err(Failed::job(format!("A sync would stop here, before Meta.\n{}", words(obstacle))))
        }
    }
}

fn show(bar: &ProgressBar, step: Step, done: u64, total: Option<u64>) {
    bar.set_message(match step {
        Step::ReadLtv => "Reading values",
        Step::Fetch => "Reading contacts",
        _ => "Ranking",
    });
    bar.set_position(done);
    if let Some(total) = total {
        bar.set_length(total);
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{msg:18} {elapsed:>4} [{wide_bar}] {human_pos}/{human_len}")
        .unwrap_or_else(|_invalid| ProgressStyle::default_bar())
}

fn failed(error: &RunError, cancel: &Cancel) -> Failed {
    log::error!("the preview failed: {}", Chain(error));
    if cancel.is_cancelled() {
        return Failed::job("The preview was cancelled.");
    }
    Failed::job(format!("The preview failed.\n{}", words(&error.explain())))
}

fn report(preview: &Preview, currency: Option<&str>) -> Vec<String> {
    let config = &preview.config;
    let name = |text: &str| one_line(text, LONGEST);
    let mut lines = vec![
        format!(
            "Preview of \"{}\" by \"{}\". Nothing was sent to Meta.",
            name(&config.list_name),
            name(&config.ltv_field_name)
        ),
        String::new(),
    ];
    lines.extend(account(&preview.accounting));
    lines.push(rows(preview));
    lines.extend(preview.stats.iter().flat_map(|stats| values(stats, currency)));
    let facts = preview.ranking.iter().flat_map(RankingReport::facts);
    lines.extend(facts.map(|(label, text)| format!("{label}: {text}")));
    lines.extend(preview.warnings.iter().map(|warning| format!("  Warning: {warning}")));
    lines.push(String::new());
    lines.extend(columns(&preview.columns, preview.accounting.fetched - preview.accounting.duplicates));
    lines.push(String::new());
    lines.extend(preview.lookalike_reach.iter().map(reach));
    lines.extend(
        preview.last_match_rate.iter().map(|rate| format!("Matched by Meta at the last sync: {rate}")),
    );
    lines
}

fn account(counts: &Accounting) -> Vec<String> {
    let mut lines = vec![format!("{} contacts read, and where each of them would end:", counts.fetched)];
    for (bucket, count) in counts.buckets() {
        let title = if bucket == Bucket::Sent { "Would be sent to Meta" } else { bucket.title() };
        if count > 0 || bucket == Bucket::Sent {
            lines.push(format!("  {count:>9}  {title}"));
        }
    }
    lines
}

fn rows(preview: &Preview) -> String {
    let (first, further) = (preview.accounting.sent, preview.further_rows);
    format!(
        "{} rows would be sent: one for each contact, {further} more for additional e-mail addresses and phones",
        first + further
    )
}

fn values(stats: &NormalizationStats, currency: Option<&str>) -> Vec<String> {
    let [min, max, median] = [stats.min, stats.max, stats.median].map(|amount| match currency {
        Some(currency) => format!("{} {currency}", amount.grouped()),
        None => amount.grouped(),
    });
    vec![
        format!("{} lifetime values from {min} to {max}, median {median}", stats.count),
        format!("  top 10%: {}   middle: {}   bottom 40%: {}", stats.top, stats.middle, stats.bottom),
    ]
}

fn columns(columns: &[Column], contacts: u64) -> Vec<String> {
    let mut lines = vec![
        format!("Match keys of the {contacts} distinct contacts:"),
        format!("  {:12} {:>9} {:>9} {:>9}", "", "filled", "usable", "dropped"),
    ];
    for column in columns {
        let reasons: Vec<String> =
            column.dropped.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let line = format!(
            "  {:12} {:>9} {:>9} {:>9}  {}",
            column.field.title(),
            column.filled,
            column.usable,
            column.filled - column.usable,
            reasons.join("; ")
        );
        lines.push(line.trim_end().to_owned());
    }
    lines
}

fn reach(reach: &LookalikeReach) -> String {
    format!("Lookalike in {}: {}. {}", reach.country, reach.verdict.title(), reach.reason())
}
