//! Who may do what: sends requests to every route in the table as every kind of caller. The
//! expectation follows from the table's permission and level, and from the caller.

mod lacking;
mod strangers;

use keyward::permission::AccessLevel;
use keyward_harness::eventually;
use keyward_server::permission::Management;
use keyward_server::routes::{Asked, ROUTES, Route};
use serde_json::{Value, json};

use crate::world::{PROPAGATION, World};

/// A kind of caller, as the gateway reports it.
struct Caller {
    name: &'static str,
    key: String,
    headers: Vec<(&'static str, &'static str)>,
    may: May,
}

/// What a caller is expected to be allowed.
#[derive(Clone, Copy, PartialEq)]
enum May {
    /// Everything, everywhere.
    Operate,
    /// Everything on the account that has the objects, but nothing that is for operators.
    OnIt,
    /// Everything on another account, where the objects do not exist.
    Elsewhere,
    /// Reading keys.
    ReadKeys,
    /// Nothing: the gateway denies the request, because the key has no management permission.
    Nothing,
    /// Nothing: the server rejects the key, because it is unrestricted.
    Unrestricted,
    /// Nothing: the key has been revoked.
    Revoked,
}

/// The kind of an answer.
#[derive(Debug, PartialEq)]
enum Seen {
    /// The handler answered, whatever the answer was.
    Answered,
    /// 404 `resource_missing`: the object does not exist for this caller.
    Missing,
    /// The answer that the route is for operators only.
    OperatorsOnly,
    /// The gateway denied the request, for this reason.
    Gateway(String),
    /// The server rejected the request, with this status and code.
    Server(u16, String),
}

#[test]
fn every_route_answers_every_caller_as_the_table_says() {
    let world = World::start();
    let made = |body: Value| {
        let made = world.api("POST", "/v2/keyward/accounts", Some(body));
        assert_eq!(made.status, 200, "{}", made.text());
    };
    made(json!({"id": "org_1", "is_organization": true, "policy": "operator"}));
    made(json!({"id": "acct_a", "parent": "org_1", "children": "any", "policy": "operator"}));
    made(json!({"id": "acct_d", "parent": "acct_a", "policy": "operator"}));
    made(json!({"id": "acct_b", "policy": "operator"}));
    let all: Vec<String> = Management::ALL
        .iter()
        .map(|one| format!("{}_write", one.name()))
        .collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let objects = Objects::make(&world);
    let callers = [
        caller("operator", May::Operate, world.first.clone(), &[]),
        caller(
            "organization key",
            May::OnIt,
            key(&world, "org_1", "organization", true, &all, &[]),
            &[
                ("stripe-version", "2026-10-28.endive"),
                ("stripe-context", "acct_a"),
            ],
        ),
        caller(
            "account key",
            May::OnIt,
            key(&world, "acct_a", "restricted", true, &all, &[]),
            &[],
        ),
        caller(
            "test key",
            May::OnIt,
            key(&world, "acct_a", "restricted", false, &all, &[]),
            &[],
        ),
        caller(
            "key on a connected account",
            May::Elsewhere,
            key(&world, "acct_a", "restricted", true, &[], &all),
            &[("stripe-context", "acct_d")],
        ),
        caller(
            "another tenant",
            May::Elsewhere,
            key(&world, "acct_b", "restricted", true, &all, &[]),
            &[],
        ),
        caller(
            "reader of keys",
            May::ReadKeys,
            key(&world, "acct_a", "restricted", true, &["api_key_read"], &[]),
            &[],
        ),
        caller(
            "key of the API",
            May::Nothing,
            key(
                &world,
                "acct_a",
                "restricted",
                true,
                &["customer_write"],
                &[],
            ),
            &[],
        ),
        caller(
            "unrestricted key",
            May::Unrestricted,
            key(&world, "acct_a", "secret", true, &[], &[]),
            &[],
        ),
        caller("revoked key", May::Revoked, revoked(&world, &all), &[]),
    ];
    let mut cells = 0;
    for caller in &callers {
        for route in ROUTES {
            let expected = expected(caller.may, route);
            let seen = eventually(
                &format!(
                    "{} {} by {}",
                    route.method.name(),
                    route.template,
                    caller.name
                ),
                PROPAGATION,
                || {
                    let seen = ask(&world, &objects, caller, route);
                    // A new key may not have reached every worker.
                    let is_late = matches!(&seen, Seen::Gateway(reason) if reason == "unknown_key");
                    (!is_late).then_some(seen)
                },
            );
            assert_eq!(
                seen,
                expected,
                "{} {} by {}",
                route.method.name(),
                route.template,
                caller.name
            );
            cells += 1;
        }
    }
    assert_eq!(cells, callers.len() * ROUTES.len());
    lacking::no_route_is_open_to_a_caller_that_lacks_its_permission_only(&world, &objects);
    strangers::no_way_around_the_gateway_is_believed(&world, &objects);
}

/// Returns the expected answer according to the table.
fn expected(may: May, route: &Route) -> Seen {
    match may {
        May::Operate => Seen::Answered,
        May::Revoked => Seen::Gateway("deleted_key".to_owned()),
        May::Unrestricted => Seen::Server(403, "unrestricted_key_refused".to_owned()),
        May::Nothing => Seen::Gateway("insufficient_permission".to_owned()),
        May::ReadKeys => {
            let is_granted = match route.asked {
                Asked::One(one) => one == Management::ApiKey,
                Asked::Any => true,
            };
            if is_granted && route.level == AccessLevel::Read {
                Seen::Answered
            } else {
                Seen::Gateway("insufficient_permission".to_owned())
            }
        }
        May::OnIt if is_operators(route) => Seen::OperatorsOnly,
        May::OnIt => Seen::Answered,
        May::Elsewhere if is_operators(route) => Seen::OperatorsOnly,
        May::Elsewhere if is_about_a_tenants_object(route) => Seen::Missing,
        May::Elsewhere => Seen::Answered,
    }
}

/// Returns whether only operators may use the route: it changes accounts, or concerns the whole
/// store.
fn is_operators(route: &Route) -> bool {
    let is_change = route.level == AccessLevel::Write;
    (route.asked == Asked::One(Management::Account) && is_change)
        || route.asked == Asked::One(Management::Snapshot)
        || route.asked == Asked::One(Management::Gateway)
        || route.asked == Asked::One(Management::Endpoint)
        || route.asked == Asked::One(Management::GrantSet)
        || route.asked == Asked::One(Management::KeyPolicy)
        || route.asked == Asked::One(Management::ConsoleSession)
        || route.template.starts_with("/v2/keyward/grant_sets")
        || route.template.starts_with("/v2/keyward/key_file")
        || route.template == "/v2/keyward/activity_logs/head"
}

/// Returns whether the route is for an object of one account. Grant sets and policies belong to the
/// whole store.
fn is_about_a_tenants_object(route: &Route) -> bool {
    route.template.contains("{id}") || route.template.contains("{number}")
}

/// The objects that paths name. All belong to `acct_a` except the operator's session.
struct Objects {
    session: String,
    portal: String,
    activity: String,
    change: String,
}

impl Objects {
    fn make(world: &World) -> Self {
        let (id, _) = world.key("acct_a", &["customer_read"]);
        let logs = world.api("GET", &format!("/v2/iam/activity_logs?object={id}"), None);
        let log = &logs.json()["data"][0];
        let link = json!({"role": "viewer", "actor": {"id": "matrix"}});
        let link = world.api("POST", "/v2/keyward/console_sessions", Some(link));
        let body = json!({"account": "acct_a", "actor": {"id": "matrix"}, "return_url": "http://localhost/"});
        let portal = world.api("POST", "/v2/keyward/portal_sessions", Some(body));
        Self {
            portal: portal.json()["id"].as_str().unwrap().to_owned(),
            session: link.json()["id"].as_str().unwrap().to_owned(),
            activity: log["id"].as_str().unwrap().to_owned(),
            change: log["keyward"]["sequence"].to_string(),
        }
    }

    /// Returns a path of the route. It names a key that no request can spoil for the next one: a
    /// test key of the account, which exists and which an empty body does not change.
    fn path(&self, route: &Route) -> String {
        let id = if route.template.contains("activity_logs") {
            &self.activity
        } else if route.template.contains("console_sessions") {
            &self.session
        } else if route.template.contains("portal_sessions") {
            &self.portal
        } else if route.template.contains("accounts") {
            "acct_a"
        } else {
            "mk_matrix"
        };
        let path = route.template.replace("{id}", id);
        path.replace("{number}", &self.change)
            .replace("{name}", "no_such")
    }
}

fn ask(world: &World, objects: &Objects, caller: &Caller, route: &Route) -> Seen {
    let path = objects.path(route);
    let is_of_a_key = route.template.contains("api_keys/{id}");
    if is_of_a_key {
        fresh(world);
    }
    let body = body_of(route);
    let answer = world.call_with(
        &caller.key,
        route.method.name(),
        &path,
        body,
        &caller.headers,
    );
    if let Some(reason) = answer.header("x-keyward-denied") {
        return Seen::Gateway(reason.to_owned());
    }
    assert!(answer.header("request-id").is_some(), "{}", answer.text());
    // An export is not a single JSON text.
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = body["error"]["code"].as_str().unwrap_or_default();
    let message = body["error"]["message"].as_str().unwrap_or_default();
    match (answer.status, code) {
        // Named objects belong to the whole store, and none has this name.
        (404, "resource_missing") if route.template.contains("{name}") => Seen::Answered,
        (404, "resource_missing") => Seen::Missing,
        (403, "more_permissions_required") if message.contains("operator's keys") => {
            Seen::OperatorsOnly
        }
        (401 | 403, code) => Seen::Server(answer.status, code.to_owned()),
        (404, code) => panic!("{path}: {code}"),
        (_, _) => Seen::Answered,
    }
}

/// Returns a body with a member that no route knows, so that a handler names the member if the
/// request reaches it. Routes of one key look up the key first, so they get a valid body.
fn body_of(route: &Route) -> Option<Value> {
    let body = if route.template.contains("api_keys/{id}") {
        json!({})
    } else {
        json!({"no such member": 1})
    };
    (route.largest_body > 0).then_some(body)
}

/// Makes the key that paths name, again if an earlier request deleted it.
fn fresh(world: &World) {
    let body = json!({
        "type": "secret_key", "permissions": ["customer_read"],
        "keyward": {"owner": "acct_a", "livemode": false, "id": "mk_matrix"},
    });
    let path = "/v2/keyward/api_keys/mk_matrix?purge=true";
    world.api("DELETE", path, None);
    let made = world.api("POST", "/v2/iam/api_keys", Some(body));
    assert_eq!(made.status, 200, "{}", made.text());
}

fn caller(
    name: &'static str,
    may: May,
    key: String,
    headers: &[(&'static str, &'static str)],
) -> Caller {
    Caller {
        name,
        key,
        headers: headers.to_vec(),
        may,
    }
}

fn key(
    world: &World,
    owner: &str,
    kind: &str,
    livemode: bool,
    permissions: &[&str],
    connect: &[&str],
) -> String {
    let mut body = json!({
        "type": "secret_key",
        "keyward": {
            "owner": owner, "kind": kind, "livemode": livemode,
            "override_policy": true, "reason": "the matrix of who may do what",
        },
    });
    if !permissions.is_empty() {
        body["permissions"] = json!(permissions);
    }
    if !connect.is_empty() {
        body["connect_permissions"] = json!(connect);
    }
    let made = world.api("POST", "/v2/iam/api_keys", Some(body));
    assert_eq!(made.status, 200, "{}", made.text());
    made.json()["secret_key"]["token"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn revoked(world: &World, all: &[&str]) -> String {
    let value = key(world, "acct_a", "restricted", true, all, &[]);
    let list = world
        .api("GET", "/v2/iam/api_keys?owner=acct_a&limit=1", None)
        .json();
    let path = format!(
        "/v2/keyward/api_keys/{}",
        list["data"][0]["id"].as_str().unwrap()
    );
    assert_eq!(world.api("DELETE", &path, None).status, 200);
    value
}
