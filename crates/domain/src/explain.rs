//! How an error reaches a user: what happened and what it means, what to do, and the provider's own codes.

/// An error in a marketer's words. Never contains personal data or secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What happened and what it means, as one or two full sentences.
    pub message: String,
    /// What to do about it, as a full sentence; names the setting to change when there is one.
    pub remedy: String,
    /// The provider's own code, such as `190/463` or `authentication_error`.
    pub provider_code: Option<String>,
    /// The provider's trace or request id, to quote to its support.
    pub trace_id: Option<String>,
}

impl Explanation {
    /// An explanation without provider codes.
    pub fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: remedy.into(), provider_code: None, trace_id: None }
    }

    /// Adds the provider's code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.provider_code = Some(code.into());
        self
    }

    /// Adds the provider's trace id, if it gave one.
    #[must_use]
    pub fn with_trace(mut self, trace_id: Option<String>) -> Self {
        self.trace_id = trace_id;
        self
    }
}

/// Implemented by every error type that can end a run or refuse a user's input.
pub trait Explain: std::error::Error + Send + Sync + 'static {
    /// The error in a marketer's words.
    fn explain(&self) -> Explanation;
}
