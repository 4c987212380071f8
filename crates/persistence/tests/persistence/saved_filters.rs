use crate::support::{TestDb, config, for_each_backend};
use chrono::TimeDelta;
use domain::Conditions;
use domain::run::SyncConfig;
use persistence::{FilterDeletion, StoreError};

for_each_backend!(
    a_filter_is_kept_with_its_hostile_name_and_changed_in_place,
    an_id_is_never_given_twice,
    a_name_is_never_given_twice,
    the_filter_chosen_last_can_not_be_deleted,
    a_run_keeps_the_conditions_it_ran_with,
);

const VIP: &str = r#"[{"field":"tags","operator":"eq","value":"vip'; --"}]"#;

fn conditions(json: &str) -> Conditions {
    Conditions(json.to_owned())
}

fn a_filter_is_kept_with_its_hostile_name_and_changed_in_place(db: &TestDb) {
    let store = db.open();
    let hostile = "O'Hara <script>\"VIP\" 🎈\u{202e}";
    let first = store.filter_add(hostile, &conditions(VIP)).unwrap();
    let second = store.filter_add("b", &conditions("[]")).unwrap();
    assert_eq!((first.name.as_str(), first.conditions.0.as_str()), (hostile, VIP));
    assert_eq!(store.filters().unwrap(), [first.clone(), second]);
    db.clock.advance(TimeDelta::hours(1));
    let changed = store.filter_change(first.id, "a", &conditions("[1]")).unwrap().unwrap();
    assert_eq!(changed.id, first.id);
    assert_eq!(changed.updated_at, first.updated_at + TimeDelta::hours(1));
    assert_eq!(store.filter_get(first.id).unwrap(), Some(changed));
    assert_eq!(store.filter_change(99, "a", &conditions("[]")).unwrap(), None);
    assert_eq!(store.filter_get(99).unwrap(), None);
}

fn an_id_is_never_given_twice(db: &TestDb) {
    let store = db.open();
    let first = store.filter_add("a", &conditions("[]")).unwrap().id;
    assert_eq!(store.filter_delete(first, "filter:x").unwrap(), FilterDeletion::Deleted);
    assert_eq!(store.filter_delete(first, "filter:x").unwrap(), FilterDeletion::Unknown);
    assert!(store.filter_add("a", &conditions("[]")).unwrap().id > first);
}

fn the_filter_chosen_last_can_not_be_deleted(db: &TestDb) {
    let store = db.open();
    let id = store.filter_add("a", &conditions("[]")).unwrap().id;
    let list = format!("filter:{id}");
    let chosen = SyncConfig { list_id: list.clone(), ..config() };
    store.config_save(&chosen).unwrap();
    // What a run took from the environment is no choice.
    store.config_of_run(&config()).unwrap();
    assert_eq!(store.filter_delete(id, &list).unwrap(), FilterDeletion::InUse);
    assert!(store.filter_get(id).unwrap().is_some());
    store.config_save(&config()).unwrap();
    assert_eq!(store.filter_delete(id, &list).unwrap(), FilterDeletion::Deleted);
}

fn a_run_keeps_the_conditions_it_ran_with(db: &TestDb) {
    let store = db.open();
    let with = |json: &str| SyncConfig { list_conditions: Some(conditions(json)), ..config() };
    let first = store.config_of_run(&with("[1]")).unwrap();
    assert_eq!(store.config_of_run(&with("[1]")).unwrap(), first);
    assert!(store.config_of_run(&with("[2]")).unwrap() > first, "changed conditions are a row of their own");
    store.config_save(&with("[3]")).unwrap();
    assert_eq!(store.config_latest().unwrap().unwrap().1, with("[3]"));
}

fn a_name_is_never_given_twice(db: &TestDb) {
    let store = db.open();
    store.filter_add("VIP", &conditions("[]")).unwrap();
    let other = store.filter_add("Others", &conditions("[]")).unwrap().id;
    let refused = store.filter_add("VIP", &conditions("[]")).unwrap_err();
    assert!(matches!(refused, StoreError::NameTaken { what: "saved filter" }), "{refused:?}");
    let refused = store.filter_change(other, "VIP", &conditions("[]")).unwrap_err();
    assert!(matches!(refused, StoreError::NameTaken { .. }), "{refused:?}");
    assert!(store.filter_change(other, "Others", &conditions("[1]")).unwrap().is_some());
    assert_eq!(store.filters().unwrap().len(), 2);
}
