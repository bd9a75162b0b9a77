//! The OpenAPI description: paths of the route table, schemas of the types that are read and written. `docs/openapi.json` is this, held by a test.

use serde_json::{Map, Value, json};

use crate::api::account::AccountObject;
use crate::api::key::ApiKey;
use crate::route::{Route, Schemas, described};
use crate::routes::ROUTES;

/// The description, as JSON with sorted members.
#[must_use]
pub fn description() -> Value {
    let mut schemas = Schemas::new();
    let key = described::<ApiKey>(&mut schemas);
    let account = described::<AccountObject>(&mut schemas);
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let object = if route.template.starts_with("/v2/iam/api_keys/") {
            Some(&key)
        } else if route.template.starts_with("/v2/keyward/accounts/") {
            Some(&account)
        } else {
            None
        };
        let operation = operation(route, object.map(String::as_str), &mut schemas);
        let item = paths
            .entry(route.template.to_owned())
            .or_insert_with(|| json!({}));
        if let Some(methods) = item.as_object_mut() {
            methods.insert(route.method.name().to_ascii_lowercase(), operation);
        }
    }
    let mut components: Map<String, Value> = schemas
        .into_iter()
        .filter_map(|(name, schema)| Some((name, serde_json::to_value(schema).ok()?)))
        .collect();
    components.insert("Error".to_owned(), error());
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

fn operation(route: &Route, object: Option<&str>, schemas: &mut Schemas) -> Value {
    let named = route.template.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        Some(json!({
            "name": name, "in": "path", "required": true,
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{1,64}$"},
        }))
    });
    let asked = route.query.iter().map(
        |name| json!({"name": name, "in": "query", "required": false, "schema": {"type": "string"}}),
    );
    let parameters: Vec<Value> = named.chain(asked).collect();
    let content = match object {
        Some(name) => json!({"$ref": format!("#/components/schemas/{name}")}),
        None => json!({"type": "object"}),
    };
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
        "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": content}}},
            "default": {
                "description": "Refused.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    });
    if let (Some(describe), Some(members)) = (route.body, operation.as_object_mut()) {
        let schema = json!({"$ref": format!("#/components/schemas/{}", describe(schemas))});
        let body = json!({"required": true, "content": {"application/json": {"schema": schema}}});
        members.insert("requestBody".to_owned(), body);
    }
    operation
}

/// `post_v2_iam_api_keys_id_expire`
fn operation_id(route: &Route) -> String {
    let path: String = route
        .template
        .chars()
        .filter(|c| !matches!(c, '{' | '}'))
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    format!("{}{path}", route.method.name().to_ascii_lowercase())
}

fn error() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {"error": {
            "type": "object",
            "required": ["message", "type"],
            "properties": {
                "code": {"type": "string"},
                "keyward": {"type": "object"},
                "message": {"type": "string"},
                "param": {"type": "string"},
                "type": {"type": "string"},
            },
        }},
    })
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
