use crate::support::{TestDb, begun, config, for_each_backend};
use chrono::TimeDelta;
use domain::run::{
    Changes, Failure, Lookalike, LookalikeStatus, Matched, NormalizationStats, RankingReport, RefusedSample,
    RemoteAudience, RunStatus, Step, SyncConfig, Trigger, ValueRange,
};
use domain::{Accounting, Cents, Run, RunId};
use persistence::StoreError;
use std::sync::Barrier;

for_each_backend!(
    a_fresh_run_knows_nothing_yet,
    everything_recorded_of_a_run_reads_back,
    the_columns_of_the_specification_are_filled,
    a_run_ends_once,
    one_of_eight_ends_counts,
    a_failure_reads_back,
    a_run_keeps_the_names_it_ran_with,
    history_is_newest_first_in_pages,
    the_last_success_is_found_by_list_and_field,
    the_last_success_of_an_ad_account_is_found,
    runs_left_running_are_found,
    lookalikes_are_replaced_as_a_whole,
    what_belongs_to_no_run_is_refused,
    a_word_of_another_version_is_named_not_guessed,
);

fn stats() -> NormalizationStats {
    NormalizationStats {
        count: 2311,
        min: Cents(-500),
        median: Cents(12_345),
        max: Cents(i64::MAX),
        distribution: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        value_per_decile: [Cents(7); 10],
        range_per_decile: [Some(ValueRange { from: Cents(-500), to: Cents(7) }); 10],
        top: 10,
        middle: 40,
        bottom: 50,
        ambiguous: 3,
    }
}

fn lookalike(country: &str, id: Option<&str>, status: LookalikeStatus) -> Lookalike {
    Lookalike {
        id: id.map(Into::into),
        name: format!("GHL-HighValue-2026-01-31-LAL-{country}-1%"),
        country: country.into(),
        ratio_percent: 1,
        status,
        note: id.is_none().then(|| "the seed is not matched yet".into()),
    }
}

fn failure() -> Failure {
    Failure {
        step: Step::Upload,
        message: "Meta refused the upload: \"O'Hara\" 🎈.".into(),
        remedy: "Renew META_ACCESS_TOKEN.".into(),
        provider_code: Some("190/463".into()),
        trace_id: None,
    }
}

fn a_fresh_run_knows_nothing_yet(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    let expected = Run {
        id: run,
        trigger: Trigger::Manual,
        scheduled_for: None,
        status: RunStatus::Running,
        config: config(),
        started_at: db.now(),
        completed_at: None,
        failure: None,
        steps: Vec::new(),
        accounting: Accounting::default(),
        matched: Matched::default(),
        audience: None,
        lookalikes: Vec::new(),
        changes: None,
        stats: None,
        ranking: None,
        waiting_until: None,
        audience_deleted_at: None,
        refused_samples: Vec::new(),
    };
    assert_eq!(store.run_get(run).unwrap(), Some(expected.clone()));
    assert_eq!(store.run_latest().unwrap(), Some(expected));
    assert_eq!(store.run_latest_success().unwrap(), None);
    assert_eq!(store.run_get(RunId(99)).unwrap(), None);
}

/// Records everything there is and ends the run well.
fn filled(db: &TestDb) -> (RunId, Run) {
    let store = db.open();
    let run = begun(&store);
    let accounting = Accounting { fetched: 2320, sent: 2311, merged: 9, ..Accounting::default() };
    let ranking = RankingReport {
        normalizer: "claude".into(),
        model: Some("claude-sonnet-5-5".into()),
        note: Some("a\0b <script>".into()),
        request_ids: vec!["req_1".into()],
        ..RankingReport::default()
    };
    let audience =
        RemoteAudience { id: "120210000000000001".into(), name: "GHL-HighValue-2026-01-31".into() };
    let matched = Matched { exact: Some(1701), lower: Some(1700), upper: None };
    let lookalikes = vec![
        lookalike("US", Some("120210000000000002"), LookalikeStatus::Created),
        lookalike("DE", None, LookalikeStatus::Pending),
    ];
    let changes = Some(Changes { added: 12, removed: 3 });
    store.run_set_accounting(run, &accounting).unwrap();
    store.run_set_ranking(run, &stats(), &ranking).unwrap();
    store.run_set_audience(run, &audience).unwrap();
    store.run_set_matched(run, &matched).unwrap();
    store.run_set_lookalikes(run, &lookalikes).unwrap();
    store.run_set_changes(run, changes).unwrap();
    let refused_samples =
        vec![RefusedSample { ghl_contact_id: "c7".into(), reason: "\"a\0b\" <script>".into() }];
    store.run_set_refused_samples(run, &refused_samples).unwrap();
    let waiting_until = db.now() + TimeDelta::minutes(5);
    store.run_set_waiting_until(run, Some(waiting_until)).unwrap();
    assert_eq!(store.run_get(run).unwrap().unwrap().waiting_until, Some(waiting_until));
    let started_at = db.now();
    db.clock.advance(TimeDelta::minutes(7));
    assert!(store.run_finish(run, RunStatus::Success, None).unwrap());
    // A run that has ended does not pause any more.
    store.run_set_waiting_until(run, Some(waiting_until)).unwrap();
    let expected = Run {
        id: run,
        trigger: Trigger::Manual,
        scheduled_for: None,
        status: RunStatus::Success,
        config: config(),
        started_at,
        completed_at: Some(db.now()),
        failure: None,
        steps: Vec::new(),
        accounting,
        matched,
        audience: Some(audience),
        lookalikes,
        changes,
        stats: Some(stats()),
        ranking: Some(ranking),
        waiting_until: None,
        audience_deleted_at: None,
        refused_samples,
    };
    (run, expected)
}

fn everything_recorded_of_a_run_reads_back(db: &TestDb) {
    let (run, expected) = filled(db);
    let store = db.open();
    assert_eq!(store.run_get(run).unwrap(), Some(expected.clone()));
    assert_eq!(store.run_latest_success().unwrap(), Some(expected));
    store.run_set_changes(run, None).unwrap();
    store.run_set_matched(run, &Matched::default()).unwrap();
    let cleared = store.run_get(run).unwrap().unwrap();
    assert_eq!((cleared.changes, cleared.matched), (None, Matched::default()));
}

fn the_columns_of_the_specification_are_filled(db: &TestDb) {
    filled(db);
    let column = |name: &str| {
        db.values(&format!("SELECT CAST({name} AS TEXT) AS value FROM sync_runs"))
            .remove(0)
            .unwrap_or_default()
    };
    assert_eq!(column("status"), "success");
    assert_eq!(column("contacts_processed"), "2320");
    assert_eq!(column("contacts_matched"), "1701");
    assert_eq!(column("meta_audience_id"), "120210000000000001");
    assert_eq!(column("meta_audience_name"), "GHL-HighValue-2026-01-31");
    assert_eq!(column("meta_lookalike_id"), "120210000000000002");
    assert_eq!(column("meta_lookalike_name"), "GHL-HighValue-2026-01-31-LAL-US-1%");
    assert_eq!(column("error_message"), "");
    assert!(column("normalization_stats").starts_with("{\"count\":2311,\"min\":-500,\"median\":12345,"));
    assert_eq!(column("started_at"), "2026-01-31 02:00:00.123456");
    assert_eq!(column("completed_at"), "2026-01-31 02:07:00.123456");
}

fn a_run_ends_once(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    assert!(!store.run_finish(run, RunStatus::Running, None).unwrap(), "running is no end");
    assert!(store.run_finish(run, RunStatus::Success, None).unwrap());
    let ended_at = db.now();
    db.clock.advance(TimeDelta::minutes(1));
    assert!(!store.run_finish(run, RunStatus::Failed, Some(&failure())).unwrap());
    let kept = store.run_get(run).unwrap().unwrap();
    assert_eq!((kept.status, kept.failure, kept.completed_at), (RunStatus::Success, None, Some(ended_at)));
    assert!(!store.run_finish(RunId(99), RunStatus::Failed, None).unwrap());
}

fn one_of_eight_ends_counts(db: &TestDb) {
    let store = db.open();
    for _ in 0..10 {
        let run = begun(&store);
        let start = Barrier::new(8);
        let ends: Vec<(RunStatus, bool)> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|at| {
                    let (start, store) = (&start, store.clone());
                    scope.spawn(move || {
                        let end = if at % 2 == 0 { RunStatus::Success } else { RunStatus::Cancelled };
                        start.wait();
                        (end, store.run_finish(run, end, None).unwrap())
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let counted: Vec<RunStatus> =
            ends.iter().filter(|(_, changed)| *changed).map(|(end, _)| *end).collect();
        assert_eq!(counted, [store.run_get(run).unwrap().unwrap().status]);
    }
}

fn a_failure_reads_back(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    assert!(store.run_finish(run, RunStatus::Failed, Some(&failure())).unwrap());
    assert_eq!(store.run_get(run).unwrap().unwrap().failure, Some(failure()));
    assert_eq!(db.values("SELECT error_message AS value FROM sync_runs"), [Some(failure().message)]);
}

fn a_run_keeps_the_names_it_ran_with(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    store.config_save(&SyncConfig { list_name: "renamed".into(), ..config() }).unwrap();
    assert_eq!(store.run_get(run).unwrap().unwrap().config, config());
}

fn history_is_newest_first_in_pages(db: &TestDb) {
    let store = db.open();
    let empty = store.run_list(1, 20).unwrap();
    assert_eq!((empty.items.len(), empty.total), (0, 0));
    let mut runs: Vec<RunId> = (0..5)
        .map(|at| {
            // A clock that is set back must not reorder history.
            db.clock.advance(TimeDelta::minutes(if at == 3 { -30 } else { 10 }));
            begun(&store)
        })
        .collect();
    store.step_start(runs[4], Step::Fetch).unwrap();
    store.run_set_lookalikes(runs[3], &[lookalike("US", None, LookalikeStatus::Pending)]).unwrap();
    runs.reverse();
    let ids = |page, per_page| {
        let page = store.run_list(page, per_page).unwrap();
        assert_eq!(page.total, 5);
        page.items.iter().map(|run| run.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(1, 2), runs[..2]);
    assert_eq!(ids(2, 2), runs[2..4]);
    assert_eq!(ids(3, 2), runs[4..]);
    assert_eq!(ids(4, 2), []);
    assert_eq!(ids(0, 0), runs[..1]);
    assert_eq!(ids(1, u32::MAX), runs);
    assert_eq!(ids(u32::MAX, u32::MAX), []);
    let first = store.run_list(1, 2).unwrap().items;
    assert_eq!((first[0].steps.len(), first[0].lookalikes.len()), (1, 0));
    assert_eq!((first[1].steps.len(), first[1].lookalikes.len()), (0, 1));
    assert_eq!(store.run_latest().unwrap().unwrap().id, runs[0]);
}

fn the_last_success_is_found_by_list_and_field(db: &TestDb) {
    let store = db.open();
    let run = |list: &str, field: &str, end: RunStatus| {
        let chosen = SyncConfig { list_id: list.into(), ltv_field_key: field.into(), ..config() };
        let run = store.run_start(Trigger::Scheduled, store.config_save(&chosen).unwrap()).unwrap();
        store.run_finish(run, end, None).unwrap();
        run
    };
    let old = run("all", "contact.ltv", RunStatus::Success);
    let wanted = run("all", "contact.ltv", RunStatus::Success);
    run("all", "contact.ltv", RunStatus::Failed);
    run("all", "contact.ltv", RunStatus::Cancelled);
    let other_field = run("all", "contact.value", RunStatus::Success);
    let other_list = run("tag:it's 🎈", "contact.ltv", RunStatus::Success);
    let found = |list, field| store.run_last_success_of(list, field).unwrap().map(|run| run.id);
    assert_eq!(found("all", "contact.ltv"), Some(wanted));
    assert!(wanted > old);
    assert_eq!(found("all", "contact.value"), Some(other_field));
    assert_eq!(found("tag:it's 🎈", "contact.ltv"), Some(other_list));
    assert_eq!(found("tag:\0", "contact.ltv"), None);
    assert_eq!(store.run_latest_success().unwrap().map(|run| run.id), Some(other_list));
}

fn the_last_success_of_an_ad_account_is_found(db: &TestDb) {
    let store = db.open();
    let run = |list: &str, account: &str, end: RunStatus| {
        let chosen = SyncConfig { list_id: list.into(), ad_account_id: account.into(), ..config() };
        let run = store.run_start(Trigger::Scheduled, store.config_of_run(&chosen).unwrap()).unwrap();
        store.run_finish(run, end, None).unwrap();
        run
    };
    run("all", "act_1", RunStatus::Success);
    let wanted = run("tag:vip", "act_1", RunStatus::Success);
    let other = run("all", "act_2", RunStatus::Success);
    run("all", "act_1", RunStatus::Failed);
    let found = |account| store.run_last_success_in(account).unwrap().map(|run| run.id);
    assert_eq!([found("act_1"), found("act_2"), found("act_3")], [Some(wanted), Some(other), None]);
}

fn runs_left_running_are_found(db: &TestDb) {
    let store = db.open();
    let (first, second, third) = (begun(&store), begun(&store), begun(&store));
    store.run_finish(second, RunStatus::Cancelled, None).unwrap();
    let running: Vec<RunId> = store.runs_running().unwrap().into_iter().map(|run| run.id).collect();
    assert_eq!(running, [third, first]);
}

fn lookalikes_are_replaced_as_a_whole(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    let pending =
        [lookalike("US", None, LookalikeStatus::Pending), lookalike("DE", None, LookalikeStatus::Pending)];
    store.run_set_lookalikes(run, &pending).unwrap();
    let created = [lookalike("US", Some("1202"), LookalikeStatus::Created)];
    store.run_set_lookalikes(run, &created).unwrap();
    assert_eq!(store.run_get(run).unwrap().unwrap().lookalikes, created);
    store.run_set_lookalikes(run, &[]).unwrap();
    assert_eq!(store.run_get(run).unwrap().unwrap().lookalikes, []);
    assert_eq!(db.number("SELECT COUNT(*) FROM sync_runs WHERE meta_lookalike_name IS NULL"), 1);
}

fn what_belongs_to_no_run_is_refused(db: &TestDb) {
    let store = db.open();
    let none = RunId(99);
    assert!(matches!(
        store.run_start(Trigger::Cli, 99),
        Err(StoreError::Missing { what: "saved settings", id: 99 })
    ));
    let refusals = [
        store.run_set_accounting(none, &Accounting::default()),
        store.run_set_ranking(none, &stats(), &RankingReport::default()),
        store.run_set_audience(none, &RemoteAudience { id: "1".into(), name: "a".into() }),
        store.run_set_matched(none, &Matched::default()),
        store.run_set_lookalikes(none, &[lookalike("US", None, LookalikeStatus::Pending)]),
        store.run_set_lookalikes(none, &[]),
        store.run_set_changes(none, None),
    ];
    for refusal in refusals {
        assert!(matches!(refusal, Err(StoreError::Missing { what: "run", id: 99 })), "{refusal:?}");
    }
}

fn a_word_of_another_version_is_named_not_guessed(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    db.execute("UPDATE sync_runs SET status = 'paused'").unwrap();
    let error = store.run_get(run).unwrap_err();
    assert_eq!(
        domain::error_chain::Chain(&error).to_string(),
        "the stored run status can not be read: `paused` is not a RunStatus"
    );
}
