//! Warnings of what ends soon.

use crate::crash::{parts, parts_later};
use crate::instance::{Database, Instance, on_both_databases};
use crate::silence::Set;
use chrono::{DateTime, TimeDelta, Utc};
use claude::{ClaudeClient, ClaudeSettings};
use domain::{Clock, Secret, SystemClock};
use http_client::BaseUrl;
use sandbox::faults::{Effect, Fault, MetaError};
use sandbox::{Mail, Service};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use sync::{Parts, SyncService};
use testkit::{Reply, ScriptedServer};

on_both_databases!(a_token_that_ends_soon_is_told_once_and_its_successor_again,);

/// A service that was started anew at that moment, after two ticks: one looks, the next sends.
fn ticks(parts: Parts) {
    let service = SyncService::new(parts);
    service.follow_up();
    service.follow_up();
}

fn tokens_end(instance: &Instance, at: DateTime<Utc>) {
    instance.tell("/control/meta/state", &json!({"token_expires_at": at}));
}

fn subjects(mails: &[Mail]) -> Vec<String> {
    mails.iter().map(|mail| mail.subject.clone()).collect()
}

fn a_token_that_ends_soon_is_told_once_and_its_successor_again(database: Database) {
    let mut instance = Instance::start().with_database(database);
    // It is told however little people want to hear of runs.
    instance.set("NOTIFY_ON", "failure");
    let now = SystemClock.now();
    let end = now + TimeDelta::days(30);
    tokens_end(&instance, end);
    ticks(parts_later(&instance, TimeDelta::zero()));
    assert_eq!(instance.sandbox.mails().all(), [], "there is time enough");
    for days in [17, 18, 20] {
        ticks(parts_later(&instance, TimeDelta::days(days)));
    }
    let told =
        |end: DateTime<Utc>| format!("⚠️ GHL Meta Sync: Meta Token Expires - {}", end.format("%Y-%m-%d"));
    assert_eq!(subjects(&instance.sandbox.mails().all()), [told(end)]);
    let mail = &instance.sandbox.mails().all()[0];
    assert!(mail.text.as_deref().unwrap().contains("META_ACCESS_TOKEN"));
    assert!(mail.message_id.as_deref().unwrap().contains("meta-token-"));

    let next = end + TimeDelta::days(60);
    tokens_end(&instance, next);
    for days in [21, 80, 81] {
        ticks(parts_later(&instance, TimeDelta::days(days)));
    }
    assert_eq!(subjects(&instance.sandbox.mails().all()), [told(end), told(next)]);
}

#[test]
fn after_a_passing_fault_of_meta_it_is_looked_again_an_hour_later() {
    let instance = Instance::start();
    let now = SystemClock.now();
    tokens_end(&instance, now + TimeDelta::days(10));
    let fault = Fault::new(Service::Meta, Effect::MetaError(MetaError::new(2, None)));
    instance.sandbox.faults().add(fault.on_path("/debug_token").times(2));
    let clock = Arc::new(Set(Mutex::new(now)));
    let service =
        SyncService::new(parts(&instance, Arc::clone(&clock) as Arc<dyn Clock>, Duration::from_secs(60)));
    service.follow_up();
    assert_eq!(instance.sandbox.faults().left(), 0, "Meta was asked, and once more");
    for minutes in [59, 61, 62] {
        assert_eq!(instance.sandbox.mails().all(), [], "{minutes}");
        *clock.0.lock().unwrap() = now + TimeDelta::minutes(minutes);
        service.follow_up();
    }
    assert_eq!(instance.sandbox.mails().all().len(), 1);
}

#[test]
fn a_model_that_retires_soon_is_told_once_and_asked_for_once_a_day() {
    let instance = Instance::start();
    let on = (SystemClock.now() + TimeDelta::days(10)).format("%Y-%m-%d").to_string();
    let model = json!({"id": "claude-x", "lifecycle": "active", "retires_at": format!("{on}T00:00:00Z")});
    let script = (0..9).map(|_| Reply::json(200, model.to_string())).collect();
    let claude = ScriptedServer::start(script).unwrap();
    let with_model = || {
        let base_url = BaseUrl::parse(claude.url()).unwrap();
        let ranker = ClaudeClient::new(ClaudeSettings::new(base_url, Secret::new("sk-ant-x"), "claude-x"));
        Parts { ranker: Arc::new(ranker), ..parts_later(&instance, TimeDelta::zero()) }
    };
    let service = SyncService::new(with_model());
    (0..5).for_each(|_| service.follow_up());
    assert_eq!(claude.received().len(), 1, "one look a day");
    assert_eq!(claude.received()[0].target, "/v1/models/claude-x");
    ticks(with_model());
    let told = format!("⚠️ GHL Meta Sync: Claude Model Retires - {on}");
    assert_eq!(subjects(&instance.sandbox.mails().all()), [told]);
}
