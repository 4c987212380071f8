//! What won opportunities say of a contact's worth, digit for digit.

use crate::support::{LOCATION, Stage, refusal, settings};
use domain::ltv::{DecimalMark, LtvReading, read_ltv};
use domain::{Cancel, Explain, RawLtv};
use ghl::{GhlClient, GhlError, Pipeline, WonOpportunity};
use http_client::RetryPolicy;
use sandbox::{Contacts, GhlSettings as SandboxGhl, Sandbox, SandboxSettings};
use serde_json::json;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;
use testkit::Reply;

fn won(client: &GhlClient, pipelines: &[String]) -> (Vec<WonOpportunity>, Result<(), GhlError>) {
    let mut all = Vec::new();
    let result = client.won_opportunity_values(pipelines, &Cancel::new(), &mut |page, _| {
        all.extend(page);
        ControlFlow::Continue(())
    });
    (all, result)
}

fn page(rows: &str, total: u64) -> Reply {
    Reply::json(200, format!(r#"{{"opportunities":[{rows}],"total":{total},"aggregations":{{}}}}"#))
}

#[test]
fn amounts_keep_every_digit_and_the_contact() {
    let stage = Stage::new(vec![
        page(
            r#"{"id":"o1","contactId":"c1","monetaryValue":1234567890123456.78,"createdAt":"2024-06-06T18:54:57.221Z"},
               {"id":"o2","contactId":"c1","monetaryValue":0.10,"createdAt":"2024-06-06T18:54:57.221Z"}"#,
            5,
        ),
        page(
            r#"{"id":"o3","contact":{"id":"c2"},"monetaryValue":"1,250.00","searchAfter":[7,"o3"]},
               {"id":"o4","contactId":"c3","monetaryValue":null,"searchAfter":[8,"o4"]}"#,
            5,
        ),
        page(r#"{"id":"o5","contactId":null,"monetaryValue":5,"searchAfter":[9,"o5"]}"#, 5),
    ]);
    let (all, result) = won(&stage.client, &[]);
    result.unwrap();
    let opportunity = |id: &str, contact: Option<&str>, value: RawLtv| WonOpportunity {
        id: id.to_owned(),
        contact_id: contact.map(str::to_owned),
        value,
    };
    let number = |digits: &str| RawLtv::Number(digits.to_owned());
    assert_eq!(
        all,
        [
            opportunity("o1", Some("c1"), number("1234567890123456.78")),
            opportunity("o2", Some("c1"), number("0.10")),
            opportunity("o3", Some("c2"), RawLtv::Text("1,250.00".to_owned())),
            opportunity("o4", Some("c3"), RawLtv::Absent),
            opportunity("o5", None, number("5")),
        ]
    );
    let request = &stage.received()[0];
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/opportunities/search"));
    assert_eq!(request.header("version"), Some("2021-07-28"));
    let body = json!({"locationId": LOCATION, "limit": 2,
        "filters": [{"field": "status", "operator": "eq", "value": "won"}],
        "sort": [{"field": "date_added", "direction": "asc"}]});
    assert_eq!(stage.body(0), body);
    // The first page has no cursor, so it is made of time and id, as the documents show it.
    assert_eq!(stage.body(1)["searchAfter"], json!([1_717_700_097_221_u64, "o2"]));
    assert_eq!(stage.body(2)["searchAfter"], json!([8, "o4"]));
}

#[test]
fn pipelines_are_listed_and_chosen() {
    let stage = Stage::new(vec![
        Reply::json(
            200,
            r#"{"pipelines":[{"id":"p1","name":"Sales","stages":[]},{"id":"p2","name":null},{"name":"x"}]}"#,
        ),
        page("", 0),
        page("", 7),
        Reply::json(200, "{}"),
    ]);
    let cancel = Cancel::new();
    let pipeline = |id: &str, name: &str| Pipeline { id: id.to_owned(), name: name.to_owned() };
    assert_eq!(stage.client.pipelines(&cancel).unwrap(), [pipeline("p1", "Sales"), pipeline("p2", "p2")]);
    assert_eq!(stage.received()[0].target, format!("/opportunities/pipelines?locationId={LOCATION}"));
    let chosen = ["p1".to_owned(), "p2".to_owned()];
    won(&stage.client, &chosen).1.unwrap();
    assert_eq!(stage.client.won_opportunity_count(&chosen, &cancel).unwrap(), 7);
    let either = json!({"group": "OR", "filters": [
        {"field": "pipeline_id", "operator": "eq", "value": "p1"},
        {"field": "pipeline_id", "operator": "eq", "value": "p2"}]});
    assert_eq!(stage.body(1)["filters"][1], either);
    assert_eq!(stage.body(2)["filters"][1], either);
    assert!(matches!(stage.client.pipelines(&cancel), Err(GhlError::Unreadable { .. })));
}

#[test]
fn an_unreadable_opportunity_ends_the_list_and_is_named() {
    for (row, name) in [
        (r#"{"id":"o1","contactId":["person@example.com"]}"#, "The opportunity o1 can not be read"),
        (r#"{"contactId":"c1"}"#, "The opportunity number 1 of its page can not be read"),
        (r#"["person@example.com"]"#, "The opportunity number 1 of its page can not be read"),
    ] {
        let (_, result) = won(&Stage::new(vec![page(row, 1)]).client, &[]);
        let error = result.unwrap_err();
        assert!(matches!(error, GhlError::UnreadableOpportunity { .. }), "{error:?}");
        assert!(error.explain().message.starts_with(name));
        assert!(!format!("{error:?}{:?}", error.explain()).contains("person"));
    }
    let lost = Stage::new(vec![page(r#"{"id":"o1","contactId":"c1","monetaryValue":1}"#, 5)]);
    assert!(matches!(won(&lost.client, &[]).1, Err(GhlError::MissingCursor { .. })));
}

#[test]
fn opportunities_are_repeated_and_refused_like_contacts() {
    let busy = || refusal(503, &json!("busy"));
    let stage = Stage::new(vec![busy(), page("", 0)]);
    won(&stage.client, &[]).1.unwrap();
    let stage = Stage::new(vec![busy(), busy(), busy(), page("", 0)]);
    assert!(matches!(won(&stage.client, &[]).1, Err(GhlError::Refused(_))));
}

#[test]
fn the_sums_of_a_location_are_the_values_of_its_people() {
    let ghl = SandboxGhl { burst_window: Duration::from_secs(1), ..SandboxGhl::default() };
    let contacts = Contacts::Generated(6_000);
    let sandbox = Sandbox::start(SandboxSettings { contacts, ghl, ..SandboxSettings::default() }).unwrap();
    let client = GhlClient::new(ghl::GhlSettings {
        page_size: 500,
        window: Duration::from_secs(1),
        api_key: domain::Secret::new(&sandbox.credentials().ghl_token),
        location_id: sandbox.credentials().ghl_location_id.clone(),
        retry: RetryPolicy { max_retries: 0, first_wait: Duration::ZERO, longest_wait: Duration::ZERO },
        ..settings(&sandbox.addresses().ghl)
    });
    let sums = |pipelines: &[String]| {
        let (all, result) = won(&client, pipelines);
        result.unwrap();
        let mut sums: HashMap<String, i64> = HashMap::new();
        for one in all {
            let LtvReading::Value { amount, .. } = read_ltv(&one.value, DecimalMark::Point) else { panic!() };
            *sums.entry(one.contact_id.unwrap()).or_default() += amount.0;
        }
        sums
    };
    let people = sandbox.population();
    let truth: HashMap<String, i64> =
        people.people().filter_map(|person| Some((person.id, person.ltv_cents?))).collect();
    let all = sums(&[]);
    assert_eq!(all, truth);
    let ids: Vec<String> =
        client.pipelines(&Cancel::new()).unwrap().into_iter().map(|pipeline| pipeline.id).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(sums(&ids), all, "both pipelines are all pipelines");
    let [first, second] = [sums(&ids[..1]), sums(&ids[1..])];
    let both = |id: &String| first.get(id).unwrap_or(&0) + second.get(id).unwrap_or(&0);
    assert!(first.len() < all.len() && all.iter().all(|(id, sum)| both(id) == *sum));
    let refused =
        sandbox.record().entries(sandbox::Service::Ghl).iter().filter(|call| call.status != 200).count();
    assert_eq!(refused, 0);
    let count = client.won_opportunity_count(&[], &Cancel::new()).unwrap();
    let expected =
        (0..people.len()).flat_map(|index| people.opportunities(index)).filter(|one| one.status == "won");
    assert_eq!(count, expected.count() as u64);
}
