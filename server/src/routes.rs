//! The one table of endpoints. The router, the rows that gateways check by, the OpenAPI description and the test of who may do what are made from it.

use keyward::permission::AccessLevel::{Read, Write};
use serde_json::{Value, json};

pub use crate::route::{Asked, Pace, Route, Verb};

use crate::api::{
    accounts, activity_logs, api_keys, bodies, changes, endpoints, grant_sets, import,
    key_policies, lookup, permissions, revoke,
};
use crate::permission::Management::{
    Account, ActivityLog, ApiKey, ApiKeyImport, Endpoint, GrantSet, KeyPolicy, Snapshot,
};
use crate::route::{IMPORT, delete, described, get, post, put};

/// All endpoints.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    post("/v2/iam/api_keys", ApiKey, Write, api_keys::create).takes(described::<bodies::NewKey>).paced(Pace::Creation),
    get("/v2/iam/api_keys", ApiKey, api_keys::list).asks(&["limit", "page", "include_expired", "owner", "scope", "kind", "livemode", "state", "label", "created_before", "created_after", "expires_before", "created_by", "grant_set", "has_permission", "query"]),
    get("/v2/iam/api_keys/{id}", ApiKey, api_keys::retrieve),
    post("/v2/iam/api_keys/{id}", ApiKey, Write, api_keys::update).takes(described::<bodies::Update>),
    post("/v2/iam/api_keys/{id}/expire", ApiKey, Write, api_keys::expire).paced(Pace::Free),
    post("/v2/iam/api_keys/{id}/rotate", ApiKey, Write, api_keys::rotate).takes(described::<bodies::Rotation>).paced(Pace::Creation),
    post("/v2/keyward/api_keys/lookup", ApiKey, Read, lookup::lookup).takes(described::<bodies::Lookup>).paced(Pace::Lookup),
    post("/v2/keyward/api_keys/revoke", ApiKey, Write, revoke::revoke).takes(described::<bodies::Revocation>).paced(Pace::Free),
    post("/v2/keyward/api_keys/import", ApiKeyImport, Write, import::import).takes(described::<bodies::Import>).up_to(IMPORT),
    post("/v2/keyward/api_keys/{id}/duplicate", ApiKey, Write, api_keys::duplicate).takes(described::<bodies::Duplicate>).paced(Pace::Creation),
    delete("/v2/keyward/api_keys/{id}", ApiKey, api_keys::delete).asks(&["purge"]).paced(Pace::Free),
    get("/v2/keyward/changes/{number}", ApiKey, changes::retrieve).asks(&["wait"]),
    get("/v2/keyward/counts", ApiKey, changes::counts).asks(&["owner", "scope"]),
    post("/v2/keyward/accounts", Account, Write, accounts::create).takes(described::<bodies::NewAccount>),
    get("/v2/keyward/accounts", Account, accounts::list).asks(&["limit", "page", "parent", "root", "status", "external_id", "query", "scope"]),
    get("/v2/keyward/accounts/{id}", Account, accounts::retrieve),
    post("/v2/keyward/accounts/{id}", Account, Write, accounts::update).takes(described::<bodies::AccountUpdate>),
    delete("/v2/keyward/accounts/{id}", Account, accounts::delete).asks(&["with_keys"]),
    post("/v2/keyward/accounts/{id}/suspend", Account, Write, accounts::suspend).takes(described::<bodies::Suspension>).paced(Pace::Free),
    post("/v2/keyward/accounts/{id}/resume", Account, Write, accounts::resume),
    get("/v2/keyward/grant_sets", GrantSet, grant_sets::list),
    post("/v2/keyward/grant_sets", GrantSet, Write, grant_sets::create).takes(described::<bodies::NewGrantSet>),
    get("/v2/keyward/grant_sets/{name}", GrantSet, grant_sets::retrieve),
    put("/v2/keyward/grant_sets/{name}", GrantSet, grant_sets::replace).takes(described::<bodies::GrantSet>),
    delete("/v2/keyward/grant_sets/{name}", GrantSet, grant_sets::delete),
    get("/v2/keyward/key_policies", KeyPolicy, key_policies::list),
    post("/v2/keyward/key_policies", KeyPolicy, Write, key_policies::create).takes(described::<bodies::PolicyMembers>),
    get("/v2/keyward/key_policies/{name}", KeyPolicy, key_policies::retrieve),
    put("/v2/keyward/key_policies/{name}", KeyPolicy, key_policies::replace).takes(described::<bodies::PolicyMembers>),
    delete("/v2/keyward/key_policies/{name}", KeyPolicy, key_policies::delete),
    get("/v2/keyward/endpoints", Endpoint, endpoints::retrieve),
    put("/v2/keyward/endpoints", Endpoint, endpoints::replace).takes(described::<bodies::Endpoints>),
    get("/v2/iam/activity_logs", ActivityLog, activity_logs::list).asks(&["limit", "page", "actions[]", "action_groups[]", "logs_from", "object", "actor", "since", "until", "after", "wait"]),
    get("/v2/iam/activity_logs/{id}", ActivityLog, activity_logs::retrieve),
    get("/v2/keyward/activity_logs/export", ActivityLog, activity_logs::export).asks(&["after"]),
    get("/v2/keyward/activity_logs/head", ActivityLog, activity_logs::head),
    get("/v2/keyward/snapshots/current", Snapshot, changes::snapshot),
    get("/v2/keyward/openapi.json", ApiKey, permissions::openapi).of_any(),
    get("/v2/keyward/permissions", ApiKey, permissions::list).of_any(),
];

/// The rows of a snapshot by which gateways know these endpoints.
#[must_use]
pub fn endpoint_rows() -> Vec<Value> {
    ROUTES.iter().map(row).collect()
}

fn row(route: &Route) -> Value {
    let mut row = json!({
        "method": route.method.name(),
        "path": route.template,
        "access": route.level.name(),
    });
    let (name, value) = match route.asked {
        Asked::One(one) => ("permission", json!(one.name())),
        Asked::Any => ("any_of", json!(route.asked.names())),
    };
    if let Some(members) = row.as_object_mut() {
        members.insert(name.to_owned(), value);
        if let Asked::One(one) = route.asked {
            members.insert("label".to_owned(), json!(one.label()));
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use keyward::configuration::Configuration;

    use super::*;
    use crate::permission::Management;

    #[test]
    fn no_two_routes_have_one_method_and_path() {
        let mut all: Vec<_> = ROUTES
            .iter()
            .map(|route| (route.method.name(), route.template))
            .collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), ROUTES.len());
    }

    #[test]
    fn a_gateway_takes_the_rows_and_knows_every_permission() {
        let snapshot = json!({
            "format": "keyward.snapshot/v1", "revision": 1, "issued_at": 1, "empty": true,
            "endpoints": endpoint_rows(),
        });
        let text = json!({"snapshot": snapshot}).to_string();
        let read = Configuration::from_json(text.as_bytes()).unwrap();
        let known = read.snapshot().unwrap().permissions();
        for one in Management::ALL {
            assert!(known.find(one.name()).is_some(), "{}", one.name());
        }
    }
}
