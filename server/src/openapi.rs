//! The OpenAPI description: paths from the route table, and schemas of the types that are read and
//! written. A test compares `docs/openapi.json` with it.

use serde_json::{Map, Value, json};

use crate::app::Described;
use crate::http::failure::ErrorBody;
use crate::route::{Gives, Route, Schemas, Verb, described};
use crate::routes::{ROUTES, endpoint_rows};

const JSON: &str = "application/json";

/// Collects everything that is generated from the table.
pub(crate) fn of_routes() -> Described {
    Described {
        endpoint_rows: json!(endpoint_rows()),
        openapi: description(),
    }
}

/// Returns the description as JSON with sorted members.
#[must_use]
pub fn description() -> Value {
    let mut schemas = Schemas::new();
    let error = described::<ErrorBody>(&mut schemas);
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let operation = operation(route, &error, &mut schemas);
        let item = paths
            .entry(route.template.to_owned())
            .or_insert_with(|| json!({}));
        if let Some(methods) = item.as_object_mut() {
            methods.insert(route.method.name().to_ascii_lowercase(), operation);
        }
    }
    let components: Map<String, Value> = schemas
        .into_iter()
        .filter_map(|(name, schema)| Some((name, serde_json::to_value(schema).ok()?)))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "keyward-server",
            "description": "Keys made at run time, over Stripe's own API. docs/api.md says how to use it.",
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    })
}

fn operation(route: &Route, error: &str, schemas: &mut Schemas) -> Value {
    let named = route.template.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        Some(json!({
            "name": name, "in": "path", "required": true,
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"},
        }))
    });
    let asked = route.query.iter().map(|parameter| parameter.description());
    // A request replaces a whole document only in the state that the client has seen.
    let if_match = (route.method == Verb::Put).then(|| {
        json!({
            "name": "If-Match", "in": "header", "required": true,
            "description": "The ETag of the last answer.",
            "schema": {"type": "string", "pattern": "^\"v[0-9]{1,9}\"$"},
        })
    });
    let parameters: Vec<Value> = named.chain(asked).chain(if_match).collect();
    let mut responses: Map<String, Value> = refusals(route)
        .into_iter()
        .map(|status| (status.to_string(), refusal(status, error)))
        .collect();
    responses.insert("200".to_owned(), success(route.gives, schemas));
    let needs: Vec<String> = route
        .asked
        .names()
        .iter()
        .map(|name| format!("{name}_{}", route.level.name()))
        .collect();
    let mut operation = json!({
        "operationId": operation_id(route),
        "description": format!("Needs {}.", needs.join(" or ")),
        "parameters": parameters,
        "responses": responses,
    });
    if let (Some(describe), Some(members)) = (route.body, operation.as_object_mut()) {
        let schema = reference(&describe(schemas));
        let body = json!({"required": true, "content": {JSON: {"schema": schema}}});
        members.insert("requestBody".to_owned(), body);
    }
    operation
}

/// Returns an id such as `post_v2_iam_api_keys_id_expire`.
fn operation_id(route: &Route) -> String {
    let path: String = route
        .template
        .chars()
        .filter(|c| !matches!(c, '{' | '}'))
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    format!("{}{path}", route.method.name().to_ascii_lowercase())
}

/// Returns the answer of a successful request.
fn success(gives: Gives, schemas: &mut Schemas) -> Value {
    let (content_type, schema) = match gives {
        Gives::One(describe) => (JSON, reference(&describe(schemas))),
        Gives::Either(one, other) => {
            let (one, other) = (one(schemas), other(schemas));
            (JSON, json!({"anyOf": [reference(&one), reference(&other)]}))
        }
        Gives::List(describe) => (JSON, list(&describe(schemas))),
        Gives::Lines => ("application/x-ndjson", json!({"type": "string"})),
        Gives::Description => (JSON, json!({"type": "object"})),
    };
    json!({"description": "Done.", "content": {content_type: {"schema": schema}}})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// Returns a page, in the form that Stripe's SDKs read.
fn list(of: &str) -> Value {
    let url = json!({"type": ["string", "null"], "description": "Relative to the host."});
    json!({
        "type": "object",
        "required": ["data", "next_page_url", "previous_page_url"],
        "properties": {
            "data": {"type": "array", "items": reference(of)},
            "next_page_url": url,
            "previous_page_url": url,
        },
    })
}

fn refusal(status: u16, error: &str) -> Value {
    let mut content = json!({JSON: {"schema": reference(error)}});
    // Envoy answers a request whose head it cannot read before any filter runs.
    if let (400, Some(types)) = (status, content.as_object_mut()) {
        types.insert(
            "text/plain".to_owned(),
            json!({"schema": {"type": "string"}}),
        );
    }
    json!({"description": "Refused.", "content": content})
}

/// Returns the error statuses that a request to this endpoint can get, here or at the gateway.
fn refusals(route: &Route) -> Vec<u16> {
    let mut all = vec![400, 401, 403, 404, 413, 415, 429, 500, 503];
    match route.method {
        Verb::Get => {}
        Verb::Post | Verb::Delete => all.extend([409, 412]),
        Verb::Put => all.extend([409, 412, 428]),
    }
    all
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_committed_description_is_this_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
        let text = format!("{:#}\n", description());
        if std::env::var_os("KEYWARD_BLESS").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == text,
            "docs/openapi.json is of another version; KEYWARD_BLESS=1 cargo test -p keyward-server --lib openapi writes it"
        );
    }

    #[test]
    fn every_reference_leads_to_a_schema() {
        let description = description();
        let schemas = &description["components"]["schemas"];
        let text = description.to_string();
        let mut count = 0;
        for part in text.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(schemas.get(name).is_some(), "{name}");
            count += 1;
        }
        assert!(count > ROUTES.len(), "{count}");
    }
}
