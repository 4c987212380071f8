mod erasing;
mod leaving_with_a_run;
mod removing;

use super::leavers::Leavers;
use super::{ErasePerson, ErasureReceipt, Leaving, Suppression};
use crate::membership::hashes_of;
use crate::scripted_source::ScriptedSource;
use crate::spool::{Spool, SpooledContact};
use domain::accounting::Bucket;
use domain::run::{RunStatus, SyncConfig, Trigger};
use domain::{Cancel, Cents, Clock, Percentile, RunId, Secret, SystemClock};
use http_client::{BaseUrl, RetryPolicy};
use match_keys::{Row, hash};
use meta::{AdAccountId, MetaClient, MetaSettings};
use persistence::{DatabaseUrl, PersonHashes, Removal, RemovalCause, RunContact, Store};
use std::sync::Arc;
use std::time::Duration;
use testkit::{Reply, ScriptedServer};

const MARY: &str = "mary@example.com";
const NUMBER: &str = "+1 202-555-0143";
const TAKEN: &str =
    r#"{"session_id":"1","num_received":1,"num_invalid_entries":0,"invalid_entry_samples":{}}"#;

struct Place {
    /// Held for the database in it.
    _folder: tempfile::TempDir,
    store: Store,
    /// A successful run of everybody below.
    last: RunId,
}

impl Place {
    fn new(contacts: &[RunContact]) -> Self {
        Self::at(Arc::new(SystemClock), contacts)
    }

    fn at(clock: Arc<dyn Clock>, contacts: &[RunContact]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&DatabaseUrl::Sqlite(folder.path().join("a.db")), clock).unwrap();
        let last = ended(&store, &config(), RunStatus::Success, contacts);
        Self { _folder: folder, store, last }
    }

    fn leaving(&self, meta: Option<Arc<MetaClient>>) -> Leaving {
        Leaving {
            store: self.store.clone(),
            source: Some(Arc::new(ScriptedSource::default())),
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

    fn next_run(&self, contacts: &[(Bucket, SpooledContact)]) -> RunId {
        next_run(&self.store, &config(), contacts)
    }
}

/// A run with these contacts that has ended.
fn ended(store: &Store, config: &SyncConfig, end: RunStatus, contacts: &[RunContact]) -> RunId {
    let run = store.run_start(Trigger::Manual, store.config_of_run(config).unwrap()).unwrap();
    store.contacts_insert(run, contacts).unwrap();
    store.run_finish(run, end, None).unwrap();
    run
}

/// A run with these contacts that has saved them and queued who leaves, twice.
fn next_run(store: &Store, config: &SyncConfig, contacts: &[(Bucket, SpooledContact)]) -> RunId {
    let run = store.run_start(Trigger::Manual, store.config_of_run(config).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::create(folder.path(), run).unwrap();
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
    store.contacts_insert(run, &stored).unwrap();
    let buckets: Vec<Bucket> = contacts.iter().map(|(bucket, _)| *bucket).collect();
    for _ in 0..2 {
        Leavers { store, run, config, buckets: &buckets, spool: &spool }.queue().unwrap();
    }
    run
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

/// A contact of the United States, where the location is too.
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
        country: phone.map(|_| "us".to_owned()),
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

fn removal(person: PersonHashes, cause: RemovalCause) -> Removal {
    Removal { person, cause }
}

fn email(text: &str) -> ErasePerson {
    ErasePerson::Email(text.to_owned())
}
