//! The table of Claude's answers and errors, and what a run must come to with each.

use claude::DEFAULT_MODEL;
use sandbox::Service;
use sandbox::faults::{Effect, Fault};
use serde_json::{Value, json};

/// The cases Anthropic's documents and the field call for. The table must have at least one row for each.
pub const NEEDED: [&str; 29] = [
    "good",
    "good as bare array",
    "fenced",
    "thinking block first",
    "count-1",
    "count+2",
    "reversed",
    "p=101",
    "floats",
    "text prose",
    "empty content",
    "stop_reason max_tokens",
    "stop_reason refusal",
    "stop_reason unknown",
    "400",
    "401",
    "403",
    "404 retired model",
    "413 with HTML body",
    "429 with retry-after, then good",
    "429 for a spending limit",
    "500 twice, then good",
    "529 three times",
    "connection reset",
    "timeout",
    "bad, then good",
    "bad twice",
    "off by one",
    "off by two",
];

/// An id of the length that would be masked in other text.
pub const REQUEST_ID: &str = "req_0f1e2d3c4b5a69788796a5b4c3d2e1f0";

/// What Claude does, and what must come of it.
#[derive(Debug)]
pub struct Case {
    /// The words of [`NEEDED`], or others for what the table has beside it.
    pub name: &'static str,
    /// CLAUDE_MODEL.
    pub model: &'static str,
    pub does: Does,
    pub outcome: Outcome,
    /// How often Claude was asked for the ranks.
    pub questions: usize,
}

/// What Claude does.
#[derive(Debug)]
pub enum Does {
    /// The next answer looks like this.
    AnswersOnce(&'static str),
    /// Every answer looks like this, the correction too.
    Answers(&'static str),
    /// These happen instead of answers.
    Fails(Vec<Fault>),
}

/// What a run comes to.
#[derive(Debug)]
pub enum Outcome {
    /// Everybody is sent with the exact rank.
    Success { corrections: u32, deviation: u8, warning: Option<&'static str> },
    /// The run fails with this in its sentence and its remedy; nothing is sent.
    Failure { sentence: &'static str, remedy: &'static str, code: Option<&'static str> },
}

impl Case {
    pub fn succeeds(&self) -> bool {
        matches!(self.outcome, Outcome::Success { .. })
    }

    /// The same with another model.
    fn with(self, model: &'static str) -> Self {
        Self { model, ..self }
    }
}

fn success(name: &'static str, does: Does, questions: usize) -> Case {
    let outcome = Outcome::Success { corrections: 0, deviation: 0, warning: None };
    Case { name, model: DEFAULT_MODEL, does, outcome, questions }
}

/// A first answer that is quoted back, and a second one that is used.
fn corrected(name: &'static str, does: Does, deviation: u8) -> Case {
    let outcome = Outcome::Success { corrections: 1, deviation, warning: None };
    Case { outcome, ..success(name, does, 2) }
}

fn failure(
    name: &'static str,
    does: Does,
    questions: usize,
    (sentence, remedy, code): (&'static str, &'static str, Option<&'static str>),
) -> Case {
    let outcome = Outcome::Failure { sentence, remedy, code };
    Case { outcome, ..success(name, does, questions) }
}

/// Answers that are wrong both times; `problem` is the first that is told.
fn wrong_twice(name: &'static str, mode: &'static str, problem: &'static str) -> Case {
    failure(name, Does::Answers(mode), 2, (problem, "set NORMALIZER=local", None))
}

fn question(effect: Effect) -> Fault {
    Fault::new(Service::Claude, effect).on_method("POST").on_path("/v1/messages")
}

fn happens(times: u32, effect: Effect) -> Does {
    Does::Fails(vec![question(effect).times(times)])
}

fn refuses(times: u32, status: u16, error: &Value, headers: &[(&str, &str)]) -> Does {
    let body = json!({"type": "error", "error": error, "request_id": REQUEST_ID}).to_string();
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    happens(times, Effect::Status { status, body, headers })
}

fn error(times: u32, status: u16, kind: &str, message: &str) -> Does {
    refuses(times, status, &json!({"type": kind, "message": message}), &[])
}

/// A limit that waiting does not help against, although a header asks to try again.
fn spending_limit(code: &str) -> Does {
    let error =
        json!({"type": "rate_limit_error", "message": "Spend limit.", "details": {"error_code": code}});
    refuses(9, 429, &error, &[("x-should-retry", "true")])
}

const SPENT: (&str, &str, Option<&str>) =
    ("The spending limit of your Claude account is reached.", "Raise the limit in the Claude Console", None);

const TROUBLE: &str = "Claude has trouble at the moment and did not rank the values.";
const NOT_CLAUDE: &str = "Not Claude answered, but a proxy, a firewall or another server, with status 40";
const OTHER_MODEL: &str = "choose another model with CLAUDE_MODEL or set NORMALIZER=local";

/// Every case.
pub fn cases() -> Vec<Case> {
    [accepted(), corrections(), passing(), wrong(), stopped(), refused(), models()]
        .into_iter()
        .flatten()
        .collect()
}

fn accepted() -> Vec<Case> {
    let as_is = |name, mode| success(name, Does::AnswersOnce(mode), 1);
    vec![
        as_is("good", "good"),
        as_is("thinking block first", "good"),
        as_is("without a thinking block", "without_thinking"),
        as_is("good as bare array", "bare_array"),
        as_is("fenced", "fenced"),
        as_is("a hostile note", "hostile_note"),
    ]
}

fn corrections() -> Vec<Case> {
    let once = |name, mode| corrected(name, Does::AnswersOnce(mode), 0);
    vec![
        once("count-1", "count_minus_1"),
        once("count+2", "count_plus_2"),
        once("bad, then good", "reversed"),
        once("p=101", "p_101"),
        once("floats", "floats"),
        once("text prose", "prose"),
        once("empty content", "empty_content"),
        once("off by one", "off_by_one"),
        once("off by two", "off_by_two"),
        // The exact rank is kept and sent; only the difference is told.
        corrected("off by one", Does::Answers("off_by_one"), 1),
    ]
}

fn passing() -> Vec<Case> {
    let busy = json!({"type": "rate_limit_error", "message": "Slow down."});
    let demanded = json!({"type": "invalid_request_error", "message": "Try that again."});
    let (now, later) = ("Sat, 21 Nov 2026 10:00:00 GMT", "Sat, 21 Nov 2026 10:00:01 GMT");
    let again = |name, does| success(name, does, 2);
    vec![
        again("429 with retry-after, then good", refuses(1, 429, &busy, &[("retry-after", "1")])),
        again("429 with a date", refuses(1, 429, &busy, &[("date", now), ("retry-after", later)])),
        again("429 with milliseconds", refuses(1, 429, &busy, &[("retry-after-ms", "20")])),
        again("429 without a wait", refuses(1, 429, &busy, &[])),
        again("a repetition that is demanded", refuses(1, 400, &demanded, &[("x-should-retry", "true")])),
        success("500 twice, then good", error(2, 500, "api_error", "Internal server error"), 3),
        success("529 twice, then good", error(2, 529, "overloaded_error", "Overloaded"), 3),
        again("408", error(1, 408, "timeout_error", "Too slow")),
        again("409", error(1, 409, "conflict_error", "Busy")),
        again("504", error(1, 504, "timeout_error", "The request timed out")),
        again("502 with HTML body", happens(1, Effect::Html { status: 502 })),
        again("connection reset", happens(1, Effect::Reset)),
        again("a reply that breaks off", happens(1, Effect::Truncate)),
        again("a reply that is lost", happens(1, Effect::ResetAfterApply)),
        // Without an answer for as long as the client waits: `a_timeout_is_told`; here the server gives up first.
        again("timeout", happens(1, Effect::Hang { millis: 300 })),
        again("stop_reason max_tokens", Does::AnswersOnce("max_tokens")),
        again(
            "effort refused",
            error(1, 400, "invalid_request_error", "output_config.effort: not supported for this model."),
        ),
        again(
            "schema refused",
            error(1, 400, "invalid_request_error", "output_config: Extra inputs are not permitted"),
        ),
    ]
}

fn wrong() -> Vec<Case> {
    vec![
        wrong_twice(
            "bad twice",
            "reversed",
            "(row 0: 0 of 150 customers are below 0.00, expected 0, got 100;",
        ),
        wrong_twice("reversed", "reversed", "Wrong ranks are never used."),
        wrong_twice("count-1", "count_minus_1", "(expected 101 rows, got 100)"),
        wrong_twice("count+2", "count_plus_2", "(expected 101 rows, got 103)"),
        wrong_twice("p=101", "p_101", "(row 100: 101 is not an integer from 0 to 100)"),
        wrong_twice("floats", "floats", "(element 0: p is not an integer; element 1: p is not an integer;"),
        wrong_twice("text prose", "prose", "(the answer is not a single JSON document)"),
        wrong_twice("empty content", "empty_content", "(the answer is not a single JSON document)"),
        wrong_twice("off by two", "off_by_two", "expected 50, got 52; row 51: 51 is lower"),
    ]
}

fn stopped() -> Vec<Case> {
    let stops = |name, mode, questions, sentence, code| {
        failure(name, Does::Answers(mode), questions, (sentence, OTHER_MODEL, Some(code)))
    };
    let unknown = "a way this program does not know (stop_reason `paused_for_review`)";
    vec![
        stops("stop_reason max_tokens", "max_tokens", 2, "was too long and was cut off twice", "max_tokens"),
        stops(
            "stop_reason refusal",
            "refusal",
            1,
            "Claude declined to rank the values. Claude's words: \"The request was declined by a safety check.\"",
            "refusal",
        ),
        stops("stop_reason unknown", "unknown_stop", 1, unknown, "paused_for_review"),
        stops(
            "stop_reason pause_turn",
            "pause_turn",
            1,
            "paused before its answer was complete",
            "pause_turn",
        ),
        stops(
            "stop_reason model_context_window_exceeded",
            "context_exceeded",
            1,
            "Question and answer together were too long for the model",
            "model_context_window_exceeded",
        ),
    ]
}

fn refused() -> Vec<Case> {
    let no = |name, status, kind, sentence, remedy| {
        failure(name, error(9, status, kind, "some <b>words</b>"), 1, (sentence, remedy, Some(kind)))
    };
    let forbidden = json!({"type": "overloaded_error", "message": "Overloaded"});
    let busy = json!({"type": "rate_limit_error", "message": "Slow down."});
    let own_limit = "You have reached your specified API usage limits. You will regain access on 2026-12-01.";
    let no_credit = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.";
    let spent = |code| failure("429 for a spending limit", spending_limit(code), 1, SPENT);
    let trouble = |name, does, questions, code| {
        failure(name, does, questions, (TROUBLE, "status.claude.com shows known problems", Some(code)))
    };
    vec![
        no("400", 400, "invalid_request_error", "Claude refused the request as invalid. Claude's words: \"some", "Set CLAUDE_MODEL"),
        no("401", 401, "authentication_error", "does not accept the key in CLAUDE_API_KEY", "Create a key"),
        no("402", 402, "billing_error", "a problem with the payment of your Claude account", "Check billing"),
        no("403", 403, "permission_error", "may not use the model claude-sonnet-5-5", "Allow it in the Claude Console"),
        no("404", 404, "not_found_error", "does not know the model claude-sonnet-5-5", "models/overview"),
        no("413", 413, "request_too_large", "as too large although it is only a few kilobytes", "raise its limit"),
        failure(
            "413 with HTML body",
            happens(9, Effect::Html { status: 413 }),
            1,
            ("as too large although it is only a few kilobytes", "raise its limit", Some("413")),
        ),
        failure(
            "404 with HTML body",
            happens(9, Effect::Html { status: 404 }),
            1,
            (NOT_CLAUDE, "If CLAUDE_BASE_URL is set", Some("404")),
        ),
        failure(
            "403 with HTML body",
            happens(9, Effect::Html { status: 403 }),
            1,
            (NOT_CLAUDE, "between this machine and api.anthropic.com", Some("403")),
        ),
        failure(
            "200 with HTML body",
            happens(9, Effect::Html { status: 200 }),
            1,
            ("answered with something that is not a reply of Claude", "Remove CLAUDE_BASE_URL", None),
        ),
        spent("enforced_spend_limit_reached"),
        spent("contract_spend_limit_reached"),
        spent("ramp_limit_exceeded"),
        failure("400 for a limit of one's own", error(9, 400, "invalid_request_error", own_limit), 1, SPENT),
        failure(
            "400 for an account without credit",
            error(9, 400, "invalid_request_error", no_credit),
            1,
            ("a problem with the payment of your Claude account", "Check billing", Some("invalid_request_error")),
        ),
        failure(
            "429 three times",
            refuses(9, 429, &busy, &[("retry-after", "0")]),
            3,
            ("because too many were sent with this key", "Run again in a few minutes", Some("rate_limit_error")),
        ),
        trouble("500 three times", error(9, 500, "api_error", "Internal server error"), 3, "api_error"),
        trouble("529 three times", error(9, 529, "overloaded_error", "Overloaded"), 3, "overloaded_error"),
        trouble("504 twice", error(9, 504, "timeout_error", "The request timed out"), 2, "timeout_error"),
        trouble("503 with HTML body", happens(9, Effect::Html { status: 503 }), 3, "503"),
        trouble(
            "a repetition that is forbidden",
            refuses(9, 529, &forbidden, &[("x-should-retry", "false")]),
            1,
            "overloaded_error",
        ),
        failure(
            "connection reset",
            happens(9, Effect::Reset),
            3,
            ("Claude broke the connection, so the values could not be ranked.", "status.claude.com", None),
        ),
        // What was answered and then went wrong is kept: one answer is paid for, the correction fails.
        failure(
            "bad, then 401",
            Does::Fails(vec![
                question(Effect::Status {
                    status: 200,
                    body: json!({"model": DEFAULT_MODEL, "stop_reason": "end_turn",
                        "content": [{"type": "text", "text": "[1]"}],
                        "usage": {"input_tokens": 2029, "output_tokens": 1139}})
                    .to_string(),
                    headers: vec![("request-id".to_owned(), REQUEST_ID.to_owned())],
                }),
                question(Effect::Status {
                    status: 401,
                    body: json!({"type": "error", "error": {"type": "authentication_error", "message": "revoked"}})
                        .to_string(),
                    headers: Vec::new(),
                }),
            ]),
            2,
            ("does not accept the key in CLAUDE_API_KEY", "Create a key", Some("authentication_error")),
        ),
    ]
}

/// Models that need something else, will end, or are gone.
fn models() -> Vec<Case> {
    let gone = |model, sentence| {
        failure(
            "404 retired model",
            Does::AnswersOnce("good"),
            1,
            (sentence, "Set CLAUDE_MODEL=claude-sonnet-5-5", Some("not_found_error")),
        )
        .with(model)
    };
    let ending = Outcome::Success {
        corrections: 0,
        deviation: 0,
        warning: Some(
            "Anthropic retires the model claude-sonnet-4-5 on 2026-11-30; from then on no sync can rank with it. Set \
             CLAUDE_MODEL=claude-sonnet-5-5 before that.",
        ),
    };
    vec![
        gone(
            "claude-sonnet-4-20250514",
            "The model claude-sonnet-4-20250514 is no longer available: Anthropic's date for its retirement is 2026-06-15.",
        ),
        gone(
            "claude-sonnet-9",
            "Claude does not know the model claude-sonnet-9; it may be retired or misspelt.",
        ),
        // Neither knows the effort, so each is asked twice.
        success("a model without effort", Does::AnswersOnce("good"), 2).with("claude-haiku-4-5"),
        Case { outcome: ending, ..success("a model that ends soon", Does::AnswersOnce("good"), 2) }
            .with("claude-sonnet-4-5"),
    ]
}
