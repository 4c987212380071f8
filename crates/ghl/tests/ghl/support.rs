//! A client for a scripted server, and the replies GoHighLevel gives.

use domain::{Cancel, Contact, Explain, Explanation, Secret};
use ghl::{ContactQuery, GhlClient, GhlError, GhlSettings, Meaning};
use http_client::{BaseUrl, RetryPolicy};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::time::Duration;
use testkit::{Received, Reply, ScriptedServer};

pub const TOKEN: &str = "pit-00000000-1111-2222-3333-444444444444";
pub const LOCATION: &str = "ve9EPM428h8vShlRW1KT";

pub const TRACE_ID: &str = "b2b1ee54-2204-4eb8-9e29-0b5b0a1f8d8c";

pub fn settings(url: &str) -> GhlSettings {
    GhlSettings {
        page_size: 2,
        total_timeout: Duration::from_secs(20),
        retry: RetryPolicy {
            max_retries: 2,
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(2),
        },
        ..GhlSettings::new(BaseUrl::parse(url).unwrap(), Secret::new(TOKEN), LOCATION)
    }
}

/// Pages with the number of contacts in the list.
pub type Pages = Vec<(Vec<Contact>, u64)>;

/// A server that follows the script and a client for it, with pages of two.
pub struct Stage {
    pub server: ScriptedServer,
    pub client: GhlClient,
}

impl Stage {
    pub fn new(script: Vec<Reply>) -> Self {
        Self::with(script, |_| {})
    }

    pub fn with(script: Vec<Reply>, change: impl FnOnce(&mut GhlSettings)) -> Self {
        let server = ScriptedServer::start(script).unwrap();
        let mut settings = settings(server.url());
        change(&mut settings);
        Self { client: GhlClient::new(settings), server }
    }

    /// Every page of the list of all contacts, and how the list ended.
    pub fn read(&self) -> (Pages, Result<(), GhlError>) {
        let mut pages = Vec::new();
        let result =
            self.client.read_contacts(&ContactQuery::all(), "f1", &Cancel::new(), &mut |page, total| {
                pages.push((page, total));
                ControlFlow::Continue(())
            });
        (pages, result)
    }

    /// The ids of a list that can be read.
    pub fn ids(&self) -> Vec<String> {
        let (pages, result) = self.read();
        result.unwrap();
        ids(&pages)
    }

    pub fn received(&self) -> Vec<Received> {
        self.server.received()
    }

    /// The JSON body of a request.
    pub fn body(&self, at: usize) -> Value {
        serde_json::from_str(&self.received()[at].body).unwrap()
    }
}

pub fn ids(pages: &[(Vec<Contact>, u64)]) -> Vec<String> {
    pages.iter().flat_map(|(contacts, _)| contacts).map(|contact| contact.id.clone()).collect()
}

/// Contacts `c<n>` as the search returns them, each with its cursor.
pub fn contacts(numbers: std::ops::Range<u64>) -> Vec<Value> {
    numbers
        .map(|n| {
            json!({"id": format!("c{n}"), "email": format!("c{n}@example.com"), "customFields": [{"id": "f1", "value": n}],
                "searchAfter": [1_778_692_000_000_u64 + n, format!("c{n}")]})
        })
        .collect()
}

pub fn page(contacts: &[Value], total: u64) -> Reply {
    Reply::json(200, json!({"contacts": contacts, "total": total, "traceId": "t"}).to_string())
}

/// An error as GoHighLevel sends it.
pub fn refusal(status: u16, message: &Value) -> Reply {
    Reply::json(status, json!({"statusCode": status, "message": message, "traceId": TRACE_ID}).to_string())
}

/// What one failed call to count contacts means and says, and how many calls were made.
pub struct Failed {
    pub meaning: Meaning,
    pub explanation: Explanation,
    pub calls: usize,
    /// The error with its whole chain and its debug form, to search for what must not be there.
    pub everything: String,
}

pub fn count_fails(script: Vec<Reply>) -> Failed {
    let stage = Stage::new(script);
    let error = stage.client.contact_count(&ContactQuery::all(), &Cancel::new()).unwrap_err();
    let explanation = error.explain();
    let everything = format!("{} {error:?} {explanation:?}", domain::error_chain::Chain(&error));
    let GhlError::Refused(refusal) = error else { panic!("{everything}") };
    Failed { meaning: refusal.meaning, explanation, calls: stage.received().len(), everything }
}
