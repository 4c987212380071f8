//! API v1 as a source: its smart lists and custom fields, and nothing else.

use super::{
    ConditionsRefused, ContactList, ContactSource, ListNotOffered, Pipeline, SourceList, ValueField,
    WonOpportunity, pages, value_fields,
};
use crate::error::{EdgeError, RunError};
use domain::{Cancel, Conditions, Contact};
use ghl::GhlV1Client;
use serde_json::Value;

impl ContactSource for GhlV1Client {
    /// The three routes do not tell it.
    fn country(&self, _cancel: &Cancel) -> Result<Option<String>, EdgeError> {
        Ok(None)
    }

    fn fields(&self, cancel: &Cancel) -> Result<Vec<ValueField>, EdgeError> {
        Ok(value_fields(self.custom_fields(cancel).map_err(EdgeError::new)?))
    }

    fn own_lists(&self, cancel: &Cancel) -> Result<Option<Vec<SourceList>>, EdgeError> {
        let lists = self.smart_lists(cancel).map_err(EdgeError::new)?;
        Ok(Some(lists.into_iter().map(|list| SourceList { id: list.id, name: list.name }).collect()))
    }

    fn tags(&self, _cancel: &Cancel) -> Result<Vec<String>, EdgeError> {
        Ok(Vec::new())
    }

    fn count(&self, list: &ContactList, cancel: &Cancel) -> Result<u64, EdgeError> {
        self.contact_count(id_of(list)?, cancel).map_err(EdgeError::new)
    }

    fn check_conditions(
        &self,
        _pasted: &Value,
        _cancel: &Cancel,
    ) -> Result<Result<Conditions, ConditionsRefused>, EdgeError> {
        Err(EdgeError::new(ListNotOffered))
    }

    fn pipelines(&self, _cancel: &Cancel) -> Result<Vec<Pipeline>, EdgeError> {
        Err(EdgeError::new(ListNotOffered))
    }

    fn count_won_opportunities(&self, _pipelines: &[String], _cancel: &Cancel) -> Result<u64, EdgeError> {
        Err(EdgeError::new(ListNotOffered))
    }

    fn won_opportunities(
        &self,
        _pipelines: &[String],
        _cancel: &Cancel,
        _page: &mut dyn FnMut(Vec<WonOpportunity>, u64) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        Err(RunError::edge(ListNotOffered))
    }

    fn read(
        &self,
        list: &ContactList,
        field_id: Option<&str>,
        cancel: &Cancel,
        page: &mut dyn FnMut(Vec<Contact>, u64) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let list = id_of(list).map_err(RunError::Edge)?;
        pages(RunError::count_mismatch, page, |page| {
            self.read_contacts(list, field_id.unwrap_or_default(), cancel, page)
        })
    }
}

fn id_of(list: &ContactList) -> Result<&str, EdgeError> {
    match list {
        ContactList::Source(id) => Ok(id),
        ContactList::All | ContactList::Tag(_) | ContactList::Conditions(_) => {
            Err(EdgeError::new(ListNotOffered))
        }
    }
}
