//! What a sync would send, found out without sending it: the list is read and ranked as in a run, Meta is not called,
//! and nothing is recorded.

use crate::account::Account;
use crate::error::RunError;
use crate::service::SyncService;
use crate::spool::{LockedSpool, Spool};
use domain::accounting::{Accounting, Bucket};
use domain::run::{NormalizationStats, RankingReport, Step, SyncConfig};
use domain::{Cancel, Distribution, Explain, Explanation};
use match_keys::{Cell, Field, Reason};

/// A lookalike needs a source with this many matched people of its country.
/// <https://developers.facebook.com/docs/marketing-api/audiences/guides/lookalike-audiences>
pub const PEOPLE_FOR_A_LOOKALIKE: u64 = 100;

/// What a sync of the list would do now. Counts only: nothing here is about a single person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The account of every contact; `sent` counts those that would be sent.
    pub accounting: Accounting,
    /// The distribution of the values; `None` when no contact has one.
    pub stats: Option<NormalizationStats>,
    /// How the ranks were made; `None` when a sync would stop before it asks for them.
    pub ranking: Option<RankingReport>,
    /// Every match key, in the order of the upload, counted over all distinct contacts.
    pub columns: Vec<Column>,
    /// Every lookalike country of the settings, in their order.
    pub reach: Vec<Reach>,
    /// Matched over sent of the last successful sync of the same list and field, in words; `None` when there is none.
    pub last_match_rate: Option<String>,
    /// Why a sync of the list would stop before it touches Meta.
    pub obstacle: Option<Explanation>,
}

/// One match key over all distinct contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Which one.
    pub field: Field,
    /// Contacts with anything in it.
    pub filled: u64,
    /// Contacts with a value that can be matched.
    pub usable: u64,
    /// Contacts whose value is not sent, by the reason; only reasons that occur.
    pub dropped: Vec<(Reason, u64)>,
}

/// How many of the contacts that would be sent may count for a lookalike in one country. How many of them Meta knows
/// is not known before it has matched them, and is not guessed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// ISO 3166-1 alpha-2, upper case.
    pub country: String,
    /// Contacts of that country.
    pub in_country: u64,
    /// Contacts without a readable country: they may be of that one.
    pub country_unknown: u64,
}

impl Reach {
    /// The share in percent (rounded up) of the contacts in question that Meta must match for a lookalike; `None` when
    /// not even all of them are enough.
    pub fn needed_percent(&self) -> Option<u64> {
        let people = self.in_country + self.country_unknown;
        (people >= PEOPLE_FOR_A_LOOKALIKE).then(|| (PEOPLE_FOR_A_LOOKALIKE * 100).div_ceil(people))
    }
}

impl SyncService {
    /// Reads the list and has it ranked as a run would, and reports what would be sent. Meta is not called, no run is
    /// recorded, and neither the lease nor a run that is going on is touched; the working files are deleted at the end.
    /// `progressed` is told how far the step is, of how many units when that is known.
    ///
    /// # Errors
    /// What would end the run for other reasons than the list itself: a service that fails, the database, the disk,
    /// cancellation.
    pub fn preview(
        &self,
        config: &SyncConfig,
        cancel: &Cancel,
        progressed: &(dyn Fn(Step, u64, Option<u64>) + Sync),
    ) -> Result<Preview, RunError> {
        let locked = LockedSpool::create(&self.parts.settings.spool_folder, "preview")?;
        let spool = &locked.spool;
        let page_read = |done, total| {
            progressed(Step::Fetch, done, Some(total));
            Ok(())
        };
        let account = self.read_and_decide(config, spool, &page_read, cancel)?;
        let obstacle = self.obstacle(config, &account)?;
        let (stats, ranking) = if obstacle.is_none() {
            progressed(Step::Normalize, 0, None);
            let ranked = self.rank_values(&account, cancel)?;
            (Some(ranked.stats), Some(ranked.report))
        } else {
            let distribution = Distribution::new(account.values.clone());
            (distribution.map(|values| values.stats(account.ambiguous)), None)
        };
        let mut survey = Survey::new(&self.parts.settings.lookalike_countries);
        survey.take(&account, spool)?;
        let last = self.parts.store.run_last_success_of(&config.list_id, &config.ltv_field_key)?;
        Ok(Preview {
            accounting: account.counts,
            stats,
            ranking,
            columns: survey.columns,
            reach: survey.reach.into_iter().map(|(_, reach)| reach).collect(),
            last_match_rate: last.map(|run| run.matched.rate_text(run.accounting.sent)),
            obstacle,
        })
    }

    /// What the guard of a run would say of the list.
    fn obstacle(&self, config: &SyncConfig, account: &Account) -> Result<Option<Explanation>, RunError> {
        match self.guard(config, account, None, false) {
            Ok(()) => Ok(None),
            Err((_, error)) => match error {
                RunError::EmptyList { .. }
                | RunError::NoLtv { .. }
                | RunError::NobodyToSend { .. }
                | RunError::ListShrank { .. } => Ok(Some(error.explain())),
                other => Err(other),
            },
        }
    }
}

/// The counts that need a second look at every contact.
struct Survey {
    columns: Vec<Column>,
    /// With the match key of the country.
    reach: Vec<(Cell, Reach)>,
}

impl Survey {
    fn new(countries: &[String]) -> Self {
        let column = |field| Column { field, filled: 0, usable: 0, dropped: Vec::new() };
        let reach = |country: &String| {
            let key = match_keys::hash(&country.to_lowercase());
            (key, Reach { country: country.clone(), in_country: 0, country_unknown: 0 })
        };
        Self {
            columns: Field::ALL.into_iter().map(column).collect(),
            reach: countries.iter().map(reach).collect(),
        }
    }

    fn take(&mut self, account: &Account, spool: &Spool) -> Result<(), RunError> {
        for (bucket, contact) in account.buckets.iter().zip(spool.contacts()?) {
            let contact = contact?;
            if *bucket == Bucket::Duplicate {
                continue;
            }
            for column in &mut self.columns {
                column.add(contact.row.cell(column.field), contact.dropped[column.field as usize]);
            }
            if *bucket == Bucket::Sent {
                let own = contact.row.cell(Field::Country);
                for (country, reach) in &mut self.reach {
                    reach.in_country += u64::from(own == *country);
                    reach.country_unknown += u64::from(own.is_none());
                }
            }
        }
        Ok(())
    }
}

impl Column {
    fn add(&mut self, cell: Cell, dropped: Option<Reason>) {
        self.filled += u64::from(cell.is_some() || dropped.is_some());
        self.usable += u64::from(cell.is_some());
        if let Some(reason) = dropped {
            match self.dropped.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, count)) => *count += 1,
                None => self.dropped.push((reason, 1)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Column, Reach, Survey};
    use crate::account::Account;
    use crate::spool::{LockedSpool, SpooledContact};
    use domain::accounting::{Accounting, Bucket};
    use match_keys::{Field, Reason, Row, hash};

    #[test]
    fn a_lookalike_is_in_reach_from_a_hundred_possible_people_on() {
        let reach = |in_country, country_unknown| {
            Reach { country: "US".to_owned(), in_country, country_unknown }.needed_percent()
        };
        assert_eq!([reach(0, 0), reach(99, 0), reach(60, 39)], [None; 3]);
        assert_eq!([reach(100, 0), reach(60, 40)], [Some(100); 2]);
        assert_eq!([reach(150, 0), reach(10_001, 0)], [Some(67), Some(1)]);
    }

    #[test]
    fn a_column_counts_what_is_filled_usable_and_dropped() {
        let mut column = Column { field: Field::Phone, filled: 0, usable: 0, dropped: Vec::new() };
        column.add(hash("15559876543"), None);
        column.add(None, None);
        for reason in [Reason::NotPossible, Reason::Placeholder, Reason::NotPossible] {
            column.add(None, Some(reason));
        }
        assert_eq!((column.filled, column.usable), (4, 1));
        assert_eq!(column.dropped, [(Reason::NotPossible, 2), (Reason::Placeholder, 1)]);
    }

    #[test]
    fn columns_are_counted_over_distinct_contacts_and_the_reach_over_those_that_would_be_sent() {
        let root = tempfile::tempdir().unwrap();
        let locked = LockedSpool::create(root.path(), "preview").unwrap();
        let contact = |country: &str| {
            let mut cells = [None; match_keys::SCHEMA.len()];
            (cells[Field::Email as usize], cells[Field::Country as usize]) = (hash("x"), hash(country));
            SpooledContact { row: Row::from_cells(cells), ..SpooledContact::default() }
        };
        let rows = [
            (Bucket::Sent, "us"),
            (Bucket::Sent, "ca"),
            (Bucket::Sent, ""),
            (Bucket::Duplicate, "us"),
            (Bucket::OptedOut, "us"),
        ];
        let mut writer = locked.spool.writer().unwrap();
        rows.iter().for_each(|(_, country)| writer.push(&contact(country)).unwrap());
        writer.finish().unwrap();
        let buckets = rows.map(|(bucket, _)| bucket).to_vec();
        let account = Account { buckets, counts: Accounting::default(), values: Vec::new(), ambiguous: 0 };
        let mut survey = Survey::new(&["US".to_owned()]);
        survey.take(&account, &locked.spool).unwrap();
        let counted = |field: Field| {
            let column = survey.columns.iter().find(|column| column.field == field).unwrap();
            (column.filled, column.usable)
        };
        assert_eq!(counted(Field::Email), (4, 4));
        assert_eq!(counted(Field::Country), (3, 3));
        let (_, reach) = &survey.reach[0];
        assert_eq!((reach.in_country, reach.country_unknown), (1, 1));
    }
}
