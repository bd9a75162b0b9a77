//! `GET /v2/keyward/permissions`: every permission that can be granted. Stripe has no such list.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keyward::endpoint::{Method, ROWS};
use keyward::permission::AccessLevel;
use serde_json::{Value, json};

use super::answers::PermissionObject;
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::Failure;
use crate::permission::Management;
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::store::{DocumentName, asked_by};

/// Handles `GET /v2/keyward/openapi.json`.
pub(crate) fn openapi(app: Arc<App>, _call: Call) -> Pending {
    Box::pin(async move { Answer::of(&app.described.openapi) })
}

/// Handles `GET /v2/keyward/permissions`.
pub(crate) fn list(app: Arc<App>, _call: Call) -> Pending {
    Box::pin(async move {
        let read: Result<_, Stored> = app
            .store
            .read(|reader| Ok((reader.api()?, reader.document(DocumentName::Endpoints)?)))
            .await;
        let (api, document) = read.map_err(Failure::from)?;
        let body = document.map(|stored| stored.body).unwrap_or_default();
        let examples = examples(&body);
        let registry = &api.permissions;
        let all = registry.iter().map(|permission| {
            let name = registry.name(permission);
            let own = Management::ALL.iter().find(|one| one.name() == name);
            let levels: Vec<&'static str> = [AccessLevel::Read, AccessLevel::Write]
                .into_iter()
                .filter(|level| api.has_level(permission, *level))
                .map(AccessLevel::name)
                .collect();
            let implied: Vec<String> = registry
                .implied(permission)
                .iter()
                .map(|one| registry.name(*one).to_owned())
                .collect();
            let category = match own {
                Some(_) => Some("keyward"),
                None => registry.category(permission),
            };
            let label = own.map(|one| one.label());
            let label = label.or_else(|| registry.label(permission));
            PermissionObject {
                category: category.map(str::to_owned),
                example: examples.get(name).cloned(),
                implies: implied,
                label: label.map(str::to_owned),
                levels,
                manages_keys: own.is_some(),
                name: name.to_owned(),
                object: "keyward.permission",
            }
        });
        let data: Vec<PermissionObject> = all.collect();
        Answer::of(&json!({"data": data, "next_page_url": null, "previous_page_url": null}))
    })
}

/// The path of a request that reads with a permission, by the permission: of the API's own endpoints, and of Stripe's. Of several it is the shortest.
fn examples(document: &Value) -> BTreeMap<String, String> {
    let member = |row: &Value, name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
    let own = document.get("endpoints").and_then(Value::as_array);
    let own = own.map(Vec::as_slice).unwrap_or_default();
    let is_get = |row: &&Value| member(row, "method").as_deref() == Some(Method::Get.name());
    let mut found = BTreeMap::new();
    let mut add = |permission: &str, path: &str| {
        if path.contains('{') {
            return;
        }
        let shortest: &mut String = found
            .entry(permission.to_owned())
            .or_insert_with(|| path.to_owned());
        if path.len() < shortest.len() {
            path.clone_into(shortest);
        }
    };
    let mut taken = BTreeSet::new();
    for row in own.iter().filter(is_get) {
        let Some(path) = member(row, "path") else {
            continue;
        };
        let reads = member(row, "access").is_none_or(|access| access == AccessLevel::Read.name());
        if reads {
            asked_by(row).for_each(|permission| add(permission, &path));
        }
        taken.insert(path);
    }
    if member(document, "catalogue").as_deref() == Some("none") {
        return found;
    }
    for row in ROWS {
        let reads = row.method == Method::Get && row.access == AccessLevel::Read;
        if reads && !taken.contains(row.path) {
            // Any one of them is enough.
            row.permissions.iter().for_each(|one| add(one, row.path));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_a_path_that_the_permission_alone_reads() {
        let stripes = examples(&json!({}));
        assert_eq!(
            stripes.get("customer").map(String::as_str),
            Some("/v1/customers")
        );
        assert!(stripes.values().all(|path| !path.contains('{')));
        let own = examples(&json!({"catalogue": "none", "endpoints": [
            {"method": "GET", "path": "/orders/{id}", "permission": "orders"},
            {"method": "GET", "path": "/orders/of/today", "permission": "orders"},
            {"method": "GET", "path": "/orders", "any_of": ["orders", "desk"]},
            {"method": "GET", "path": "/export", "permission": "export", "access": "write"},
            {"method": "POST", "path": "/refunds", "permission": "refunds"},
            {"method": "GET", "path": "/health", "auth": "none"},
        ]}));
        let expected = [("desk", "/orders"), ("orders", "/orders")];
        let expected = expected.map(|(name, path)| (name.to_owned(), path.to_owned()));
        assert_eq!(own, BTreeMap::from(expected));
        // A row of the server replaces the catalogue's.
        let instead = examples(&json!({"endpoints": [
            {"method": "GET", "path": "/v1/customers", "permission": "crm"},
        ]}));
        assert_eq!(
            instead.get("crm").map(String::as_str),
            Some("/v1/customers")
        );
        assert_ne!(
            instead.get("customer").map(String::as_str),
            Some("/v1/customers")
        );
    }
}
