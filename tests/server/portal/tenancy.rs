//! Three organizations, each with keys and a session of its own: none gets anything of another's by any route, id, filter, form field or cursor, and what is another's is as what is not there.

use keyward_harness::http::Response;
use keyward_harness::{BOUND, eventually};
use keyward_server::pages::listed;
use keyward_server::routes::{ROUTES, Verb};
use serde_json::{Value, json};

use super::{account, backend, policy, visit_of};
use crate::browser::Browser;
use crate::world::World;

/// An organization: a root, an account below it, and what is theirs.
struct Tenant<'w> {
    /// The word that is in every name, id and note of it, and nowhere else.
    word: &'static str,
    root: String,
    below: String,
    key: String,
    below_key: String,
    digest: String,
    backend: String,
    session: String,
    activity: String,
    change: String,
    browser: Browser<'w>,
}

const WORDS: [&str; 3] = ["amaryllis", "bluebell", "clematis"];

/// Ids of the right form that nobody has.
const NOBODY: &str = "mk_0000000000000000";
const NO_ACCOUNT: &str = "acct_0000000000000000";

impl<'w> Tenant<'w> {
    fn make(world: &'w World, word: &'static str) -> Self {
        let (root, below) = (format!("acct_{word}"), format!("acct_{word}_below"));
        account(
            world,
            json!({"id": root, "name": format!("{word} Inc."), "external_id": format!("ext_{word}"), "policy": "customers"}),
        );
        account(
            world,
            json!({"id": below, "name": format!("{word} Ltd."), "parent": root}),
        );
        let key = |owner: &str, sha256: &str| {
            let body = json!({
                "type": "secret_key", "name": format!("{word} worker"), "note": format!("vault {word}"), "permissions": ["customer_read"],
                "keyward": {"owner": owner, "livemode": false, "labels": {"team": word, "internal_rating": format!("{word}-bad")}, "sha256": sha256, "last4": "abcd"},
            });
            let made = world.api("POST", "/v2/iam/api_keys", Some(body));
            assert_eq!(made.status, 200, "{}", made.text());
            made.json()["id"].as_str().unwrap().to_owned()
        };
        let mark = WORDS.iter().position(|one| *one == word).unwrap() + 1;
        let digest = format!("{mark:064x}");
        let (own, below_key) = (
            key(&root, &digest),
            key(&below, &format!("{:064x}", mark + 1_000)),
        );
        let permissions = [
            "api_key_write",
            "account_read",
            "activity_log_read",
            "request_log_read",
            "portal_session_write",
        ];
        let (_, backend) = backend(world, &root, &permissions);
        let browser = Browser::in_portal(world, &backend, visit_of(&root));
        let sessions = world
            .call(&backend, "GET", "/v2/keyward/portal_sessions", None)
            .json();
        let logs = world
            .call(&backend, "GET", "/v2/iam/activity_logs", None)
            .json();
        let log = &logs["data"][0];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            word,
            session: text(&sessions["data"][0]["id"]),
            activity: text(&log["id"]),
            change: log["keyward"]["sequence"].to_string(),
            root,
            below,
            key: own,
            below_key,
            digest,
            backend,
            browser,
        }
    }

    /// Each way to name something of this tenant's, and of nobody's in its place.
    fn names(&self) -> Vec<(&str, &str)> {
        vec![
            (&self.key, NOBODY),
            (&self.below_key, NOBODY),
            (&self.root, NO_ACCOUNT),
            (&self.below, NO_ACCOUNT),
            (&self.session, "ps_0000000000000000"),
            (&self.activity, "al_0000000000000000"),
            (&self.change, "999999999"),
        ]
    }
}

#[test]
fn nobody_gets_anything_of_another_organization() {
    let world = World::start();
    policy(
        &world,
        "customers",
        json!({"permissions": ["customer_write", "charge_write"]}),
    );
    let tenants = WORDS.map(|word| Tenant::make(&world, word));
    let before: Vec<Value> = tenants.iter().map(|tenant| of(&world, tenant)).collect();
    let mut asked = 0;
    for own in &tenants {
        for other in tenants.iter().filter(|other| other.word != own.word) {
            asked += by_api(&world, own, other);
            asked += by_pages(own, other);
        }
        // The other tenants are not there, but the own ones are.
        assert_eq!(
            own.browser
                .get(&format!("/portal/keys/{}", own.below_key))
                .status,
            200
        );
        let list = own.browser.get("/portal/keys").text().to_owned();
        assert!(
            list.contains(&own.key) && list.contains(&own.below_key),
            "{list}"
        );
    }
    assert!(asked > 1_000, "only {asked} requests were sent");
    let after: Vec<Value> = tenants.iter().map(|tenant| of(&world, tenant)).collect();
    assert_eq!(before, after, "something of another's was changed");
}

/// All that a tenant has, as the operator sees it.
fn of(world: &World, tenant: &Tenant<'_>) -> Value {
    let get = |path: &str| world.api("GET", path, None).json();
    let without_time = |mut value: Value| {
        if let Some(members) = value.as_object_mut() {
            members.remove("last_seen");
        }
        value
    };
    json!([
        get(&format!("/v2/iam/api_keys/{}", tenant.key)),
        get(&format!("/v2/iam/api_keys/{}", tenant.below_key)),
        get(&format!(
            "/v2/iam/api_keys?owner={}&include_expired=true&limit=100",
            tenant.root
        ))["data"]
            .as_array()
            .unwrap()
            .len(),
        get(&format!("/v2/keyward/accounts/{}", tenant.root)),
        without_time(get(&format!(
            "/v2/keyward/portal_sessions/{}",
            tenant.session
        ))),
    ])
}

/// The body of a request about an account.
type BodyOf<'a> = &'a dyn Fn(&str) -> Value;

/// Asks again where the server says that it was asked too often: that is no answer to what was asked.
fn unhurried(ask: impl Fn() -> Response) -> Response {
    eventually("an answer that is not 429", BOUND, || {
        Some(ask()).filter(|answer| answer.status != 429)
    })
}

/// Two answers are the same but for the id that was asked for, and neither has a word of another tenant.
#[track_caller]
fn same(
    own: &Tenant<'_>,
    what: &str,
    (theirs, id): (&Response, &str),
    (nobodys, none): (&Response, &str),
) {
    assert_eq!(theirs.status, nobodys.status, "{what}: {}", theirs.text());
    let plain = |answer: &Response, id: &str| {
        let text = answer.text().replace(id, "ID");
        let mut kept = String::new();
        // So are the name and the end of a plan.
        let is_plan = |line: &&str| line.contains("plan_") || line.contains("expires_at");
        let lines: Vec<&str> = text.lines().filter(|line| !is_plan(line)).collect();
        let text = lines.join("\n");
        for part in text.split_inclusive('>') {
            // What is new on every page: the token of a form sent once, and how long the session lasts.
            if !part.contains("name=\"once\"") && !part.contains(" left<") {
                kept.push_str(part);
            }
        }
        kept
    };
    assert_eq!(plain(theirs, id), plain(nobodys, none), "{what}");
    nothing_of_others(own, what, &theirs.text().replace(id, "ID"));
}

#[track_caller]
fn nothing_of_others(own: &Tenant<'_>, what: &str, text: &str) {
    for word in WORDS.iter().filter(|word| **word != own.word) {
        assert!(
            !text.contains(word),
            "{what} says something of {word}: {text}"
        );
    }
}

fn by_api(world: &World, own: &Tenant<'_>, other: &Tenant<'_>) -> usize {
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
    let list = call_as(world, other, "GET", "/v2/iam/api_keys?limit=1");
    let cursor = list.json()["next_page_url"]
        .as_str()
        .map(|url| url.split_once('?').unwrap().1.to_owned());
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
    if let Some(cursor) = cursor {
        let page = call("GET", &format!("/v2/iam/api_keys?{cursor}"), None, &[]);
        nothing_of_others(own, "a cursor", page.text());
    }
    // Bodies and headers that name what is another's.
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

fn call_as(world: &World, tenant: &Tenant<'_>, method: &str, path: &str) -> Response {
    world.call(&tenant.backend, method, path, None)
}

fn by_pages(own: &Tenant<'_>, other: &Tenant<'_>) -> usize {
    let browser = &own.browser;
    let mut asked = 0;
    // Every page that names a key, with every name; with all fields that its forms have.
    let form = browser.get(&format!("/portal/keys/{}/expire", own.key));
    for page in listed()
        .into_iter()
        .filter(|page| page.template.starts_with("/portal/") && page.template.contains('{'))
    {
        for (id, none) in other.names() {
            let at = |id: &str| page.template.replace("{id}", id);
            let ask = |id: &str| {
                unhurried(|| {
                    if page.method == Verb::Get {
                        return browser.get(&at(id));
                    }
                    let fields = [
                        ("name", "mine"),
                        ("note", "mine"),
                        ("ips", "127.0.0.1"),
                        ("ends", "now"),
                        ("overlap", "0"),
                        ("mode", "test"),
                        ("confirm", id),
                        ("account", own.root.as_str()),
                        ("p.customer", "write"),
                    ];
                    browser.send(&form, &at(id), &fields)
                })
            };
            let (theirs, nobodys) = (ask(id), ask(none));
            assert_eq!(theirs.status, 404, "{} {}", page.method.name(), at(id));
            same(own, &at(id), (&theirs, id), (&nobodys, none));
            asked += 2;
        }
    }
    // Filters, cursors, and a new key of another account.
    let cursor = {
        let list = other.browser.get("/portal/keys");
        list.text()
            .split_once("page=")
            .map(|(_, after)| after.split('"').next().unwrap().to_owned())
    };
    for query in [
        format!("account={}", other.root),
        format!("account={}", other.below),
        format!("q={}", other.word),
        format!("q={}", other.key),
        format!("by={}", other.key),
        format!("label=team:{}", other.word),
        "state=all".to_owned(),
        format!("page={}", cursor.unwrap_or_default()),
    ] {
        let page = unhurried(|| browser.get(&format!("/portal/keys?{query}")));
        // What was looked for stands in the field it was typed into.
        let shown = page
            .text()
            .replace(&format!("\"{}\"", other.word), "")
            .replace(&other.root, "")
            .replace(&other.below, "")
            .replace(&format!(": {}", other.word), "");
        nothing_of_others(own, &query, &shown);
        asked += 1;
    }
    for id in [&other.root, &other.below] {
        let ask = |id: &str| unhurried(|| browser.get(&format!("/portal/keys/new?account={id}")));
        same(
            own,
            "a new key",
            (&ask(id), id),
            (&ask(NO_ACCOUNT), NO_ACCOUNT),
        );
        let form = unhurried(|| browser.get("/portal/keys/new"));
        let send = |id: &str| {
            let fields = [
                ("name", "x"),
                ("account", id),
                ("mode", "test"),
                ("p.customer", "read"),
                ("ends", "30"),
            ];
            unhurried(|| browser.send(&form, "/portal/keys/new", &fields))
        };
        same(
            own,
            "a new key's form",
            (&send(id), id),
            (&send(NO_ACCOUNT), NO_ACCOUNT),
        );
        asked += 5;
    }
    // Its internal labels are not for the own people either.
    let page = browser.get(&format!("/portal/keys/{}", own.key));
    assert!(
        page.text().contains(own.word) && !page.text().contains("internal_rating"),
        "{}",
        page.text()
    );
    let found = browser.get("/portal/keys?q=bad");
    assert!(
        !found.text().contains(&own.key),
        "an internal label leads to a key"
    );
    asked + 2
}
