//! `erase`: one person out of every list at Meta, out of the records here, and out of all later syncs.

use crate::check_command;
use crate::failure::{Failed, explained, words};
use crate::logging;
use crate::settings::Settings;
use crate::terminal::Terminal;
use crate::wiring::{self, Patience};
use clap::Args;
use domain::{Cancel, Clock, SystemClock};
use meta::MetaClient;
use persistence::Store;
use std::sync::Arc;
use sync::{EraseError, ErasePerson, GhlApi, Leaving};

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct EraseOptions {
    /// The person's e-mail address. Everybody with it is erased.
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The person's phone number, best with its country code (+1 …). Everybody with it is erased.
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    /// The contact's id in GoHighLevel.
    #[arg(long, value_name = "ID")]
    contact: Option<String>,
}

impl EraseOptions {
    fn person(&self) -> Option<ErasePerson> {
        let email = self.email.clone().map(ErasePerson::Email);
        email
            .or_else(|| self.phone.clone().map(ErasePerson::Phone))
            .or_else(|| self.contact.clone().map(ErasePerson::Contact))
    }
}

/// Erases the person and prints the receipt.
///
/// # Errors
/// Exit status 1 when the database failed in between, 2 when nobody can be found by what was given.
pub fn run(options: &EraseOptions, settings: &Settings, terminal: &Terminal) -> Result<(), Failed> {
    let _log = logging::start(&settings.log_dir, settings.log_level, false)?;
    let Some(who) = options.person() else {
        return Err(Failed::configuration("One of --email, --phone and --contact is needed."));
    };
    let meta = wiring::meta(settings, Patience::AsDocumented);
    let ghl = wiring::ghl(settings, Patience::AsDocumented);
    let leaving = leaving(ghl.as_ref(), meta.as_ref(), wiring::open_store(settings)?);
    let receipt = leaving.erase(&who, &Cancel::new()).map_err(|error| match error {
        EraseError::Unusable { .. } => Failed::explained(&error),
        EraseError::Failed(error) => {
            let mut explained = explained(&error);
            explained.remedy.push_str(" Then erase again.");
            Failed::job(words(&explained))
        }
    })?;
    terminal.say(&format!("Receipt {} of {}", receipt.number, receipt.at.format("%Y-%m-%d %H:%M UTC")));
    for sentence in receipt.sentences() {
        terminal.say(&sentence);
    }
    Ok(())
}

/// Erases with whatever of the vendors is set up. A person waits: nothing is repeated here, what fails is queued.
pub fn leaving(ghl: Option<&GhlApi>, meta: Option<&MetaClient>, store: Store) -> Leaving {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Leaving {
        store,
        source: ghl.map(|ghl| check_command::impatient_ghl(ghl).source()),
        meta: meta.map(check_command::impatient),
        clock,
        lease_ttl: wiring::LEASE_TTL,
    }
}
