//! How far a whole run is, and about how long it still takes.

use chrono::{DateTime, TimeDelta, Utc};
use domain::Run;
use domain::run::{RunStatus, Step, StepStatus};

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

/// Percent of the whole run; `None` when it has ended. `before`, the latest success, tells how long each step takes.
pub(super) fn percent(run: &Run, before: Option<&Run>) -> Option<u8> {
    if run.status != RunStatus::Running {
        return None;
    }
    let (mut done, mut all) = (0, 0);
    for (step, usual) in USUAL {
        let length = before.and_then(|before| took(before, step)).unwrap_or(usual).max(LEAST);
        all += length;
        done += length * thousandths(run, step) / 1000;
    }
    // It has not ended, however much is done.
    u8::try_from((done * 100 / all).min(99)).ok()
}

/// About how long the run still takes; `None` while that can not be told.
pub(super) fn left(run: &Run, percent: u8, now: DateTime<Utc>) -> Option<String> {
    // Nobody knows when Meta lets go on faster.
    if percent < TOLD_FROM || run.waiting_until.is_some() {
        return None;
    }
    let so_far = (now - run.started_at).num_seconds().max(0);
    Some(roughly(TimeDelta::seconds(so_far * i64::from(100 - percent) / i64::from(percent))))
}

/// How long a step took, in milliseconds; `None` when it did not end well.
fn took(run: &Run, step: Step) -> Option<i64> {
    let step = run.steps.iter().find(|record| record.name == step && record.status == StepStatus::Done)?;
    Some((step.completed_at? - step.started_at).num_milliseconds())
}

fn thousandths(run: &Run, step: Step) -> i64 {
    let Some(record) = run.steps.iter().find(|record| record.name == step) else { return 0 };
    match (record.status, record.total) {
        (StepStatus::Running, Some(total)) if total > 0 => {
            i64::try_from(u128::from(record.done.min(total)) * 1000 / u128::from(total)).unwrap_or(0)
        }
        (StepStatus::Running, _) => 0,
        _ => 1000,
    }
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
        let running = |steps: &[_]| percent(&run(RunStatus::Running, steps), None);
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
        assert_eq!(percent(&run(RunStatus::Success, &all), None), None);
    }

    #[test]
    fn the_latest_success_tells_how_long_each_step_takes() {
        let mut before: Vec<_> = Step::ALL.iter().map(|&step| (step, StepStatus::Done, 0, 1, None)).collect();
        before[0].2 = 90;
        let before = run(RunStatus::Success, &before);
        let fetched = run(RunStatus::Running, &[(Step::Fetch, StepStatus::Done, 90, 1, None)]);
        assert_eq!((percent(&fetched, None), percent(&fetched, Some(&before))), (Some(30), Some(99)));
    }

    #[test]
    fn the_rest_is_told_from_a_fifth_on_and_not_while_meta_slows_us_down() {
        let mut run = run(RunStatus::Running, &[]);
        let now = begin() + TimeDelta::minutes(5);
        assert_eq!(left(&run, 19, now), None);
        assert_eq!(left(&run, 20, now).as_deref(), Some("about 20 minutes"));
        assert_eq!(left(&run, 50, begin() - TimeDelta::hours(1)).as_deref(), Some("a few seconds"));
        run.waiting_until = Some(now);
        assert_eq!(left(&run, 50, now), None);
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
