//! Runs in the database.

use domain::run::{
    Changes, Failure, Lookalike, LookalikeStatus, Matched, NormalizationStats, RankingReport, RemoteAudience,
    RunStatus, Step, StepStatus, SyncConfig, Trigger, ValueRange,
};
use domain::{Accounting, Bucket, Cents, Percentile, RunId};
use persistence::{RunContact, Store};

pub fn config() -> SyncConfig {
    SyncConfig {
        list_id: "tag:customer".into(),
        list_name: "Customers".into(),
        list_conditions: None,
        ltv_field_key: "contact.lifetime_value".into(),
        ltv_field_name: "Lifetime Value".into(),
        ad_account_id: "act_42".into(),
        sync_enabled: true,
    }
}

pub fn running(store: &Store) -> RunId {
    let config = store.config_save(&config()).unwrap();
    let run = store.run_start(Trigger::Manual, config).unwrap();
    store.step_start(run, Step::Fetch).unwrap();
    store.step_progress(run, Step::Fetch, 1200, Some(2357)).unwrap();
    run
}

pub fn successful(store: &Store) -> RunId {
    let run = running(store);
    store.step_progress(run, Step::Fetch, 2357, Some(2357)).unwrap();
    store.step_finish(run, Step::Fetch, StepStatus::Done, Some("24 pages")).unwrap();
    let accounting = Accounting {
        fetched: 2357,
        sent: 2311,
        excluded_opted_out: 12,
        skipped_no_ltv: 30,
        refused_by_meta: 4,
        ..Accounting::default()
    };
    store.run_set_accounting(run, &accounting).unwrap();
    let stats = NormalizationStats {
        count: 2327,
        min: Cents(0),
        median: Cents(4_350),
        max: Cents(1_399_116),
        distribution: [240, 230, 232, 233, 233, 232, 233, 231, 231, 232],
        range_per_decile: std::array::from_fn(|at| {
            let amount = |steps: usize| Cents(i64::try_from(steps * 1000).unwrap());
            Some(ValueRange { from: amount(at), to: if at == 9 { Cents(1_399_116) } else { amount(at + 1) } })
        }),
        value_per_decile: [0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 64_000].map(Cents),
        top: 232,
        middle: 1160,
        bottom: 935,
        ambiguous: 0,
    };
    let ranking = RankingReport {
        normalizer: "claude".into(),
        model: Some("claude-sonnet-5-5".into()),
        input_tokens: 3456,
        output_tokens: 789,
        max_deviation: Some(0),
        request_ids: vec!["req_1".into()],
        ..RankingReport::default()
    };
    store.run_set_ranking(run, &stats, &ranking).unwrap();
    store
        .run_set_audience(
            run,
            &RemoteAudience { id: "120211234567890123".into(), name: "GHL-HighValue-2026-11-21".into() },
        )
        .unwrap();
    store.run_set_matched(run, &Matched { exact: Some(1701), lower: None, upper: None }).unwrap();
    store.run_set_lookalikes(run, &[lookalike(LookalikeStatus::Created, None)]).unwrap();
    store.run_set_changes(run, Some(Changes { added: 1031, removed: 4 })).unwrap();
    store.contacts_insert(run, &contacts()).unwrap();
    assert!(store.run_finish(run, RunStatus::Success, None).unwrap());
    run
}

pub fn lookalike(status: LookalikeStatus, note: Option<&str>) -> Lookalike {
    Lookalike {
        id: (status == LookalikeStatus::Created).then(|| "120219876543210987".into()),
        name: "GHL-HighValue-2026-11-21-LAL-1%".into(),
        country: "US".into(),
        ratio_percent: 1,
        status,
        note: note.map(Into::into),
    }
}

pub fn failed(store: &Store) -> RunId {
    let run = running(store);
    store.step_finish(run, Step::Fetch, StepStatus::Done, None).unwrap();
    store.step_start(run, Step::Upload).unwrap();
    store.step_finish(run, Step::Upload, StepStatus::Failed, None).unwrap();
    let failure = Failure {
        step: Step::Upload,
        message: "Meta refused the access token.".into(),
        remedy: "Make a new token and put it into META_ACCESS_TOKEN.".into(),
        provider_code: Some("190/463".into()),
        trace_id: Some("AbCdEf123".into()),
    };
    assert!(store.run_finish(run, RunStatus::Failed, Some(&failure)).unwrap());
    run
}

/// Twelve contacts that were sent and one that was not.
fn contacts() -> Vec<RunContact> {
    let contact = |n: u8| RunContact {
        ghl_contact_id: format!("contact-{n}"),
        email: (n != 10).then(|| format!("jane{n}@example.com")),
        phone: Some(format!("+1555010{n:04}")),
        first_name: Some("Janet".into()),
        last_name: Some("Marple".into()),
        raw_ltv: Some(Cents(i64::from(n) * 100_000)),
        normalized_value: Percentile::new(n * 8),
        bucket: Bucket::Sent,
        reason: None,
        meta_matched: None,
        country: None,
    };
    let mut contacts: Vec<RunContact> = (1..=12).map(contact).collect();
    contacts.push(RunContact {
        ghl_contact_id: "opted-out".into(),
        bucket: Bucket::OptedOut,
        normalized_value: Percentile::new(100),
        ..contact(12)
    });
    contacts
}
