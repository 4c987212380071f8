//! What the demo prints of a run.

use crate::cost::Cost;
use crate::terminal::Terminal;
use domain::Run;
use std::time::Duration;

/// Prints the figures of a run, and what they cost.
pub fn print(run: &Run, took: Duration, cost: Option<&Cost>, terminal: &Terminal) {
    let account = &run.accounting;
    let mut lines =
        vec![String::new(), format!("{} contacts read, and where each of them ended:", account.fetched)];
    for (bucket, count) in account.buckets() {
        if count > 0 {
            lines.push(format!("  {:>9}  {}", count, bucket.title()));
        }
    }
    if let Some(stats) = &run.stats {
        lines.push(format!(
            "{} lifetime values from {} to {}, median {}",
            stats.count,
            stats.min.grouped(),
            stats.max.grouped(),
            stats.median.grouped()
        ));
        lines.push(format!(
            "  top 10%: {}   middle: {}   bottom 40%: {}",
            stats.top, stats.middle, stats.bottom
        ));
    }
    if let Some(ranking) = &run.ranking {
        lines.extend(ranking.facts().into_iter().map(|(label, text)| format!("{label}: {text}")));
    }
    if let Some(audience) = &run.audience {
        lines.push(format!("Custom audience {} (id {})", audience.name, audience.id));
        lines.push(format!(
            "  matched by Meta: {} ({})",
            run.matched.count_text(account.sent),
            run.matched.rate_text(account.sent)
        ));
    }
    for lookalike in &run.lookalikes {
        lines.push(format!(
            "Lookalike {} (id {}): {}",
            lookalike.name,
            lookalike.id.as_deref().unwrap_or("none yet"),
            lookalike.status
        ));
    }
    lines.push(format!("Whole sync: {:.1} s", took.as_secs_f64()));
    lines.push(String::new());
    lines.extend(cost.into_iter().flat_map(Cost::table));
    lines.push(String::new());
    for line in lines {
        terminal.say(&line);
    }
}
