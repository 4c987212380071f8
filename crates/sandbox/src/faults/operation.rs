//! Naming one kind of call, such as `POST /{id}/users`.

use serde::{Deserialize, Serialize};

/// The end of a path, with or without a method: `/users`, `POST /customaudiences`, `GET /{id}`, `GET /act_{id}`.
///
/// The pattern is compared with the last segments of the path, whole segment by whole segment, so `/users` is not
/// `/usersreplace`. `{id}` stands for digits. The method is the one that counts: a POST with `method=DELETE` is a DELETE.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Operation {
    method: Option<String>,
    /// Begins with a slash.
    path: String,
}

/// A pattern that can match nothing.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no operation; write one like \"/users\" or \"POST /customaudiences\"")]
pub struct NoOperation(String);

impl TryFrom<String> for Operation {
    type Error = NoOperation;

    fn try_from(text: String) -> Result<Self, NoOperation> {
        let (method, path) = match text.split_once(' ') {
            Some((method, path)) => (Some(method.to_ascii_uppercase()), path.trim()),
            None => (None, text.as_str()),
        };
        let method_known = matches!(method.as_deref(), None | Some("GET" | "POST" | "PUT" | "DELETE"));
        let segments_known =
            path.strip_prefix('/').is_some_and(|path| path.split('/').all(|part| !part.is_empty()));
        if !method_known || !segments_known {
            return Err(NoOperation(text));
        }
        Ok(Self { path: path.to_owned(), method })
    }
}

impl From<Operation> for String {
    fn from(operation: Operation) -> Self {
        match operation.method {
            Some(method) => format!("{method} {}", operation.path),
            None => operation.path,
        }
    }
}

impl Operation {
    pub(super) fn is(&self, method: &str, path: &str, body: &str) -> bool {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut segments = path.rsplit('/');
        let ends_so = self
            .path
            .rsplit('/')
            .filter(|wanted| !wanted.is_empty())
            .all(|wanted| segments.next().is_some_and(|segment| fits(wanted, segment)));
        ends_so && self.method.as_deref().is_none_or(|wanted| wanted == true_method(method, query, body))
    }
}

fn fits(wanted: &str, segment: &str) -> bool {
    match wanted.strip_suffix("{id}") {
        Some(prefix) => segment
            .strip_prefix(prefix)
            .is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())),
        None => wanted == segment,
    }
}

/// What `method=delete` makes of a POST, whether it stands in the query, a form or a JSON object.
fn true_method<'a>(method: &'a str, query: &str, body: &str) -> &'a str {
    let form = |text: &str| text.split('&').any(|pair| pair.eq_ignore_ascii_case("method=delete"));
    let json = |text: &str| {
        let parts = text.split("\"method\"").skip(1);
        let values = parts.filter_map(|rest| rest.trim_start().strip_prefix(':'));
        values
            .map(str::trim_start)
            .any(|value| value.get(..8).is_some_and(|value| value.eq_ignore_ascii_case("\"delete\"")))
    };
    if method == "POST" && (form(query) || form(body) || json(body)) { "DELETE" } else { method }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(text: &str) -> Operation {
        Operation::try_from(text.to_owned()).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn whole_segments_at_the_end_are_compared() {
        let users = operation("/users");
        assert!(users.is("POST", "/v25.0/12/users?access_token=x", ""));
        assert!(!users.is("POST", "/v25.0/12/usersreplace", ""));
        assert!(!users.is("GET", "/v25.0/12/users/34", ""));
        let node = operation("GET /{id}");
        assert!(node.is("GET", "/v25.0/12?fields=a/b", ""));
        assert!(!node.is("GET", "/v25.0/act_12", "") && !node.is("GET", "/v25.0/12/ads", ""));
        assert!(operation("get /act_{id}").is("GET", "/v25.0/act_12", ""));
        assert!(operation("/12/ads").is("GET", "/v25.0/12/ads", ""));
        assert!(!operation("/12/ads").is("GET", "/v25.0/13/ads", ""));
    }

    #[test]
    fn an_overridden_method_is_the_one_that_counts() {
        let delete = operation("DELETE /users");
        assert!(delete.is("DELETE", "/v25.0/1/users", ""));
        assert!(delete.is("POST", "/v25.0/1/users?method=delete", ""));
        assert!(delete.is("POST", "/v25.0/1/users", "payload=x&method=DELETE"));
        assert!(delete.is("POST", "/v25.0/1/users", r#"{"payload":{},"method" : "delete"}"#));
        assert!(!delete.is("POST", "/v25.0/1/users", "payload=x"));
        assert!(!operation("POST /users").is("POST", "/v25.0/1/users", "method=DELETE"));
    }

    #[test]
    fn what_can_match_nothing_is_refused() {
        for text in ["", "users", "FETCH /users", "POST", "POST users", "/a//b", "/"] {
            assert!(Operation::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert_eq!(String::from(operation("post /users")), "POST /users");
    }
}
