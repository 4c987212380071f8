//! The models of claude-api §4 and what they accept.

use serde_json::{Value, json};

use super::Failure;

/// One model.
pub(super) struct Model {
    pub id: &'static str,
    name: &'static str,
    created: &'static str,
    retires_at: Option<&'static str>,
    pub retired: bool,
    pub max_output: u64,
    context: u64,
    /// Knows `output_config.effort`.
    pub effort: bool,
    /// Takes `tool_choice` any or tool.
    pub forced_tool: bool,
    /// Takes `thinking: {"type": "disabled"}`.
    pub thinking_off: bool,
    /// Takes `thinking: {"type": "enabled"}` with a budget.
    pub thinking_budget: bool,
}

const CURRENT: Model = Model {
    id: "",
    name: "",
    created: "",
    retires_at: None,
    retired: false,
    max_output: 128_000,
    context: 1_000_000,
    effort: true,
    forced_tool: false,
    thinking_off: false,
    thinking_budget: false,
};

const MODELS: [Model; 9] = [
    Model { id: "claude-fable-5-2", name: "Claude Fable 5.2", created: "2026-11-09", ..CURRENT },
    Model {
        id: "claude-opus-5-5",
        name: "Claude Opus 5.5",
        created: "2026-09-22",
        retires_at: Some("2027-09-22"),
        ..CURRENT
    },
    Model {
        id: "claude-sonnet-5-5",
        name: "Claude Sonnet 5.5",
        created: "2026-09-28",
        retires_at: Some("2027-09-28"),
        ..CURRENT
    },
    Model {
        id: "claude-haiku-5-5",
        name: "Claude Haiku 5.5",
        created: "2026-10-07",
        retires_at: Some("2027-10-07"),
        forced_tool: true,
        thinking_off: true,
        ..CURRENT
    },
    Model {
        id: "claude-sonnet-5",
        name: "Claude Sonnet 5",
        created: "2026-06-30",
        retires_at: Some("2027-06-30"),
        forced_tool: true,
        thinking_off: true,
        ..CURRENT
    },
    Model {
        id: "claude-sonnet-4-6",
        name: "Claude Sonnet 4.6",
        created: "2026-02-17",
        retires_at: Some("2027-02-17"),
        forced_tool: true,
        thinking_off: true,
        thinking_budget: true,
        ..CURRENT
    },
    Model {
        id: "claude-haiku-4-5",
        name: "Claude Haiku 4.5",
        created: "2025-10-15",
        max_output: 64_000,
        context: 200_000,
        effort: false,
        forced_tool: true,
        thinking_off: true,
        thinking_budget: true,
        ..CURRENT
    },
    Model {
        id: "claude-sonnet-4-5",
        name: "Claude Sonnet 4.5",
        created: "2025-09-29",
        retires_at: Some("2026-11-30"),
        max_output: 64_000,
        context: 200_000,
        effort: false,
        forced_tool: true,
        thinking_off: true,
        thinking_budget: true,
        ..CURRENT
    },
    Model {
        id: "claude-sonnet-4-20250514",
        name: "Claude Sonnet 4",
        created: "2025-05-14",
        retires_at: Some("2026-06-15"),
        retired: true,
        ..CURRENT
    },
];

/// A model by its exact id.
pub(super) fn find(id: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.id == id)
}

/// The reply to an unknown or retired id.
pub(super) fn not_found(id: &str) -> Failure {
    Failure::new(404, "not_found_error", format!("model: {id}"))
}

impl Model {
    /// What `GET /v1/models/{id}` says.
    pub(super) fn description(&self) -> Value {
        let time = |date: &str| format!("{date}T00:00:00Z");
        let supported = |yes: bool| json!({"supported": yes});
        let levels =
            ["low", "medium", "high", "xhigh", "max"].map(|level| (level.to_owned(), supported(self.effort)));
        let mut effort = serde_json::Map::from_iter(levels);
        effort.insert("supported".to_owned(), json!(self.effort));
        // claude-sonnet-4-5 is the only one here whose end has been announced.
        let deprecated = self.id == "claude-sonnet-4-5";
        json!({
            "type": "model",
            "id": self.id,
            "display_name": self.name,
            "created_at": time(self.created),
            "max_input_tokens": self.context,
            "max_tokens": self.max_output,
            "lifecycle": if deprecated { "deprecated" } else { "active" },
            "deprecated_at": if deprecated { json!("2026-09-29T00:00:00Z") } else { Value::Null },
            "retires_at": self.retires_at.map(time),
            "line": self.id.split('-').nth(1),
            "capabilities": {
                "structured_outputs": supported(true),
                "effort": effort,
                "thinking": supported(true),
                "batch": supported(true),
            },
        })
    }
}
