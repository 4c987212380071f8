//! A source of contacts that answers by a script: what a client over HTTP can not be made to answer at will.

use crate::edges::{
    ConditionsRefused, ContactList, ContactSource, Pipeline, SourceList, ValueField, WonOpportunity,
};
use crate::error::{EdgeError, RunError};
use domain::{Cancel, Conditions, Contact};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Mutex;

/// A location in the United States, or in another country. Each reading and each count takes the next answer.
#[derive(Default)]
pub(crate) struct ScriptedSource {
    pub(crate) readings: Mutex<VecDeque<Vec<Contact>>>,
    pub(crate) won: Mutex<VecDeque<Vec<WonOpportunity>>>,
    pub(crate) counts: Mutex<VecDeque<u64>>,
    /// How many contacts each reading leaves out; none without an answer.
    pub(crate) missing: Mutex<VecDeque<u64>>,
    pub(crate) pipelines: Vec<Pipeline>,
    pub(crate) country: Option<&'static str>,
    /// The pipelines that opportunities were asked of.
    pub(crate) asked: Mutex<Vec<String>>,
}

const PAGE: usize = 3;

impl ScriptedSource {
    fn next<T>(script: &Mutex<VecDeque<T>>) -> T {
        script.lock().unwrap().pop_front().unwrap()
    }
}

impl ContactSource for ScriptedSource {
    fn country(&self, _cancel: &Cancel) -> Result<Option<String>, EdgeError> {
        Ok(Some(self.country.unwrap_or("US").to_owned()))
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
        Ok(Self::next(&self.counts))
    }

    fn check_conditions(
        &self,
        pasted: &Value,
        _cancel: &Cancel,
    ) -> Result<Result<Conditions, ConditionsRefused>, EdgeError> {
        Ok(Ok(Conditions(pasted.to_string())))
    }

    fn pipelines(&self, _cancel: &Cancel) -> Result<Vec<Pipeline>, EdgeError> {
        Ok(self.pipelines.clone())
    }

    fn count_won_opportunities(&self, _pipelines: &[String], _cancel: &Cancel) -> Result<u64, EdgeError> {
        Ok(Self::next(&self.counts))
    }

    fn won_opportunities(
        &self,
        pipelines: &[String],
        _cancel: &Cancel,
        page: &mut dyn FnMut(Vec<WonOpportunity>, u64) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        *self.asked.lock().unwrap() = pipelines.to_vec();
        let all = Self::next(&self.won);
        all.chunks(PAGE).try_for_each(|rows| page(rows.to_vec(), all.len() as u64))
    }

    fn read(
        &self,
        _list: &ContactList,
        _field_id: Option<&str>,
        _cancel: &Cancel,
        page: &mut dyn FnMut(Vec<Contact>, u64) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let all = Self::next(&self.readings);
        all.chunks(PAGE).try_for_each(|contacts| page(contacts.to_vec(), all.len() as u64))?;
        match self.missing.lock().unwrap().pop_front().unwrap_or_default() {
            0 => Ok(()),
            missing => Err(RunError::count_mismatch(all.len() as u64, all.len() as u64 + missing)),
        }
    }
}
