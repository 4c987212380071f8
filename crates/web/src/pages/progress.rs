//! How far a whole run is, and about how long it still takes.

use chrono::{DateTime, TimeDelta, Utc};
use domain::Run;
use domain::run::{RunStatus, Step, StepRecord, StepStatus};

/// How a run's time is usually spent, in thousandths, until there is a success to learn it from.
const USUAL: [(Step, i64); 10] = [
    (Step::Fetch, 300),
    (Step::ReadLtv, 20),
    (Step::Normalize, 120),
    (Step::Hash, 60),
    (Step::CreateAudience, 20),
    (Step::Upload, 250),
    (Step::Wait, 150),
    (Step::Lookalike, 40),
    (Step::Save, 30),
    (Step::Notify, 10),
];
/// Every step counts for something, or a run whose steps took no time would have no length.
const LEAST: i64 = 10;
/// Before this part is done, the pace says nothing about the rest.
const TOLD_FROM: u8 = 20;
/// A step that has no count may take longer than before, so by time alone it is never done: in thousandths.
const MOST_BY_TIME: i64 = 950;

/// Percent of the whole run; `None` when it has ended. `before`, the latest success, tells how long each step takes.
pub(super) fn percent(run: &Run, before: Option<&Run>, now: DateTime<Utc>) -> Option<u8> {
    if run.status != RunStatus::Running {
        return None;
    }
    let (mut done, mut all) = (0, 0);
    for (step, usual) in USUAL {
        // They begin and end with the fetching: the same time must not count three times.
        if before.is_some() && matches!(step, Step::ReadLtv | Step::Hash) {
            continue;
        }
        let length = before.and_then(|before| took(before, step)).unwrap_or(usual).max(LEAST);
        all += length;
        done += length * thousandths(run, step, before, now) / 1000;
    }
    // It has not ended, however much is done.
    u8::try_from((done * 100 / all).min(99)).ok()
}

/// About how long the run still takes; `None` while that can not be told.
pub(super) fn left(run: &Run, before: Option<&Run>, percent: u8, now: DateTime<Utc>) -> Option<String> {
    // Nobody knows when Meta lets go on faster.
    if percent < TOLD_FROM || run.waiting_until.is_some() {
        return None;
    }
    let mut running = run.steps.iter().filter(|record| record.status == StepStatus::Running).peekable();
    // While nothing is known of the present step, the percent stands still and the rest would seem to grow.
    if running.peek().is_some() && running.all(|record| so_far(record, before, now).is_none()) {
        return None;
    }
    let elapsed = (now - run.started_at).num_seconds().max(0);
    Some(roughly(TimeDelta::seconds(elapsed * i64::from(100 - percent) / i64::from(percent))))
}

/// How long a step took, in milliseconds; `None` when it did not end well.
fn took(run: &Run, step: Step) -> Option<i64> {
    let step = run.steps.iter().find(|record| record.name == step && record.status == StepStatus::Done)?;
    Some((step.completed_at? - step.started_at).num_milliseconds())
}

fn thousandths(run: &Run, step: Step, before: Option<&Run>, now: DateTime<Utc>) -> i64 {
    match run.steps.iter().find(|record| record.name == step) {
        None => 0,
        Some(record) if record.status == StepStatus::Running => so_far(record, before, now).unwrap_or(0),
        Some(_) => 1000,
    }
}

/// How much of a running step is done, in thousandths: by its count, or by the time it took before.
fn so_far(record: &StepRecord, before: Option<&Run>, now: DateTime<Utc>) -> Option<i64> {
    if let Some(total) = record.total.filter(|&total| total > 0) {
        return i64::try_from(u128::from(record.done.min(total)) * 1000 / u128::from(total)).ok();
    }
    let length = took(before?, record.name)?.max(LEAST);
    let elapsed = (now - record.started_at).num_milliseconds().max(0);
    Some((elapsed.saturating_mul(1000) / length).min(MOST_BY_TIME))
}

/// No more exact than it is known.
fn roughly(span: TimeDelta) -> String {
    let seconds = span.num_seconds();
    match seconds {
        ..=15 => "a few seconds".to_owned(),
        16..=50 => "less than a minute".to_owned(),
        51..=90 => "about a minute".to_owned(),
        91..=5400 => format!("about {} minutes", (seconds + 30) / 60),
        _ => format!("about {} hours", (seconds + 1800) / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::{left, percent, roughly};
    use chrono::{DateTime, TimeDelta, Utc};
    use domain::run::{Matched, RunStatus, Step, StepRecord, StepStatus, SyncConfig, Trigger};
    use domain::{Accounting, Run, RunId};

    fn begin() -> DateTime<Utc> {
        "2026-11-21T02:00:00Z".parse().unwrap()
    }

    fn run(status: RunStatus, steps: &[(Step, StepStatus, i64, u64, Option<u64>)]) -> Run {
        let record = |&(name, status, seconds, done, total): &(Step, StepStatus, i64, u64, Option<u64>)| {
            let end = (status != StepStatus::Running).then(|| begin() + TimeDelta::seconds(seconds));
            StepRecord { name, status, started_at: begin(), completed_at: end, done, total, detail: None }
        };
        Run {
            id: RunId(1),
            trigger: Trigger::Manual,
            scheduled_for: None,
            status,
            config: SyncConfig {
                list_id: "all".into(),
                list_name: "All contacts".into(),
                list_conditions: None,
                ltv_field_key: "contact.ltv".into(),
                ltv_field_name: "LTV".into(),
                ad_account_id: "act_1".into(),
                sync_enabled: true,
            },
            started_at: begin(),
            completed_at: None,
            failure: None,
            steps: steps.iter().map(record).collect(),
            accounting: Accounting::default(),
            matched: Matched::default(),
            audience: None,
            lookalikes: vec![],
            changes: None,
            stats: None,
            ranking: None,
            waiting_until: None,
            audience_deleted_at: None,
            refused_samples: vec![],
        }
    }

    #[test]
    fn the_whole_run_counts_not_the_present_step() {
        let running = |steps: &[_]| percent(&run(RunStatus::Running, steps), None, begin());
        assert_eq!(running(&[]), Some(0));
        assert_eq!(
            running(&[(Step::Fetch, StepStatus::Running, 0, 1200, None)]),
            Some(0),
            "of unknown length"
        );
        assert_eq!(running(&[(Step::Fetch, StepStatus::Running, 0, 50, Some(100))]), Some(15));
        assert_eq!(running(&[(Step::Fetch, StepStatus::Running, 0, 9, Some(0))]), Some(0));
        assert_eq!(running(&[(Step::Fetch, StepStatus::Running, 0, 200, Some(100))]), Some(30));
        let all: Vec<_> = Step::ALL.iter().map(|&step| (step, StepStatus::Done, 1, 1, None)).collect();
        assert_eq!(running(&all), Some(99), "it has not ended");
        assert_eq!(percent(&run(RunStatus::Success, &all), None, begin()), None);
    }

    /// A success of two minutes: one for the reading, and one for Meta to match.
    fn two_minutes() -> Run {
        let seconds = |step| match step {
            Step::Fetch | Step::ReadLtv | Step::Hash | Step::Wait => 60,
            _ => 0,
        };
        let steps: Vec<_> =
            Step::ALL.iter().map(|&step| (step, StepStatus::Done, seconds(step), 1, None)).collect();
        run(RunStatus::Success, &steps)
    }

    const READ: [(Step, StepStatus, i64, u64, Option<u64>); 3] = [
        (Step::Fetch, StepStatus::Done, 60, 1, None),
        (Step::ReadLtv, StepStatus::Done, 60, 1, None),
        (Step::Hash, StepStatus::Done, 60, 1, None),
    ];

    #[test]
    fn the_latest_success_tells_how_long_each_step_takes_and_the_reading_counts_once() {
        let fetched = run(RunStatus::Running, &READ);
        let of = |before: Option<&Run>| percent(&fetched, before, begin() + TimeDelta::seconds(60));
        assert_eq!((of(None), of(Some(&two_minutes()))), (Some(38), Some(49)));
    }

    #[test]
    fn a_step_without_a_count_is_measured_by_the_success_before_or_no_rest_is_told() {
        let before = two_minutes();
        let mut steps = READ.to_vec();
        steps.push((Step::Wait, StepStatus::Running, 0, 0, None));
        let mut waiting = run(RunStatus::Running, &steps);
        let begun = begin() + TimeDelta::seconds(60);
        waiting.steps[3].started_at = begun;
        let after = |seconds| percent(&waiting, Some(&before), begun + TimeDelta::seconds(seconds));
        assert_eq!((after(0), after(30), after(3600)), (Some(49), Some(74), Some(97)), "never all of it");
        let now = begun + TimeDelta::seconds(30);
        assert_eq!(left(&waiting, Some(&before), 74, now).as_deref(), Some("less than a minute"));
        assert_eq!(left(&waiting, None, 38, now), None, "nobody knows how long Meta takes");
    }

    #[test]
    fn the_rest_is_told_from_a_fifth_on_and_not_while_meta_slows_us_down() {
        let mut run = run(RunStatus::Running, &[]);
        let now = begin() + TimeDelta::minutes(5);
        assert_eq!(left(&run, None, 19, now), None);
        assert_eq!(left(&run, None, 20, now).as_deref(), Some("about 20 minutes"));
        assert_eq!(left(&run, None, 50, begin() - TimeDelta::hours(1)).as_deref(), Some("a few seconds"));
        run.waiting_until = Some(now);
        assert_eq!(left(&run, None, 50, now), None);
    }

    #[test]
    fn what_is_not_known_exactly_is_not_said_exactly() {
        for (seconds, words) in [
            (0, "a few seconds"),
            (40, "less than a minute"),
            (80, "about a minute"),
            (170, "about 3 minutes"),
            (9000, "about 3 hours"),
        ] {
            assert_eq!(roughly(TimeDelta::seconds(seconds)), words);
        }
    }
}
