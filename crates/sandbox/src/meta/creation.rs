//! Creating, renaming and deleting audiences (meta-api §1).

use serde_json::{Value, json};

use super::audience::{Audience, CustomerList, Kind};
use super::call::Call;
use super::errors::GraphError;
use super::member_file::MemberFile;
use super::{Account, Instants, MetaState, fields, lookalikes};

const SOURCES: [&str; 3] = ["USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED"];

/// `POST /act_…/customaudiences`.
///
/// # Errors
/// Terms, limits, a missing or wrong parameter, and all of a lookalike's.
pub(super) fn create(state: &MetaState, call: &Call) -> Result<Value, GraphError> {
    let at = state.instants();
    let account = &mut *state.account();
    let name = call.required("name")?;
    let kind = match call.required("subtype")? {
        "CUSTOM" => Kind::List(customer_list(call, account)?),
        "LOOKALIKE" => {
            account.check_terms(false)?;
            Kind::Lookalike(lookalikes::describe(call, account, &state.population, at)?)
        }
        _ => {
            return Err(GraphError::parameter("subtype", "Param subtype must be one of {CUSTOM, LOOKALIKE}"));
        }
    };
    let existing = match call.flag("enable_fetch_or_create")? && account.settings.fetch_or_create {
        true => existing(account, name, &kind),
        false => None,
    };
    let id = match existing {
        Some(id) => id,
        None => {
            account.check_room(&kind)?;
            account.add(name.to_owned(), call.get("description").unwrap_or("").to_owned(), kind, at)
        }
    };
    let mut reply = json!({"id": id.to_string()});
    if let (Some(wanted), Some(audience)) = (call.get("fields"), account.audiences.get(&id)) {
        reply = fields::audience(account, audience, Some(wanted), &state.population, at)?;
    }
    Ok(reply)
}

fn customer_list(call: &Call, account: &Account) -> Result<CustomerList, GraphError> {
    let value_based = call.flag("is_value_based")?;
    account.check_terms(value_based)?;
    let source = call.required("customer_file_source")?;
    if !SOURCES.contains(&source) {
        let message = format!("Param customer_file_source must be one of {{{}}}", SOURCES.join(", "));
        return Err(GraphError::parameter("customer_file_source", &message));
    }
    let retention_days = match call.get("retention_days").map(str::parse) {
        None => None,
        Some(Ok(days @ 1..=180)) => Some(days),
        Some(_) => {
            return Err(GraphError::parameter("retention_days", "retention_days must be from 1 to 180"));
        }
    };
    let opt_out_link = call.get("opt_out_link").map(str::to_owned);
    if opt_out_link.as_deref().is_some_and(|link| url::Url::parse(link).is_err()) {
        return Err(GraphError::parameter("opt_out_link", "opt_out_link must be a URL"));
    }
    Ok(CustomerList {
        value_based,
        customer_file_source: source.to_owned(),
        retention_days,
        opt_out_link,
        refusals: account.settings.fresh_audience_refusals,
        ..CustomerList::default()
    })
}

fn existing(account: &Account, name: &str, kind: &Kind) -> Option<u64> {
    match kind {
        Kind::Lookalike(lookalike) => lookalikes::existing(account, lookalike),
        Kind::List(wanted) => {
            let same = |audience: &&Audience| {
                audience.name == name
                    && audience.list().is_some_and(|list| list.value_based == wanted.value_based)
            };
            account.living().find(same).map(|audience| audience.id)
        }
    }
}

/// `DELETE /{audience}`. Ads that use it stop for ever.
///
/// # Errors
/// 2656 while lookalikes of it exist.
pub(super) fn delete(account: &mut Account, id: u64) -> Result<Value, GraphError> {
    if account.lookalikes_of(id).next().is_some() {
        let message = "This audience can't be deleted because lookalike audiences were created from it. Delete those first.";
        return Err(GraphError::new(2656, "Lookalikes Exist", message));
    }
    if let Some(audience) = account.audiences.get_mut(&id) {
        audience.deleted = true;
        if let Kind::List(list) = &mut audience.kind {
            list.members = MemberFile::default();
        }
    }
    for ad in account.ads.iter_mut().filter(|ad| ad.audience == id) {
        ad.stop();
    }
    Ok(json!({"success": true}))
}

/// `POST /{audience}`: another name or description.
///
/// # Errors
/// Terms, 100 for a field that can not be updated or when there is none, 100/1713228 for a flagged audience.
pub(super) fn update(account: &mut Account, call: &Call, id: u64, at: Instants) -> Result<Value, GraphError> {
    account.check_terms(false)?;
    for fixed in ["is_value_based", "subtype"] {
        if call.get(fixed).is_some() {
            return Err(GraphError::parameter(fixed, &format!("Param {fixed} can't be updated")));
        }
    }
    let (name, description) = (call.get("name"), call.get("description"));
    if name.or(description).is_none() {
        return Err(GraphError::parameter("name", "There is nothing to update"));
    }
    let Account { audiences, settings, .. } = account;
    let gone = || GraphError::no_such_object(call.verb.name(), &id.to_string());
    let audience = audiences.get_mut(&id).ok_or_else(gone)?;
    if !audience.flagged(at, settings).is_empty() {
        let message = "This audience can't be edited because it has integrity restrictions.";
        return Err(GraphError::invalid("name", "Custom Audience Cannot Be Edited", message).sub(1_713_228));
    }
    if let Some(name) = name {
        name.clone_into(&mut audience.name);
    }
    if let Some(description) = description {
        description.clone_into(&mut audience.description);
    }
    Ok(json!({"success": true}))
}

impl Account {
    /// # Errors
    /// 100 in a full account.
    fn check_room(&self, kind: &Kind) -> Result<(), GraphError> {
        let lists = self.living().filter(|audience| audience.list().is_some()).count();
        let full = match kind {
            Kind::List(_) => lists >= self.settings.audience_limit,
            Kind::Lookalike(_) => self.living().count() - lists >= self.settings.lookalike_limit,
        };
        if !full {
            return Ok(());
        }
        // No code is documented for this.
        let message =
            "This ad account has reached its limit of audiences. Delete some before you create another one.";
        Err(GraphError::invalid("name", "Too Many Audiences", message))
    }

    /// Adds an audience; returns its id.
    pub fn add(&mut self, name: String, description: String, kind: Kind, at: Instants) -> u64 {
        let id = self.new_id();
        let audience = Audience {
            id,
            name,
            description,
            created_at: at.now,
            content_updated_at: None,
            deleted: false,
            kind,
        };
        self.audiences.insert(id, audience);
        id
    }

    /// Until a human has accepted them, no audience is made or changed.
    ///
    /// # Errors
    /// 200/1870090 for the terms of all audiences, 200/1870034 for those of value-based ones.
    pub fn check_terms(&self, value_based: bool) -> Result<(), GraphError> {
        let settings = &self.settings;
        let (subcode, link) = if !settings.audience_terms_accepted {
            (
                1_870_090,
                format!(
                    "https://business.facebook.com/ads/manage/customaudiences/tos/?act={}",
                    settings.ad_account_id
                ),
            )
        } else if value_based && !settings.value_based_terms_accepted {
            (1_870_034, "https://www.facebook.com/customaudiences/value_based/tos.php".to_owned())
        } else {
            return Ok(());
        };
        let message =
            format!("To create or edit an audience, please agree to the Custom Audience terms: {link}");
        Err(GraphError::new(200, "Custom Audience Terms Not Accepted", &message).sub(subcode))
    }
}
