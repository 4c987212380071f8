//! The audience a run writes into, and how it is filled.

use crate::account::Account;
use crate::delivery::Delivery;
use crate::error::RunError;
use crate::membership::{Membership, Schema};
use crate::progress::Progress;
use crate::samples::Refused;
use crate::service::SyncService;
use crate::settings::AudienceMode;
use crate::spool::Spool;
use crate::upload::Delivered;
use crate::values::Values;
use domain::run::{RemoteAudience, Step};
use persistence::{IntentionOutcome, RemoteKind, StableAudience};

/// The audience a run writes into.
pub(crate) enum Target {
    /// Made by this run and empty: filled by adding.
    New(RemoteAudience),
    /// Mirrored before, or chosen by the user.
    Existing(StableAudience),
}

impl Target {
    pub(crate) fn audience(&self) -> RemoteAudience {
        match self {
            Self::New(audience) => audience.clone(),
            Self::Existing(stable) => {
                RemoteAudience { id: stable.audience_id.clone(), name: stable.name.clone() }
            }
        }
    }
}

/// What the upload of a run came to.
pub(crate) struct Uploaded {
    /// Rows sent, which are those that changed when only the difference was sent.
    rows: u64,
    removed: u64,
    sessions: usize,
    /// The session whose count of matched people is that of the audience.
    pub(crate) whole_session: Option<u64>,
    pub(crate) refused: Refused,
}

impl Uploaded {
    pub(crate) fn detail(&self, account: &Account) -> String {
        let contacts = account.counts.sent;
        let rows = if self.rows == contacts { String::new() } else { format!(" ({} rows)", self.rows) };
        let added = match self.sessions {
            0 if self.removed > 0 => format!("{contacts} contacts, none of them new"),
            0 => format!("{contacts} contacts, nothing had changed"),
            1 => format!("{contacts} contacts{rows} in one session"),
            sessions => format!("{contacts} contacts{rows} in {sessions} sessions"),
        };
        if self.removed == 0 { added } else { format!("{added}; {} rows removed", self.removed) }
    }
}

impl SyncService {
    /// The audience this run writes into.
    pub(crate) fn target(&self, delivery: &Delivery<'_>) -> Result<Target, RunError> {
        match self.parts.settings.audience_mode {
            AudienceMode::Dated => delivery.create_dated_audience().map(Target::New),
            AudienceMode::Stable => {
                // Meta replaces one list at a time: what was cut short is finished first.
                self.finish_replacements(delivery.cancel)?;
                delivery.stable_target()
            }
        }
    }

    /// Makes the audience hold the contacts that are sent.
    pub(crate) fn fill_or_mirror(
        &self,
        delivery: &Delivery<'_>,
        target: &Target,
        account: &Account,
        values: Values,
        spool: &Spool,
    ) -> Result<Uploaded, RunError> {
        let birthdays = match target {
            Target::New(_) => account.birthdays,
            // An audience keeps its columns for life.
            Target::Existing(stable) => stable.birthdays,
        };
        let schema = Schema { birthdays, limited_data_use: self.parts.settings.limited_data_use };
        let membership = Membership::new(spool, &account.buckets, values, schema);
        let (delivered, whole_session) = match target {
            Target::New(audience) => {
                let delivered = delivery.fill(audience, &membership, account.rows)?;
                if self.parts.settings.audience_mode == AudienceMode::Stable {
                    delivery.found(audience, &membership)?;
                }
                self.keep_audience(delivery.progress)?;
                let session = delivered.only_session();
                (delivered, session)
            }
            Target::Existing(stable) => {
                if stable.limited_data_use != schema.limited_data_use {
                    // The flag is said per row, so everybody is sent again with it (or without).
                    self.parts.store.members_doubt(&stable.audience_id)?;
                }
                let stable = &StableAudience { limited_data_use: schema.limited_data_use, ..stable.clone() };
                self.parts.store.stable_audience_set(stable)?;
                let delivered = delivery.mirror(stable, &membership, account.rows)?;
                // The people matched of a difference are not those of the audience.
                let session = delivered.only_session().filter(|_| delivered.rows == account.rows);
                (delivered, session)
            }
        };
        delivery.progress.complete(Step::Upload, delivered.rows)?;
        let refused = Refused::find(&delivered, &membership)?;
        let Delivered { rows, removed, .. } = delivered;
        Ok(Uploaded { rows, removed, sessions: delivered.sessions.len(), whole_session, refused })
    }

    /// From here on the audience is complete and stays, whatever happens to the rest of the run.
    fn keep_audience(&self, progress: &Progress<'_>) -> Result<(), RunError> {
        for intention in self.parts.store.intentions_open()? {
            if intention.run_id == progress.run && intention.kind == RemoteKind::Audience {
                self.parts.store.intention_close(intention.id, IntentionOutcome::Kept)?;
            }
        }
        Ok(())
    }
}
