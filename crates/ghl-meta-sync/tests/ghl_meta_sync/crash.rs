//! kill -9 in the middle: after the next start the run is closed, nothing half-made is left, and the next run works.

use crate::instance::Instance;
use chrono::{DateTime, TimeDelta, Utc};
use domain::run::RunStatus;
use domain::{Clock, Secret, SystemClock};
use http_client::{BaseUrl, RetryPolicy};
use mailer::{MailContext, Mailer, MailerSettings, Tls};
use sandbox::Service;
use sandbox::faults::{Effect, Fault};
use std::sync::Arc;
use std::time::{Duration, Instant};
use sync::{
    AudienceMode, LocalRanker, NobodyWatches, NotifyOn, OptOutRule, Parts, SyncService, SyncSettings,
    ValueMode,
};

/// The machine's clock, some time ahead: a lease of a dead process has expired by then.
pub struct Later(pub TimeDelta);

impl Clock for Later {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + self.0
    }
}

/// The service as another process would start it that much later, with the same folder and database.
pub fn later(instance: &Instance, by: TimeDelta) -> SyncService {
    SyncService::new(parts_later(instance, by))
}

/// What [`later`] is made of.
pub fn parts_later(instance: &Instance, by: TimeDelta) -> Parts {
    parts(instance, Arc::new(Later(by)), Duration::from_secs(60))
}

/// What a service in the process of the tests works with; a vendor that says nothing for `silence` is given up.
pub fn parts(instance: &Instance, clock: Arc<dyn Clock>, silence: Duration) -> Parts {
    let store = instance.store_with(Arc::clone(&clock));
    let url = |name| BaseUrl::parse(instance.value(name)).unwrap();
    let secret = |name| Secret::new(instance.value(name));
    let retry = RetryPolicy {
        max_retries: 1,
        first_wait: Duration::from_millis(10),
        longest_wait: Duration::from_millis(10),
    };
    let account = meta::AdAccountId::parse(instance.value("META_AD_ACCOUNT_ID")).unwrap();
    let mut meta =
        meta::MetaSettings::new(url("META_GRAPH_URL"), secret("META_ACCESS_TOKEN"), account.clone());
    (meta.retry, meta.total_timeout) = (retry, silence);
    let mut ghl =
        ghl::GhlSettings::new(url("GHL_BASE_URL"), secret("GHL_API_KEY"), instance.value("GHL_LOCATION_ID"));
    (ghl.retry, ghl.total_timeout) = (retry, silence);
    let mailer = MailerSettings {
        host: instance.value("SMTP_HOST").to_owned(),
        port: instance.value("SMTP_PORT").parse().unwrap(),
        username: None,
        password: None,
        from: "sync@example.com".to_owned(),
        to: vec!["marketing@example.com".to_owned()],
        tls: Tls::None,
        timeout: silence.min(Duration::from_secs(10)),
    };
    let settings = SyncSettings {
        spool_folder: instance.folder().join("data/spool"),
        ad_account_id: account.to_string(),
        respect_opt_out: OptOutRule::All,
        ltv_source: sync::LtvSource::Field,
        decimal_mark: domain::ltv::DecimalMark::Point,
        ltv_min: None,
        audience_mode: match instance.get("AUDIENCE_MODE") {
            Some("stable") => AudienceMode::Stable,
            _ => AudienceMode::Dated,
        },
        existing_audience: None,
        audience_prefix: "GHL-HighValue".to_owned(),
        audience_keep: instance.get("AUDIENCE_KEEP").map_or(14, |keep| keep.parse().unwrap()),
        value_mode: ValueMode::Percentile,
        limited_data_use: false,
        lookalike_countries: vec!["US".to_owned()],
        lookalike_percents: vec![1],
        time_zone: chrono_tz::UTC,
        reread_after: Duration::from_millis(100),
        poll_every: Duration::from_millis(100),
        poll_timeout: Duration::from_secs(instance.value("META_POLL_TIMEOUT_SECONDS").parse().unwrap()),
        notify_on: match instance.get("NOTIFY_ON") {
            Some("failure") => NotifyOn::Failure,
            Some("change") => NotifyOn::Change,
            _ => NotifyOn::Always,
        },
        retention_days: 30,
        lease_ttl: Duration::from_secs(60),
        run_deadline: Duration::from_secs(3600),
    };
    Parts {
        mail_context: MailContext {
            public_url: "http://localhost:9876".to_owned(),
            public_url_is_set: false,
            instance_name: None,
            time_zone: chrono_tz::UTC,
            instance_tag: store.instance_tag().unwrap(),
            audience_per_run: true,
        },
        store,
        source: Arc::new(ghl::GhlClient::new(ghl)),
        ranker: Arc::new(LocalRanker),
        meta: Arc::new(meta::MetaClient::new(meta)),
        mailer: Some(Mailer::new(mailer).unwrap()),
        webhook: None,
        settings,
        clock,
        watcher: Arc::new(NobodyWatches),
    }
}

/// Starts a sync, waits until `reached`, kills it.
pub fn kill_when(instance: &Instance, reached: impl Fn() -> bool) {
    let mut child = instance.spawn_sync();
    let begun = Instant::now();
    while !reached() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the run never came that far");
        assert!(child.try_wait().unwrap().is_none(), "the run ended before it was killed");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn hang(service: Service, path: &str) -> Fault {
    let mut fault = Fault::new(service, Effect::Hang { millis: 60_000 });
    fault.path_contains = Some(path.to_owned());
    fault
}

pub fn received(instance: &Instance, service: Service, path: &str) -> usize {
    instance.sandbox.record().entries(service).iter().filter(|entry| entry.path.contains(path)).count()
}

/// How often Claude was asked to rank.
pub fn questions(instance: &Instance) -> usize {
    received(instance, Service::Claude, "/v1/messages")
}

/// The killed run is closed, told by mail once, and its audience and spool are gone.
fn assert_cleaned_up(instance: &Instance, step: &str) {
    instance.sandbox.faults().clear();
    let killed = instance.last_run();
    assert_eq!(killed.status, RunStatus::Running, "nobody could close it");
    let service = later(instance, TimeDelta::minutes(5));
    service.recover().unwrap();
    service.follow_up();
    let closed = instance.last_run();
    assert_eq!((closed.id, closed.status), (killed.id, RunStatus::Failed));
    let failure = closed.failure.unwrap();
    assert!(failure.message.contains("was interrupted at step"), "{}", failure.message);
    assert_eq!(failure.step.as_str(), step);
    assert_eq!(instance.store().contacts_count_by_bucket(killed.id).unwrap(), [], "nobody reads as sent");
    assert!(instance.audiences("CUSTOM").is_empty(), "the unfinished audience is deleted");
    assert!(instance.store().intentions_open().unwrap().is_empty());
    let spooled = std::fs::read_dir(instance.folder().join("data/spool")).map_or(0, Iterator::count);
    assert_eq!(spooled, 0, "the spool is swept");
    let mails = instance.sandbox.mails().all();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].subject.contains("Failed"), "{}", mails[0].subject);
    // Recovering twice changes nothing more.
    later(instance, TimeDelta::minutes(10)).recover().unwrap();
    assert_eq!(instance.sandbox.mails().all().len(), 1);
    let next = later(instance, TimeDelta::minutes(15));
    let config = next.resolve(Some("all"), Some("contact.lifetime_value")).unwrap();
    next.start(&config, domain::run::Trigger::Cli, false).unwrap().wait();
    assert_eq!(instance.last_run().status, RunStatus::Success);
    assert_eq!(instance.audiences("CUSTOM").len(), 1);
}

#[test]
fn killed_while_reading() {
    let instance = Instance::start();
    let mut fault = hang(Service::Ghl, "/contacts/search");
    fault.after = 2;
    instance.sandbox.faults().add(fault);
    kill_when(&instance, || received(&instance, Service::Ghl, "/contacts/search") >= 3);
    assert_cleaned_up(&instance, "fetch");
}

#[test]
fn killed_while_claude_ranks() {
    let instance = Instance::start();
    instance.sandbox.faults().add(hang(Service::Claude, "/v1/messages"));
    kill_when(&instance, || received(&instance, Service::Claude, "/v1/messages") >= 1);
    assert_cleaned_up(&instance, "normalize");
}

#[test]
fn killed_after_meta_made_the_audience_and_before_its_id_was_known() {
    let instance = Instance::start();
    let mut lost = Fault::new(Service::Meta, Effect::ResetAfterApply);
    (lost.method, lost.path_contains) = (Some("POST".to_owned()), Some("/customaudiences".to_owned()));
    instance.sandbox.faults().add(lost);
    // The run looks the audience up after the lost reply; there it is killed.
    let mut lookup = hang(Service::Meta, "/customaudiences");
    (lookup.method, lookup.after) = (Some("GET".to_owned()), 2);
    instance.sandbox.faults().add(lookup);
    kill_when(&instance, || !instance.audiences("CUSTOM").is_empty());
    assert_cleaned_up(&instance, "create_audience");
}

#[test]
fn killed_while_uploading() {
    let instance = Instance::start();
    instance.sandbox.faults().add(hang(Service::Meta, "/users"));
    kill_when(&instance, || received(&instance, Service::Meta, "/users") >= 1);
    assert_cleaned_up(&instance, "upload");
}

#[test]
fn a_run_is_recorded_before_a_silent_meta_is_asked_to_undo_what_a_dead_one_left() {
    let instance = Instance::start();
    instance.sandbox.faults().add(hang(Service::Meta, "/users"));
    kill_when(&instance, || received(&instance, Service::Meta, "/users") >= 1);
    instance.sandbox.faults().clear();
    let killed = instance.last_run().audience.unwrap();
    let slow = Fault::new(Service::Meta, Effect::Delay { millis: 5_000 }).on_path(&killed.id);
    instance.sandbox.faults().add(slow.times(1));
    let service = later(&instance, TimeDelta::minutes(5));
    let config = service.resolve(Some("all"), Some("contact.lifetime_value")).unwrap();
    let handle = service.start(&config, domain::run::Trigger::Manual, false).unwrap();
    assert_eq!(instance.last_run().id, handle.run);
    assert_eq!(instance.store().intentions_open().unwrap().len(), 1, "Meta has not answered yet");
    handle.wait();
    let run = instance.last_run();
    assert_eq!(run.status, RunStatus::Success);
    let complete = run.audience.unwrap();
    assert_eq!(complete.name, killed.name, "the dead run's audience was deleted before");
    assert_eq!(instance.audiences("CUSTOM").len(), 1);
}

#[test]
fn killed_after_the_upload_the_complete_audience_stays() {
    let instance = Instance::start();
    instance.sandbox.faults().add(hang(Service::Meta, "/sessions"));
    kill_when(&instance, || received(&instance, Service::Meta, "/sessions") >= 1);
    instance.sandbox.faults().clear();
    later(&instance, TimeDelta::minutes(5)).recover().unwrap();
    let closed = instance.last_run();
    assert_eq!((closed.status, closed.failure.unwrap().step.as_str()), (RunStatus::Failed, "wait"));
    assert_eq!(instance.audiences("CUSTOM").len(), 1, "a fully uploaded audience is kept");
    assert_eq!(closed.audience.unwrap().id, instance.audiences("CUSTOM")[0]["id"]);
}

#[test]
fn a_living_run_is_left_alone_and_a_second_one_is_refused() {
    let instance = Instance::start();
    instance.sandbox.faults().add(hang(Service::Claude, "/v1/messages"));
    let mut child = instance.spawn_sync();
    let begun = Instant::now();
    while received(&instance, Service::Claude, "/v1/messages") == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(10));
    }
    later(&instance, TimeDelta::zero()).recover().unwrap();
    assert_eq!(instance.last_run().status, RunStatus::Running);
    instance.sync(&[]).expect(1).names(&["still running"]);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_pending_lookalike_is_created_by_the_follow_up_of_a_later_process() {
    let mut instance = Instance::start();
    instance.tell("/control/meta/state", &serde_json::json!({"matching_delay_seconds": 30 * 24 * 3600}));
    instance.set("META_POLL_TIMEOUT_SECONDS", "1").sync(&[]).expect(0);
    assert_eq!(instance.last_run().lookalike_status().as_str(), "pending");
    instance.sandbox.clock().advance(Duration::from_secs(31 * 24 * 3600));
    later(&instance, TimeDelta::hours(2)).follow_up();
    let run = instance.last_run();
    assert_eq!(run.lookalike_status().as_str(), "created");
    assert_eq!(run.lookalikes[0].id.as_deref(), instance.audiences("LOOKALIKE")[0]["id"].as_str());
}
