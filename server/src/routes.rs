//! The one table of endpoints. The router, the rows that gateways check by, the OpenAPI description and the test of who may do what are made from it.

use keyward::permission::AccessLevel::{Read, Write};
use serde_json::{Value, json};

pub use crate::route::{Asked, Pace, Route, Verb};

use crate::api::account::AccountObject;
use crate::api::key::ApiKey as ApiKeyObject;
use crate::api::{
    account_policy, accounts, activity_logs, answers, api_keys, bodies, changes, console_sessions,
    endpoints, exported_file, gateways, grant_sets, import, key_file, key_policies, lookup,
    permissions, portal_sessions, preview, preview_set, profile, requests, revoke,
};
use crate::feed;
use crate::parameter::{
    AFTER, DECISION, KIND, LIMIT, LOGS_FROM, SCOPE, STATE, STATUS, WAIT, flag, text, texts, time,
};
use crate::permission::Management::{
    Account, ActivityLog, ApiKey, ApiKeyImport, ConsoleSession, Endpoint, Gateway, GrantSet,
    KeyPolicy, PortalSession, RequestLog, Snapshot,
};
use crate::route::{Gives, IMPORT, delete, described, get, post, put};

const KEY: Gives = Gives::One(described::<ApiKeyObject>);
const KEYS: Gives = Gives::List(described::<ApiKeyObject>);
const ACCOUNT: Gives = Gives::One(described::<AccountObject>);
const SET: Gives = Gives::One(described::<answers::GrantSetObject>);
const POLICY: Gives = Gives::One(described::<answers::KeyPolicy>);
const DOCUMENT: Gives = Gives::One(described::<answers::Document>);
const SESSION: Gives = Gives::One(described::<console_sessions::ConsoleSession>);
const IN_PORTAL: Gives = Gives::One(described::<portal_sessions::PortalSession>);
const DELETED: Gives = Gives::One(described::<answers::DeletedName>);

/// All endpoints.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    post("/v2/iam/api_keys", ApiKey, Write, api_keys::create, KEY).takes(described::<bodies::NewKey>).paced(Pace::Creation),
    get("/v2/iam/api_keys", ApiKey, api_keys::list, KEYS).asks(&[LIMIT, text("page"), flag("include_expired"), text("owner"), SCOPE, KIND, flag("livemode"), STATE, text("label"), time("created_before"), time("created_after"), time("expires_before"), text("created_by"), text("grant_set"), text("has_permission"), text("query"), time("unused_since")]),
    get("/v2/iam/api_keys/{id}", ApiKey, api_keys::retrieve, KEY),
    post("/v2/iam/api_keys/{id}", ApiKey, Write, api_keys::update, KEY).takes(described::<bodies::Update>),
    post("/v2/iam/api_keys/{id}/expire", ApiKey, Write, api_keys::expire, KEY).takes(described::<bodies::Ending>).paced(Pace::Free),
    post("/v2/iam/api_keys/{id}/rotate", ApiKey, Write, api_keys::rotate, KEY).takes(described::<bodies::Rotation>).paced(Pace::Creation),
    post("/v2/keyward/api_keys/lookup", ApiKey, Read, lookup::lookup, KEY).takes(described::<bodies::Lookup>).paced(Pace::Lookup),
    post("/v2/keyward/api_keys/revoke", ApiKey, Write, revoke::revoke, Gives::Either(described::<answers::PlanObject>, described::<answers::RevokedPlan>)).takes(described::<bodies::Revocation>).paced(Pace::Free),
    post("/v2/keyward/api_keys/import", ApiKeyImport, Write, import::import, Gives::One(described::<answers::ImportResults>)).takes(described::<bodies::Import>).up_to(IMPORT),
    get("/v2/keyward/key_file", ApiKeyImport, exported_file::export, Gives::KeyFile).asks(&[text("owner"), SCOPE, flag("without_own")]).paced(Pace::Lookup),
    post("/v2/keyward/key_file/plan", ApiKeyImport, Write, key_file::plan, Gives::One(described::<answers::FilePlan>)).takes(described::<bodies::FileToPlan>).paced(Pace::Lookup).up_to(IMPORT),
    post("/v2/keyward/key_file/apply", ApiKeyImport, Write, key_file::apply, Gives::One(described::<answers::AppliedFile>)).takes(described::<bodies::FileToApply>),
    post("/v2/keyward/api_keys/{id}/duplicate", ApiKey, Write, api_keys::duplicate, KEY).takes(described::<bodies::Duplicate>).paced(Pace::Creation),
    delete("/v2/keyward/api_keys/{id}", ApiKey, api_keys::delete, Gives::Either(described::<ApiKeyObject>, described::<answers::DeletedId>)).asks(&[flag("purge")]).paced(Pace::Free),
    get("/v2/keyward/api_keys/{id}/requests", RequestLog, requests::list, Gives::One(described::<requests::Requests>)).asks(&[LIMIT, DECISION, text("reason"), time("since"), time("until")]),
    post("/v2/keyward/api_keys/{id}/preview", RequestLog, Read, preview::preview, Gives::One(described::<preview::Preview>)).takes(described::<bodies::Update>),
    get("/v2/keyward/changes/{number}", ApiKey, changes::retrieve, Gives::One(described::<answers::Change>)).asks(&[WAIT]),
    get("/v2/keyward/counts", ApiKey, changes::counts, Gives::One(described::<answers::KeyCounts>)).asks(&[text("owner"), SCOPE]),
    post("/v2/keyward/accounts", Account, Write, accounts::create, ACCOUNT).takes(described::<bodies::NewAccount>),
    get("/v2/keyward/accounts", Account, accounts::list, Gives::List(described::<AccountObject>)).asks(&[LIMIT, text("page"), text("parent"), text("root"), STATUS, text("external_id"), text("query"), SCOPE]),
    get("/v2/keyward/accounts/{id}", Account, accounts::retrieve, ACCOUNT),
    post("/v2/keyward/accounts/{id}", Account, Write, accounts::update, ACCOUNT).takes(described::<bodies::AccountUpdate>),
    delete("/v2/keyward/accounts/{id}", Account, accounts::delete, Gives::One(described::<answers::DeletedId>)).asks(&[flag("with_keys")]),
    get("/v2/keyward/accounts/{id}/policy", Account, account_policy::retrieve, Gives::One(described::<answers::AccountPolicy>)),
    post("/v2/keyward/accounts/{id}/suspend", Account, Write, accounts::suspend, ACCOUNT).takes(described::<bodies::Suspension>).paced(Pace::Free),
    post("/v2/keyward/accounts/{id}/resume", Account, Write, accounts::resume, ACCOUNT),
    get("/v2/keyward/grant_sets", GrantSet, grant_sets::list, Gives::List(described::<answers::GrantSetObject>)),
    post("/v2/keyward/grant_sets", GrantSet, Write, grant_sets::create, SET).takes(described::<bodies::NewGrantSet>),
    get("/v2/keyward/grant_sets/{name}", GrantSet, grant_sets::retrieve, SET),
    put("/v2/keyward/grant_sets/{name}", GrantSet, grant_sets::replace, SET).takes(described::<bodies::GrantSet>),
    delete("/v2/keyward/grant_sets/{name}", GrantSet, grant_sets::delete, DELETED),
    post("/v2/keyward/grant_sets/{name}/preview", RequestLog, Read, preview_set::preview, Gives::One(described::<preview::Preview>)).takes(described::<bodies::GrantSet>).paced(Pace::Lookup),
    get("/v2/keyward/key_policies", KeyPolicy, key_policies::list, Gives::List(described::<answers::KeyPolicy>)),
    post("/v2/keyward/key_policies", KeyPolicy, Write, key_policies::create, POLICY).takes(described::<bodies::PolicyMembers>),
    get("/v2/keyward/key_policies/{name}", KeyPolicy, key_policies::retrieve, POLICY),
    put("/v2/keyward/key_policies/{name}", KeyPolicy, key_policies::replace, POLICY).takes(described::<bodies::PolicyMembers>),
    delete("/v2/keyward/key_policies/{name}", KeyPolicy, key_policies::delete, DELETED),
    get("/v2/keyward/endpoints", Endpoint, endpoints::retrieve, DOCUMENT),
    put("/v2/keyward/endpoints", Endpoint, endpoints::replace, DOCUMENT).takes(described::<bodies::Endpoints>),
    get("/v2/iam/activity_logs", ActivityLog, activity_logs::list, Gives::List(described::<answers::ActivityLog>)).asks(&[LIMIT, text("page"), texts("actions[]"), texts("action_groups[]"), LOGS_FROM, text("object"), text("actor"), time("since"), time("until"), AFTER, WAIT]),
    get("/v2/iam/activity_logs/{id}", ActivityLog, activity_logs::retrieve, Gives::One(described::<answers::ActivityLog>)),
    get("/v2/keyward/activity_logs/export", ActivityLog, activity_logs::export, Gives::Lines).asks(&[AFTER]),
    get("/v2/keyward/activity_logs/head", ActivityLog, activity_logs::head, Gives::One(described::<answers::ActivityHead>)),
    get("/v2/keyward/gateways", Gateway, gateways::list, Gives::List(described::<gateways::GatewayObject>)),
    get("/v2/keyward/gateways/{name}", Gateway, gateways::retrieve, Gives::One(described::<gateways::GatewayObject>)),
    delete("/v2/keyward/gateways/{name}", Gateway, gateways::forget, Gives::One(described::<gateways::ForgottenGateway>)),
    get("/v2/keyward/snapshots/current", Snapshot, changes::snapshot, Gives::One(described::<answers::CurrentSnapshot>)),
    post("/v2/keyward/console_sessions", ConsoleSession, Write, console_sessions::create, SESSION).takes(described::<bodies::NewConsoleSession>).paced(Pace::Creation),
    get("/v2/keyward/console_sessions", ConsoleSession, console_sessions::list, Gives::List(described::<console_sessions::ConsoleSession>)).asks(&[LIMIT, text("page")]),
    get("/v2/keyward/console_sessions/{id}", ConsoleSession, console_sessions::retrieve, SESSION),
    post("/v2/keyward/console_sessions/{id}/revoke", ConsoleSession, Write, console_sessions::revoke, SESSION).paced(Pace::Free),
    post("/v2/keyward/portal_sessions", PortalSession, Write, portal_sessions::create, IN_PORTAL).takes(described::<bodies::NewPortalSession>).paced(Pace::Creation),
    get("/v2/keyward/portal_sessions", PortalSession, portal_sessions::list, Gives::List(described::<portal_sessions::PortalSession>)).asks(&[LIMIT, text("page")]),
    get("/v2/keyward/portal_sessions/{id}", PortalSession, portal_sessions::retrieve, IN_PORTAL),
    post("/v2/keyward/portal_sessions/{id}/revoke", PortalSession, Write, portal_sessions::revoke, IN_PORTAL).paced(Pace::Free),
    get("/v2/keyward/openapi.json", ApiKey, permissions::openapi, Gives::Description).of_any(),
    get("/v2/keyward/profile", ApiKey, profile::retrieve, Gives::One(described::<answers::ProfileObject>)).of_any(),
    get("/v2/keyward/permissions", ApiKey, permissions::list, Gives::List(described::<answers::PermissionObject>)).of_any(),
];

/// The rows of a snapshot that describe these endpoints to gateways.
#[must_use]
pub fn endpoint_rows() -> Vec<Value> {
    ROUTES.iter().map(row).chain(feed::rows()).collect()
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
