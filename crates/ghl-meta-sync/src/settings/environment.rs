//! The process environment, read once.

use std::collections::HashMap;
use std::fmt;

/// Variables by name. A value of blanks only counts as unset.
#[derive(Clone, Default)]
pub struct Environment {
    values: HashMap<String, String>,
    /// Names of variables whose value is not text.
    unreadable: Vec<String>,
}

impl Environment {
    /// The environment of this process.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn of_process() -> Self {
        let mut environment = Self::default();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(environment.values.insert(name, value)),
                Err(_not_text) => environment.unreadable.push(name),
            }
        }
        environment
    }

    /// An environment of these variables only.
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        let values = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { values, unreadable: Vec::new() }
    }

    /// This environment with saved values over it: a saved value wins.
    pub fn with_saved(&self, saved: &HashMap<String, String>) -> Self {
        let mut environment = self.clone();
        environment.values.extend(saved.iter().map(|(name, value)| (name.clone(), value.clone())));
        environment
    }

    /// Whether the variable is set to something that is not text. It must not count as unset: a password that is not
    /// understood would leave the door open.
    pub fn is_unreadable(&self, name: &str) -> bool {
        self.unreadable.iter().any(|unreadable| unreadable == name)
    }

    /// The trimmed value, if it is set and not blank.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

/// A value that can not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable.
    pub variable: &'static str,
    /// What it must be.
    pub message: String,
}

/// All values that can not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "These settings can not be used:")?;
        for Problem { variable, message } in &self.0 {
            writeln!(f, "  {variable} {message}")?;
        }
        write!(f, "Correct them in the environment (or the .env file) and start again.")
    }
}

impl std::error::Error for Problems {}
