//! Requests that a key of one organization makes to the API about another one.

use keyward_server::routes::{ROUTES, Verb};
use serde_json::{Value, json};

use super::super::visit_of;
use super::{NO_ACCOUNT, NOBODY, Tenant, nothing_of_others, same, unhurried};
use crate::world::World;

/// Returns the body of a request about an account.
type BodyOf<'a> = &'a dyn Fn(&str) -> Value;

/// Tries every way, and returns how many requests it made.
pub(super) fn try_all(world: &World, own: &Tenant<'_>, other: &Tenant<'_>) -> usize {
    let call = |method: &str, path: &str, body: Option<Value>, more: &[(&str, &str)]| {
        unhurried(|| world.call_with(&own.backend, method, path, body.clone(), more))
    };
    let mut asked = 0;
    // Every route that names an object, with every name.
    for route in ROUTES.iter().filter(|route| route.template.contains('{')) {
        for (id, none) in other.names() {
            let at = |id: &str| {
                route
                    .template
                    .split('/')
                    .map(|part| if part.starts_with('{') { id } else { part })
                    .collect::<Vec<_>>()
                    .join("/")
            };
            let body = (route.method != Verb::Get).then(|| json!({}));
            let theirs = call(
                route.method.name(),
                &at(id),
                body.clone(),
                &[("if-match", "\"v1\"")],
            );
            let nobodys = call(
                route.method.name(),
                &at(none),
                body,
                &[("if-match", "\"v1\"")],
            );
            same(
                own,
                &format!("{} {}", route.method.name(), at(id)),
                (&theirs, id),
                (&nobodys, none),
            );
            asked += 2;
        }
    }
    // Every filter, and cursors of others.
    let mut queries: Vec<(String, String)> = Vec::new();
    for (filter, theirs, nobodys) in [
        ("owner", other.root.as_str(), NO_ACCOUNT),
        ("owner", &other.below, NO_ACCOUNT),
        ("query", other.word, "zinnia"),
        ("query", &other.key, NOBODY),
        ("label", &format!("team={}", other.word), "team=zinnia"),
        ("created_by", &other.key, NOBODY),
        ("grant_set", other.word, "zinnia"),
    ] {
        for scope in ["", "&scope=tree", "&include_expired=true"] {
            let path = |value: &str| format!("/v2/iam/api_keys?{filter}={value}{scope}");
            queries.push((path(theirs), path(nobodys)));
        }
    }
    for (filter, theirs, nobodys) in [
        ("parent", other.root.as_str(), NO_ACCOUNT),
        ("root", &other.root, NO_ACCOUNT),
        ("external_id", &format!("ext_{}", other.word), "ext_zinnia"),
        ("query", other.word, "zinnia"),
    ] {
        let path = |value: &str| format!("/v2/keyward/accounts?{filter}={value}&scope=tree");
        queries.push((path(theirs), path(nobodys)));
    }
    for (filter, theirs, nobodys) in [
        ("object", other.key.as_str(), NOBODY),
        ("object", &other.session, "ps_0"),
        (
            "actor",
            &format!("admin@{}.example", other.root),
            "admin@zinnia.example",
        ),
    ] {
        for from in ["", "&logs_from=@organization_members"] {
            let path = |value: &str| format!("/v2/iam/activity_logs?{filter}={value}{from}");
            queries.push((path(theirs), path(nobodys)));
        }
    }
    queries.push((
        format!("/v2/keyward/counts?owner={}", other.root),
        format!("/v2/keyward/counts?owner={NO_ACCOUNT}"),
    ));
    for (theirs, nobodys) in queries {
        let (one, two) = (
            call("GET", &theirs, None, &[]),
            call("GET", &nobodys, None, &[]),
        );
        assert_eq!(
            (one.status, one.text()),
            (two.status, two.text()),
            "{theirs}"
        );
        nothing_of_others(own, &theirs, one.text());
        asked += 2;
    }
    for path in [
        "/v2/iam/api_keys",
        "/v2/keyward/accounts?scope=tree",
        "/v2/iam/activity_logs?limit=100",
        "/v2/iam/activity_logs?after=0&limit=100",
        "/v2/keyward/activity_logs/export",
        "/v2/keyward/portal_sessions",
        "/v2/keyward/permissions",
    ] {
        nothing_of_others(own, path, call("GET", path, None, &[]).text());
        asked += 1;
    }
    let page = call(
        "GET",
        &format!("/v2/iam/api_keys?{}", other.cursor),
        None,
        &[],
    );
    nothing_of_others(own, "a cursor", page.text());
    // Bodies and headers that name another organization's records.
    let new = |owner: &str| json!({"type": "secret_key", "permissions": ["customer_read"], "keyward": {"owner": owner, "livemode": false}});
    let link = |account: &str| {
        let mut body = visit_of("acct_any");
        body["account"] = json!(account);
        body
    };
    let filter = |owner: &str| json!({"dry_run": true, "filter": {"owner": owner}});
    let bodies: [(&str, BodyOf<'_>); 3] = [
        ("/v2/iam/api_keys", &new),
        ("/v2/keyward/portal_sessions", &link),
        ("/v2/keyward/api_keys/revoke", &filter),
    ];
    for (path, body) in bodies {
        for id in [&other.root, &other.below] {
            let (theirs, nobodys) = (
                call("POST", path, Some(body(id)), &[]),
                call("POST", path, Some(body(NO_ACCOUNT)), &[]),
            );
            same(own, path, (&theirs, id), (&nobodys, NO_ACCOUNT));
            asked += 2;
        }
    }
    let lookup = |digest: &str| {
        call(
            "POST",
            "/v2/keyward/api_keys/lookup",
            Some(json!({"sha256": digest})),
            &[],
        )
    };
    let none = "f".repeat(64);
    same(
        own,
        "lookup",
        (&lookup(&other.digest), &other.digest),
        (&lookup(&none), &none),
    );
    let context = |account: &str| {
        call(
            "GET",
            "/v2/iam/api_keys",
            None,
            &[("stripe-context", account)],
        )
    };
    same(
        own,
        "a context",
        (&context(&other.root), &other.root),
        (&context(NO_ACCOUNT), NO_ACCOUNT),
    );
    asked + 4
}
