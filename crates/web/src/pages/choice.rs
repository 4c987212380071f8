//! Which list and which value field a sync works with: what was saved last, else what the environment says.

use crate::actions;
use crate::app::App;
use crate::problem::Problem;

/// A chosen list or field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    /// What a form sends: the list's id, or the field's key, name or id.
    pub(super) value: String,
    /// The name people see, when it is known.
    pub(super) name: Option<String>,
}

/// The choice in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) list: Option<Chosen>,
    pub(super) field: Option<Chosen>,
    pub(super) sync_enabled: bool,
}

impl Choice {
    pub(super) fn read(app: &App) -> Result<Self, Problem> {
        if let Some((_, saved)) = app.store.config_latest()? {
            let saved = actions::as_it_is_now(app, saved)?;
            return Ok(Self {
                list: Some(Chosen { value: saved.list_id, name: Some(saved.list_name) }),
                field: Some(Chosen { value: saved.ltv_field_key, name: Some(saved.ltv_field_name) }),
                sync_enabled: saved.sync_enabled,
            });
        }
        let (list, field) = app.installation.initial_choice();
        let chosen = |value| Chosen { value, name: None };
        Ok(Self { list: list.map(chosen), field: field.map(chosen), sync_enabled: true })
    }

    /// What a form sent, to be shown again beside what is wrong with it.
    pub(super) fn entered(list: String, field: String, sync_enabled: bool) -> Self {
        let chosen = |value: String| (!value.is_empty()).then_some(Chosen { value, name: None });
        Self { list: chosen(list), field: chosen(field), sync_enabled }
    }

    pub(super) fn is_complete(&self) -> bool {
        self.list.is_some() && self.field.is_some()
    }
}
