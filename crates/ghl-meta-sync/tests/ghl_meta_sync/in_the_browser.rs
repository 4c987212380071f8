//! What people do who never open a terminal: a list from conditions, a preview, a sync, and the files of who was not sent.

use crate::account::MESSY;
use crate::instance::{Database, Instance, on_both_databases};
use crate::serve::Served;
use domain::Bucket;
use domain::run::RunStatus;
use sandbox::faults::{Effect, Fault};
use sandbox::{Contacts, Service};
use std::collections::BTreeSet;

on_both_databases!(a_list_of_conditions_is_previewed_synced_and_accounted_for_in_files);

/// The contact ids of a file.
fn ids(served: &Served, run: i64, bucket: &str) -> Vec<String> {
    let file = served.page(&format!("/sync/{run}/contacts.csv?bucket={bucket}"));
    let lines = file.strip_prefix("\u{feff}Contact id,").unwrap().split("\r\n").skip(1);
    lines.filter(|line| !line.is_empty()).map(|line| line.split(',').next().unwrap().to_owned()).collect()
}

/// The figure behind a label of the page.
fn figure(html: &str, label: &str) -> u64 {
    let (_, after) = html.split_once(&format!("<th scope=\"row\">{label}</th><td class=\"num\">")).unwrap();
    after.split('<').next().unwrap().replace(',', "").parse().unwrap()
}

fn a_list_of_conditions_is_previewed_synced_and_accounted_for_in_files(database: Database) {
    let mut instance = Instance::with(Contacts::CsvText(MESSY.to_owned()), |_| {}).with_database(database);
    instance.unset("GHL_SMART_LIST_ID").unset("GHL_LTV_FIELD");
    let served = Served::start(&mut instance);
    let list = [
        ("name", "Reachable"),
        ("match", "any"),
        ("field", "email"),
        ("operator", "exists"),
        ("value", ""),
        ("field", "customFields.lifetime_value"),
        ("operator", "exists"),
        ("value", ""),
    ];
    let pressed = |button| [&list[..], &[("do", button)]].concat();
    let (status, counted) = served.submit("/filters/new", "/filters/new", &pressed("count"));
    assert_eq!(status, 200);
    let (before, _) = counted.split_once(" contacts meet these conditions now.").unwrap();
    let counted: u64 = before.rsplit('>').next().unwrap().replace(',', "").parse().unwrap();
    assert_eq!(served.submit("/filters/new", "/filters/new", &pressed("save")).0, 303);
    let choice = [("list", "filter:1"), ("field", "contact.lifetime_value"), ("sync_enabled", "yes")];
    assert_eq!(served.submit("/", "/config", &choice).0, 303);

    assert_eq!(served.submit("/preview", "/preview", &[]).0, 303);
    served.wait_for("the preview is made", || !served.page("/preview").contains("A preview is being made"));
    let preview = served.page("/preview");
    assert!(preview.contains("Reachable, values from Lifetime Value"), "{preview}");
    instance.assert_meta_is_untouched();
    assert_eq!(instance.store().run_latest().unwrap(), None, "a preview is no run");

    assert_eq!(served.submit("/", "/sync", &[]).0, 303);
    served.wait_for("the sync ends", || instance.last_run().status != RunStatus::Running);
    let run = instance.last_run();
    assert_eq!(run.status, RunStatus::Success, "{:?}", run.failure);
    let account = run.accounting;
    assert_eq!((figure(&preview, "Read from the list"), account.fetched), (counted, counted));
    assert_eq!(figure(&preview, "Would be sent to Meta"), account.sent + account.refused_by_meta);
    let mut everybody = BTreeSet::new();
    for (bucket, count) in account.buckets() {
        if count > 0 && bucket != Bucket::Duplicate {
            let of_bucket = ids(&served, run.id.0, bucket.as_str());
            assert_eq!(of_bucket.len() as u64, count, "{bucket}");
            everybody.extend(of_bucket);
        }
    }
    assert_eq!(everybody.len() as u64, account.fetched - account.duplicates, "each in one file, none lost");
    let rejected = served.page(&format!("/sync/{}/contacts.csv?bucket=rejected", run.id));
    let location = instance.value("GHL_LOCATION_ID");
    assert!(
        rejected.contains(&format!("https://app.gohighlevel.com/v2/location/{location}/contacts/detail/"))
    );
    assert!(rejected.contains("the value is not a number: "), "{rejected}");
    let page = served.page(&format!("/sync/{}", run.id));
    assert!(page.contains("id=\"problems\"") && page.contains("contacts.csv?bucket=bad_ltv"), "{page}");
}

#[test]
fn a_service_that_stops_during_a_preview_leaves_no_working_file() {
    let mut instance = Instance::start();
    let slow = Effect::Delay { millis: 300 };
    let mut fault = Fault::new(Service::Ghl, slow).on_path("/contacts/search");
    fault.times = 1000;
    instance.sandbox.faults().add(fault);
    let served = Served::start(&mut instance);
    assert_eq!(served.submit("/preview", "/preview", &[]).0, 303);
    let spool = instance.folder().join("data/spool");
    let left = || std::fs::read_dir(&spool).map_or(0, Iterator::count);
    served.wait_for("the list is being read", || left() > 0);
    assert_eq!(served.terminate(), Some(0));
    assert_eq!(left(), 0, "working files are left");
}
