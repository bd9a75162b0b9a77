//! Three organizations, each with its keys and a session. None gets anything of another's by any
//! route, id, filter, form field or cursor: the server answers as if it did not exist.

mod by_api;
mod by_pages;

use keyward_harness::http::Response;
use keyward_harness::{BOUND, eventually};
use serde_json::{Value, json};

use super::{account, backend, policy, visit_of};
use crate::browser::Browser;
use crate::world::World;

/// An organization: a root, an account below it, and their records.
struct Tenant<'w> {
    /// A word that occurs in all its names, ids and notes, and in no other text.
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
    /// The query for the second page of its list.
    cursor: String,
    browser: Browser<'w>,
}

const WORDS: [&str; 3] = ["amaryllis", "bluebell", "clematis"];

/// Ids of the right form that do not exist.
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
        let list = world
            .call(&backend, "GET", "/v2/iam/api_keys?limit=1", None)
            .json();
        let next = list["next_page_url"].as_str().unwrap();
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
            cursor: next.split_once('?').unwrap().1.to_owned(),
            backend,
            browser,
        }
    }

    /// Returns each way to name something of this tenant's, with an id that does not exist for
    /// comparison.
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
        // Each tenant tries the next one. It makes no difference which tenant tries which.
        let at = WORDS.iter().position(|word| *word == own.word).unwrap();
        let other = &tenants[(at + 1) % tenants.len()];
        asked += by_api::try_all(&world, own, other);
        asked += by_pages::try_all(own, other);
        // The other tenants' accounts are missing, but this tenant's are there.
        let get = |path: &str| unhurried(|| own.browser.get(path));
        let page = get(&format!("/portal/keys/{}", own.below_key));
        assert_eq!(page.status, 200, "{}", page.text());
        let list = get("/portal/keys").text().to_owned();
        assert!(
            list.contains(&own.key) && list.contains(&own.below_key),
            "{list}"
        );
    }
    assert!(asked > 1_000, "only {asked} requests were sent");
    let after: Vec<Value> = tenants.iter().map(|tenant| of(&world, tenant)).collect();
    assert_eq!(before, after, "something of another's was changed");
}

/// Returns all records of a tenant, as the operator sees them.
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

/// Repeats the request while the server answers 429, which proves nothing about the request itself.
fn unhurried(ask: impl Fn() -> Response) -> Response {
    eventually("an answer that is not 429", BOUND, || {
        Some(ask()).filter(|answer| answer.status != 429)
    })
}

/// Asserts that the two answers are the same except for the requested id, and that neither contains
/// a word of another tenant.
#[track_caller]
fn same(
    own: &Tenant<'_>,
    what: &str,
    (theirs, id): (&Response, &str),
    (nobodys, none): (&Response, &str),
) {
    assert_eq!(theirs.status, nobodys.status, "{what}: {}", theirs.text());
    let plain = |answer: &Response, id: &str| {
        let text = without(answer, id);
        let mut kept = String::new();
        // The name and the end of a plan differ as well.
        let is_plan = |line: &&str| line.contains("plan_") || line.contains("expires_at");
        let lines: Vec<&str> = text.lines().filter(|line| !is_plan(line)).collect();
        let text = lines.join("\n");
        for part in text.split_inclusive('>') {
            // The parts that differ on every page: the tokens of its forms, and how long the
            // session lasts.
            if !part.contains("name=\"once\"")
                && !part.contains("name=\"csrf\"")
                && !part.contains(" left<")
            {
                kept.push_str(part);
            }
        }
        kept
    };
    assert_eq!(plain(theirs, id), plain(nobodys, none), "{what}");
    nothing_of_others(own, what, &without(theirs, id));
}

/// Returns an answer without the requested id. A number also occurs inside other numbers, so only
/// the quoted one counts.
fn without(answer: &Response, id: &str) -> String {
    let is_number = id.bytes().all(|byte| byte.is_ascii_digit());
    let shown = if is_number {
        format!("'{id}'")
    } else {
        id.to_owned()
    };
    answer.text().replace(&shown, "ID")
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
