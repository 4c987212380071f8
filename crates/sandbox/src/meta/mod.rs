//! Meta's Marketing API, as far as the product calls it: the ad account, its custom and lookalike audiences, their
//! members, upload sessions and ads, and the token check. Control routes let a test read what was received and set
//! what a real account would make hard to arrange.
//!
//! Where Meta's documents are silent the choice is written beside the code that makes it.

mod account;
mod ads;
mod audience;
mod auth;
mod call;
mod calls;
mod cell;
mod control;
mod creation;
mod erasure;
mod errors;
mod fields;
mod listing;
mod lookalikes;
mod member_file;
mod members;
mod payload;
mod replacement;
mod routes;
mod session;
mod settings;
mod throttle;
mod users;
mod verification;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::web::{self, ServiceConfig};
use chrono::{DateTime, Utc};

use crate::clock::SandboxClock;
use crate::people::Population;
use ads::Ad;
use audience::Audience;
use calls::Calls;
pub use control::control;
use errors::GraphError;
pub use settings::{MetaSettings, TokenState};
use throttle::Usage;

/// The largest body that is read. 10,000 rows with every column are about 10 MB url-encoded.
const BODY_LIMIT: usize = 64 << 20;
/// The first id; like Meta's own, ids do not fit the 53 bits of a JavaScript number.
const FIRST_ID: u64 = 120_210_000_000_000_017;

/// One simulated ad account and everything in it.
pub struct MetaState {
    clock: SandboxClock,
    population: Arc<Population>,
    account: Mutex<Account>,
}

/// What changes; always behind the lock of [`MetaState`].
struct Account {
    settings: MetaSettings,
    audiences: BTreeMap<u64, Audience>,
    /// A session id is unique in the ad account: whose it is.
    session_owners: HashMap<i64, u64>,
    ads: Vec<Ad>,
    erased: Erased,
    usage: Usage,
    calls: Calls,
    next_id: u64,
}

/// What `usersofanyaudience` came to.
#[derive(Default)]
struct Erased {
    received_by_session: HashMap<i64, u64>,
    /// Rows that are gone from all lists together.
    rows: u64,
}

/// Both times of one request, and what became of it depends on them.
#[derive(Clone, Copy)]
struct Instants {
    /// Meta's hours: matching, populating, integrity review, token expiry.
    now: DateTime<Utc>,
    /// A client's minutes: session expiry and rate limits.
    steady: DateTime<Utc>,
}

impl MetaState {
    /// An empty ad account.
    pub fn new(clock: SandboxClock, population: Arc<Population>, settings: MetaSettings) -> Self {
        let account = Account {
            settings,
            audiences: BTreeMap::new(),
            session_owners: HashMap::new(),
            ads: Vec::new(),
            erased: Erased::default(),
            usage: Usage::default(),
            calls: Calls::default(),
            next_id: FIRST_ID,
        };
        Self { clock, population, account: Mutex::new(account) }
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn instants(&self) -> Instants {
        Instants { now: self.clock.now(), steady: self.clock.steady() }
    }
}

impl Account {
    fn new_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 10;
        id
    }

    /// A session id is unique in the ad account: the first audience that uses it owns it.
    ///
    /// # Errors
    /// 100 when it is another one's.
    fn claim_session(&mut self, session_id: i64, audience: u64) -> Result<(), GraphError> {
        if *self.session_owners.entry(session_id).or_insert(audience) == audience {
            return Ok(());
        }
        let message = "session_id is already used for another audience of this ad account";
        Err(GraphError::parameter("session", message))
    }

    fn living(&self) -> impl Iterator<Item = &Audience> {
        self.audiences.values().filter(|audience| !audience.deleted)
    }

    /// The lookalikes of a seed that still exist.
    fn lookalikes_of(&self, seed: u64) -> impl Iterator<Item = &Audience> {
        self.living().filter(move |audience| audience.lookalike().is_some_and(|spec| spec.origin == seed))
    }
}

fn seconds(n: u64) -> chrono::TimeDelta {
    chrono::TimeDelta::from_std(Duration::from_secs(n)).unwrap_or(chrono::TimeDelta::MAX)
}

/// All routes of graph.facebook.com. Needs `web::Data<MetaState>` in the app.
pub fn configure(config: &mut ServiceConfig) {
    config
        .app_data(web::PayloadConfig::new(BODY_LIMIT))
        .service(web::resource("/{path:.*}").route(web::to(routes::graph)));
}
