//! The subset of JSON Schema that structured outputs take (claude-api §5b).

use serde_json::Value;

const KEYWORDS: [&str; 16] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "anyOf",
    "allOf",
    "$ref",
    "$defs",
    "definitions",
    "description",
    "title",
    "minItems",
    "default",
];
/// Deeper than any schema that does not refer to itself.
const DEPTH: usize = 32;

/// Says what is wrong with a schema, if anything.
pub(super) fn check(schema: &Value) -> Result<(), String> {
    check_at(schema, schema, 0)
}

fn check_at(schema: &Value, root: &Value, depth: usize) -> Result<(), String> {
    if depth > DEPTH {
        return Err("recursive schemas are not supported".to_owned());
    }
    let Some(object) = schema.as_object() else { return Err("Input should be an object".to_owned()) };
    if let Some(keyword) = object.keys().find(|keyword| !KEYWORDS.contains(&keyword.as_str())) {
        let kind = object.get("type").and_then(Value::as_str).unwrap_or("any");
        return Err(format!("For '{kind}' type, property '{keyword}' is not supported"));
    }
    if object.get("minItems").is_some_and(|least| least.as_u64().is_none_or(|least| least > 1)) {
        return Err("For 'array' type, 'minItems' values other than 0 or 1 are not supported".to_owned());
    }
    let is_object = object.get("type").is_some_and(|kind| kind == "object");
    if is_object && object.get("additionalProperties") != Some(&Value::Bool(false)) {
        return Err("For 'object' type, 'additionalProperties' must be explicitly set to false".to_owned());
    }
    if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
        let target = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        check_at(target.ok_or(format!("{reference} is not defined"))?, root, depth + 1)?;
    }
    let inner = ["properties", "$defs", "definitions"].iter().filter_map(|key| object.get(*key)?.as_object());
    let listed = ["anyOf", "allOf"].iter().filter_map(|key| object.get(*key)?.as_array());
    for schema in inner.flat_map(serde_json::Map::values).chain(listed.flatten()).chain(object.get("items")) {
        check_at(schema, root, depth + 1)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_schema_of_the_reference_passes() {
        let row = json!({"type": "object", "additionalProperties": false, "required": ["i", "p"],
            "properties": {"i": {"type": "integer"}, "p": {"type": "integer"}}});
        let schema = json!({"type": "object", "additionalProperties": false, "required": ["rows", "notes"],
            "properties": {"notes": {"type": "string"}, "rows": {"type": "array", "items": row}}});
        assert_eq!(check(&schema), Ok(()));
    }

    #[test]
    fn limits_open_objects_and_recursion_are_refused() {
        for schema in [
            json!({"type": "integer", "minimum": 0}),
            json!({"type": "string", "maxLength": 300}),
            json!({"type": "array", "minItems": 2, "items": {"type": "integer"}}),
            json!({"type": "array", "items": {"type": "object", "properties": {}}}),
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/a"}}}}),
            json!(7),
        ] {
            assert!(check(&schema).is_err(), "{schema}");
        }
    }
}
