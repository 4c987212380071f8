//! What the Messages API refuses (claude-api §0, §2), and what is left of a request when it does not.

use serde_json::{Map, Value};

use super::models::{self, Model};
use super::schema;
use super::{Failure, tokens};

const KEYS: [&str; 18] = [
    "model",
    "max_tokens",
    "messages",
    "system",
    "output_config",
    "thinking",
    "tools",
    "tool_choice",
    "stop_sequences",
    "metadata",
    "service_tier",
    "cache_control",
    "inference_geo",
    "stream",
    "speed",
    "container",
    "context_management",
    "mcp_servers",
];

/// A valid request.
pub(super) struct Prompt {
    pub model: String,
    pub max_tokens: u64,
    /// All text of the user's turns.
    pub text: String,
    /// The answer must follow a schema.
    pub structured: bool,
    pub input_tokens: u64,
    turns: usize,
}

impl Prompt {
    pub(super) fn parse(body: &[u8], content_type: Option<&str>) -> Result<Self, Failure> {
        if !content_type.is_some_and(|value| value.starts_with("application/json")) {
            return Err(Failure::invalid("content-type: must be application/json"));
        }
        let whole: Value = serde_json::from_slice(body)
            .map_err(|error| Failure::invalid(format!("The request body is not valid JSON: {error}")))?;
        let Some(body) = whole.as_object() else { return Err(Failure::invalid("Input should be an object")) };
        let name = body
            .get("model")
            .and_then(Value::as_str)
            .ok_or_else(|| Failure::invalid("model: Field required"))?;
        if let Some(key) = body.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(Failure::invalid(format!("{key}: Extra inputs are not permitted"))); // temperature, top_p, top_k among them
        }
        let model =
            models::find(name).filter(|model| !model.retired).ok_or_else(|| models::not_found(name))?;
        let max_tokens = max_tokens(body, model)?;
        if body.get("stream").is_some_and(|stream| stream != &Value::Bool(false)) {
            return Err(Failure::invalid("stream: the sandbox does not stream"));
        }
        thinking(body, model)?;
        tool_choice(body, model)?;
        let structured = output_config(body, model)?;
        let (text, turns) = turns(body)?;
        let system = body.get("system").map(ToString::to_string).unwrap_or_default();
        let input_tokens = tokens(&text) + tokens(&system);
        Ok(Self { model: name.to_owned(), max_tokens, text, structured, input_tokens, turns })
    }

    /// The user says that the first answer was rejected, in a second turn or in the same one.
    pub(super) fn is_correction(&self) -> bool {
        self.turns > 1 || self.text.to_lowercase().contains("rejected")
    }
}

fn max_tokens(body: &Map<String, Value>, model: &Model) -> Result<u64, Failure> {
    let value = body.get("max_tokens").ok_or_else(|| Failure::invalid("max_tokens: Field required"))?;
    let value =
        value.as_u64().ok_or_else(|| Failure::invalid("max_tokens: Input should be a valid integer"))?;
    if value > model.max_output {
        let message = format!(
            "max_tokens: {value} > {}, which is the maximum allowed number of output tokens for {}",
            model.max_output, model.id
        );
        return Err(Failure::invalid(message));
    }
    Ok(value)
}

fn thinking(body: &Map<String, Value>, model: &Model) -> Result<(), Failure> {
    let Some(thinking) = body.get("thinking") else { return Ok(()) };
    let kind = thinking["type"].as_str().unwrap_or_default();
    let accepted = match kind {
        "adaptive" | "between_tools" => true,
        "disabled" => model.thinking_off,
        "enabled" => model.thinking_budget,
        _ => false,
    };
    if accepted {
        Ok(())
    } else {
        Err(Failure::invalid(format!("thinking.type: \"{kind}\" is not supported for this model.")))
    }
}

fn tool_choice(body: &Map<String, Value>, model: &Model) -> Result<(), Failure> {
    let forced = body
        .get("tool_choice")
        .and_then(|choice| choice["type"].as_str())
        .is_some_and(|kind| kind == "any" || kind == "tool");
    if forced && !model.forced_tool {
        return Err(Failure::invalid(
            "tool_choice: type \"tool\" and \"any\" are not supported for this model.",
        ));
    }
    Ok(())
}

/// Whether a schema is asked for.
fn output_config(body: &Map<String, Value>, model: &Model) -> Result<bool, Failure> {
    let Some(config) = body.get("output_config") else { return Ok(false) };
    let Some(config) = config.as_object() else {
        return Err(Failure::invalid("output_config: Input should be an object"));
    };
    for (key, value) in config {
        match key.as_str() {
            "effort" if !model.effort => {
                return Err(Failure::invalid(
                    "output_config.effort: This model does not support the effort parameter.",
                ));
            }
            "effort"
                if ["low", "medium", "high", "xhigh", "max"]
                    .contains(&value.as_str().unwrap_or_default()) => {}
            "effort" => {
                let message =
                    "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'";
                return Err(Failure::invalid(message));
            }
            "format" if value["type"] == "json_schema" => {
                schema::check(&value["schema"])
                    .map_err(|problem| Failure::invalid(format!("output_config.format.schema: {problem}")))?;
            }
            "format" => {
                return Err(Failure::invalid("output_config.format.type: Input should be 'json_schema'"));
            }
            _ => {
                return Err(Failure::invalid(format!("output_config.{key}: Extra inputs are not permitted")));
            }
        }
    }
    Ok(config.contains_key("format"))
}

/// The user's text, and how many turns it came in.
fn turns(body: &Map<String, Value>) -> Result<(String, usize), Failure> {
    let messages = body.get("messages").and_then(Value::as_array).filter(|messages| !messages.is_empty());
    let messages = messages.ok_or_else(|| Failure::invalid("messages: at least one message is required"))?;
    let mut text = String::new();
    let mut turns = 0;
    for message in messages {
        let content = match &message["content"] {
            Value::String(content) => content.clone(),
            Value::Array(blocks) => {
                blocks.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
            }
            _ => return Err(Failure::invalid("messages.0.content: Field required")),
        };
        match message["role"].as_str() {
            Some("user") => {
                text.push_str(&content);
                text.push('\n');
                turns += 1;
            }
            Some("assistant") => {}
            _ => return Err(Failure::invalid("messages.0.role: Input should be 'user' or 'assistant'")),
        }
    }
    if messages.last().is_some_and(|message| message["role"] == "assistant") {
        let message = "This model does not support assistant message prefill. The conversation must end with a user message.";
        return Err(Failure::invalid(message));
    }
    Ok((text, turns))
}
