//! What a sync would send, found out without sending it: the list is read and ranked as in a run, Meta is not called,
//! and nothing is recorded.

use crate::account::Account;
use crate::error::RunError;
use crate::service::SyncService;
use crate::spool::{LockedSpool, Spool};
use domain::accounting::{Accounting, Bucket};
use domain::money::grouped;
use domain::run::{NormalizationStats, RankingReport, Step, SyncConfig};
use domain::{Cancel, Distribution, Explain, Explanation};
use match_keys::{Cell, Field, Reason};

/// A lookalike needs a source with this many matched people of its country.
/// <https://developers.facebook.com/docs/marketing-api/audiences/guides/lookalike-audiences>
const PEOPLE_FOR_A_LOOKALIKE: u64 = 100;

/// The share of a customer list, in percent, that Meta is typically said to match: what practitioners report, lowest and
/// highest. Meta publishes no figure, and the share of a single list is known only after its upload.
const TYPICAL_MATCH_PERCENT: (u64, u64) = (30, 70);

/// What a sync of the list would do now. Counts only: nothing here is about a single person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The list and the value field as a sync would work with them now.
    pub config: SyncConfig,
    /// The account of every contact; `sent` counts those that would be sent.
    pub accounting: Accounting,
    /// The distribution of the values; `None` when no contact has one.
    pub stats: Option<NormalizationStats>,
    /// How the ranks were made; `None` when a sync would stop before it asks for them.
    pub ranking: Option<RankingReport>,
    /// What is doubtful about the values and numbers that were read, and about the ranks if there are any.
    pub warnings: Vec<String>,
    /// Every match key, in the order of the upload, counted over all distinct contacts. The date of birth only when a
    /// contact has one.
    pub columns: Vec<Column>,
    /// Rows that would be sent beside the first of each contact, for its additional e-mail addresses and phones.
    pub further_rows: u64,
    /// Every lookalike country of the settings, in their order.
    pub lookalike_reach: Vec<LookalikeReach>,
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

/// Whether a lookalike in one country is likely to find enough matched people. How many contacts Meta knows is not known
/// before it has matched them, so this is an estimate and names no number of matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookalikeReach {
    /// ISO 3166-1 alpha-2, upper case.
    pub country: String,
    /// Contacts that would be sent and are of that country: by their own country, and without a readable one by that of
    /// the location.
    pub usable: u64,
    /// What the typical shares of matches make of them.
    pub verdict: Reach,
}

impl LookalikeReach {
    /// What the verdict follows from, as sentences of their own.
    pub fn reason(&self) -> String {
        let (lowest, highest) = TYPICAL_MATCH_PERCENT;
        let contacts = if self.usable == 1 { "contact" } else { "contacts" };
        format!(
            "{} {contacts} of that country would be sent; Meta typically matches about {lowest}–{highest} %, and \
             {PEOPLE_FOR_A_LOOKALIKE} matched people are needed. This is an estimate.",
            grouped(self.usable)
        )
    }
}

/// Whether typical shares of matches bring a lookalike the people it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The lowest typical share is enough.
    InReach,
    /// It depends on the share.
    Unsure,
    /// Not even the highest typical share is enough.
    NotInReach,
}

impl Reach {
    /// The verdict in words, to stand behind a colon.
    pub fn title(self) -> &'static str {
        match self {
            Self::InReach => "in reach",
            Self::Unsure => "not sure",
            Self::NotInReach => "not in reach",
        }
    }

    /// The verdict on that many contacts.
    fn of(usable: u64) -> Self {
        let (lowest, highest) = TYPICAL_MATCH_PERCENT;
        let needed = PEOPLE_FOR_A_LOOKALIKE * 100;
        match usable {
            _ if usable * lowest >= needed => Self::InReach,
            _ if usable * highest >= needed => Self::Unsure,
            _ => Self::NotInReach,
        }
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
        let config = &self.as_it_is_now(config)?;
        let locked = LockedSpool::create(&self.parts.settings.spool_folder, "preview")?;
        let spool = &locked.spool;
        let page_read = |done, total| {
            progressed(Step::Fetch, done, Some(total));
            Ok(())
        };
        let won_read = |done, total| {
            progressed(Step::ReadLtv, done, Some(total));
            Ok(())
        };
        let mut account = self.read_and_decide(config, spool, &page_read, &won_read, cancel)?;
        let obstacle = self.obstacle(config, &account)?;
        let (stats, ranking) = if obstacle.is_none() {
            progressed(Step::Normalize, 0, None);
            let ranked = self.rank_values(&mut account, &mut RankingReport::default(), cancel)?;
            (Some(ranked.stats), Some(ranked.report))
        } else {
            let distribution = Distribution::new(std::mem::take(&mut account.values));
            (distribution.map(|values| values.stats(account.ambiguous)), None)
        };
        let warnings = ranking.as_ref().map_or_else(|| account.warnings(), |report| report.warnings.clone());
        let location = self.parts.source.country(cancel)?;
        let mut survey = Survey::new(&self.parts.settings.lookalike_countries, location.as_deref());
        survey.take(&account, spool)?;
        survey.columns.retain(|column| column.filled > 0 || !column.is_birthday());
        let last = self.parts.store.run_last_success_of(&config.list_id, &config.ltv_field_key)?;
        Ok(Preview {
            config: config.clone(),
            accounting: account.counts,
            stats,
            ranking,
            warnings,
            columns: survey.columns,
            further_rows: account.rows - account.counts.sent,
            lookalike_reach: survey.lookalikes.into_iter().map(LookalikeCount::reach).collect(),
            last_match_rate: last.map(|run| run.matched.rate_text(run.accounting.sent)),
            obstacle,
        })
    }

    /// What the guard of a run would say of the list.
    fn obstacle(&self, config: &SyncConfig, account: &Account) -> Result<Option<Explanation>, RunError> {
        match self.guard(config, account, false) {
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
    lookalikes: Vec<LookalikeCount>,
}

/// The contacts of one lookalike country.
struct LookalikeCount {
    country: String,
    /// The match key of the country.
    key: Cell,
    /// Whether the location is there, so that contacts without a country of their own count too.
    is_home: bool,
    usable: u64,
}

impl LookalikeCount {
    fn reach(self) -> LookalikeReach {
        LookalikeReach { country: self.country, usable: self.usable, verdict: Reach::of(self.usable) }
    }
}

impl Survey {
    fn new(countries: &[String], location: Option<&str>) -> Self {
        let column = |field| Column { field, filled: 0, usable: 0, dropped: Vec::new() };
        let home = location.and_then(|country| match_keys::country::normalize(country).ok());
        let lookalike = |country: &String| {
            let code = country.to_lowercase();
            LookalikeCount {
                country: country.clone(),
                key: match_keys::hash(&code),
                is_home: home.as_deref() == Some(code.as_str()),
                usable: 0,
            }
        };
        Self {
            columns: Field::ALL.into_iter().map(column).collect(),
            lookalikes: countries.iter().map(lookalike).collect(),
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
                for lookalike in &mut self.lookalikes {
                    let counts = if own.is_none() { lookalike.is_home } else { own == lookalike.key };
                    lookalike.usable += u64::from(counts);
                }
            }
        }
        Ok(())
    }
}

impl Column {
    /// Whether it is a part of the date of birth, which many lists do not have at all.
    fn is_birthday(&self) -> bool {
        matches!(self.field, Field::BirthYear | Field::BirthMonth | Field::BirthDay)
    }

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
    use domain::accounting::Bucket;
    use match_keys::{Field, Reason, Row, hash};

    #[test]
    fn a_lookalike_is_judged_by_the_typical_shares_of_matches() {
        assert_eq!([334, 1_000_000].map(Reach::of), [Reach::InReach; 2]);
        assert_eq!([143, 333].map(Reach::of), [Reach::Unsure; 2]);
        assert_eq!([0, 142].map(Reach::of), [Reach::NotInReach; 2]);
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
        let account = Account { buckets, ..Account::default() };
        let mut survey = Survey::new(&["US".to_owned(), "CA".to_owned()], Some("United States"));
        survey.take(&account, &locked.spool).unwrap();
        let counted = |field: Field| {
            let column = survey.columns.iter().find(|column| column.field == field).unwrap();
            (column.filled, column.usable)
        };
        assert_eq!(counted(Field::Email), (4, 4));
        assert_eq!(counted(Field::Country), (3, 3));
        let usable: Vec<u64> = survey.lookalikes.iter().map(|lookalike| lookalike.usable).collect();
        assert_eq!(usable, [2, 1], "who has no country counts where the location is");
    }
}
