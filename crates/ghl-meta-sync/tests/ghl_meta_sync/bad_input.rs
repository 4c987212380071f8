//! What users get wrong: one clear message that names the setting, the right exit status, and nothing at Meta.

use crate::account::{header, row};
use crate::crash::questions;
use crate::instance::{Instance, binary, run};
use domain::run::{RunStatus, Step, StepStatus};
use sandbox::Contacts;
use serde_json::json;
use std::net::TcpListener;
use std::process::Command;

#[test]
fn an_unknown_list_is_named_with_its_setting() {
    let mut instance = Instance::start();
    instance.set("GHL_SMART_LIST_ID", "tag:nobody-has-it");
    instance.sync(&[]).expect(2).names(&["tag:nobody-has-it", "does not exist", "GHL_SMART_LIST_ID"]);
    instance.set("GHL_SMART_LIST_ID", "vip");
    instance.sync(&[]).expect(2).names(&["GHL_SMART_LIST_ID", "tag:"]);
    instance.assert_meta_is_untouched();
}

#[test]
fn an_unknown_field_is_named_with_its_setting() {
    let mut instance = Instance::start();
    instance.set("GHL_LTV_FIELD", "contact.no_such_field");
    instance.sync(&[]).expect(2).names(&["contact.no_such_field", "does not exist", "GHL_LTV_FIELD"]);
    assert_eq!(instance.store().run_latest().unwrap(), None, "told at once, as no run");
    instance.assert_meta_is_untouched();
}

#[test]
fn a_missing_choice_of_list_or_field_is_told() {
    for missing in ["GHL_SMART_LIST_ID", "GHL_LTV_FIELD"] {
        let mut instance = Instance::start();
        instance.unset(missing);
        instance.sync(&[]).expect(2).names(&[missing]);
        instance.assert_meta_is_untouched();
    }
}

#[test]
fn a_field_may_be_given_by_key_short_key_or_name() {
    for field in ["contact.lifetime_value", "lifetime_value", "Lifetime Value"] {
        let mut instance = Instance::start();
        instance.set("GHL_LTV_FIELD", field).sync(&[]).expect(0);
        assert_eq!(instance.last_run().config.ltv_field_key, "contact.lifetime_value");
    }
}

#[test]
fn an_empty_list_fails_the_run_and_leaves_the_audience_alone() {
    let instance = Instance::with(Contacts::CsvText(header()), |_| {});
    instance.sync(&[]).expect(1).names(&["no contacts", "GHL_SMART_LIST_ID", "Fetch contacts"]);
    assert_eq!(instance.last_run().status, RunStatus::Failed);
    instance.assert_meta_is_untouched();
}

#[test]
fn a_list_without_any_value_fails_the_run_and_names_the_field() {
    let csv = header() + &row(1, "", "", "no_ltv") + &row(2, "TBD", "", "bad_ltv");
    let instance = Instance::with(Contacts::CsvText(csv), |_| {});
    instance.sync(&[]).expect(1).names(&["None of the 2 contacts", "GHL_LTV_FIELD", "Read lifetime values"]);
    let run = instance.last_run();
    assert_eq!(run.failure.unwrap().step, Step::ReadLtv);
    assert_eq!((run.accounting.skipped_no_ltv, run.accounting.rejected_bad_ltv), (1, 1));
    assert_eq!(questions(&instance), 0);
    instance.assert_meta_is_untouched();
}

#[test]
fn nobody_with_an_identifier_fails_the_run() {
    let mut contact = row(1, "5", "5.00", "ok");
    contact =
        contact.replace("ann1@example.com", "").replace("(201) 555-0101", "").replace("+12015550101", "");
    let instance = Instance::with(Contacts::CsvText(header() + &contact), |_| {});
    instance.sync(&[]).expect(1).names(&["None of the 1 contacts can be sent"]);
    instance.assert_meta_is_untouched();
}

#[test]
fn a_wrong_token_of_each_service_is_named() {
    let mut instance = Instance::start();
    instance.set("GHL_API_KEY", "pit-00000000-0000-4000-8000-000000000000");
    // The list and the field of the environment can not be looked up: the run fails, stands in the history and is told.
    instance.sync(&[]).expect(1).names(&["GHL_API_KEY", "Fetch contacts"]);
    assert_eq!(instance.last_run().failure.unwrap().step, Step::Fetch);
    assert_eq!(instance.sandbox.mails().all().len(), 1);
    instance.assert_meta_is_untouched();

    let mut instance = Instance::start();
    instance.set("GHL_LOCATION_ID", "anotherLocation00001");
    instance.sync(&[]).expect(1).names(&["GHL_LOCATION_ID", "Fetch contacts"]);
    instance.assert_meta_is_untouched();

    let mut instance = Instance::start();
    instance.set("CLAUDE_API_KEY", "sk-ant-wrong");
    instance.sync(&[]).expect(1).names(&["CLAUDE_API_KEY", "Rank values"]);
    assert_eq!(instance.last_run().failure.unwrap().step, Step::Normalize);
    instance.assert_meta_is_untouched();

    let mut instance = Instance::start();
    instance.set("META_ACCESS_TOKEN", "EAAB-wrong");
    instance.sync(&[]).expect(1).names(&[
        "META_ACCESS_TOKEN",
        "Create custom audience",
        "Provider code: 190",
    ]);
    let failure = instance.last_run().failure.unwrap();
    assert_eq!(failure.step, Step::CreateAudience);
    assert!(failure.trace_id.is_some(), "Meta's trace id is kept");
    instance.assert_meta_is_untouched();
}

#[test]
fn a_wrong_mail_password_leaves_the_run_successful_and_the_step_failed() {
    let mut instance = Instance::with(Contacts::default(), |settings| {
        settings.smtp.login = Some(("sync".to_owned(), "right".to_owned()));
    });
    instance.set("SMTP_USERNAME", "sync").set("SMTP_PASSWORD", "wrong-one").sync(&[]).expect(0);
    let run = instance.last_run();
    assert_eq!(run.status, RunStatus::Success);
    let notify = run.steps.last().unwrap();
    assert_eq!((notify.name, notify.status), (Step::Notify, StepStatus::Failed));
    assert!(!instance.log().contains("wrong-one"));
}

#[test]
fn an_expired_api_version_and_a_malformed_one_are_told() {
    let mut instance = Instance::start();
    instance.set("META_API_VERSION", "v21.0");
    instance.sync(&[]).expect(1).names(&["META_API_VERSION", "Provider code: 2635"]);
    instance.assert_meta_is_untouched();
    instance.set("META_API_VERSION", "latest");
    instance.sync(&[]).expect(2).names(&["META_API_VERSION"]);
}

#[test]
fn a_retired_model_names_its_successor() {
    let mut instance = Instance::start();
    instance.set("CLAUDE_MODEL", "claude-sonnet-4-20250514");
    instance.sync(&[]).expect(1).names(&["claude-sonnet-4-20250514", "CLAUDE_MODEL", "claude-sonnet-5-5"]);
    instance.assert_meta_is_untouched();
}

#[test]
fn missing_keys_and_malformed_values_are_told_together() {
    let mut instance = Instance::start();
    instance.unset("GHL_API_KEY").unset("META_ACCESS_TOKEN").unset("CLAUDE_API_KEY");
    instance.sync(&[]).expect(2).names(&["GHL_API_KEY", "META_ACCESS_TOKEN", "CLAUDE_API_KEY"]);
    instance.set("WEB_PORT", "no").set("TZ", "Mars").set("GHL_BASE_URL", "http://example.com");
    instance.sync(&[]).expect(2).names(&["WEB_PORT", "TZ", "GHL_BASE_URL"]);
}

#[test]
fn an_unwritable_data_or_log_folder_is_named() {
    for setting in ["DATA_DIR", "LOG_DIR"] {
        let mut instance = Instance::start();
        // A file in the place of a folder can not be written by anybody, not even by root.
        let file = instance.folder().join("not-a-folder");
        std::fs::write(&file, "x").unwrap();
        let below = file.join("below");
        instance.set(setting, below.to_str().unwrap());
        instance.sync(&[]).expect(2).names(&[setting]);
        instance.assert_meta_is_untouched();
    }
}

#[test]
fn a_taken_port_is_named_by_demo_and_sandbox() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut demo = Command::new(binary());
    demo.args(["demo", "--port", &port]).env_clear();
    run(demo).expect(2).names(&[&port, "port"]);
    let mut sandbox = Command::new(binary());
    sandbox.args(["sandbox", "--port", &port]).env_clear();
    run(sandbox).expect(2).names(&[&port, "--port"]);
}

#[test]
fn terms_that_nobody_accepted_are_told_with_the_link() {
    let instance = Instance::start();
    instance.tell("/control/meta/state", &json!({"audience_terms_accepted": false}));
    let account = instance.value("META_AD_ACCOUNT_ID").trim_start_matches("act_").to_owned();
    instance
        .sync(&[])
        .expect(1)
        .names(&["https://business.facebook.com/ads/manage/customaudiences/tos/", &account]);
    assert!(instance.audiences("CUSTOM").is_empty());
}

#[test]
#[cfg(unix)]
fn a_password_that_is_not_text_stops_the_service_instead_of_opening_the_door() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let instance = Instance::start();
    let mut serve = instance.program("serve");
    serve.env("WEB_PASSWORD", OsStr::from_bytes(b"p\xE4ss"));
    run(serve).expect(2).names(&["WEB_PASSWORD is not readable text"]);
}
