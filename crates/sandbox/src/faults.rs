//! Faults that a test or the control API plants in front of any simulator.

mod operation;

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::people::mix;
use crate::record::Service;
pub use operation::{NoOperation, Operation};

/// What happens instead of the normal reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Effect {
    /// This status and body; nothing is applied.
    Status {
        /// HTTP status (for SMTP: the reply code).
        status: u16,
        /// The body; JSON by content type unless a header says otherwise.
        #[serde(default)]
        body: String,
        /// Extra headers.
        #[serde(default)]
        headers: Vec<(String, String)>,
    },
    /// The connection is closed without a reply; nothing is applied.
    Reset,
    /// The request is applied, then the connection is closed and the reply is lost.
    ResetAfterApply,
    /// Nothing is applied; silence for this long, then the connection is closed.
    Hang {
        /// How long, in real milliseconds.
        millis: u64,
    },
    /// The request is applied; silence for this long, then the connection is closed.
    HangAfterApply {
        /// How long, in real milliseconds.
        millis: u64,
    },
    /// Silence for this long, then the normal reply.
    Delay {
        /// How long, in real milliseconds.
        millis: u64,
    },
    /// An HTML page as a gateway would send it; nothing is applied.
    Html {
        /// HTTP status.
        status: u16,
    },
    /// The request is applied, its reply breaks off in the middle of the body.
    Truncate,
    /// An error of Meta's own making, with the usual headers. Only the Meta simulator knows it.
    MetaError(MetaError),
}

/// What a planted error of Meta's says; everything but the code has a default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetaError {
    /// `code`.
    pub code: u32,
    /// `error_subcode`.
    #[serde(default)]
    pub subcode: Option<u32>,
    /// `message`, and `error_user_msg` where that is not given.
    #[serde(default)]
    pub message: Option<String>,
    /// `error_user_title`.
    #[serde(default)]
    pub title: Option<String>,
    /// `error_user_msg`.
    #[serde(default)]
    pub user_message: Option<String>,
    /// `is_transient`; as usual for the code when absent.
    #[serde(default)]
    pub is_transient: Option<bool>,
    /// HTTP status; as usual for the code when absent.
    #[serde(default)]
    pub status: Option<u16>,
    /// Extra headers; one of the usual ones is replaced.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The usage headers say that calls are welcome again after this many real milliseconds; 3,000 are shown as 0.05
    /// minutes. Calls before that are counted as made while limited, though not refused.
    #[serde(default)]
    pub wait_millis: Option<u64>,
    /// The call is applied before the error is answered.
    #[serde(default)]
    pub applied: bool,
}

impl MetaError {
    /// The default wording of a code and subcode.
    pub fn new(code: u32, subcode: Option<u32>) -> Self {
        Self { code, subcode, ..Self::default() }
    }
}

/// An [`Effect`] and the calls it strikes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The simulator.
    pub service: Service,
    /// Only this method (any when absent).
    #[serde(default)]
    pub method: Option<String>,
    /// Only when path and query contain this.
    #[serde(default)]
    pub path_contains: Option<String>,
    /// Only when the body contains this.
    #[serde(default)]
    pub body_contains: Option<String>,
    /// Only this kind of call; `match` in JSON.
    #[serde(default, rename = "match")]
    pub operation: Option<Operation>,
    /// How many matching calls pass before it strikes.
    #[serde(default)]
    pub after: u32,
    /// How many calls it strikes.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens.
    pub effect: Effect,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// A fault that strikes the next call to the service, once.
    pub fn new(service: Service, effect: Effect) -> Self {
        Self {
            service,
            method: None,
            path_contains: None,
            body_contains: None,
            operation: None,
            after: 0,
            times: 1,
            effect,
        }
    }

    /// Only calls with this method.
    #[must_use]
    pub fn on_method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only calls whose path and query contain this.
    #[must_use]
    pub fn on_path(mut self, part: &str) -> Self {
        self.path_contains = Some(part.to_owned());
        self
    }

    /// Only calls whose body contains this.
    #[must_use]
    pub fn on_body(mut self, part: &str) -> Self {
        self.body_contains = Some(part.to_owned());
        self
    }

    /// Only this kind of call.
    #[must_use]
    pub fn on_operation(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }

    /// Lets this many matching calls pass first.
    #[must_use]
    pub fn after(mut self, calls: u32) -> Self {
        self.after = calls;
        self
    }

    /// Strikes this many calls.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    fn matches(&self, service: Service, method: &str, path: &str, body: &str) -> bool {
        self.service == service
            && self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path_contains.as_deref().is_none_or(|part| path.contains(part))
            && self.body_contains.as_deref().is_none_or(|part| body.contains(part))
            && self.operation.as_ref().is_none_or(|operation| operation.is(method, path, body))
    }
}

/// Trouble that strikes calls at random: in equal parts 500, 502 as HTML, 503, resets before and after the call was
/// applied, truncated replies and slow ones. The same seed strikes the same calls, counted from the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trouble {
    /// The simulator.
    pub service: Service,
    /// Which calls.
    pub seed: u64,
    /// How many of a thousand calls.
    pub per_mille: u16,
    /// How late a slow reply comes, in real milliseconds.
    pub slow_millis: u64,
}

impl Trouble {
    fn strike(&self, call: u64) -> Option<Effect> {
        let chance = mix(self.seed ^ mix(call));
        if chance % 1000 >= u64::from(self.per_mille) {
            return None;
        }
        let status = |status| Effect::Status {
            status,
            body: format!(r#"{{"statusCode":{status},"message":"trouble"}}"#),
            headers: Vec::new(),
        };
        Some(match chance / 1000 % 7 {
            0 => status(500),
            1 => Effect::Html { status: 502 },
            2 => status(503),
            3 => Effect::Reset,
            4 => Effect::ResetAfterApply,
            5 => Effect::Truncate,
            _ => Effect::Delay { millis: self.slow_millis },
        })
    }
}

/// The planted faults. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Planted>>);

#[derive(Debug, Default)]
struct Planted {
    faults: Vec<Fault>,
    /// With the calls counted so far, and how many of them were struck.
    trouble: Option<(Trouble, u64)>,
    struck_by_trouble: u64,
}

impl Faults {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Plants one more; earlier ones strike first.
    pub fn add(&self, fault: Fault) {
        self.lock().faults.push(fault);
    }

    /// From now on calls are struck at random, too.
    pub fn set_trouble(&self, trouble: Trouble) {
        self.lock().trouble = Some((trouble, 0));
    }

    /// How many planted faults have not struck as often as they are to.
    pub fn left(&self) -> usize {
        self.lock().faults.len()
    }

    /// How many calls were struck at random.
    pub fn struck_by_trouble(&self) -> u64 {
        self.lock().struck_by_trouble
    }

    /// Removes all.
    pub fn clear(&self) {
        *self.lock() = Planted::default();
    }

    /// The fault that strikes this call, if any. Counts the call for every fault that still lets calls pass.
    pub fn strike(&self, service: Service, method: &str, path: &str, body: &str) -> Option<Effect> {
        let mut planted = self.lock();
        let mut effect = None;
        for fault in planted.faults.iter_mut().filter(|fault| fault.matches(service, method, path, body)) {
            if fault.after > 0 {
                fault.after -= 1;
            } else if effect.is_none() && fault.times > 0 {
                fault.times -= 1;
                effect = Some(fault.effect.clone());
            }
        }
        planted.faults.retain(|fault| fault.times > 0);
        if let Some((trouble, calls)) = &mut planted.trouble
            && trouble.service == service
        {
            *calls += 1;
            let by_chance = trouble.strike(*calls);
            planted.struck_by_trouble += u64::from(by_chance.is_some());
            effect = effect.or(by_chance);
        }
        effect
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Planted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_passes_by_strikes_and_is_used_up() {
        let faults = Faults::new();
        faults.add(
            Fault::new(Service::Meta, Effect::Reset).on_method("post").on_path("/users").after(1).times(2),
        );
        let call = || faults.strike(Service::Meta, "POST", "/v25.0/1/users", "");
        assert_eq!([call(), call(), call(), call()], [None, Some(Effect::Reset), Some(Effect::Reset), None]);
        assert_eq!((faults.strike(Service::Meta, "GET", "/v25.0/1/users", ""), faults.left()), (None, 0));
    }

    #[test]
    fn a_fault_is_read_from_the_json_of_the_control_api() -> Result<(), serde_json::Error> {
        let text =
            r#"{"service":"ghl","body_contains":"vip","effect":{"kind":"status","status":429,"body":"{}"}}"#;
        let fault: Fault = serde_json::from_str(text)?;
        let effect = Effect::Status { status: 429, body: "{}".to_owned(), headers: Vec::new() };
        assert_eq!(fault, Fault::new(Service::Ghl, effect).on_body("vip"));
        let text = r#"{"service":"meta","match":"POST /users","effect":{"kind":"meta_error","code":190,"subcode":463}}"#;
        let fault: Fault = serde_json::from_str(text)?;
        let effect = Effect::MetaError(MetaError::new(190, Some(463)));
        let operation = serde_json::from_str("\"POST /users\"")?;
        assert_eq!(fault, Fault::new(Service::Meta, effect).on_operation(operation));
        assert_eq!(serde_json::from_str::<Fault>(&serde_json::to_string(&fault)?)?, fault);
        for slip in [
            r#"{"service":"meta","match":"users","effect":{"kind":"reset"}}"#,
            r#"{"service":"meta","effect":{"kind":"meta_error","code":1,"sub":2}}"#,
        ] {
            assert!(serde_json::from_str::<Fault>(slip).is_err(), "{slip}");
        }
        Ok(())
    }
}
