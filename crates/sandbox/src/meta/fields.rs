//! `fields=…`: which are known, and what an audience answers.

use serde_json::{Map, Value, json};

use super::audience::{Audience, CustomerList, Kind, Size, description};
use super::errors::GraphError;
use super::{Account, Instants};
use crate::people::Population;

/// Known to Meta but always empty for the audiences made here.
const EMPTY: [&str; 18] = [
    "data_source_types",
    "datafile_custom_audience_uploading_status",
    "delete_time",
    "excluded_custom_audiences",
    "external_event_source",
    "household_audience",
    "included_custom_audiences",
    "messenger_marketing_messages_page",
    "owner_business",
    "page_deletion_marked_delete_time",
    "pixel_id",
    "regulated_audience_spec",
    "rev_share_policy_id",
    "rule",
    "rule_aggregation",
    "rule_v2",
    "seed_audience",
    "sharing_status",
];

/// The names in `fields=a,b{c,d},e` without what is nested.
pub(super) fn names(fields: Option<&str>) -> Vec<&str> {
    let (mut names, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    let fields = fields.unwrap_or("");
    for (at, byte) in fields.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                names.push(&fields[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    names.push(&fields[start..]);
    let name = |field: &str| field.find('{').map_or(field.len(), |at| at);
    names.into_iter().map(|field| field[..name(field)].trim()).filter(|field| !field.is_empty()).collect()
}

/// Code 100 for a field that does not exist.
pub(super) fn nonexisting(field: &str, node: &str) -> GraphError {
    let message = format!("Tried accessing nonexisting field ({field}) on node type ({node})");
    GraphError::parameter("fields", &message)
}

/// An audience with the wanted fields; `id` is always there, an empty field is left out.
///
/// # Errors
/// 100 for an unknown field.
pub(super) fn audience(
    account: &Account,
    audience: &Audience,
    wanted: Option<&str>,
    population: &Population,
    at: Instants,
) -> Result<Value, GraphError> {
    let size = audience.size(population, at, &account.settings)?;
    let mut node = Map::new();
    for field in names(wanted) {
        let value = field_of(account, audience, field, &size, at)
            .ok_or_else(|| nonexisting(field, "CustomAudience"))?;
        if !value.is_null() {
            node.insert(field.to_owned(), value);
        }
    }
    node.insert("id".to_owned(), json!(audience.id.to_string()));
    Ok(Value::Object(node))
}

fn field_of(account: &Account, audience: &Audience, field: &str, size: &Size, at: Instants) -> Option<Value> {
    let settings = &account.settings;
    let status = |code: u32| json!({"code": code, "description": description(code)});
    let list = audience.list();
    Some(match field {
        "id" => json!(audience.id.to_string()),
        "account_id" => json!(settings.ad_account_id),
        "name" => json!(audience.name),
        "description" => text(&audience.description),
        "subtype" => json!(if list.is_some() { "CUSTOM" } else { "LOOKALIKE" }),
        "approximate_count_lower_bound" => json!(audience.bounds(size, at, settings).0),
        "approximate_count_upper_bound" => json!(audience.bounds(size, at, settings).1),
        "operation_status" => status(audience.operation(size, at, settings)),
        "delivery_status" => status(audience.delivery(size, at, settings)),
        "is_value_based" => json!(match &audience.kind {
            Kind::List(list) => list.value_based,
            Kind::Lookalike(lookalike) => lookalike.value_based,
        }),
        "is_snapshot" | "is_household" => json!(false),
        "is_eligible_for_sac_campaigns" => json!(list.is_some()),
        "customer_file_source" => list.map_or(Value::Null, |list| text(&list.customer_file_source)),
        "retention_days" => json!(list.and_then(|list| list.retention_days)),
        "opt_out_link" => json!(list.and_then(|list| list.opt_out_link.as_deref())),
        "data_source" => list.map_or(Value::Null, data_source),
        "fields_violating_integrity_policy" => json!(audience.flagged(at, settings)),
        "lookalike_audience_ids" => {
            let ids: Vec<String> =
                account.lookalikes_of(audience.id).map(|audience| audience.id.to_string()).collect();
            if ids.is_empty() { Value::Null } else { json!(ids) }
        }
        "lookalike_spec" => audience
            .lookalike()
            .map_or(Value::Null, |lookalike| lookalike.json(account.audiences.get(&lookalike.origin))),
        "permission_for_actions" => json!({"can_edit": true, "can_see_insight": true, "can_share": true}),
        "time_created" | "time_updated" => json!(audience.created_at.timestamp()),
        "time_content_updated" => json!(audience.content_updated_at.map(|at| at.timestamp())),
        _ if EMPTY.contains(&field) => Value::Null,
        _ => return None,
    })
}

fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { json!(text) }
}

/// Inferred from the first upload.
fn data_source(list: &CustomerList) -> Value {
    match list.family {
        Some(family) => json!({"type": "FILE_IMPORTED", "sub_type": family.sub_type()}),
        None => json!({"type": "UNKNOWN", "sub_type": "ANYTHING"}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_fields_belong_to_their_parent() {
        assert_eq!(names(Some("name,business{id,name}, id")), ["name", "business", "id"]);
        assert!(names(None).is_empty());
    }
}
