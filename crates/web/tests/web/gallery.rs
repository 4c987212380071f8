use crate::pages_site::Site;
use crate::runs::*;
use domain::run::*;
use std::fs;
fn put(name: &str, html: &str) {
    fs::create_dir_all("/tmp/gallery").unwrap();
    fs::write(format!("/tmp/gallery/{name}.html"), html).unwrap();
}
#[test]
fn gallery() {
    let site = Site::new();
    put("empty", &crate::dashboard_server::Dashboard::new().get("/").body);
    put("unconfigured", &site.get("/", false).body);
    let site = Site::configured();
    put("configured", &site.get("/", false).body);
    let first = successful(&site.store);
    for at in 0..50 {
        if at % 11 == 7 {
            failed(&site.store);
        } else if at % 17 == 5 {
            let r = running(&site.store);
            site.store.run_finish(r, RunStatus::Cancelled, None).unwrap();
        } else {
            successful(&site.store);
        }
    }
    let run = successful(&site.store);
    site.store
        .run_set_accounting(
            run,
            &domain::Accounting {
                fetched: 2388,
                sent: 2339,
                excluded_opted_out: 12,
                skipped_no_ltv: 30,
                refused_by_meta: 4,
                skipped_no_identifier: 3,
                ..Default::default()
            },
        )
        .unwrap();
    site.store
        .run_set_refused_samples(
            run,
            &[RefusedSample { ghl_contact_id: "c-77".into(), reason: "Invalid hash of the e-mail".into() }],
        )
        .unwrap();
    put("succeeded", &site.get("/", false).body);
    put("page2", &site.get("/?page=2", false).body);
    put("run", &site.get(&format!("/sync/{run}"), false).body);
    put("dialogpart", &site.get(&format!("/sync/{run}"), true).body);
    put("settings", &site.get("/settings", false).body);
    put("connections", &site.get("/connections", false).body);
    let html = site.page("/connections");
    let token = html.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    put("connections-tested", &site.post("/connections/test", &[("csrf", &token)], false).body);
    put("preview", &site.get("/preview", false).body);
    site.store
        .run_set_lookalikes(
            run,
            &[lookalike(
                LookalikeStatus::Pending,
                Some("Meta is still matching; this is looked after for 24 hours."),
            )],
        )
        .unwrap();
    put("pending", &site.get("/", false).body);
    site.store.run_set_lookalikes(run, &[lookalike(LookalikeStatus::Failed, Some("Too small."))]).unwrap();
    put("warnings", &site.get("/", false).body);
    let r = running(&site.store);
    put("running", &site.get("/", false).body);
    put("running-page", &site.get(&format!("/sync/{r}"), false).body);
    for step in [Step::Fetch, Step::ReadLtv, Step::Normalize, Step::Hash, Step::CreateAudience] {
        if step != Step::Fetch {
            site.store.step_start(r, step).unwrap();
        }
        site.store.step_finish(r, step, StepStatus::Done, None).unwrap();
    }
    site.store.step_start(r, Step::Upload).unwrap();
    site.store.step_progress(r, Step::Upload, 1200, Some(2339)).unwrap();
    put("running2", &site.get("/", false).body);
    site.store.run_set_waiting_until(r, Some("2026-11-21T23:30:00Z".parse().unwrap())).unwrap();
    put("waiting", &site.get("/", false).body);
    println!("{}", site.fragment(&format!("/fragments/run?run={r}&step=upload")).body.len());
    let f = Failure { step: Step::Upload, message: format!("{} at step \"Upload to Meta\": the program was stopped or crashed, or the machine was switched off.", Failure::INTERRUPTED), remedy: "Press Sync now, or wait for the next scheduled run. An audience that was not complete is deleted.".into(), provider_code: None, trace_id: None };
    site.store.run_finish(r, RunStatus::Failed, Some(&f)).unwrap();
    put("interrupted", &site.get("/", false).body);
    let r = failed(&site.store);
    put("failed", &site.get("/", false).body);
    put("failed-page", &site.get(&format!("/sync/{r}"), false).body);
    let site = Site::with(crate::pages_site::FIVE, |fake| {
        fake.check_found = vec!["The token is a system user's token and never expires.".into()];
        fake.check_problems = vec![domain::Explanation {
            provider_code: Some("190/463".into()),
            trace_id: Some("AbCdEf".into()),
            ..domain::Explanation::new(
                "Meta does not accept the access token.",
                "Create a new token as https://business.facebook.com/settings/system-users says.",
            )
        }];
    });
    site.choose("all", "All contacts");
    std::thread::sleep(std::time::Duration::from_secs(1));
    put("meta-problem", &site.get("/", false).body);
    let html = site.page("/connections");
    let token = html.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    put("connections-failed", &site.post("/connections/test", &[("csrf", &token)], false).body);
    let _ = first;
    let d = crate::dashboard_server::Dashboard::with(web::WebSettings {
        password: Some(domain::Secret::new("x")),
        instance_name: Some("Acme Dental".into()),
        ..crate::dashboard_server::settings()
    });
    put("login", &d.get("/login").body);
    put("404", &site.get("/nothing", false).body);
}
