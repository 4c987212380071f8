//! The description of the API, made from its code.

use crate::api;
use crate::app::App;
use crate::problem::ProblemDetails;
use actix_web::web;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder, Server};
use utoipa::{Modify, OpenApi};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "ghl-meta-sync",
        description = "Keeps a Meta custom audience and its lookalike in step with a GoHighLevel contact list.\n\n\
            Unknown values are null, Meta's ids are texts, amounts are decimal texts, times are RFC 3339 in UTC. Bodies \
            are JSON and need the header `Content-Type: application/json`. Every error is `application/problem+json` \
            with a `detail` for people and a `code` for programs. When WEB_PASSWORD is set, every route needs it by HTTP \
            Basic with any user name.",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(
        api::choices::lists,
        api::choices::count,
        api::saved_lists::add,
        api::saved_lists::change,
        api::saved_lists::delete,
        api::choices::fields,
        api::choices::audiences,
        api::config::show,
        api::config::save,
        api::runs::trigger,
        api::runs::cancel,
        api::runs::show,
        api::runs::history,
        api::runs::status,
        api::mail::send_test,
        api::erase::erase,
        api::health::ready,
        api::metrics::metrics,
        document
    ),
    components(schemas(ProblemDetails)),
    modifiers(&Everywhere),
    security((), ("password" = [])),
    tags(
        (name = "configuration", description = "What is synced"),
        (name = "sync", description = "Runs"),
        (name = "privacy", description = "People who leave"),
        (name = "email", description = "Mails about runs"),
        (name = "operation", description = "For whoever runs the service")
    )
)]
struct Document;

/// What holds for every route.
struct Everywhere;

impl Modify for Everywhere {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let password = SecurityScheme::Http(Http::new(HttpAuthScheme::Basic));
        document.components.get_or_insert_default().add_security_scheme("password", password);
        for path in document.paths.paths.values_mut() {
            let operations = [
                (&mut path.get, false, false),
                (&mut path.post, true, true),
                (&mut path.put, true, true),
                (&mut path.delete, true, false),
            ];
            for (operation, is_change, has_body) in operations {
                if let Some(operation) = operation {
                    add_errors(operation, is_change, has_body);
                }
            }
        }
    }
}

fn add_errors(operation: &mut Operation, is_change: bool, has_body: bool) {
    let always = [
        ("400", "The request can not be read"),
        ("401", "The password (WEB_PASSWORD) is missing or wrong"),
        ("421", "The host name is not allowed"),
        ("429", "Too many wrong passwords"),
        ("500", "A fault of this program"),
        ("503", "The database failed"),
    ];
    let of_changes = [("403", "The request comes from a page of another site")];
    let of_bodies = [
        ("408", "The body did not arrive in time"),
        ("413", "The body is too large"),
        ("415", "The body is not marked as JSON"),
    ];
    let of_changes = of_changes.into_iter().filter(|_| is_change);
    let of_bodies = of_bodies.into_iter().filter(|_| has_body);
    for (status, description) in always.into_iter().chain(of_changes).chain(of_bodies) {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| {
            let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemDetails"))).build();
            let response = ResponseBuilder::new().description(description);
            response.content("application/problem+json", content).build().into()
        });
    }
}

/// This description.
#[utoipa::path(get, path = crate::routes::path::OPENAPI, tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value)))]
pub(crate) async fn document(app: web::Data<App>) -> web::Json<utoipa::openapi::OpenApi> {
    let mut document = Document::openapi();
    let base = app.base.path();
    document.servers = (!base.is_empty()).then(|| vec![Server::new(base)]);
    web::Json(document)
}

#[cfg(test)]
mod tests {
    use super::Document;
    use crate::routes;
    use serde_json::Value;
    use std::collections::BTreeSet;
    use utoipa::OpenApi;

    fn document() -> Value {
        serde_json::to_value(Document::openapi()).unwrap()
    }

    #[test]
    fn every_route_of_the_api_is_documented_and_every_documented_route_exists() {
        let table: BTreeSet<(String, String)> = routes::api_table()
            .iter()
            .map(|(method, path, _)| (method.to_string().to_lowercase(), (*path).to_owned()))
            .collect();
        let document = document();
        let documented: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                methods.as_object().unwrap().keys().map(move |method| (method.clone(), path.clone()))
            })
            .collect();
        assert_eq!(table, documented);
        assert!(table.len() >= 13, "{table:?}");
    }

    #[test]
    fn every_route_and_every_schema_says_what_it_is() {
        let document = document();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                assert!(
                    operation["summary"].as_str().is_some_and(|text| text.ends_with('.')),
                    "{method} {path}"
                );
                assert!(operation["responses"]["401"].is_object(), "{method} {path}");
                let (is_change, has_body) = (method != "get", ["post", "put"].contains(&method.as_str()));
                assert_eq!(operation["responses"]["403"].is_object(), is_change, "{method} {path}");
                assert_eq!(operation["responses"]["415"].is_object(), has_body, "{method} {path}");
            }
        }
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            assert!(schema["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        }
    }

    #[test]
    fn no_reference_leads_nowhere() {
        let document = document();
        let text = document.to_string();
        let mut found = 0;
        for reference in text.split("\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
            found += 1;
        }
        assert!(found > 20, "{found}");
    }
}
