use crate::support::{TestDb, config, for_each_backend};
use domain::run::SyncConfig;

for_each_backend!(
    the_last_saved_settings_win_and_earlier_ones_stay,
    what_a_run_took_from_the_environment_is_not_taken_for_a_choice,
    the_columns_of_the_specification_are_filled
);

fn the_last_saved_settings_win_and_earlier_ones_stay(db: &TestDb) {
    let store = db.open();
    assert_eq!(store.config_latest().unwrap(), None);
    let first = store.config_save(&config()).unwrap();
    let paused = SyncConfig { sync_enabled: false, list_name: "O'Hara \"VIP\" 🎈".into(), ..config() };
    let second = store.config_save(&paused).unwrap();
    assert!(second > first);
    assert_eq!(store.config_latest().unwrap(), Some((second, paused)));
    assert_eq!(db.number("SELECT COUNT(*) FROM sync_configs"), 2);
}

fn what_a_run_took_from_the_environment_is_not_taken_for_a_choice(db: &TestDb) {
    let store = db.open();
    let first = store.config_of_run(&config()).unwrap();
    assert_eq!(store.config_of_run(&config()).unwrap(), first, "an equal row is used again");
    assert_eq!(store.config_latest().unwrap(), None);
    let chosen = SyncConfig { list_id: "all".into(), ..config() };
    let saved = store.config_save(&chosen).unwrap();
    assert_eq!(store.config_of_run(&chosen).unwrap(), saved, "a run refers to the choice it ran with");
    store.config_of_run(&config()).unwrap();
    assert_eq!(store.config_latest().unwrap(), Some((saved, chosen)));
}

fn the_columns_of_the_specification_are_filled(db: &TestDb) {
    db.open().config_save(&config()).unwrap();
    let row = db.values(
        "SELECT ghl_smart_list_id || '|' || ghl_smart_list_name || '|' || ghl_ltv_field_name || '|' || meta_ad_account_id
           || '|' || CASE WHEN sync_enabled AND created_at = updated_at THEN 'yes' ELSE 'no' END AS value FROM sync_configs",
    );
    assert_eq!(row, [Some("tag:vip|VIP|contact.lifetime_value|act_1234567890|yes".to_owned())]);
}
