//! The one table of pages: each with its API endpoint, whose permission it requires.

use std::sync::Arc;

use super::reply::PagePending;
use super::visit::Visit;
use super::{
    accounts, activity, create, forget, gateways, grant_sets, incident, key, keys, lookup,
    policies, sessions,
};
use crate::app::App;
use crate::exchange::target_of;
use crate::routes::Verb;

/// A page, or the action of one of its forms.
#[derive(Clone, Copy)]
pub(crate) struct Page {
    pub(crate) method: Verb,
    /// Literals, and `{id}` for one segment.
    pub(crate) template: &'static str,
    /// The endpoint whose permission it requires.
    pub(crate) needs: Needs,
    /// Whether the session must be fresh.
    pub(crate) is_fresh: bool,
    pub(crate) handler: fn(Arc<App>, Visit) -> PagePending,
}

/// An endpoint of the API.
#[derive(Clone, Copy)]
pub(crate) struct Needs(pub(crate) Verb, pub(crate) &'static str);

/// The endpoints of the pages that both console and portal have.
pub(super) const SEE_KEYS: Needs = Needs(Verb::Get, "/v2/iam/api_keys");
pub(super) const CREATE_KEYS: Needs = Needs(Verb::Post, "/v2/iam/api_keys");
pub(super) const SEE_KEY: Needs = Needs(Verb::Get, "/v2/iam/api_keys/{id}");
pub(super) const CHANGE_KEY: Needs = Needs(Verb::Post, "/v2/iam/api_keys/{id}");
pub(super) const EXPIRE: Needs = Needs(Verb::Post, "/v2/iam/api_keys/{id}/expire");
pub(super) const ROTATE: Needs = Needs(Verb::Post, "/v2/iam/api_keys/{id}/rotate");
pub(super) const DELETE: Needs = Needs(Verb::Delete, "/v2/keyward/api_keys/{id}");
pub(super) const DUPLICATE: Needs = Needs(Verb::Post, "/v2/keyward/api_keys/{id}/duplicate");
pub(super) const REQUESTS: Needs = Needs(Verb::Get, "/v2/keyward/api_keys/{id}/requests");
pub(super) const HISTORY: Needs = Needs(Verb::Get, "/v2/iam/activity_logs");

const LOOKUP: &str = "/v2/keyward/api_keys/lookup";
const REVOKE: &str = "/v2/keyward/api_keys/revoke";
const ACCOUNTS: &str = "/v2/keyward/accounts";
const ACCOUNT: &str = "/v2/keyward/accounts/{id}";
const SUSPEND: &str = "/v2/keyward/accounts/{id}/suspend";
const RESUME: &str = "/v2/keyward/accounts/{id}/resume";
const SETS: &str = "/v2/keyward/grant_sets";
const SET: &str = "/v2/keyward/grant_sets/{name}";
const POLICIES: &str = "/v2/keyward/key_policies";
const POLICY: &str = "/v2/keyward/key_policies/{name}";
const FORGET: Needs = Needs(Verb::Delete, "/v2/keyward/gateways/{name}");
const SESSIONS: &str = "/v2/keyward/console_sessions";
const END_SESSION: &str = "/v2/keyward/console_sessions/{id}/revoke";

/// All pages.
#[rustfmt::skip]
pub(crate) const PAGES: &[Page] = &[
    get("/console/keys", SEE_KEYS, keys::list),
    get("/console/keys/new", CREATE_KEYS, create::form),
    post("/console/keys/new", CREATE_KEYS, create::create),
    get("/console/keys/{id}", SEE_KEY, key::show),
    get("/console/keys/{id}/requests", REQUESTS, key::requests),
    get("/console/keys/{id}/history", HISTORY, key::history),
    post("/console/keys/{id}/note", CHANGE_KEY, key::note),
    get("/console/keys/{id}/details", CHANGE_KEY, key::details),
    post("/console/keys/{id}/details", CHANGE_KEY, key::save_details),
    get("/console/keys/{id}/edit", CHANGE_KEY, key::permissions),
    post("/console/keys/{id}/edit", CHANGE_KEY, key::save_permissions),
    get("/console/keys/{id}/addresses", CHANGE_KEY, key::addresses),
    post("/console/keys/{id}/addresses", CHANGE_KEY, key::save_addresses),
    get("/console/keys/{id}/expire", EXPIRE, key::expire_form),
    post("/console/keys/{id}/expire", EXPIRE, key::expire),
    get("/console/keys/{id}/rotate", ROTATE, key::rotate_form),
    post("/console/keys/{id}/rotate", ROTATE, key::rotate),
    get("/console/keys/{id}/delete", DELETE, key::delete_form),
    post("/console/keys/{id}/delete", DELETE, key::delete),
    get("/console/keys/{id}/duplicate", DUPLICATE, key::duplicate_form),
    post("/console/keys/{id}/duplicate", DUPLICATE, key::duplicate),
    get("/console/changes/{id}", Needs(Verb::Get, "/v2/keyward/changes/{number}"), key::change),
    get("/console/accounts", Needs(Verb::Get, ACCOUNTS), accounts::list),
    get("/console/accounts/new", Needs(Verb::Post, ACCOUNTS), accounts::form),
    post("/console/accounts/new", Needs(Verb::Post, ACCOUNTS), accounts::create),
    get("/console/accounts/{id}", Needs(Verb::Get, ACCOUNT), accounts::show),
    get("/console/accounts/{id}/edit", Needs(Verb::Post, ACCOUNT), accounts::form),
    post("/console/accounts/{id}/edit", Needs(Verb::Post, ACCOUNT), accounts::save),
    get("/console/accounts/{id}/suspend", Needs(Verb::Post, SUSPEND), accounts::ask_to_suspend),
    post("/console/accounts/{id}/suspend", Needs(Verb::Post, SUSPEND), accounts::suspend),
    post("/console/accounts/{id}/resume", Needs(Verb::Post, RESUME), accounts::resume),
    get("/console/grant_sets", Needs(Verb::Get, SETS), grant_sets::list),
    get("/console/grant_sets/new", Needs(Verb::Post, SETS), grant_sets::form),
    post("/console/grant_sets/new", Needs(Verb::Post, SETS), grant_sets::create).fresh(),
    get("/console/grant_sets/{id}", Needs(Verb::Get, SET), grant_sets::show),
    post("/console/grant_sets/{id}", Needs(Verb::Put, SET), grant_sets::save),
    get("/console/grant_sets/{id}/delete", Needs(Verb::Delete, SET), grant_sets::ask_to_remove),
    post("/console/grant_sets/{id}/delete", Needs(Verb::Delete, SET), grant_sets::remove).fresh(),
    get("/console/policies", Needs(Verb::Get, POLICIES), policies::list),
    get("/console/policies/new", Needs(Verb::Post, POLICIES), policies::form),
    post("/console/policies/new", Needs(Verb::Post, POLICIES), policies::create).fresh(),
    get("/console/policies/{id}", Needs(Verb::Get, POLICY), policies::show),
    post("/console/policies/{id}", Needs(Verb::Put, POLICY), policies::save).fresh(),
    get("/console/policies/{id}/delete", Needs(Verb::Delete, POLICY), policies::ask_to_remove),
    post("/console/policies/{id}/delete", Needs(Verb::Delete, POLICY), policies::remove).fresh(),
    get("/console/lookup", Needs(Verb::Post, LOOKUP), lookup::form),
    post("/console/lookup", Needs(Verb::Post, LOOKUP), lookup::find),
    get("/console/incident", Needs(Verb::Post, REVOKE), incident::form),
    post("/console/incident", Needs(Verb::Post, REVOKE), incident::make),
    post("/console/incident/end", Needs(Verb::Post, REVOKE), incident::end).fresh(),
    get("/console/activity", HISTORY, activity::list),
    get("/console/gateways", Needs(Verb::Get, "/v2/keyward/snapshots/current"), gateways::show),
    get("/console/gateways/{id}/forget", FORGET, forget::ask),
    post("/console/gateways/{id}/forget", FORGET, forget::forget).fresh(),
    get("/console/sessions", Needs(Verb::Get, SESSIONS), sessions::list),
    post("/console/sessions", Needs(Verb::Post, SESSIONS), sessions::create).fresh(),
    post("/console/sessions/{id}/end", Needs(Verb::Post, END_SESSION), sessions::end),
];

pub(super) const fn get(
    template: &'static str,
    needs: Needs,
    handler: fn(Arc<App>, Visit) -> PagePending,
) -> Page {
    Page {
        method: Verb::Get,
        template,
        needs,
        is_fresh: false,
        handler,
    }
}

pub(super) const fn post(
    template: &'static str,
    needs: Needs,
    handler: fn(Arc<App>, Visit) -> PagePending,
) -> Page {
    Page {
        method: Verb::Post,
        ..get(template, needs, handler)
    }
}

impl Page {
    /// The same for sessions that opened a short time ago.
    const fn fresh(self) -> Self {
        Self {
            is_fresh: true,
            ..self
        }
    }
}

/// The page of a path: a literal segment before `{id}`.
pub(crate) fn find<'a>(
    pages: &'static [Page],
    method: Verb,
    path: &'a str,
) -> Option<(&'static Page, &'a str)> {
    pages
        .iter()
        .filter(|page| page.method == method)
        .filter_map(|page| Some((page, target_of(page.template, path)?)))
        .min_by_key(|(page, _)| page.template.contains('{'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::ask::route_of;

    #[test]
    fn every_page_stands_for_an_endpoint_of_the_api() {
        for page in PAGES.iter().chain(crate::pages::portal::PAGES) {
            let Needs(method, template) = page.needs;
            assert!(route_of(method, template).is_some(), "{}", page.template);
        }
    }

    #[test]
    fn no_two_pages_have_one_method_and_path() {
        let pages = || PAGES.iter().chain(crate::pages::portal::PAGES);
        let mut all: Vec<_> = pages()
            .map(|page| (page.method.name(), page.template))
            .collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), pages().count());
    }

    #[test]
    fn a_path_has_one_page_or_none() {
        let found =
            |path| find(PAGES, Verb::Get, path).map(|(page, target)| (page.template, target));
        assert_eq!(found("/console/keys/new"), Some(("/console/keys/new", "")));
        for path in [
            "/console/keys/",
            "/console//keys",
            "/console/keys/..",
            "/console/keys%2fnew",
        ] {
            assert_eq!(found(path), None, "{path}");
        }
    }
}
