use super::{AtMeta, ErasePerson, ErasureReceipt, Leaving, Suppression, removals};
use crate::edges::{
    ConditionsRefused, ContactList, ContactSource, Pipeline, SourceList, ValueField, WonOpportunity,
};
use crate::error::{EdgeError, EraseError, RunError};
use crate::membership::hashes_of;
use crate::spool::{Spool, SpooledContact};
use domain::accounting::Bucket;
use domain::run::{RunStatus, SyncConfig, Trigger};
use domain::{Cancel, Cents, Clock, Contact, Explain, Percentile, RunId, Secret, SystemClock};
use http_client::{BaseUrl, RetryPolicy};
use match_keys::{Reason, Row, hash};
use meta::{AdAccountId, MetaClient, MetaSettings};
use persistence::{
    DatabaseUrl, LeaseOutcome, Member, PersonHashes, Removal, RemovalCause, RunContact, Store,
};
use std::sync::Arc;
use std::time::Duration;
use testkit::{Reply, ScriptedServer};

const MARY: &str = "mary@example.com";
const NUMBER: &str = "+1 202-555-0143";
const TAKEN: &str =
    r#"{"session_id":"1","num_received":1,"num_invalid_entries":0,"invalid_entry_samples":{}}"#;

/// A location in the United States.
struct AmericanSource;

impl ContactSource for AmericanSource {
    fn country(&self, _cancel: &Cancel) -> Result<Option<String>, EdgeError> {
        Ok(Some("US".to_owned()))
    }

    fn fields(&self, _cancel: &Cancel) -> Result<Vec<ValueField>, EdgeError> {
        Ok(Vec::new())
    }

    fn own_lists(&self, _cancel: &Cancel) -> Result<Option<Vec<SourceList>>, EdgeError> {
        Ok(None)
    }

    fn tags(&self, _cancel: &Cancel) -> Result<Vec<String>, EdgeError> {
        Ok(Vec::new())
    }

    fn count(&self, _list: &ContactList, _cancel: &Cancel) -> Result<u64, EdgeError> {
        Ok(0)
    }

    fn check_conditions(
        &self,
        _pasted: &serde_json::Value,
        _cancel: &Cancel,
    ) -> Result<Result<domain::Conditions, ConditionsRefused>, EdgeError> {
        Ok(Err(ConditionsRefused(Vec::new())))
    }

    fn pipelines(&self, _cancel: &Cancel) -> Result<Vec<Pipeline>, EdgeError> {
        Ok(Vec::new())
    }

    fn count_won_opportunities(&self, _pipelines: &[String], _cancel: &Cancel) -> Result<u64, EdgeError> {
        Ok(0)
    }

    fn won_opportunities(
        &self,
        _pipelines: &[String],
        _cancel: &Cancel,
        _page: &mut dyn FnMut(Vec<WonOpportunity>, u64) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        Ok(())
    }

    fn read(
        &self,
        _list: &ContactList,
        _field_id: Option<&str>,
        _cancel: &Cancel,
        _page: &mut dyn FnMut(Vec<Contact>, u64) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        Ok(())
    }
}

struct Place {
    folder: tempfile::TempDir,
    store: Store,
    /// A successful run of everybody below.
    last: RunId,
}

impl Place {
    fn new(contacts: &[RunContact]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = Store::open(&DatabaseUrl::Sqlite(folder.path().join("a.db")), clock).unwrap();
        let last = store.run_start(Trigger::Manual, store.config_of_run(&config()).unwrap()).unwrap();
        store.contacts_insert(last, contacts).unwrap();
        store.run_finish(last, RunStatus::Success, None).unwrap();
        Self { folder, store, last }
    }

    fn leaving(&self, meta: Option<Arc<MetaClient>>) -> Leaving {
        Leaving {
            store: self.store.clone(),
            source: Some(Arc::new(AmericanSource)),
            meta,
            clock: Arc::new(SystemClock),
            lease_ttl: Duration::from_secs(60),
        }
    }

    fn erase(&self, who: &ErasePerson, script: Vec<Reply>) -> (ErasureReceipt, ScriptedServer) {
        let (server, meta) = meta(script);
        (self.leaving(Some(meta)).erase(who, &Cancel::new()).unwrap(), server)
    }

    fn waiting(&self) -> Vec<(PersonHashes, RemovalCause)> {
        let waiting = self.store.removals_pending(100).unwrap();
        waiting.into_iter().map(|removal| (removal.person, removal.cause)).collect()
    }

    fn suppresses(&self, id: &str, email: &str, phone: &str) -> bool {
        Suppression::load(&self.store).unwrap().is_suppressed(id, [&row(email, phone)])
    }

    fn told(&self) -> Vec<(String, bool)> {
        let mut told = Vec::new();
        self.store
            .contacts_each(|contact| told.push((contact.ghl_contact_id, contact.email.is_some())))
            .unwrap();
        told
    }

    /// A later run with these contacts, saved.
    fn next_run(&self, contacts: &[(Bucket, SpooledContact)]) -> RunId {
        let config = config();
        let run = self.store.run_start(Trigger::Manual, self.store.config_of_run(&config).unwrap()).unwrap();
        let spool = Spool::create(&self.folder.path().join("spool"), run).unwrap();
        let mut writer = spool.writer().unwrap();
        contacts.iter().for_each(|(_, contact)| writer.push(contact).unwrap());
        writer.finish().unwrap();
        let stored: Vec<RunContact> = contacts
            .iter()
            .map(|(bucket, contact)| RunContact {
                email: contact.email.clone(),
                bucket: *bucket,
                ..recorded(&contact.id, None, None)
            })
            .collect();
        self.store.contacts_insert(run, &stored).unwrap();
        let buckets: Vec<Bucket> = contacts.iter().map(|(bucket, _)| *bucket).collect();
        for _ in 0..2 {
            removals::queue_opt_outs(&self.store, run, &config, &buckets, &spool).unwrap();
        }
        run
    }
}

fn config() -> SyncConfig {
    SyncConfig {
        list_id: "all".into(),
        list_name: "All contacts".into(),
        list_conditions: None,
        ltv_field_key: "contact.ltv".into(),
        ltv_field_name: "LTV".into(),
        ad_account_id: "act_1234567890".into(),
        sync_enabled: true,
    }
}

fn meta(script: Vec<Reply>) -> (ScriptedServer, Arc<MetaClient>) {
    let server = ScriptedServer::start(script).unwrap();
    let account = AdAccountId::parse("act_1234567890").unwrap();
    let once = RetryPolicy { max_retries: 0, first_wait: Duration::ZERO, longest_wait: Duration::ZERO };
    let client = MetaClient::new(MetaSettings {
        retry: once,
        throttle_retry: once,
        ..MetaSettings::new(BaseUrl::parse(server.url()).unwrap(), Secret::new("token"), account)
    });
    (server, Arc::new(client))
}

fn recorded(id: &str, email: Option<&str>, phone: Option<&str>) -> RunContact {
    RunContact {
        ghl_contact_id: id.into(),
        email: email.map(Into::into),
        phone: phone.map(Into::into),
        first_name: Some("Mary".into()),
        last_name: None,
        raw_ltv: Some(Cents(100)),
        normalized_value: Percentile::new(50),
        bucket: Bucket::Sent,
        reason: None,
        meta_matched: None,
    }
}

fn row(email: &str, phone: &str) -> Row {
    let mut cells = [None; match_keys::SCHEMA.len()];
    (cells[0], cells[1]) = (hash(email), hash(phone));
    Row::from_cells(cells)
}

fn person(email: &str, phone: &str) -> PersonHashes {
    hashes_of(&row(email, phone))
}

fn spooled(bucket: Bucket, id: &str, email: &str, phone: &str) -> (Bucket, SpooledContact) {
    let contact = SpooledContact {
        id: id.into(),
        email: Some(email.into()),
        row: row(email, phone),
        ..SpooledContact::default()
    };
    (bucket, contact)
}

fn email(text: &str) -> ErasePerson {
    ErasePerson::Email(text.to_owned())
}

#[test]
fn a_person_erased_by_an_address_goes_with_everything_known_of_it() {
    let place = Place::new(&[
        recorded("c1", Some(" Mary@Example.com"), Some("(202) 555-0143")),
        recorded("c1b", Some("MARY@example.com"), None),
        recorded("c2", Some("other@example.com"), Some("+1 202 555 0199")),
    ]);
    let (receipt, server) = place.erase(&email(MARY), vec![Reply::json(200, TAKEN)]);
    assert_eq!((&receipt.at_meta, receipt.records_changed, receipt.suppressed), (&AtMeta::Removed, 2, 4));
    assert_eq!(receipt.kept_for_others, 0);
    let request = &server.received()[0];
    assert!(request.target.ends_with("/act_1234567890/usersofanyaudience"), "{}", request.target);
    for hash in [hash(MARY), hash("12025550143")] {
        assert!(request.body.contains(hash.unwrap().hex().as_str()), "{}", request.body);
    }
    assert!(!request.body.contains(hash("other@example.com").unwrap().hex().as_str()));
    assert_eq!(place.waiting(), []);
    assert_eq!(place.told(), [("c2".to_owned(), true)]);
    assert!(place.suppresses("c1", "", "") && place.suppresses("c1b", "", ""));
    assert!(place.suppresses("c9", MARY, "") && place.suppresses("c9", "", "12025550143"));
    assert!(!place.suppresses("c2", "other@example.com", "12025550199"));
    let counts = place.store.contacts_count_by_bucket(place.last).unwrap();
    assert_eq!(counts, [(Bucket::Sent, 3)], "the account of the old run still adds up");
}

#[test]
fn a_number_that_others_have_too_does_not_take_them_along() {
    let place = Place::new(&[
        recorded("c1", Some(MARY), Some(NUMBER)),
        recorded("c2", Some("spouse@example.com"), Some("202 555 0143")),
    ]);
    let (receipt, server) = place.erase(&ErasePerson::Contact(" c1 ".into()), vec![Reply::json(200, TAKEN)]);
    assert_eq!((receipt.records_changed, receipt.suppressed, receipt.kept_for_others), (1, 2, 1));
    let body = &server.received()[0].body;
    assert!(body.contains(hash(MARY).unwrap().hex().as_str()));
    assert!(!body.contains(hash("12025550143").unwrap().hex().as_str()), "{body}");
    assert!(place.suppresses("c1", "", "") && place.suppresses("c9", MARY, "12025550143"));
    assert!(!place.suppresses("c2", "spouse@example.com", "12025550143"));
    // Who names the number itself means everybody with it.
    let (receipt, _server) = place.erase(&ErasePerson::Phone(NUMBER.into()), vec![Reply::json(200, TAKEN)]);
    assert_eq!((receipt.records_changed, receipt.kept_for_others), (1, 0));
    assert!(place.suppresses("c2", "spouse@example.com", "12025550143"));
    assert_eq!(place.told(), []);
}

#[test]
fn somebody_unknown_here_is_removed_and_left_out_all_the_same() {
    let place = Place::new(&[]);
    let (receipt, server) =
        place.erase(&ErasePerson::Phone("(202) 555-0143".into()), vec![Reply::json(200, TAKEN)]);
    assert_eq!((&receipt.at_meta, receipt.records_changed, receipt.suppressed), (&AtMeta::Removed, 0, 1));
    assert_eq!(server.received().len(), 1);
    assert!(place.suppresses("c9", "", "12025550143"));
    let (receipt, server) = place.erase(&ErasePerson::Contact("c7".into()), vec![]);
    assert_eq!((&receipt.at_meta, receipt.suppressed), (&AtMeta::NothingKnown, 1));
    assert_eq!(server.received().len(), 0);
    assert!(place.suppresses("c7", "", ""));
}

#[test]
fn what_nobody_can_be_found_by_changes_nothing() {
    let place = Place::new(&[recorded("c1", None, None)]);
    let refused = |leaving: &Leaving, who| match leaving.erase(&who, &Cancel::new()) {
        Err(EraseError::Unusable { what, reason }) => (what, reason),
        other => panic!("{other:?}"),
    };
    let leaving = place.leaving(None);
    assert_eq!(refused(&leaving, email("mary")), ("e-mail address", Reason::Malformed));
    assert_eq!(refused(&leaving, ErasePerson::Contact("  ".into())), ("contact id", Reason::Blank));
    assert_eq!(refused(&leaving, ErasePerson::Phone("12".into())), ("phone number", Reason::NotPossible));
    let nowhere = Leaving { source: None, ..leaving };
    assert_eq!(refused(&nowhere, ErasePerson::Phone("(202) 555-0143".into())).1, Reason::NoCountry);
    assert_eq!((place.waiting(), place.store.suppressed_all().unwrap().len()), (vec![], 0));
    assert_eq!(place.told().len(), 1);
    nowhere.erase(&ErasePerson::Phone(NUMBER.into()), &Cancel::new()).unwrap();
}

#[test]
fn a_removal_that_meta_does_not_take_waits_and_says_why() {
    let place = Place::new(&[recorded("c1", Some(MARY), Some(NUMBER))]);
    let refusal = r#"{"error":{"message":"words","type":"OAuthException","code":190,"fbtrace_id":"x"}}"#;
    let (receipt, server) = place.erase(&email(MARY), vec![Reply::json(400, refusal)]);
    let AtMeta::Queued { reason } = &receipt.at_meta else { panic!("{receipt:?}") };
    assert!(reason.contains("token") || reason.contains("login"), "{reason}");
    assert_eq!(server.received().len(), 1);
    assert_eq!(place.waiting(), [(person(MARY, "12025550143"), RemovalCause::Erased)]);
    let waiting = place.store.removals_pending(1).unwrap().remove(0);
    assert_eq!((waiting.attempts, waiting.last_error.as_ref()), (1, Some(reason)));
    assert_eq!(place.told(), [], "here the person is gone already");
    // The next follow-up: a reply that is lost, then one that comes.
    let (server, meta) = meta(vec![Reply::Close, Reply::json(200, TAKEN)]);
    removals::deliver(&place.store, &meta, &Cancel::new()).unwrap_err();
    assert_eq!(place.waiting().len(), 1);
    removals::deliver(&place.store, &meta, &Cancel::new()).unwrap();
    removals::deliver(&place.store, &meta, &Cancel::new()).unwrap();
    assert_eq!(place.waiting(), []);
    assert_eq!(server.received().len(), 2);
}

#[test]
fn without_keys_during_a_sync_or_a_replacement_the_removal_waits() {
    let place = Place::new(&[]);
    let queued = |receipt: ErasureReceipt| match receipt.at_meta {
        AtMeta::Queued { reason } => reason,
        other => panic!("{other:?}"),
    };
    let without = place.leaving(None).erase(&email(MARY), &Cancel::new()).unwrap();
    assert!(queued(without).contains("META_ACCESS_TOKEN"));
    let held = place.store.lease_acquire("another process", Duration::from_secs(60)).unwrap();
    assert_eq!(held, LeaseOutcome::Acquired);
    let (receipt, server) = place.erase(&email(MARY), vec![]);
    assert!(queued(receipt).contains("a sync is running"));
    place.store.lease_release("another process").unwrap();
    place.store.replacement_opened(place.last, "1", 1, 1).unwrap();
    let (receipt, other) = place.erase(&email(MARY), vec![]);
    assert!(queued(receipt).contains("being replaced"));
    assert_eq!(server.received().len() + other.received().len(), 0);
    assert_eq!(place.waiting().len(), 1);
    place.store.replacement_closed(place.last).unwrap();
    let (receipt, _server) = place.erase(&email(MARY), vec![Reply::json(200, TAKEN)]);
    assert_eq!(receipt.at_meta, AtMeta::Removed);
}

#[test]
fn a_stable_audience_forgets_the_person_under_every_address() {
    let place = Place::new(&[recorded("c1", Some(MARY), Some(NUMBER))]);
    let member = |email, phone| Member { hashes: person(email, phone), value: 1 };
    let other = member("other@example.com", "12025550199");
    let members = [member(MARY, "12025550143"), member("second@example.com", "12025550143"), other];
    place.store.members_stage("1", place.last, &members).unwrap();
    place.store.members_delivered("1", place.last).unwrap();
    let (_receipt, server) = place.erase(&email(MARY), vec![Reply::json(200, TAKEN)]);
    assert!(server.received()[0].body.contains(hash("second@example.com").unwrap().hex().as_str()));
    let left = place.store.members_surplus("1", RunId(99), None, 10).unwrap();
    assert_eq!(left.into_iter().map(|(_, member)| member).collect::<Vec<_>>(), [other]);
}

#[test]
fn who_was_sent_and_opted_out_since_is_queued_once() {
    let never = RunContact { bucket: Bucket::NoLtv, ..recorded("never", None, None) };
    let place = Place::new(&[recorded("left", None, None), recorded("stays", None, None), never]);
    place.next_run(&[
        spooled(Bucket::OptedOut, "left", MARY, "12025550143"),
        spooled(Bucket::OptedOut, "never", "never@example.com", ""),
        spooled(Bucket::OptedOut, "new", "new@example.com", ""),
        spooled(Bucket::Sent, "stays", "stays@example.com", ""),
    ]);
    assert_eq!(place.waiting(), [(person(MARY, "12025550143"), RemovalCause::OptedOut)]);
}

#[test]
fn an_address_that_was_just_sent_for_another_contact_is_not_removed() {
    let place = Place::new(&[recorded("left", None, None), recorded("twin", None, None)]);
    place.next_run(&[
        spooled(Bucket::OptedOut, "left", MARY, "12025550143"),
        spooled(Bucket::OptedOut, "twin", "twin@example.com", ""),
        spooled(Bucket::Sent, "spouse", "spouse@example.com", "12025550143"),
        spooled(Bucket::Sent, "other twin", "twin@example.com", "12025550199"),
    ]);
    assert_eq!(place.waiting(), [(person(MARY, ""), RemovalCause::OptedOut)]);
}

#[test]
fn whoever_opts_in_again_before_the_removal_was_sent_stays() {
    let place = Place::new(&[]);
    let removal = |email, cause| Removal { person: person(email, "12025550143"), cause };
    place
        .store
        .removals_queue(&[
            removal(MARY, RemovalCause::OptedOut),
            removal("gone@example.com", RemovalCause::Erased),
        ])
        .unwrap();
    place.next_run(&[spooled(Bucket::Sent, "back", MARY, "12025550143")]);
    assert_eq!(place.waiting(), [(person("gone@example.com", "12025550143"), RemovalCause::Erased)]);
}

#[test]
fn an_erased_person_who_is_still_in_the_list_is_removed_once_more_under_whatever_the_list_holds() {
    let place = Place::new(&[]);
    place.erase(&ErasePerson::Contact("c1".into()), vec![]);
    let contacts = [spooled(Bucket::Suppressed, "c1", MARY, "")];
    place.next_run(&contacts);
    let waiting = place.store.removals_pending(10).unwrap();
    assert_eq!(place.waiting(), [(person(MARY, ""), RemovalCause::Erased)]);
    place.store.removals_done(&[waiting[0].id]).unwrap();
    place.next_run(&contacts);
    assert_eq!(place.waiting(), [], "but not every day");
}

#[test]
fn whoever_is_erased_while_a_run_goes_is_taken_out_of_what_it_stores() {
    let place = Place::new(&[]);
    place.store.lease_acquire("the run", Duration::from_secs(60)).unwrap();
    place.erase(&email(MARY), vec![]);
    let run = place.next_run(&[
        spooled(Bucket::Sent, "mary", MARY, "12025550143"),
        spooled(Bucket::Sent, "stays", "stays@example.com", ""),
    ]);
    assert_eq!(place.told(), [("stays".to_owned(), true)]);
    assert_eq!(place.store.contacts_count_by_bucket(run).unwrap(), [(Bucket::Sent, 2)]);
    assert_eq!(place.waiting(), [(person(MARY, ""), RemovalCause::Erased)]);
}

#[test]
fn many_removals_go_in_batches_and_a_failure_keeps_the_rest() {
    let place = Place::new(&[]);
    let people = |numbers: std::ops::Range<u32>| -> Vec<Removal> {
        numbers
            .map(|number| person(&format!("p{number}@example.com"), ""))
            .map(|person| Removal { person, cause: RemovalCause::OptedOut })
            .collect()
    };
    place.store.removals_queue(&people(0..2_500)).unwrap();
    let gone = Reply::json(400, r#"{"error":{"message":"words","code":200,"fbtrace_id":"x"}}"#);
    let (server, client) = meta(vec![Reply::json(200, TAKEN), gone]);
    let error = removals::deliver(&place.store, &client, &Cancel::new()).unwrap_err();
    assert!(!error.explain().message.is_empty());
    assert_eq!(server.received().len(), 2);
    assert_eq!(place.store.removals_pending(u32::MAX).unwrap().len(), 1_500);
    let (server, client) = meta(vec![Reply::json(200, TAKEN), Reply::json(200, TAKEN)]);
    removals::deliver(&place.store, &client, &Cancel::new()).unwrap();
    let rows = |at: usize| server.received()[at].body.matches("\",\"\"]").count();
    assert_eq!((rows(0), rows(1)), (1_000, 500));
}
