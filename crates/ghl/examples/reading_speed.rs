//! Measures how long a list takes: `cargo run --release -p ghl --example reading_speed [contacts] [ms per page]`, by
//! default 100,000 contacts at 300 ms per page, under the limits GoHighLevel has.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for developers")]

use domain::{Cancel, Secret};
use ghl::{ContactQuery, GhlClient, GhlSettings};
use http_client::BaseUrl;
use sandbox::{Contacts, Sandbox, SandboxSettings, Service};
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u32>().unwrap());
    let (contacts, millis) = (numbers.next().unwrap_or(100_000), numbers.next().unwrap_or(300));
    let ghl = sandbox::GhlSettings {
        page_latency: Duration::from_millis(millis.into()),
        ..sandbox::GhlSettings::default()
    };
    let contacts = Contacts::Generated(contacts);
    let sandbox = Sandbox::start(SandboxSettings { contacts, ghl, ..SandboxSettings::default() }).unwrap();
    let (url, credentials) = (&sandbox.addresses().ghl, sandbox.credentials());
    let (token, location) = (Secret::new(&credentials.ghl_token), &credentials.ghl_location_id);
    let client = GhlClient::new(GhlSettings::new(BaseUrl::parse(url).unwrap(), token, location));
    let (begun, cancel, mut ids) = (Instant::now(), Cancel::new(), HashSet::new());
    client
        .read_contacts(&ContactQuery::all(), "ltvF1eldAbCdEfGhIjKl", &cancel, &mut |page, _| {
            ids.extend(page.into_iter().map(|contact| contact.id));
            ControlFlow::Continue(())
        })
        .unwrap();
    let read = begun.elapsed();
    let count = client.contact_count(&ContactQuery::all(), &cancel).unwrap();
    let calls = sandbox.record().entries(Service::Ghl);
    let refused = calls.iter().filter(|call| call.status == 429).count();
    println!(
        "{} of {count} contacts in {:.1} s ({:.1} s with the count), {} calls, {refused} refused as too many",
        ids.len(),
        read.as_secs_f64(),
        begun.elapsed().as_secs_f64(),
        calls.len()
    );
}
