//! The one table of endpoints. The router, the rows that gateways check by, the OpenAPI description and the test of who may do what are made from it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::routing::MethodFilter;
use keyward::permission::AccessLevel::{self, Read, Write};
use serde_json::{Value, json};

use crate::api::{
    accounts, activity_logs, api_keys, changes, grant_sets, import, key_policies, lookup,
    permissions, revoke,
};
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::Failure;
use crate::permission::Management::{
    self, Account, ActivityLog, ApiKey, ApiKeyImport, GrantSet, KeyPolicy, Snapshot,
};

/// What a handler returns.
pub(crate) type Pending = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send>>;

/// What answers an endpoint.
pub(crate) type Handler = fn(Arc<App>, Call) -> Pending;

/// One endpoint.
#[derive(Clone, Copy)]
pub struct Route {
    /// Its method.
    pub method: Verb,
    /// Its path: literals, and `{id}` or `{name}` for one segment.
    pub template: &'static str,
    /// What a caller needs.
    pub asked: Asked,
    /// At which level.
    pub level: AccessLevel,
    /// How large a body may be, in bytes.
    pub largest_body: usize,
    /// How often it may be asked.
    pub pace: Pace,
    pub(crate) handler: Handler,
}

/// How often a principal may ask an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As the limit on new keys says.
    Creation,
    /// Five times a second.
    Lookup,
    /// A hundred times a second.
    Usual,
    /// Without a limit: it ends keys.
    Free,
}

impl Route {
    const fn paced(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }
}

/// The methods that this API knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
}

impl Verb {
    /// As it stands in a request.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    pub(crate) fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

/// Which permission a caller needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// This one.
    One(Management),
    /// Any of them. Such a row also makes the names of all known, those too that no row asks for.
    Any,
}

impl Asked {
    /// The permissions of which one is enough; the first is named in replies.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        match self {
            Self::One(one) => vec![one.name()],
            Self::Any => Management::ALL.iter().map(|one| one.name()).collect(),
        }
    }
}

/// The largest body of most requests.
const BODY: usize = 256 << 10;

/// That of an import.
const IMPORT: usize = 4 << 20;

/// All endpoints.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    post("/v2/iam/api_keys", ApiKey, Write, api_keys::create).paced(Pace::Creation),
    get("/v2/iam/api_keys", ApiKey, api_keys::list),
    get("/v2/iam/api_keys/{id}", ApiKey, api_keys::retrieve),
    post("/v2/iam/api_keys/{id}", ApiKey, Write, api_keys::update),
    post("/v2/iam/api_keys/{id}/expire", ApiKey, Write, api_keys::expire).paced(Pace::Free),
    post("/v2/iam/api_keys/{id}/rotate", ApiKey, Write, api_keys::rotate).paced(Pace::Creation),
    post("/v2/keyward/api_keys/lookup", ApiKey, Read, lookup::lookup).paced(Pace::Lookup),
    post("/v2/keyward/api_keys/revoke", ApiKey, Write, revoke::revoke).paced(Pace::Free),
    Route { largest_body: IMPORT, ..post("/v2/keyward/api_keys/import", ApiKeyImport, Write, import::import) },
    post("/v2/keyward/api_keys/{id}/duplicate", ApiKey, Write, api_keys::duplicate).paced(Pace::Creation),
    delete("/v2/keyward/api_keys/{id}", ApiKey, api_keys::delete).paced(Pace::Free),
    get("/v2/keyward/changes/{number}", ApiKey, changes::retrieve),
    get("/v2/keyward/counts", ApiKey, changes::counts),
    post("/v2/keyward/accounts", Account, Write, accounts::create),
    get("/v2/keyward/accounts", Account, accounts::list),
    get("/v2/keyward/accounts/{id}", Account, accounts::retrieve),
    post("/v2/keyward/accounts/{id}", Account, Write, accounts::update),
    delete("/v2/keyward/accounts/{id}", Account, accounts::delete),
    post("/v2/keyward/accounts/{id}/suspend", Account, Write, accounts::suspend).paced(Pace::Free),
    post("/v2/keyward/accounts/{id}/resume", Account, Write, accounts::resume),
    get("/v2/keyward/grant_sets", GrantSet, grant_sets::list),
    post("/v2/keyward/grant_sets", GrantSet, Write, grant_sets::create),
    get("/v2/keyward/grant_sets/{name}", GrantSet, grant_sets::retrieve),
    put("/v2/keyward/grant_sets/{name}", GrantSet, grant_sets::replace),
    delete("/v2/keyward/grant_sets/{name}", GrantSet, grant_sets::delete),
    get("/v2/keyward/key_policies", KeyPolicy, key_policies::list),
    post("/v2/keyward/key_policies", KeyPolicy, Write, key_policies::create),
    get("/v2/keyward/key_policies/{name}", KeyPolicy, key_policies::retrieve),
    put("/v2/keyward/key_policies/{name}", KeyPolicy, key_policies::replace),
    delete("/v2/keyward/key_policies/{name}", KeyPolicy, key_policies::delete),
    get("/v2/iam/activity_logs", ActivityLog, activity_logs::list),
    get("/v2/iam/activity_logs/{id}", ActivityLog, activity_logs::retrieve),
    get("/v2/keyward/activity_logs/export", ActivityLog, activity_logs::export),
    get("/v2/keyward/activity_logs/head", ActivityLog, activity_logs::head),
    get("/v2/keyward/snapshots/current", Snapshot, changes::snapshot),
    Route { asked: Asked::Any, ..get("/v2/keyward/permissions", ApiKey, permissions::list) },
];

const fn get(template: &'static str, asked: Management, handler: Handler) -> Route {
    route(Verb::Get, template, asked, Read, 0, handler)
}

const fn post(
    template: &'static str,
    asked: Management,
    level: AccessLevel,
    handler: Handler,
) -> Route {
    route(Verb::Post, template, asked, level, BODY, handler)
}

const fn put(template: &'static str, asked: Management, handler: Handler) -> Route {
    route(Verb::Put, template, asked, Write, BODY, handler)
}

const fn delete(template: &'static str, asked: Management, handler: Handler) -> Route {
    route(Verb::Delete, template, asked, Write, 0, handler)
}

const fn route(
    method: Verb,
    template: &'static str,
    asked: Management,
    level: AccessLevel,
    largest_body: usize,
    handler: Handler,
) -> Route {
    Route {
        method,
        template,
        asked: Asked::One(asked),
        level,
        largest_body,
        pace: Pace::Usual,
        handler,
    }
}

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
