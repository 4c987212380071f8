use crate::support::{TestDb, for_each_backend};
use chrono::TimeDelta;

for_each_backend!(
    a_saved_value_replaces_the_earlier_one_and_can_be_taken_back,
    a_change_is_made_as_a_whole_or_not_at_all,
    any_text_may_be_a_value,
);

fn set(name: &str, value: &str) -> (String, Option<String>) {
    (name.into(), Some(value.into()))
}

fn saved(values: &[(&str, &str)]) -> Vec<(String, String)> {
    values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn a_saved_value_replaces_the_earlier_one_and_can_be_taken_back(db: &TestDb) {
    let store = db.open();
    assert_eq!(store.settings_saved().unwrap(), []);
    store.settings_change(&[]).unwrap();
    store.settings_change(&[set("META_API_VERSION", "v25.0"), set("LTV_MIN", "10")]).unwrap();
    db.clock.advance(TimeDelta::hours(1));
    store.settings_change(&[set("LTV_MIN", "20"), set("LTV_LOCALE", "de")]).unwrap();
    assert_eq!(
        store.settings_saved().unwrap(),
        saved(&[("LTV_LOCALE", "de"), ("LTV_MIN", "20"), ("META_API_VERSION", "v25.0")])
    );
    assert_eq!(db.number("SELECT COUNT(DISTINCT updated_at) FROM saved_settings"), 2);
    let change = [("LTV_MIN".into(), None), ("NEVER_SAVED".into(), None), set("META_API_VERSION", "v26.0")];
    store.settings_change(&change).unwrap();
    assert_eq!(
        db.open().settings_saved().unwrap(),
        saved(&[("LTV_LOCALE", "de"), ("META_API_VERSION", "v26.0")])
    );
}

fn a_change_is_made_as_a_whole_or_not_at_all(db: &TestDb) {
    let store = db.open();
    store.settings_change(&[set("LTV_MIN", "10"), set("LTV_LOCALE", "de")]).unwrap();
    db.execute("CREATE UNIQUE INDEX no_value_twice ON saved_settings (value)").unwrap();
    let change = [("LTV_LOCALE".into(), None), set("LTV_MIN", "20"), set("AUDIENCE_KEEP", "20")];
    assert!(store.settings_change(&change).is_err());
    assert_eq!(store.settings_saved().unwrap(), saved(&[("LTV_LOCALE", "de"), ("LTV_MIN", "10")]));
}

fn any_text_may_be_a_value(db: &TestDb) {
    let store = db.open();
    store
        .settings_change(&[set("INSTANCE_NAME", "O'Hara \"VIP\" 🎈\0; --"), set("LTV_CURRENCY", "")])
        .unwrap();
    assert_eq!(
        store.settings_saved().unwrap(),
        saved(&[("INSTANCE_NAME", "O'Hara \"VIP\" 🎈\u{FFFD}; --"), ("LTV_CURRENCY", "")])
    );
}
