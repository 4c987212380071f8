//! A service that says nothing, at every step, and a run that would wait for ever: both end, and say what was waited for.

use crate::crash::{later, parts};
use crate::instance::Instance;
use crate::serve::Served;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use claude::{ClaudeClient, ClaudeSettings};
use domain::run::{Run, RunStatus, Step, StepStatus, Trigger};
use domain::{Clock, Secret, SystemClock};
use http_client::{BaseUrl, RetryPolicy};
use sandbox::Service;
use sandbox::faults::{Effect, Fault, MetaError};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use sync::{Parts, SyncService};

/// Longer than a service on this machine takes to answer, even on a busy one.
const SILENCE: Duration = Duration::from_millis(2_500);

fn claude(instance: &Instance) -> ClaudeClient {
    let url = BaseUrl::parse(instance.value("CLAUDE_BASE_URL")).unwrap();
    let key = Secret::new(instance.value("CLAUDE_API_KEY"));
    let mut settings = ClaudeSettings::new(url, key, "claude-sonnet-5-5");
    settings.total_timeout = SILENCE;
    settings.retry = RetryPolicy {
        max_retries: 1,
        first_wait: Duration::from_millis(10),
        longest_wait: Duration::from_millis(10),
    };
    ClaudeClient::new(settings)
}

/// One run with these faults, in a process that gives a silent service up soon.
fn run(instance: &Instance, change: impl FnOnce(&mut Parts), faults: Vec<Fault>) -> Run {
    let mut parts = parts(instance, Arc::new(SystemClock), SILENCE);
    parts.ranker = Arc::new(claude(instance));
    change(&mut parts);
    let service = SyncService::new(parts);
    let config = service.resolve(Some("all"), Some("contact.lifetime_value")).unwrap();
    faults.into_iter().for_each(|fault| instance.sandbox.faults().add(fault));
    service.start(&config, Trigger::Manual, false).unwrap().wait();
    instance.sandbox.faults().clear();
    instance.last_run()
}

fn silent(service: Service, operation: &str) -> Fault {
    let fault = Fault::new(service, Effect::Hang { millis: 60_000 }).times(100);
    if operation.is_empty() { fault } else { fault.on_operation(operation.to_owned().try_into().unwrap()) }
}

#[test]
fn a_silent_service_fails_the_run_at_its_step_and_is_named() {
    let cases = [
        (Service::Ghl, "GET /customFields", Step::Fetch, "GoHighLevel"),
        (Service::Ghl, "POST /contacts/search", Step::Fetch, "GoHighLevel"),
        (Service::Claude, "POST /messages", Step::Normalize, "Claude"),
        (Service::Meta, "GET /act_{id}", Step::CreateAudience, "Meta"),
        (Service::Meta, "/customaudiences", Step::CreateAudience, "Meta"),
        (Service::Meta, "POST /users", Step::Upload, "Meta"),
        (Service::Meta, "GET /{id}", Step::Wait, "Meta"),
        (Service::Meta, "GET /sessions", Step::Wait, "Meta"),
    ];
    std::thread::scope(|scope| {
        for (service, operation, step, name) in cases {
            scope.spawn(move || {
                let instance = Instance::start();
                let run = run(&instance, |_| {}, vec![silent(service, operation)]);
                assert_eq!(run.status, RunStatus::Failed, "{operation}");
                let failure = run.failure.unwrap();
                assert_eq!(failure.step, step, "{operation}: {}", failure.message);
                assert!(failure.message.contains(name), "{operation}: {}", failure.message);
                assert!(failure.message.contains("answer"), "{operation}: {}", failure.message);
                assert!(!failure.remedy.is_empty());
                assert_eq!(instance.sandbox.mails().all().len(), 1, "{operation} is told");
                // A complete audience is kept; what was not complete goes with the next run at the latest.
                instance.sync(&[]).expect(0);
                let complete = 1 + usize::from(step == Step::Wait);
                assert_eq!(instance.audiences("CUSTOM").len(), complete, "{operation}");
            });
        }
    });
}

#[test]
fn a_silent_mail_server_costs_nothing_but_the_mail() {
    let instance = Instance::start();
    let run = run(&instance, |_| {}, vec![silent(Service::Smtp, "")]);
    let notify = run.steps.last().unwrap();
    assert_eq!(
        (run.status, notify.name, notify.status),
        (RunStatus::Success, Step::Notify, StepStatus::Failed)
    );
    let waiting = &instance.store().outbox_of_run(run.id).unwrap()[0];
    assert_eq!((waiting.attempts, waiting.sent_at, waiting.given_up_at), (1, None, None));
}

/// A clock that is set.
pub struct Set(pub Mutex<DateTime<Utc>>);

impl Clock for Set {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

#[test]
fn a_mail_is_tried_ever_more_rarely_for_a_day_and_then_given_up_which_is_shown() {
    let mut instance = Instance::start();
    instance.sandbox.stop(Service::Smtp);
    let begun = SystemClock.now().trunc_subsecs(0);
    let clock = Arc::new(Set(Mutex::new(begun)));
    let mut parts = parts(&instance, Arc::clone(&clock) as Arc<dyn Clock>, SILENCE);
    parts.settings.lookalike_countries.clear();
    let service = SyncService::new(parts);
    let config = service.resolve(Some("all"), Some("contact.lifetime_value")).unwrap();
    service.start(&config, Trigger::Manual, false).unwrap().wait();
    let run = instance.last_run();
    assert_eq!(run.status, RunStatus::Success);
    let waiting = || instance.store().outbox_of_run(run.id).unwrap().remove(0);
    let mut pauses = Vec::new();
    while waiting().given_up_at.is_none() {
        let (now, next) = (clock.now(), waiting().next_attempt_at);
        pauses.push((next - now).num_minutes());
        assert!(pauses.len() < 50, "{pauses:?}");
        *clock.0.lock().unwrap() = next;
        service.follow_up();
    }
    assert_eq!(pauses[..8], [1, 2, 4, 8, 16, 32, 64, 128], "{pauses:?}");
    let tried_for = waiting().given_up_at.unwrap() - begun;
    assert!(tried_for >= TimeDelta::days(1) && tried_for < TimeDelta::hours(27), "{tried_for}");
    service.follow_up();
    assert_eq!(waiting().attempts as usize, pauses.len() + 1, "it is not tried any more");

    let served = Served::start(&mut instance);
    for page in ["/".to_owned(), format!("/sync/{}", run.id)] {
        let html = served.page(&page);
        for words in ["The message about this sync was not sent", "It was tried for a day. It is given up."] {
            assert!(html.contains(words), "{page}: {html}");
        }
    }
}

#[test]
fn a_mail_is_not_given_up_because_the_machine_was_off_for_days() {
    let instance = Instance::start();
    instance.sandbox.stop(Service::Smtp);
    instance.sync(&[]).expect(0);
    later(&instance, TimeDelta::days(3)).follow_up();
    let mail = instance.store().outbox_of_run(instance.last_run().id).unwrap().remove(0);
    assert_eq!((mail.attempts, mail.given_up_at), (2, None));
}

#[test]
fn a_run_that_waits_for_a_limit_ends_at_its_deadline() {
    let instance = Instance::start();
    let limit = MetaError { wait_millis: Some(3_600_000), ..MetaError::new(80003, None) };
    let fault = Fault::new(Service::Meta, Effect::MetaError(limit)).on_path("/users").times(100);
    let allowed = Duration::from_secs(8);
    let run = run(&instance, |parts| parts.settings.run_deadline = allowed, vec![fault]);
    assert_eq!(run.status, RunStatus::Failed, "nobody cancelled it");
    let failure = run.failure.unwrap();
    assert_eq!(failure.step, Step::Upload, "{}", failure.message);
    assert!(failure.message.contains("was not complete after"), "{}", failure.message);
    assert_eq!(run.waiting_until, None);
    assert_eq!(instance.sandbox.mails().all().len(), 1);
}
