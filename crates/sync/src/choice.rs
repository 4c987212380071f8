//! What is synced: the list and the field chosen on the dashboard, else those of the environment.

use crate::edges::ValueField;
use crate::error::StartError;
use crate::service::SyncService;
use crate::settings::LtvSource;
use domain::ListSelection;
use domain::run::SyncConfig;
use persistence::StoreError;

impl SyncService {
    /// The choice saved last, else the list and the field of the environment, looked up at the source.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve), for a choice of the environment.
    pub fn choice(&self, (list, field): (Option<String>, Option<String>)) -> Result<SyncConfig, StartError> {
        if let Some((_, saved)) = self.parts.store.config_latest()? {
            return Ok(saved);
        }
        self.resolve(list.as_deref(), field.as_deref())
    }

    /// The [choice](Self::choice) for a run that nobody watches. One of the environment that can not be looked up is taken
    /// [as it is named](Self::choice_as_named).
    ///
    /// # Errors
    /// [`StartError::NotConfigured`] when nothing is chosen; whatever the database refuses.
    pub fn choice_unwatched(
        &self,
        initial: (Option<String>, Option<String>),
    ) -> Result<SyncConfig, StartError> {
        self.choice(initial.clone()).or_else(|error| match error {
            StartError::Edge(_) | StartError::Unknown { .. } | StartError::Ambiguous { .. } => {
                self.choice_as_named(initial, error)
            }
            other => Err(other),
        })
    }

    /// The choice of the environment in its own words, when it could not be looked up: the run looks again, and when it fails
    /// by the same reason it stands in the history and is mailed, as it would with a saved choice.
    ///
    /// # Errors
    /// `unresolved` when list or field is left out; whatever the database refuses.
    pub fn choice_as_named(
        &self,
        (list, field): (Option<String>, Option<String>),
        unresolved: StartError,
    ) -> Result<SyncConfig, StartError> {
        let (Some(list), Some(field)) = (list, field) else { return Err(unresolved) };
        // While the source is silent it stays the list and field of its last success, which the next run is compared by. A
        // field that is gone or no longer the only one of its name is not replaced by what it was then.
        if matches!(unresolved, StartError::Edge(_))
            && let Some(success) = self.parts.store.run_latest_success()?
            && is_of(&success.config, &list, &field)
        {
            return Ok(SyncConfig { sync_enabled: true, ..success.config });
        }
        Ok(SyncConfig {
            list_id: list.clone(),
            list_name: list,
            list_conditions: None,
            ltv_field_key: field.clone(),
            ltv_field_name: field,
            ad_account_id: self.parts.settings.ad_account_id.clone(),
            sync_enabled: true,
        })
    }

    /// What holds the lifetime values when the settings say that it is no field to choose (`LTV_SOURCE`).
    pub fn value_source(&self) -> Option<ValueField> {
        self.parts.settings.ltv_source.in_place_of_a_field()
    }

    /// Looks the list and the field up at the source, so that a run keeps the names it ran with. The field may be
    /// given by key, name or id; where values do not come from a field it may be left out.
    ///
    /// # Errors
    /// [`StartError::NotConfigured`] when one is left out that is needed; [`StartError::Unknown`] names what does not
    /// exist and the setting to change.
    pub fn resolve(&self, list_id: Option<&str>, field: Option<&str>) -> Result<SyncConfig, StartError> {
        let list_id = list_id.ok_or(StartError::NotConfigured)?;
        let field = match (field.filter(|field| !LtvSource::is_key(field)), self.value_source()) {
            (Some(wanted), _) => Err(wanted),
            (None, Some(source)) => Ok(source),
            (None, None) => return Err(StartError::NotConfigured),
        };
        let list = self.known_list(list_id)?;
        let field = field
            .or_else(|wanted| {
                let known = |refresh| self.fields(refresh).map_err(StartError::Edge);
                // A field that is not remembered may be new, so the fields are asked for again.
                find_field(&known(false)?, wanted).or_else(|_unknown| find_field(&known(true)?, wanted))
            })
            .or_else(|error| match (&error, self.value_source()) {
                // No value comes from it, so whoever chooses a list need not mind that it is gone.
                (StartError::Unknown { .. } | StartError::Ambiguous { .. }, Some(source)) => Ok(source),
                _ => Err(error),
            })?;
        Ok(SyncConfig {
            list_id: list.id.to_string(),
            list_conditions: list.conditions(),
            list_name: list.name,
            ltv_field_key: field.key,
            ltv_field_name: field.name,
            ad_account_id: self.parts.settings.ad_account_id.clone(),
            sync_enabled: true,
        })
    }

    /// A choice with what may have changed since it was saved: the account is the one that is written to, values come from
    /// where the settings say, and a saved list has the name and conditions it has now.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn as_it_is_now(&self, config: &SyncConfig) -> Result<SyncConfig, StoreError> {
        let ad_account_id = self.parts.settings.ad_account_id.clone();
        let mut config = SyncConfig { ad_account_id, ..config.clone() };
        if let Some(source) = self.value_source() {
            (config.ltv_field_key, config.ltv_field_name) = (source.key, source.name);
        }
        if let Ok(ListSelection::Filter(id)) = config.list_id.parse() {
            let saved = self.parts.store.filter_get(id)?;
            config.list_conditions = saved.as_ref().map(|saved| saved.conditions.clone());
            config.list_name = saved.map_or(config.list_name, |saved| saved.name);
        }
        Ok(config)
    }
}

/// Whether the list and the field are those of `config`. It does not know the field's id.
fn is_of(config: &SyncConfig, list: &str, field: &str) -> bool {
    let SyncConfig { list_id, ltv_field_key, ltv_field_name, .. } = config;
    let (key, name) = (ltv_field_key.clone(), ltv_field_name.clone());
    let known = ValueField { id: String::new(), key, name, data_type: String::new() };
    list_id == list && find_field(&[known], field).is_ok()
}

/// The field with that key, id or name (in this order of trust). Names need not be unique, and to take any of several
/// fields would rank by values nobody chose.
///
/// # Errors
/// [`StartError::Unknown`] when there is none, [`StartError::Ambiguous`] when several have that name.
pub fn find_field(fields: &[ValueField], wanted: &str) -> Result<ValueField, StartError> {
    let wanted = wanted.trim();
    let (what, value, setting) = ("custom field", wanted.to_owned(), "GHL_LTV_FIELD");
    let tests: [fn(&ValueField, &str) -> bool; 4] = [
        |field, wanted| field.key == wanted,
        |field, wanted| field.id == wanted,
        |field, wanted| field.key.strip_prefix("contact.") == Some(wanted),
        |field, wanted| field.name.trim().to_lowercase() == wanted.to_lowercase(),
    ];
    let met = |test: &fn(&ValueField, &str) -> bool| -> Vec<&ValueField> {
        fields.iter().filter(|field| test(field, wanted)).collect()
    };
    let found = tests.iter().map(met).find(|found| !found.is_empty()).unwrap_or_default();
    match found.as_slice() {
        [] => Err(StartError::Unknown { what, value, setting }),
        _ if wanted.is_empty() => Err(StartError::Unknown { what, value, setting }),
        [field] => Ok((*field).clone()),
        several => {
            let known = several.iter().map(|field| format!("{} (id {})", field.key, field.id)).collect();
            Err(StartError::Ambiguous { what, value, setting, known })
        }
    }
}
