//! `GET /act_…`.

use serde_json::{Map, Value, json};

use super::errors::GraphError;
use super::{Account, fields};

/// The ad account with the wanted fields.
///
/// # Errors
/// 100 for a field that Meta does not know or nobody here asks for.
pub(super) fn account(account: &Account, wanted: Option<&str>) -> Result<Value, GraphError> {
    let settings = &account.settings;
    let mut node = Map::new();
    for field in fields::names(wanted) {
        let value = match field {
            "id" => continue,
            "account_id" => json!(settings.ad_account_id),
            "name" => json!(settings.ad_account_name),
            "account_status" => json!(settings.account_status),
            "currency" => json!(settings.currency),
            "timezone_name" => json!(settings.timezone_name),
            "business" => json!({"id": settings.business_id, "name": settings.business_name}),
            // Terms that nobody accepted are not listed at all.
            "tos_accepted" | "user_tos_accepted" => match settings.audience_terms_accepted {
                true => json!({"custom_audience_tos": 1, "web_custom_audience_tos": 1}),
                false => json!({}),
            },
            _ => return Err(fields::nonexisting(field, "AdAccount")),
        };
        node.insert(field.to_owned(), value);
    }
    node.insert("id".to_owned(), json!(format!("act_{}", settings.ad_account_id)));
    Ok(Value::Object(node))
}
