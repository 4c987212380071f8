//! What the dashboard says in each state a run can be in, and how it compares runs.

use crate::dashboard_server::{Dashboard, settings};
use crate::runs::{failed, lookalike, running, successful};
use domain::run::{Failure, LookalikeStatus, Matched, RefusedSample, RunStatus, Step, StepStatus};
use domain::{Accounting, RunId};

fn finish(dashboard: &Dashboard, run: RunId, message: &str) {
    let failure = Failure {
        step: Step::Upload,
        message: message.to_owned(),
        remedy: "Press Sync now.".to_owned(),
        provider_code: None,
        trace_id: None,
    };
    assert!(dashboard.store.run_finish(run, RunStatus::Failed, Some(&failure)).unwrap());
}

#[test]
fn every_state_has_its_word_in_the_title_the_header_and_the_history() {
    let state = |prepare: &dyn Fn(&Dashboard), word: &str, icon: &str| {
        let dashboard = Dashboard::new();
        prepare(&dashboard);
        let html = dashboard.page("/");
        assert!(html.contains(&format!("<title>{word}")), "{word}: {html}");
        let badge = format!(" id=\"state\"><span aria-hidden=\"true\">{icon}</span> {word}");
        assert!(html.contains(&badge), "{badge} in {html}");
        let in_history = format!("<span aria-hidden=\"true\">{icon}</span> {word}</span></td>");
        assert_eq!(html.contains(&in_history), word != "Never run", "{in_history} in {html}");
    };
    state(&|_| {}, "Never run", "○");
    state(
        &|dashboard| {
            running(&dashboard.store);
        },
        "Running",
        "◔",
    );
    state(
        &|dashboard| {
            let run = running(&dashboard.store);
            let until = "2026-11-21T03:30:00Z".parse().unwrap();
            dashboard.store.run_set_waiting_until(run, Some(until)).unwrap();
        },
        "Waiting for Meta’s limit",
        "◔",
    );
    state(
        &|dashboard| {
            successful(&dashboard.store);
        },
        "Succeeded",
        "✓",
    );
    state(
        &|dashboard| {
            let run = successful(&dashboard.store);
            let pending = [lookalike(LookalikeStatus::Pending, None)];
            dashboard.store.run_set_lookalikes(run, &pending).unwrap();
        },
        "Succeeded, lookalike pending",
        "✓",
    );
    state(
        &|dashboard| {
            failed(&dashboard.store);
        },
        "Failed",
        "✕",
    );
    state(
        &|dashboard| {
            finish(dashboard, running(&dashboard.store), &format!("{} at step x.", Failure::INTERRUPTED));
        },
        "Interrupted",
        "✕",
    );
    state(
        &|dashboard| {
            let run = running(&dashboard.store);
            dashboard.store.run_finish(run, RunStatus::Cancelled, None).unwrap();
        },
        "Cancelled",
        "■",
    );
}

#[test]
fn an_interrupted_sync_is_not_said_to_have_failed_by_itself() {
    let dashboard = Dashboard::new();
    finish(
        &dashboard,
        running(&dashboard.store),
        &format!("{} at step \"Upload to Meta\".", Failure::INTERRUPTED),
    );
    assert!(dashboard.page("/").contains("✕</span> Interrupted at step: Upload to Meta</h2>"));
}

#[test]
fn the_figures_are_compared_with_the_success_before() {
    let dashboard = Dashboard::new();
    let first = successful(&dashboard.store);
    assert!(!dashboard.page("/").contains("class=\"change\""), "there is nothing to compare with");
    failed(&dashboard.store);
    let run = successful(&dashboard.store);
    let accounting = Accounting {
        fetched: 2388,
        sent: 2300,
        skipped_no_ltv: 42,
        skipped_no_identifier: 46,
        ..Default::default()
    };
    dashboard.store.run_set_accounting(run, &accounting).unwrap();
    let html = dashboard.page("/");
    for shown in [
        "<strong>2,388</strong> <span class=\"change\">+31</span>",
        "<strong>2,300</strong> <span class=\"change\">−11</span>",
        "<strong>42</strong> <span class=\"change\">no change</span>",
        "<strong>46</strong> <span class=\"change\">+42</span>",
        "<strong>74.0%</strong> <span class=\"change\">+0.4 points</span>",
        &format!(", compared with sync {first}"),
        "2,388 read = 2,300 sent + 42 skipped + 46 rejected",
    ] {
        assert!(html.contains(shown), "{shown} in {html}");
    }
    dashboard
        .store
        .run_set_matched(run, &Matched { exact: None, lower: Some(1000), upper: Some(2000) })
        .unwrap();
    assert!(!dashboard.page("/").contains(" points"), "ranges are not compared");
}

#[test]
fn the_beat_of_the_last_thirty_syncs_stands_above_the_history_on_every_page() {
    let dashboard = Dashboard::new();
    successful(&dashboard.store);
    assert!(!dashboard.page("/").contains("class=\"heartbeat\""), "one sync is no rhythm");
    for _ in 0..28 {
        successful(&dashboard.store);
    }
    failed(&dashboard.store);
    let cancelled = running(&dashboard.store);
    dashboard.store.run_finish(cancelled, RunStatus::Cancelled, None).unwrap();
    for path in ["/", "/?page=2"] {
        let html = dashboard.page(path);
        let words = "The last 30 syncs: 28 succeeded, 1 failed, 1 cancelled";
        assert!(html.contains(&format!("role=\"img\" aria-label=\"{words}\"")), "{html}");
        let (_, strip) = html.split_once("class=\"heartbeat\"").unwrap();
        let (strip, _) = strip.split_once("</svg>").unwrap();
        assert_eq!(strip.matches("<rect ").count(), 30, "{strip}");
        // What did not succeed is shorter, not only of another colour.
        assert!(
            strip.contains("<rect class=\"bad\" x=\"336\" y=\"16\" width=\"8\" height=\"16\">"),
            "{strip}"
        );
        assert!(
            strip.contains("<rect class=\"idle\" x=\"348\" y=\"24\" width=\"8\" height=\"8\">"),
            "{strip}"
        );
    }
}

#[test]
fn a_run_leads_to_its_neighbours_and_can_be_run_again() {
    let dashboard = Dashboard::new();
    for _ in 0..3 {
        successful(&dashboard.store);
    }
    let html = dashboard.page("/sync/2");
    for shown in [
        "<a href=\"/sync/1\" rel=\"prev\">Previous: sync 1</a>",
        "<a href=\"/sync/3\" rel=\"next\">Next: sync 3</a>",
        ">Run again</button>",
    ] {
        assert!(html.contains(shown), "{shown} in {html}");
    }
    assert!(
        !dashboard.page("/sync/1").contains("rel=\"prev\"")
            && !dashboard.page("/sync/3").contains("rel=\"next\"")
    );
    let run = running(&dashboard.store);
    assert!(!dashboard.page(&format!("/sync/{run}")).contains("Run again"), "it has not ended");
}

#[test]
fn the_counts_of_a_run_are_split_into_sent_skipped_and_rejected() {
    let dashboard = Dashboard::new();
    let run = successful(&dashboard.store);
    let refused = [RefusedSample { ghl_contact_id: "c7".into(), reason: "no country".into() }];
    dashboard.store.run_set_refused_samples(run, &refused).unwrap();
    let html = dashboard.page(&format!("/sync/{run}"));
    let row = |class: &str, title: &str, count: &str| {
        format!("<tr{class}><th scope=\"row\">{title}</th><td class=\"num\">{count}</td></tr>")
    };
    let fate = " class=\"fate\"";
    let rows = [
        row(fate, "Sent to Meta", "2,311"),
        row(fate, "Skipped", "42"),
        row("", "Opted out", "12"),
        row("", "No lifetime value", "30"),
        row(fate, "Rejected", "4"),
        row("", "Refused by Meta", "4"),
        row("", "Read from the list", "2,357"),
    ];
    let places: Vec<usize> =
        rows.iter().map(|row| html.find(row).unwrap_or_else(|| panic!("{row} in {html}"))).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn the_progress_is_that_of_the_whole_sync_and_the_header_shows_it_too() {
    let dashboard = Dashboard::new();
    let run = running(&dashboard.store);
    let html = dashboard.page("/");
    assert!(html.contains("<title>Running 15% - ") && html.contains("</span> Running 15%</span>"), "{html}");
    assert!(html.contains(
        "aria-label=\"Progress of the whole sync\"></progress>\n<p class=\"progress\"><strong>15%</strong>"
    ));
    dashboard.store.step_finish(run, Step::Fetch, StepStatus::Done, None).unwrap();
    let part = dashboard.get_with(&format!("/fragments/run?run={run}&step="), &[("HX-Request", "true")]);
    assert!(part.body.starts_with("<title>Running 30% - "), "{}", part.body);
    assert!(part.body.contains(
        "id=\"state\" hx-swap-oob=\"true\"><span aria-hidden=\"true\">◔</span> Running 30%</span>"
    ));
}

#[test]
fn ads_are_said_to_stay_on_their_audience_only_while_every_sync_makes_one() {
    for (mode, told) in [("dated", true), ("stable", false)] {
        let dashboard = Dashboard::with_saved(settings(), &[("AUDIENCE_MODE", mode)]);
        successful(&dashboard.store);
        let html = dashboard.page("/");
        let card = html.split_once("id=\"status\"").unwrap().1.split_once("</section>").unwrap().0;
        assert_eq!(card.contains("Ad sets go on using the audience chosen in them."), told, "{mode}: {card}");
    }
}
