//! The memory of the sandbox does not grow with the number of people. Alone in its process, because it counts all of that
//! process's allocations.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail like the test itself")]

use std::time::Duration;

use peak_alloc::PeakAlloc;
use sandbox::people::{Expectation, Person};
use sandbox::{Contacts, Sandbox, SandboxSettings, Service};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// Rows per upload: few, so that a single request does not hide what is held of all.
const BATCH: usize = 2000;

fn call(agent: &ureq::Agent, method: &str, url: &str, body: &Value) -> Value {
    let request = ureq::http::Request::builder().method(method).uri(url);
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = request.header("content-type", "application/json").body(body).unwrap();
    let mut reply = agent.run(request).unwrap();
    let reply: Value = serde_json::from_str(&reply.body_mut().read_to_string().unwrap()).unwrap();
    assert!(reply.get("error").is_none(), "{url}: {reply}");
    reply
}

fn row(person: &Person) -> Value {
    let hash = |text: &str| match text {
        "" => String::new(),
        text => const_hex::encode(Sha256::digest(text)),
    };
    let value = person.expected_percentile.unwrap_or(0).max(1);
    json!([hash(&person.email_truth), hash(&person.phone_truth_digits), value])
}

/// Uploads everybody and has the upload verified; returns the most bytes allocated meanwhile.
fn peak_of(people: u32) -> usize {
    ALLOCATED.reset_peak_usage();
    let before = ALLOCATED.current_usage();
    let settings = SandboxSettings { contacts: Contacts::Generated(people), ..SandboxSettings::default() };
    let sandbox = Sandbox::start(settings).unwrap();
    let agent =
        ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(120))).build().new_agent();
    let (meta, control) = (&sandbox.addresses().meta, &sandbox.addresses().control);
    let of_meta =
        |path: &str| format!("{meta}/v25.0/{path}?access_token={}", sandbox.credentials().meta_access_token);
    let account = format!("act_{}/customaudiences", sandbox.credentials().meta_ad_account_id);
    let wanted = json!({"name": "Seed", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY", "is_value_based": true});
    let seed = call(&agent, "POST", &of_meta(&account), &wanted)["id"].as_str().unwrap().to_owned();

    let sent = sandbox.expectations().sent as usize;
    let mut rows = sandbox
        .population()
        .people()
        .filter(|person| person.expected == Expectation::Sent)
        .map(|person| row(&person));
    for batch_seq in 1..=sent.div_ceil(BATCH) {
        let last = batch_seq == sent.div_ceil(BATCH);
        let data: Vec<Value> = rows.by_ref().take(BATCH).collect();
        let session = json!({"session_id": 1, "batch_seq": batch_seq, "last_batch_flag": last});
        let payload = json!({"schema": ["EMAIL", "PHONE", "LOOKALIKE_VALUE"], "data": data});
        let upload = json!({"session": session, "payload": payload});
        call(&agent, "POST", &of_meta(&format!("{seed}/users")), &upload);
    }
    call(&agent, "POST", &format!("{control}/control/clock"), &json!({"advance_seconds": 31 * 60}));
    let seen =
        call(&agent, "GET", &format!("{control}/control/meta/audiences/{seed}/verification"), &Value::Null);
    assert_eq!((&seen["distinct_persons"], &seen["received_rows"]), (&json!(sent), &json!(sent)), "{seen}");
    assert_eq!((&seen["unexpected"], &seen["wrong_value_count"]), (&json!(0), &json!(0)), "{seen}");
    let audiences = call(&agent, "GET", &format!("{control}/control/meta/audiences"), &Value::Null);
    assert_eq!(audiences["audiences"][0]["matched"], sandbox.expectations().sent_on_meta);
    assert_eq!(sandbox.record().count(Service::Meta), 1 + sent.div_ceil(BATCH) as u64);
    ALLOCATED.peak_usage() - before
}

#[test]
fn three_times_the_people_take_the_same_memory() {
    // Fewer people than are sorted at once would be held by right.
    let (few, many) = (peak_of(40_000), peak_of(120_000));
    assert!(many < few * 12 / 10, "{many} bytes for 120,000 people, {few} for 40,000");
}
