//! Calls handlers on a store like a person on the machine: without HTTP, and without a gateway in
//! front.

use std::path::Path;
use std::sync::Arc;

use axum::http::Request;
use axum::http::request::Parts;
use keyward::key::Livemode;
use keyward::management::Granted;
use keyward::permission::AccessLevel;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::caller::{Caller, Entrance, KeyCaller};
use crate::configuration::Configuration;
use crate::http::call::{Answer, Call};
use crate::http::conditions;
use crate::http::failure::{Code, Failure};
use crate::http::listener::Peer;
use crate::identify::{Need, identify};
use crate::openapi::of_routes;
use crate::publish::Manner;
use crate::routes::{ROUTES, Route, endpoint_rows};
use crate::service::failure::Stored;
use crate::service::{Sender, refused, standing};
use crate::store::tests::{Fixture, wait};
use crate::store::{Scope, Tx};
use crate::uid::Uid;

mod ceiling;
mod digests;
mod files;
mod held;
mod limits;
mod sessions;
mod trees;
mod unused;

const OPERATOR: &str = "acct_operator";

/// The secret of the gateway.
const SECRET: &str = "gateway";

struct Desk {
    app: Arc<App>,
    // Its folder is removed with it.
    _fixture: Fixture,
}

impl Desk {
    /// Makes a new store with the account `acct_1`.
    async fn of(keys: u64) -> Self {
        Self::with(keys, "").await
    }

    /// The same, with more in the configuration.
    async fn with(keys: u64, more: &str) -> Self {
        let fixture = Fixture::new();
        let first = |tx: &mut Tx<'_>| -> Result<(), Stored> {
            let sender = Sender::local(Uid::own());
            standing::first(tx, OPERATOR, &sender, &endpoint_rows()).map(|_| ())
        };
        fixture.store.write(first).await.unwrap();
        let text = format!(
            "data = \"store\"\npublic_url = \"https://keys.example.com\"\noperator_account = \"{OPERATOR}\"\n[listen]\napi = \"run/api.sock\"\ntrusted_uids = [\"0\"]\nadmin = \"admin/admin.sock\"\ngateway_sha256 = \"{}\"\n[limits]\nkeys = {keys}\n{more}",
            hex::encode(Sha256::digest(SECRET))
        );
        let configuration = Configuration::parse(&text, Path::new("/nowhere")).unwrap();
        let app = App::start(
            &configuration,
            fixture.store.clone(),
            of_routes(),
            Manner::Snapshot,
        )
        .await;
        let desk = Self {
            app: Arc::new(app.unwrap()),
            _fixture: fixture,
        };
        let account = json!({"id": "acct_1", "policy": "operator"});
        desk.good("POST", "/v2/keyward/accounts", &account, None)
            .await;
        desk
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        body: &Value,
        idempotency_key: Option<&str>,
    ) -> Result<Answer, Failure> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let peer = Peer(Some(Uid::own()));
        let route = route_of(method, head.uri.path());
        let caller = identify(&self.app, Entrance::Local, peer, Need::of(route), &head).await;
        let caller = caller.ok().unwrap().caller;
        self.call_by(caller, &head, body, None).await
    }

    /// Calls a handler as any caller.
    async fn call_by(
        &self,
        caller: Caller,
        head: &Parts,
        body: &Value,
        expected_version: Option<u64>,
    ) -> Result<Answer, Failure> {
        let route = route_of(head.method.as_str(), head.uri.path());
        let call = self.call_of(caller, head, body, expected_version)?;
        (route.handler)(Arc::clone(&self.app), call).await
    }

    /// The call of a request.
    fn call_of(
        &self,
        caller: Caller,
        head: &Parts,
        body: &Value,
        expected_version: Option<u64>,
    ) -> Result<Call, Failure> {
        let route = route_of(head.method.as_str(), head.uri.path());
        let asked: Vec<&str> = head.uri.path().split('/').collect();
        let body = body.to_string();
        let of_id = route
            .template
            .split('/')
            .position(|one| one.starts_with('{'));
        Ok(Call {
            idempotency: conditions::idempotency(head, &caller, body.as_bytes())?,
            caller,
            target: of_id
                .map(|index| asked[index].to_owned())
                .unwrap_or_default(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            body: body.into(),
            expected_version,
            wait: None,
            request_id: "req_1".to_owned(),
        })
    }

    async fn good(&self, method: &str, path: &str, body: &Value, key: Option<&str>) -> Value {
        let answer = self.call(method, path, body, key).await.unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }

    async fn refused(&self, method: &str, path: &str, body: &Value) -> (u16, &'static str) {
        let failure = self.call(method, path, body, None).await.err().unwrap();
        (failure.status().as_u16(), failure.name())
    }

    async fn make(&self, body: &Value, key: Option<&str>) -> Value {
        self.good("POST", "/v2/iam/api_keys", body, key).await
    }

    /// Returns the rows of one type, oldest first: the object of each, and its body.
    async fn rows(&self, kind: &'static str) -> Vec<(Option<String>, Value)> {
        let rows: Result<_, Stored> = (self.app.store)
            .read(|reader| Ok(reader.activity_after(&Scope::everything(), 0, 1_000)?))
            .await;
        let rows = rows.unwrap().into_iter();
        rows.filter(|row| row.entry.kind == kind)
            .map(|row| (row.entry.object.map(|(_, id)| id), row.entry.body))
            .collect()
    }
}

/// An operator's key that holds these, and may read everything.
fn operator(permissions: &[&str]) -> Caller {
    Caller::by_key(operators_key(permissions), None)
}

fn operators_key(permissions: &[&str]) -> KeyCaller {
    let own: Granted = permissions
        .iter()
        .map(|name| ((*name).to_owned(), AccessLevel::Write))
        .collect();
    KeyCaller {
        id: "mk_caller".to_owned(),
        mode: Livemode::Live,
        account: OPERATOR.to_owned(),
        tree: None,
        is_operator: true,
        own,
        connected: Granted::new(),
        gateway: None,
        ends: None,
    }
}

/// The route of a path.
fn route_of(method: &str, path: &str) -> &'static Route {
    let asked: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let template: Vec<&str> = template.split('/').collect();
        template.len() == asked.len()
            && (template.iter().zip(&asked))
                .all(|(one, other)| one == other || one.starts_with('{'))
    };
    let mut routes = ROUTES.iter().filter(|route| route.method.name() == method);
    let exact = routes.clone().find(|route| route.template == path);
    exact
        .or_else(|| routes.find(|route| fits(route.template)))
        .unwrap()
}

fn new_key() -> Value {
    json!({
        "type": "secret_key", "permissions": ["customer_read"],
        "keyward": {"owner": "acct_1", "livemode": false},
    })
}

#[test]
fn the_operators_account_is_neither_suspended_nor_removed() {
    wait(async {
        let desk = Desk::of(100).await;
        let in_use = (409, "account_in_use");
        let account = format!("/v2/keyward/accounts/{OPERATOR}");
        let suspend = format!("{account}/suspend");
        assert_eq!(desk.refused("POST", &suspend, &json!({})).await, in_use);
        let remove = format!("{account}?with_keys=true");
        assert_eq!(desk.refused("DELETE", &remove, &json!({})).await, in_use);
        let other = "/v2/keyward/accounts/acct_1";
        desk.good("POST", &format!("{other}/suspend"), &json!({}), None)
            .await;
        desk.good("DELETE", other, &json!({}), None).await;
    });
}

#[test]
fn a_value_that_was_shown_is_in_the_trail_and_one_that_was_not_is_not() {
    wait(async {
        let desk = Desk::of(100).await;
        // The first key has this row.
        assert_eq!(desk.rows("api_key_viewed").await.len(), 1);
        let made = desk.make(&new_key(), None).await;
        let id = made["id"].as_str().unwrap().to_owned();
        let path = format!("/v2/iam/api_keys/{id}/rotate");
        let replacement = desk.good("POST", &path, &json!({}), None).await;
        let mut digest = new_key();
        digest["keyward"]["sha256"] = json!("ab".repeat(32));
        desk.make(&digest, None).await;
        let viewed = desk.rows("api_key_viewed").await;
        let ids: Vec<_> = viewed.iter().skip(1).map(|(id, _)| id.clone()).collect();
        let new = replacement["id"].as_str().unwrap().to_owned();
        assert_eq!(ids, [Some(id), Some(new)]);
        let value = made["secret_key"]["token"].as_str().unwrap();
        assert!(
            viewed
                .iter()
                .all(|(_, body)| !body.to_string().contains(value))
        );
    });
}

#[test]
fn why_a_policy_was_passed_over_is_in_the_trail() {
    wait(async {
        let desk = Desk::of(100).await;
        let mut new = new_key();
        new["keyward"]["override_policy"] = json!(true);
        new["keyward"]["reason"] = json!("ticket 7");
        let made = desk.make(&new, None).await;
        desk.make(&new_key(), None).await;
        let rows = desk.rows("api_key_created").await;
        let because = |id: &Value| {
            let row = rows.iter().find(|(of, _)| of.as_deref() == id.as_str());
            row.unwrap().1.get("reason").cloned()
        };
        assert_eq!(because(&made["id"]), Some(json!("ticket 7")));
        let reasons = rows.iter().filter(|(_, body)| body.get("reason").is_some());
        assert_eq!(reasons.count(), 1);
    });
}

#[test]
fn no_key_is_added_beyond_the_bound_and_every_end_works() {
    wait(async {
        // The first key, and two others.
        let desk = Desk::of(3).await;
        let one = desk.make(&new_key(), None).await;
        desk.make(&new_key(), None).await;
        let no_more = (400, "max_keys");
        let path = "/v2/iam/api_keys";
        assert_eq!(desk.refused("POST", path, &new_key()).await, no_more);
        let id = one["id"].as_str().unwrap();
        let (one, of_ours) = (format!("{path}/{id}"), format!("/v2/keyward/api_keys/{id}"));
        let rotate = format!("{one}/rotate");
        assert_eq!(desk.refused("POST", &rotate, &json!({})).await, no_more);
        let import = json!({"atomic": false, "keys": [
            {"sha256": "cd".repeat(32), "keyward": {"owner": "acct_1", "livemode": false}},
        ]});
        let imported = desk
            .good("POST", "/v2/keyward/api_keys/import", &import, None)
            .await;
        assert_eq!(imported["results"][0]["error"]["code"], "max_keys");
        desk.good("POST", &format!("{one}/expire"), &json!({}), None)
            .await;
        desk.good("DELETE", &of_ours, &json!({}), None).await;
        assert_eq!(desk.refused("POST", path, &new_key()).await, no_more);
        desk.good("DELETE", &format!("{of_ours}?purge=true"), &json!({}), None)
            .await;
        desk.make(&new_key(), None).await;
    });
}

#[test]
fn a_lookup_an_import_and_a_revocation_are_carried_out_once() {
    wait(async {
        let desk = Desk::of(100).await;
        let import = json!({"keys": [
            {"sha256": "cd".repeat(32), "keyward": {"owner": "acct_1", "livemode": false}},
        ]});
        let path = "/v2/keyward/api_keys/import";
        let first = desk.good("POST", path, &import, Some("a")).await;
        assert_eq!(first["results"][0]["result"], "created");
        let again = desk.call("POST", path, &import, Some("a")).await.unwrap();
        assert!(again.is_replayed);
        assert_eq!(serde_json::from_slice::<Value>(&again.body).unwrap(), first);
        let another = json!({"keys": [{}]});
        let other = desk.call("POST", path, &another, Some("a"));
        assert!(other.await.err().unwrap().is(Code::IdempotencyKeyReused));

        let path = "/v2/keyward/api_keys/lookup";
        let lookup = json!({"sha256": "cd".repeat(32)});
        let first = desk.good("POST", path, &lookup, Some("b")).await;
        assert_eq!(desk.good("POST", path, &lookup, Some("b")).await, first);
        assert_eq!(desk.rows("api_key_looked_up").await.len(), 1);
        desk.good("POST", path, &lookup, Some("c")).await;
        assert_eq!(desk.rows("api_key_looked_up").await.len(), 2);

        let path = "/v2/keyward/api_keys/revoke";
        let dry = json!({"filter": {"owner": "acct_1"}, "dry_run": true});
        let plan = desk.good("POST", path, &dry, Some("d")).await;
        assert_eq!(desk.good("POST", path, &dry, Some("d")).await, plan);
        let carry = json!({"plan": plan["id"], "confirm": 1});
        let done = desk.good("POST", path, &carry, Some("e")).await;
        assert_eq!(done["revoked"], 1);
        let again = desk.call("POST", path, &carry, Some("e")).await.unwrap();
        assert!(again.is_replayed);
        let again: Value = serde_json::from_slice(&again.body).unwrap();
        assert_eq!((&again["revoked"], &again["id"]), (&json!(1), &plan["id"]));
        assert_eq!(desk.rows("keys_revoked").await.len(), 1);
        assert_eq!(desk.refused("POST", path, &carry).await.1, "plan_expired");
    });
}

#[test]
fn a_refusal_is_in_the_trail_once_a_minute_and_principal() {
    wait(async {
        let desk = Desk::of(100).await;
        let note = async |key: &str, code: Code| {
            let sender = Sender::of_key(key, None, "req_1");
            let failure = Failure::new(code, "");
            refused::note(&desk.app, sender, &failure, "/v2/iam/api_keys").await;
        };
        note("mk_1", Code::ResourceMissing).await;
        for _ in 0..3 {
            note("mk_1", Code::UnrestrictedKeyRefused).await;
        }
        note("mk_2", Code::MorePermissionsRequired).await;
        let rows = desk.rows("refused").await;
        let codes: Vec<&Value> = rows
            .iter()
            .map(|(_, body)| &body["details"]["refused"]["code"])
            .collect();
        assert_eq!(
            codes,
            ["unrestricted_key_refused", "more_permissions_required"]
        );
    });
}
