//! Large lists are read in ranges at the same time, and are as complete as small ones.

use crate::support::settings;
use domain::Cancel;
use ghl::{ContactQuery, GhlClient, GhlError, GhlSettings};
use http_client::RetryPolicy;
use sandbox::faults::{Effect, Fault, Trouble};
use sandbox::{
    ContactPatch, Contacts, GhlSettings as SandboxGhl, GhlStatePatch, PlannedChange, Sandbox,
    SandboxSettings, Service,
};
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Duration;

/// The window of the rate limit here, so that a test meets it often and waits for it shortly.
const WINDOW: Duration = Duration::from_secs(1);

fn sandbox(contacts: u32) -> Sandbox {
    let ghl = SandboxGhl { burst_window: WINDOW, ..SandboxGhl::default() };
    Sandbox::start(SandboxSettings {
        contacts: Contacts::Generated(contacts),
        ghl,
        ..SandboxSettings::default()
    })
    .unwrap()
}

fn client(sandbox: &Sandbox, change: impl FnOnce(&mut GhlSettings)) -> GhlClient {
    let mut settings = GhlSettings {
        page_size: 500,
        window: WINDOW,
        api_key: domain::Secret::new(&sandbox.credentials().ghl_token),
        location_id: sandbox.credentials().ghl_location_id.clone(),
        retry: RetryPolicy {
            max_retries: 4,
            first_wait: Duration::from_millis(5),
            longest_wait: Duration::from_millis(50),
        },
        ..settings(&sandbox.addresses().ghl)
    };
    change(&mut settings);
    GhlClient::new(settings)
}

struct Read {
    ids: Vec<String>,
    result: Result<(), GhlError>,
}

impl Read {
    fn distinct(&self) -> usize {
        self.ids.iter().collect::<HashSet<_>>().len()
    }
}

fn read(client: &GhlClient, query: &ContactQuery) -> Read {
    let mut ids = Vec::new();
    let result = client.read_contacts(query, "ltvF1eldAbCdEfGhIjKl", &Cancel::new(), &mut |contacts, _| {
        ids.extend(contacts.into_iter().map(|contact| contact.id));
        ControlFlow::Continue(())
    });
    Read { ids, result }
}

fn searches(sandbox: &Sandbox) -> Vec<sandbox::record::RecordedRequest> {
    sandbox.record().entries(Service::Ghl)
}

fn refused_for_too_many(sandbox: &Sandbox) -> usize {
    searches(sandbox).iter().filter(|request| request.status == 429).count()
}

#[test]
fn a_quarter_of_a_million_contacts_are_read_whole_in_spite_of_trouble_and_within_the_limit() {
    let sandbox = sandbox(250_000);
    sandbox.faults().set_trouble(Trouble { service: Service::Ghl, seed: 7, per_mille: 10, slow_millis: 300 });
    let read = read(&client(&sandbox, |_| {}), &ContactQuery::all());
    read.result.as_ref().unwrap();
    assert_eq!((read.ids.len(), read.distinct()), (250_000, 250_000));
    assert_eq!(refused_for_too_many(&sandbox), 0);
    assert!(sandbox.faults().struck_by_trouble() > 0);
    let calls = searches(&sandbox).len();
    assert!(calls < 560, "{calls} calls for 500 pages");
}

#[test]
fn a_filtered_list_is_read_in_ranges_too() {
    let sandbox = sandbox(30_000);
    let read = read(&client(&sandbox, |_| {}), &ContactQuery::tag("vip"));
    read.result.as_ref().unwrap();
    assert_eq!((read.ids.len(), read.distinct()), (3_750, 3_750));
    let bodies: Vec<String> = searches(&sandbox).into_iter().map(|request| request.body).collect();
    assert!(bodies.iter().all(|body| body.contains(r#""field":"tags""#)));
    assert!(bodies.iter().filter(|body| body.contains(r#""operator":"range""#)).count() > 4);
}

#[test]
fn contacts_without_a_date_and_contacts_that_come_meanwhile_are_not_lost() {
    let sandbox = sandbox(20_000);
    let contact = |undated: bool| ContactPatch { undated, ..ContactPatch::default() };
    let change = |after_searches: u32, undated: bool, contacts: usize| PlannedChange {
        after_searches,
        insert: vec![contact(undated); contacts],
        ..PlannedChange::default()
    };
    for (changes, expected) in
        [(vec![change(0, true, 3)], 20_003), (vec![change(9, false, 2), change(30, false, 5)], 20_010)]
    {
        sandbox.ghl_state(GhlStatePatch { changes: Some(changes), ..GhlStatePatch::default() });
        let client = client(&sandbox, |_| {});
        let read = read(&client, &ContactQuery::all());
        read.result.as_ref().unwrap();
        assert_eq!((read.ids.len(), read.distinct()), (expected, expected));
        assert_eq!(client.contact_count(&ContactQuery::all(), &Cancel::new()).unwrap(), expected as u64);
    }
}

#[test]
fn after_ranges_that_did_not_add_up_the_next_list_is_read_by_one_cursor() {
    let sandbox = sandbox(10_000);
    let client = client(&sandbox, |_| {});
    let first_id = read(&client, &ContactQuery::all()).ids[0].clone();
    let ranges = || searches(&sandbox).iter().filter(|request| request.body.contains("range")).count();
    let delete = PlannedChange { after_searches: 10, delete: vec![first_id], ..PlannedChange::default() };
    sandbox.ghl_state(GhlStatePatch { changes: Some(vec![delete]), ..GhlStatePatch::default() });
    let mut before = ranges();
    let mut next = || {
        let read = read(&client, &ContactQuery::all());
        read.result.as_ref().unwrap();
        let in_ranges = ranges() - before;
        before += in_ranges;
        (read.distinct(), in_ranges > 0)
    };
    assert_eq!(next(), (10_000, true), "a contact vanished after it was read");
    assert_eq!(next(), (9_999, false));
    assert_eq!(next(), (9_999, true));
}

#[test]
fn contacts_of_one_moment_stay_together() {
    let mut csv = "contact_id,ltv_bucket,country\n".to_owned();
    (0..3_000).for_each(|n| csv.push_str(&format!("c{n},no_ltv,US\n")));
    let ghl = SandboxGhl { burst_window: WINDOW, ..SandboxGhl::default() };
    let contacts = Contacts::CsvText(csv);
    let sandbox = Sandbox::start(SandboxSettings { contacts, ghl, ..SandboxSettings::default() }).unwrap();
    // Three contacts share each moment, and a page ends in the middle of them.
    let client = client(&sandbox, |settings| settings.page_size = 50);
    let read = read(&client, &ContactQuery::all());
    read.result.as_ref().unwrap();
    assert_eq!((read.ids.len(), read.distinct()), (3_000, 3_000));
}

#[test]
fn a_page_that_keeps_failing_fails_the_list_whoever_reads_it() {
    let sandbox = sandbox(10_000);
    let down = sandbox::faults::Effect::Status { status: 500, body: "{}".to_owned(), headers: Vec::new() };
    sandbox.faults().add(sandbox::faults::Fault::new(Service::Ghl, down).on_body("\"gte\"").times(1000));
    let read = read(&client(&sandbox, |_| {}), &ContactQuery::all());
    assert!(matches!(read.result, Err(GhlError::Refused(_))), "{:?}", read.result);
}

#[test]
fn whoever_takes_the_pages_can_end_the_reading() {
    let sandbox = sandbox(20_000);
    let client = client(&sandbox, |_| {});
    let mut pages = 0;
    let result = client.read_contacts(&ContactQuery::all(), "f", &Cancel::new(), &mut |_, total| {
        pages += 1;
        assert_eq!(total, 20_000);
        if pages == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(result, Err(GhlError::Cancelled(_))));
    assert_eq!(pages, 5);
}

#[test]
fn a_cancelled_run_ends_while_pages_are_under_way() {
    let sandbox = sandbox(20_000);
    // Nobody gets a place for the pages of the ranges.
    let client = client(&sandbox, |settings| {
        settings.window_calls = 2;
        settings.window = Duration::from_secs(3600);
    });
    let cancel = Cancel::new();
    let result = client.read_contacts(&ContactQuery::all(), "f", &cancel, &mut |_, _| {
        let later = cancel.clone();
        std::thread::spawn(move || later.cancel());
        ControlFlow::Continue(())
    });
    assert!(matches!(result, Err(GhlError::Cancelled(_))));
}

#[test]
fn a_refused_range_makes_the_list_incomplete_and_the_next_reading_does_without_ranges() {
    let sandbox = sandbox(5_000);
    let client = client(&sandbox, |_| {});
    let body =
        r#"{"statusCode":422,"message":["Invalid Operator"],"error":"Unprocessable Entity"}"#.to_owned();
    let effect = Effect::Status { status: 422, body, headers: Vec::new() };
    let ranges = Fault::new(Service::Ghl, effect).on_path("/contacts/search").on_body("\"range\"");
    sandbox.faults().add(ranges.after(1).times(1_000));
    let refused = read(&client, &ContactQuery::all());
    let Err(GhlError::Incomplete { total, .. }) = refused.result else { panic!("{:?}", refused.result) };
    assert_eq!(total, 5_000);
    let whole = read(&client, &ContactQuery::all());
    whole.result.as_ref().unwrap();
    assert_eq!((whole.ids.len(), whole.distinct()), (5_000, 5_000));
}
