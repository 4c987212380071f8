//! The order of a run: fetch, read, rank, hash, create, upload, wait, lookalike, save. Only this file knows it.

use crate::account::{self, Account};
use crate::choice::find_field;
use crate::delivery::Delivery;
use crate::edges::ContactList;
use crate::error::RunError;
use crate::leaving::Suppression;
use crate::progress::{Progress, StepError};
use crate::reading::{PageRead, Reader, ValueSource};
use crate::saving::sent_counts;
use crate::service::SyncService;
use crate::settings::{LtvSource, ValueMode};
use crate::spool::Spool;
use crate::target::Target;
use crate::won::WonValues;
use domain::accounting::Accounting;
use domain::percentile::Sketch;
use domain::run::{
    Lookalike, LookalikeStatus, NormalizationStats, RankingReport, Step, StepStatus, SyncConfig,
};
use domain::{Cancel, Distribution, ListSelection, SentValues, log_context};
use match_keys::Encoder;

/// The verified ranks of a list, and the values that are sent for them.
pub(crate) struct Ranked {
    sketch: Sketch,
    values: SentValues,
    pub(crate) stats: NormalizationStats,
    pub(crate) report: RankingReport,
}

impl SyncService {
    /// One run from fetch to save. An error carries the step it belongs to; the caller undoes and closes.
    pub(crate) fn pipeline(
        &self,
        progress: &Progress<'_>,
        config: &SyncConfig,
        accept_smaller_list: bool,
        cancel: &Cancel,
    ) -> Result<(), StepError> {
        let spool = Spool::create(&self.parts.settings.spool_folder, progress.run)
            .map_err(|error| progress.failed(Step::Fetch, error))?;
        let mut account = self.read(progress, config, accept_smaller_list, &spool, cancel)?;
        let Ranked { sketch, values, stats, mut report } = self.rank(progress, &mut account, cancel)?;
        let delivery = Delivery::new(self, progress, cancel);
        // Warnings are shown with the ranking from the moment they are known.
        let mut keep_warnings = || {
            report.warnings.extend(delivery.take_warnings());
            self.parts.store.run_set_ranking(progress.run, &stats, &report)
        };
        let target = progress.step(Step::CreateAudience, || {
            self.preflight(cancel)?.into_iter().for_each(|warning| delivery.warn(warning));
            let target = self.target(&delivery, &account)?;
            keep_warnings()?;
            let detail = target.audience().name;
            Ok((target, Some(detail)))
        })?;
        let (audience, is_new) = (target.audience(), matches!(target, Target::New(_)));
        // Contacts are saved while Meta is filled. What Meta refuses is put right in the end; of a run that
        // fails they are shown to nobody and removed by the next upkeep.
        let failed = Cancel::new();
        let context = log_context::current();
        std::thread::scope(|scope| {
            let saving = scope.spawn(|| {
                let _context = log_context::enter(context);
                self.save_contacts(progress.run, &account, &sketch, &spool, &failed)
            });
            let deliver = || {
                let uploaded = progress.step(Step::Upload, || {
                    let uploaded = self.fill_or_mirror(&delivery, &target, &account, values, &spool)?;
                    keep_warnings()?;
                    let detail = uploaded.detail(&account);
                    Ok((uploaded, Some(detail)))
                })?;
                let counts = sent_counts(&account, &uploaded.refused);
                let ready = progress.step(Step::Wait, || {
                    self.parts.store.run_set_accounting(progress.run, &counts)?;
                    let (matched, ready) = delivery.wait(&audience, is_new, uploaded.whole_session)?;
                    keep_warnings()?;
                    let detail = match ready {
                        true => format!("matched: {}", matched.count_text(counts.sent)),
                        false => "Meta is still matching; the lookalike follows".to_owned(),
                    };
                    Ok((ready, Some(detail)))
                })?;
                progress.step(Step::Lookalike, || {
                    let lookalikes = delivery.create_lookalikes(&audience, is_new, ready)?;
                    Ok(((), Some(lookalike_detail(&lookalikes))))
                })?;
                Ok((uploaded.refused, counts))
            };
            let (refused, counts) = deliver().inspect_err(|_| failed.cancel())?;
            progress.step(Step::Save, || {
                saving.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
                self.settle_contacts(progress.run, config, &counts, &refused, &spool)?;
                self.after_saving(&delivery, config, &account, &spool)?;
                keep_warnings()?;
                Ok(((), Some(format!("{} contacts accounted for", counts.accounted()))))
            })
        })
    }

    /// The three steps that run together while the list is read, and the guard behind them.
    fn read(
        &self,
        progress: &Progress<'_>,
        config: &SyncConfig,
        accept_smaller_list: bool,
        spool: &Spool,
        cancel: &Cancel,
    ) -> Result<Account, StepError> {
        for step in [Step::Fetch, Step::ReadLtv, Step::Hash] {
            progress.begin(step)?;
        }
        let page_read = |done, total| progress.advance(Step::Fetch, done, Some(total));
        let won_read = |done, total| progress.advance(Step::ReadLtv, done, Some(total));
        let read = self.read_and_decide(config, spool, &page_read, &won_read, cancel).and_then(|account| {
            // Nothing is sent yet, so nothing may read as sent.
            let counts = Accounting { sent: 0, ..account.counts };
            self.parts.store.run_set_accounting(progress.run, &counts)?;
            Ok(account)
        });
        let refused = match &read {
            Ok(account) => self.guard(config, account, accept_smaller_list).err(),
            Err(_) => None,
        };
        let failed_step = match (&read, &refused) {
            (Err(_), _) => Some(Step::Fetch),
            (Ok(_), refused) => refused.as_ref().map(|(step, _)| *step),
        };
        for (step, count, detail) in reading_steps(read.as_ref().ok()) {
            if failed_step != Some(step) {
                if let Some(count) = count {
                    progress.complete(step, count).map_err(|error| StepError { step, error })?;
                }
                let status = if failed_step.is_some() { StepStatus::Skipped } else { StepStatus::Done };
                progress.end(step, status, detail.as_deref())?;
            }
        }
        match (read, refused) {
            (Ok(account), None) => Ok(account),
            (Ok(_), Some((step, error))) => Err(progress.failed(step, error)),
            (Err(error), _) => Err(progress.failed(Step::Fetch, error)),
        }
    }

    /// Reads the list into the spool and finds the bucket of each contact.
    pub(crate) fn read_and_decide(
        &self,
        config: &SyncConfig,
        spool: &Spool,
        page_read: &PageRead<'_>,
        opportunities_read: &PageRead<'_>,
        cancel: &Cancel,
    ) -> Result<Account, RunError> {
        let source = &*self.parts.source;
        let list = contacts_of(config)?;
        let values = match &self.parts.settings.ltv_source {
            LtvSource::Field => {
                let field = find_field(&source.fields(cancel)?, &config.ltv_field_key)?;
                if field.key != config.ltv_field_key {
                    // Perhaps the list is what could not be looked up.
                    self.known_list(&config.list_id)?;
                    return Err(RunError::FieldNotLookedUp(config.ltv_field_key.clone()));
                }
                ValueSource::Field(field.id)
            }
            LtvSource::WonOpportunities { pipelines } => ValueSource::Won(WonValues::read(
                source,
                pipelines,
                self.parts.settings.reread_after,
                opportunities_read,
                cancel,
            )?),
        };
        // A country that can not be read helps nobody: phones without a country code are then left out.
        let country = source.country(cancel)?.and_then(|country| match_keys::country::read(&country).ok());
        let today = self.parts.clock.now().with_timezone(&self.parts.settings.time_zone).date_naive();
        let encoder = Encoder::new(country, today);
        let suppression = Suppression::load(&self.parts.store)?;
        let reader = Reader {
            source,
            list: &list,
            values: &values,
            encoder: &encoder,
            settings: &self.parts.settings,
            suppression: &suppression,
            spool,
            page_read,
            cancel,
        };
        account::decide(reader.read()?, spool)
    }

    /// What must not reach Meta: an empty list, a list without values, or far fewer contacts than last time.
    pub(crate) fn guard(
        &self,
        config: &SyncConfig,
        account: &Account,
        accept_smaller_list: bool,
    ) -> Result<(), (Step, RunError)> {
        let counts = &account.counts;
        if counts.fetched == 0 {
            return Err((Step::Fetch, RunError::EmptyList { list: config.list_name.clone() }));
        }
        if account.values.is_empty() {
            let field = config.ltv_field_name.clone();
            let bad = counts.rejected_bad_ltv;
            return Err((Step::ReadLtv, RunError::NoLtv { field, fetched: counts.fetched, bad }));
        }
        if counts.sent == 0 {
            return Err((Step::Hash, RunError::NobodyToSend { fetched: counts.fetched }));
        }
        let last = self
            .parts
            .store
            .run_last_success_of(&config.list_id, &config.ltv_field_key)
            .map_err(|error| (Step::Fetch, error.into()))?;
        let Some(last) = last else { return Ok(()) };
        let before = last.accounting.sent + last.accounting.refused_by_meta;
        if counts.sent * 2 < before && !accept_smaller_list {
            let conditions_changed = last.config.list_conditions != config.list_conditions;
            let sendable = counts.sent;
            return Err((Step::Fetch, RunError::ListShrank { sendable, before, conditions_changed }));
        }
        Ok(())
    }

    fn rank(
        &self,
        progress: &Progress<'_>,
        account: &mut Account,
        cancel: &Cancel,
    ) -> Result<Ranked, StepError> {
        progress.step(Step::Normalize, || {
            let store = &self.parts.store;
            let mut report = RankingReport::default();
            let ranked = match self.rank_values(account, &mut report, cancel) {
                Ok(ranked) => ranked,
                Err(error) => {
                    // The answers of a ranking that failed were paid for. Why it failed weighs more than that they are kept.
                    if let Err(unkept) = store.run_set_ranking_report(progress.run, &report) {
                        log::error!("the report of the failed ranking is not kept: {unkept}");
                    }
                    return Err(error);
                }
            };
            store.run_set_ranking(progress.run, &ranked.stats, &ranked.report)?;
            let deviation = ranked.report.max_deviation.unwrap_or_default();
            let detail = format!("{} values, largest deviation {deviation}", ranked.stats.count);
            Ok((ranked, Some(detail)))
        })
    }

    /// Has the values ranked, unless they are all equal, and takes them out of the account: they are all that grows with the
    /// list. After an error `report` tells how far that came.
    pub(crate) fn rank_values(
        &self,
        account: &mut Account,
        report: &mut RankingReport,
        cancel: &Cancel,
    ) -> Result<Ranked, RunError> {
        let Some(distribution) = Distribution::new(std::mem::take(&mut account.values)) else {
            return Err(RunError::NobodyToSend { fetched: account.counts.fetched });
        };
        let sketch = distribution.sketch();
        if distribution.is_flat() {
            *report = RankingReport {
                normalizer: "none".to_owned(),
                max_deviation: Some(0),
                warnings: vec!["All lifetime values are equal, so every contact got the rank 50.".to_owned()],
                ..RankingReport::default()
            };
        } else {
            self.parts.ranker.rank(&sketch, cancel, report)?;
        }
        let mut report = std::mem::take(report);
        report.warnings.extend(account.warnings());
        let values = match self.parts.settings.value_mode {
            ValueMode::Percentile => SentValues::Percentile(sketch.clone()),
            ValueMode::Scaled => SentValues::scaled(&distribution),
        };
        if let SentValues::Scaled { cap } = values {
            report.scaled_cap = Some(cap);
        }
        Ok(Ranked { sketch, values, stats: distribution.stats(account.ambiguous), report })
    }
}

/// The list as the source is asked for it.
fn contacts_of(config: &SyncConfig) -> Result<ContactList, RunError> {
    let gone = || RunError::ListGone { list: config.list_name.clone() };
    match config.list_id.parse().map_err(|_unknown| gone())? {
        ListSelection::All => Ok(ContactList::All),
        ListSelection::Tag(tag) => Ok(ContactList::Tag(tag)),
        ListSelection::Source(id) => Ok(ContactList::Source(id)),
        ListSelection::Filter(_) => {
            config.list_conditions.clone().map(ContactList::Conditions).ok_or_else(gone)
        }
    }
}

/// Count and words of the steps of the reading when they end; nothing is known when the reading failed.
fn reading_steps(account: Option<&Account>) -> [(Step, Option<u64>, Option<String>); 3] {
    let Some(account) = account else {
        return [Step::Fetch, Step::ReadLtv, Step::Hash].map(|step| (step, None, None));
    };
    let counts = &account.counts;
    let values = account.values.len() as u64;
    let mut read = format!(
        "{values} values, {} without a value, {} unreadable",
        counts.skipped_no_ltv, counts.rejected_bad_ltv
    );
    if account.ambiguous > 0 {
        read.push_str(&format!(", {} readable in two ways", account.ambiguous));
    }
    [
        (Step::Fetch, Some(counts.fetched), Some(format!("{} contacts", counts.fetched))),
        (Step::ReadLtv, Some(values), Some(read)),
        (Step::Hash, Some(counts.sent), Some(format!("{} contacts to send", counts.sent))),
    ]
}

fn lookalike_detail(lookalikes: &[Lookalike]) -> String {
    let created = lookalikes.iter().filter(|lookalike| lookalike.status == LookalikeStatus::Created).count();
    match lookalikes.len() - created {
        0 => format!("{created} created"),
        pending => format!("{created} created, {pending} pending until Meta has matched the audience"),
    }
}
