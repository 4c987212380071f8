//! What is saved while other copies of the service save too.

use super::{Environment, Installed, Patience, Settings};
use crate::wiring;
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use persistence::Store;
use std::sync::Arc;
use sync::NobodyWatches;
use tempfile::TempDir;
use web::{Installation, SettingsError};

/// An installation that can sync as long as Claude is not asked, which has no key, and its database.
pub(crate) fn installed(folder: &TempDir) -> (Installed, Store) {
    let environment = Environment::of(&[
        ("GHL_API_KEY", "pit-key"),
        ("GHL_LOCATION_ID", "location"),
        ("META_ACCESS_TOKEN", "token"),
        ("META_AD_ACCOUNT_ID", "act_1"),
        ("NORMALIZER", "local"),
        ("DATA_DIR", folder.path().to_str().unwrap()),
    ]);
    let store = wiring::open_store(&Settings::read(&environment).unwrap()).unwrap();
    let installed =
        Installed::new(environment, store.clone(), Arc::new(NobodyWatches), Patience::AsDocumented).unwrap();
    (installed, store)
}

fn change(name: &str, value: &str) -> [(String, Option<String>); 1] {
    [(name.to_owned(), Some(value.to_owned()))]
}

/// Whenever the prefix of the audiences is saved, another copy comes between the check of that change and the look at what is
/// saved then.
fn with_the_prefix_another_copy_saves(folder: &TempDir, name: &str, value: &str) {
    change_database(
        folder,
        &format!(
            "CREATE TRIGGER other_copy AFTER INSERT ON saved_settings WHEN NEW.name = 'AUDIENCE_PREFIX' BEGIN \
             INSERT INTO saved_settings (name, value, updated_at) VALUES ('{name}', '{value}', NEW.updated_at); \
             END"
        ),
    );
}

/// The database refuses to tell what is saved.
fn without_the_saved_settings(folder: &TempDir) {
    change_database(folder, "DROP TABLE saved_settings");
}

fn change_database(folder: &TempDir, statement: &str) {
    let database = folder.path().join("ghl-meta-sync.sqlite3");
    let mut connection = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
    connection.batch_execute(statement).unwrap();
}

#[test]
fn what_another_copy_saves_at_the_same_moment_is_in_force_too() {
    let folder = tempfile::tempdir().unwrap();
    let (installed, _store) = installed(&folder);
    with_the_prefix_another_copy_saves(&folder, "TZ", "Europe/Berlin");
    installed.change_settings(&change("AUDIENCE_PREFIX", "Mine")).unwrap();
    installed.follow_saved_settings();
    let settings = installed.settings_in_force();
    assert_eq!(
        (settings.sync.audience_prefix.as_str(), settings.time_zone.name()),
        ("Mine", "Europe/Berlin")
    );
}

#[test]
fn a_sync_that_works_is_not_lost_to_what_another_copy_with_more_keys_saves() {
    let folder = tempfile::tempdir().unwrap();
    let (installed, store) = installed(&folder);
    store.settings_change(&change("NORMALIZER", "claude")).unwrap();
    let refused = installed.follow().unwrap_err();
    assert_eq!(refused.message, "What is saved needs CLAUDE_API_KEY, which is not set in the environment.");
    assert!(installed.sync().is_some() && installed.missing_settings().is_empty());
    let seen = installed.follow();
    assert!(matches!(seen, Ok(false)), "told once: {seen:?}");
    // Here as there, one may go back.
    installed.change_settings(&change("NORMALIZER", "local")).unwrap();
    store.settings_change(&change("AUDIENCE_PREFIX", "Theirs")).unwrap();
    installed.follow_saved_settings();
    assert_eq!(installed.settings_in_force().sync.audience_prefix, "Theirs");
    assert!(installed.sync().is_some());
}

#[test]
fn of_settings_saved_at_the_same_time_the_last_one_is_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let (installed, store) = installed(&folder);
    for round in 0..100 {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (installed, store) = (&installed, &store);
                scope.spawn(move || {
                    let name = format!("Of {thread} in {round}");
                    store.settings_change(&change("AUDIENCE_PREFIX", &name)).unwrap();
                    installed.follow_saved_settings();
                });
            }
        });
        let saved = store.settings_saved().unwrap();
        let in_force = installed.settings_in_force().sync.audience_prefix;
        assert_eq!(saved, [("AUDIENCE_PREFIX".to_owned(), in_force)]);
    }
}

#[test]
fn what_is_saved_and_can_not_be_followed_is_not_said_to_be_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (installed, store) = installed(&folder);
    // The other copy has the key.
    with_the_prefix_another_copy_saves(&folder, "NORMALIZER", "claude");
    let outcome = installed.change_settings(&change("AUDIENCE_PREFIX", "Mine")).unwrap_err();
    let why = "What is saved needs CLAUDE_API_KEY, which is not set in the environment.";
    assert!(matches!(&outcome, SettingsError::NotInForce(told) if told.message == why), "{outcome:?}");
    assert_eq!(store.settings_saved().unwrap().len(), 2);
}

#[test]
fn what_can_not_be_followed_is_told_to_whoever_saves_even_when_somebody_else_saw_it_first() {
    let folder = tempfile::tempdir().unwrap();
    let (installed, store) = installed(&folder);
    store.settings_change(&change("NORMALIZER", "claude")).unwrap();
    // The schedule looks between the saving and the putting in force.
    installed.follow_saved_settings();
    let told = installed.put_in_force().unwrap_err();
    assert_eq!(installed.not_in_force().as_ref(), Some(&told), "the page of the settings tells it too");
    assert_eq!(told.message, "What is saved needs CLAUDE_API_KEY, which is not set in the environment.");
    assert!(told.remedy.starts_with("Set what is missing in the environment"), "{}", told.remedy);
    store.settings_change(&change("NORMALIZER", "local")).unwrap();
    installed.put_in_force().unwrap();
    assert_eq!(installed.not_in_force(), None);
}

#[test]
fn after_a_fault_of_the_database_nobody_is_sent_to_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let (installed, _store) = installed(&folder);
    without_the_saved_settings(&folder);
    let told = installed.put_in_force().unwrap_err().remedy;
    assert!(told.ends_with(" What is saved is then in force within a minute."), "{told}");
    assert!(!told.contains("in the environment"), "{told}");
}

#[test]
fn strangers_are_told_the_name_in_force_without_the_database() {
    let folder = tempfile::tempdir().unwrap();
    let (installed, _store) = installed(&folder);
    assert_eq!(installed.instance_name(), None);
    installed.change_settings(&change("INSTANCE_NAME", "Mine")).unwrap();
    without_the_saved_settings(&folder);
    assert!(installed.settings().is_err());
    assert_eq!(installed.instance_name().as_deref(), Some("Mine"));
}

#[test]
fn a_value_of_the_environment_that_a_saved_one_had_replaced_is_told_and_looked_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (first, store) = installed(&folder);
    store.settings_change(&change("TZ", "Europe/Berlin")).unwrap();
    let environment = first.environment.with_saved(&[("TZ".to_owned(), "Mars/Olympus".to_owned())].into());
    let installed =
        Installed::new(environment, store.clone(), Arc::new(NobodyWatches), Patience::AsDocumented).unwrap();
    // Another copy, whose environment is in order, takes it back.
    store.settings_change(&[("TZ".to_owned(), None)]).unwrap();
    installed.follow_saved_settings();
    let why = installed.not_in_force().unwrap();
    assert!(why.message.starts_with("What the environment says can not be used: TZ "), "{why:?}");
    assert_eq!(installed.settings_in_force().time_zone.name(), "Europe/Berlin", "what works goes on");
    assert!(matches!(installed.follow(), Ok(false)));
}
