//! The one audience of an ad account that is mirrored in place, and the session that replaces its members.

use crate::connection::on_backend;
use crate::error::StoreError;
use crate::run_rows::count;
use crate::runs::number;
use crate::schema::{stable_audiences, sync_replacements};
use crate::store::Store;
use crate::text::storable;
use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};
use diesel::prelude::*;
use domain::RunId;

/// The audience that every run of an ad account writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StableAudience {
    /// `act_<digits>`.
    pub ad_account_id: String,
    /// Meta's id.
    pub audience_id: String,
    /// Its name in Ads Manager.
    pub name: String,
    /// Whether its rows have the columns of the date of birth: an audience keeps one schema for its whole life.
    pub birthdays: bool,
    /// Whether its rows have the columns of Limited Data Use.
    pub limited_data_use: bool,
    /// Whether it existed before and was chosen by a person: then it is not ours to delete.
    pub adopted: bool,
    /// When Meta refused to replace its members: from then on it is kept by additions and removals.
    pub replace_refused_at: Option<DateTime<Utc>>,
}

/// A replacement of an audience's members that was opened and not closed: the audience may be half empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReplacement {
    /// The run whose rows replace the members.
    pub run_id: RunId,
    /// Meta's id of the audience.
    pub audience_id: String,
    /// The upload session.
    pub session_id: u64,
    /// Rows of the whole session.
    pub total_rows: u64,
    /// When it was opened: Meta closes it 90 minutes later.
    pub opened_at: DateTime<Utc>,
    /// When the first session for these rows was opened.
    pub begun_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = stable_audiences)]
struct StableRow {
    ad_account_id: String,
    audience_id: String,
    name: String,
    birthdays: bool,
    limited_data_use: bool,
    adopted: bool,
    replace_refused_at: Option<NaiveDateTime>,
}

impl From<StableRow> for StableAudience {
    fn from(row: StableRow) -> Self {
        Self {
            ad_account_id: row.ad_account_id,
            audience_id: row.audience_id,
            name: row.name,
            birthdays: row.birthdays,
            limited_data_use: row.limited_data_use,
            adopted: row.adopted,
            replace_refused_at: row.replace_refused_at.map(|at| at.and_utc()),
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sync_replacements)]
struct ReplacementRow {
    run_id: i64,
    audience_id: String,
    session_id: String,
    total_rows: i64,
    opened_at: NaiveDateTime,
    begun_at: NaiveDateTime,
}

impl TryFrom<ReplacementRow> for OpenReplacement {
    type Error = StoreError;

    fn try_from(row: ReplacementRow) -> Result<Self, StoreError> {
        Ok(Self {
            run_id: RunId(row.run_id),
            audience_id: row.audience_id,
            session_id: row.session_id.parse().map_err(StoreError::corrupt("upload session"))?,
            total_rows: count("number of rows", row.total_rows)?,
            opened_at: row.opened_at.and_utc(),
            begun_at: row.begun_at.and_utc(),
        })
    }
}

impl Store {
    /// The stable audience of an ad account: the one a person has chosen last (`adopted`), or our own.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn stable_audience(
        &self,
        ad_account_id: &str,
        adopted: bool,
    ) -> Result<Option<StableAudience>, StoreError> {
        let row: Option<StableRow> = self.read("load the stable audience", |connection| {
            stable_audiences::table
                .find((storable(ad_account_id), adopted))
                .select(StableRow::as_select())
                .first(connection)
                .optional()
        })?;
        Ok(row.map(StableAudience::from))
    }

    /// Makes this the chosen (or our own) stable audience of its ad account, in place of the one before, whose members are
    /// forgotten. Repeating is harmless.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn stable_audience_set(&self, audience: &StableAudience) -> Result<(), StoreError> {
        if let Some(before) = self.stable_audience(&audience.ad_account_id, audience.adopted)?
            && before.audience_id != audience.audience_id
        {
            self.members_forget(&before.audience_id)?;
        }
        let values = (
            stable_audiences::audience_id.eq(storable(&audience.audience_id)),
            stable_audiences::name.eq(storable(&audience.name)),
            stable_audiences::birthdays.eq(audience.birthdays),
            stable_audiences::limited_data_use.eq(audience.limited_data_use),
            stable_audiences::replace_refused_at
                .eq(audience.replace_refused_at.map(|at| at.trunc_subsecs(6).naive_utc())),
        );
        let now = self.now_naive();
        self.write("record the stable audience", |connection| {
            on_backend!(connection, inner => diesel::insert_into(stable_audiences::table)
                .values((
                    stable_audiences::ad_account_id.eq(storable(&audience.ad_account_id)),
                    stable_audiences::adopted.eq(audience.adopted),
                    stable_audiences::created_at.eq(now),
                    values.clone(),
                ))
                .on_conflict((stable_audiences::ad_account_id, stable_audiences::adopted))
                .do_update()
                .set(values)
                .execute(inner))
        })?;
        Ok(())
    }

    /// Forgets our own stable audience of an ad account, because it is gone at Meta, with its members and any replacement
    /// of them that was open. Repeating is harmless.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn stable_audience_forget(&self, ad_account_id: &str) -> Result<(), StoreError> {
        let Some(audience) = self.stable_audience(ad_account_id, false)? else { return Ok(()) };
        self.members_forget(&audience.audience_id)?;
        let now = self.now_naive();
        self.write("forget the stable audience", |connection| {
            diesel::update(sync_replacements::table)
                .filter(sync_replacements::audience_id.eq(storable(&audience.audience_id)))
                .filter(sync_replacements::closed_at.is_null())
                .set(sync_replacements::closed_at.eq(now))
                .execute(connection)?;
            diesel::delete(stable_audiences::table.find((storable(ad_account_id), false))).execute(connection)
        })?;
        Ok(())
    }

    /// Records that a run is about to replace the members of an audience. From now on no member counts as delivered,
    /// until [`Self::members_delivered`] says so: a replacement begins by removing everybody. A run that opens another
    /// session gives up the one before, and what earlier runs left unfinished of this audience needs no more care: its
    /// members would take the place of newer ones.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such run.
    pub fn replacement_opened(
        &self,
        run: RunId,
        audience_id: &str,
        session_id: u64,
        total_rows: u64,
    ) -> Result<(), StoreError> {
        let now = self.now_naive();
        let values = (
            sync_replacements::audience_id.eq(storable(audience_id)),
            sync_replacements::session_id.eq(session_id.to_string()),
            sync_replacements::total_rows.eq(number("number of rows", total_rows)?),
            sync_replacements::opened_at.eq(now),
            sync_replacements::closed_at.eq(None::<NaiveDateTime>),
        );
        self.write_referring("record a replacement", ("run", run.0), |connection| {
            diesel::update(sync_replacements::table)
                .filter(sync_replacements::audience_id.eq(storable(audience_id)))
                .filter(sync_replacements::run_id.ne(run.0))
                .filter(sync_replacements::closed_at.is_null())
                .set(sync_replacements::closed_at.eq(now))
                .execute(connection)?;
            on_backend!(connection, inner => diesel::insert_into(sync_replacements::table)
                .values((
                    sync_replacements::run_id.eq(run.0),
                    sync_replacements::begun_at.eq(now),
                    values.clone(),
                ))
                .on_conflict(sync_replacements::run_id)
                .do_update()
                .set(values)
                .execute(inner))
        })?;
        self.members_doubt(audience_id)
    }

    /// Records that the replacement of a run needs no more care. Repeating is harmless.
    ///
    /// # Errors
    /// [`StoreError::Missing`], with the run's id, when it never opened one.
    pub fn replacement_closed(&self, run: RunId) -> Result<(), StoreError> {
        let now = self.now_naive();
        self.change("record the end of a replacement", ("replacement by run", run.0), |connection| {
            diesel::update(sync_replacements::table.find(run.0))
                .set(sync_replacements::closed_at.eq(now))
                .execute(connection)
        })
    }

    /// Every replacement that was not closed, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a stored value means nothing to this program.
    pub fn replacements_open(&self) -> Result<Vec<OpenReplacement>, StoreError> {
        let rows: Vec<ReplacementRow> = self.read("find open replacements", |connection| {
            sync_replacements::table
                .filter(sync_replacements::closed_at.is_null())
                .order(sync_replacements::run_id)
                .select(ReplacementRow::as_select())
                .load(connection)
        })?;
        rows.into_iter().map(OpenReplacement::try_from).collect()
    }
}
