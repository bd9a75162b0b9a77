//! A request may be open for long. What its caller could do when it began is no reason to carry it
//! out after that was taken away.

use axum::http::header::CONTENT_TYPE;

use super::*;
use crate::exchange::{answer, perform};
use crate::http::body::tests::Halves;
use crate::identify::Identified;
use crate::session::{Session, Token};
use crate::sign_in::{self, Found};
use crate::store::{Holds, Reader, SessionKind};
use crate::time;

const KEYS: &str = "/v2/iam/api_keys";

impl Desk {
    /// The key that every store begins with, which holds every permission to manage keys.
    async fn first_key(&self) -> String {
        let path = format!("{KEYS}?owner={OPERATOR}");
        let listed = self.good("GET", &path, &Value::Null, None).await;
        listed["data"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Another key of that kind, of the operator.
    async fn key(&self, permissions: &[&str]) -> String {
        let new = json!({
            "type": "secret_key", "permissions": permissions,
            "keyward": {"owner": OPERATOR, "livemode": true},
        });
        self.make(&new, None).await["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    async fn sequence(&self) -> u64 {
        let head: Result<_, Stored> = self.app.store.read(|reader| Ok(reader.head()?)).await;
        head.unwrap().sequence
    }

    async fn still(&self, holds: &Holds) -> bool {
        let holds = Arc::clone(holds);
        let still: Result<_, Stored> = self.app.store.read(move |reader| Ok(holds(reader)?)).await;
        still.unwrap()
    }

    async fn identified(&self, key: &str) -> Identified {
        let (head, ()) = by_gateway("POST", KEYS, key, ()).into_parts();
        let need = Need::of(route_of("POST", KEYS));
        let found = identify(&self.app, Entrance::Gateway, gateway(), need, &head).await;
        found.ok().unwrap()
    }

    /// A session of the console that this key made.
    async fn session(&self, key: &str) -> Session {
        let path = "/v2/keyward/console_sessions";
        let (head, ()) = by_gateway("POST", path, key, ()).into_parts();
        let body = json!({"role": "viewer", "actor": {"id": "ada"}});
        let caller = self.identified(key).await.caller;
        let made = self.call_by(caller, &head, &body, None).await.unwrap();
        let made: Value = serde_json::from_slice(&made.body).unwrap();
        let (_, link) = made["url"].as_str().unwrap().split_once('#').unwrap();
        let (token, now) = (Token::read(link).unwrap(), time::now());
        let kind = SessionKind::Console;
        let opened = sign_in::open(&self.app, kind, 3_600, &token, None, "req_1", now).await;
        let cookie = opened.unwrap().ok().unwrap().cookie;
        let found = sign_in::find(&self.app, kind, 600, &cookie, now).await;
        match found.unwrap() {
            Found::Session(session) => *session,
            Found::Nothing => panic!("the session is over"),
        }
    }
}

pub(super) fn gateway() -> Peer {
    Peer(Some(Uid::of_peer(0)))
}

/// A request as the gateway sends it for a key.
pub(super) fn by_gateway<B>(method: &str, path: &str, key: &str, body: B) -> Request<B> {
    let principal = format!(
        r#"key="{key}", kind=restricted, livemode=?1, account="{OPERATOR}", path="{OPERATOR}", permission="api_key", access=write, revision=1"#
    );
    Request::builder()
        .method(method)
        .uri(path)
        .header("x-keyward-gateway", SECRET)
        .header("x-keyward-principal", principal)
        .header("stripe-version", "2026-10-14.preview")
        .header(CONTENT_TYPE, "application/json")
        .body(body)
        .unwrap()
}

#[test]
fn a_request_whose_body_outlives_its_key_is_not_carried_out() {
    wait(async {
        let desk = Desk::of(100).await;
        let whole = new_key().to_string();
        let (first, second) = whole.split_at(10);
        for (end, expected, code) in [
            (None, 200, None),
            (Some("expire"), 401, Some("expired_key")),
            (Some("delete"), 401, Some("deleted_key")),
        ] {
            let key = desk.key(&["api_key_write"]).await;
            let (body, is_asked, rest) = Halves::of(first);
            let request = by_gateway("POST", KEYS, &key, body);
            let (app, route) = (Arc::clone(&desk.app), route_of("POST", KEYS));
            let open = tokio::spawn(answer(app, route, Entrance::Gateway, gateway(), request));
            is_asked.notified().await;
            let ours = format!("/v2/keyward/api_keys/{key}");
            match end {
                Some("expire") => {
                    let path = format!("{KEYS}/{key}/expire");
                    desk.good("POST", &path, &json!({}), None).await;
                }
                Some(_) => drop(desk.good("DELETE", &ours, &json!({}), None).await),
                None => {}
            }
            let before = desk.sequence().await;
            rest.send(second.to_owned().into()).unwrap();
            let response = open.await.unwrap();
            assert_eq!(response.status().as_u16(), expected, "{end:?}");
            let made = desk.sequence().await - before;
            assert_eq!(made > 0, code.is_none(), "{end:?}: {made} rows");
            let body = axum::body::to_bytes(response.into_body(), 100_000).await;
            let body: Value = serde_json::from_slice(&body.unwrap()).unwrap();
            assert_eq!(body["error"]["code"].as_str(), code);
        }
    });
}

#[test]
fn a_page_that_only_reads_is_not_shown_either() {
    wait(async {
        let desk = Desk::of(100).await;
        let key = desk.key(&["snapshot_read", "api_key_write"]).await;
        let Identified { caller, holds } = desk.identified(&key).await;
        desk.good(
            "DELETE",
            &format!("/v2/keyward/api_keys/{key}"),
            &json!({}),
            None,
        )
        .await;
        for (method, path, body) in [
            ("GET", KEYS, Value::Null),
            ("POST", KEYS, new_key()),
            (
                "POST",
                "/v2/keyward/api_keys/lookup",
                json!({"sha256": "ab".repeat(32)}),
            ),
            ("GET", "/v2/iam/activity_logs?after=0&wait=1", Value::Null),
        ] {
            let before = desk.sequence().await;
            let (head, ()) = by_gateway(method, path, &key, ()).into_parts();
            let call = desk.call_of(caller.clone(), &head, &body, None).unwrap();
            let route = route_of(method, head.uri.path());
            let answered = perform(&desk.app, route, call, Arc::clone(&holds)).await;
            let failure = answered.err().unwrap();
            assert!(
                failure.is(Code::CallerChanged),
                "{path}: {}",
                failure.name()
            );
            assert!(failure.should_retry());
            assert_eq!(desk.sequence().await, before, "{path}");
        }
    });
}

#[test]
fn a_key_holds_until_what_it_may_do_changes() {
    wait(async {
        let desk = Desk::of(100).await;
        let edit = async |key: &str, body: Value| {
            desk.good("POST", &format!("{KEYS}/{key}"), &body, None)
                .await
        };
        let key = desk.key(&["api_key_write", "account_read"]).await;
        let holds = desk.identified(&key).await.holds;
        assert!(desk.still(&holds).await);
        edit(&key, json!({"name": "Another name"})).await;
        assert!(desk.still(&holds).await, "a name permits nothing");
        edit(&key, json!({"permissions": ["api_key_write"]})).await;
        assert!(!desk.still(&holds).await, "it may do less");
        let holds = desk.identified(&key).await.holds;
        edit(&key, json!({"ip_allowlist": ["203.0.113.0/24"]})).await;
        assert!(!desk.still(&holds).await, "the address is not one of its");
        let soon = time::written(time::now() + 2);
        let key = desk.key(&["api_key_write"]).await;
        edit(&key, json!({"expires_at": soon})).await;
        let holds = desk.identified(&key).await.holds;
        while desk.still(&holds).await {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
}

#[test]
fn a_session_holds_until_it_or_its_makers_key_ends() {
    wait(async {
        let desk = Desk::of(100).await;
        let first = desk.first_key().await;
        let session = desk.session(&first).await;
        let holds = sign_in::holds(&desk.app, &session);
        assert!(desk.still(&holds).await);
        let revoke = format!("/v2/keyward/console_sessions/{}/revoke", session.id);
        desk.good("POST", &revoke, &json!({}), None).await;
        assert!(!desk.still(&holds).await, "it was revoked");
        let session = desk.session(&first).await;
        let holds = sign_in::holds(&desk.app, &session);
        assert!(desk.still(&holds).await);
        desk.good("POST", &format!("{KEYS}/{first}/expire"), &json!({}), None)
            .await;
        assert!(!desk.still(&holds).await, "the key that made it has ended");
    });
}

#[test]
fn the_store_asks_for_the_work_of_a_caller_only() {
    wait(async {
        let desk = Desk::of(100).await;
        let nothing = |_: &Reader<'_>| Ok(false);
        let read = async || -> Result<(), Stored> { desk.app.store.must_hold().await };
        read().await.unwrap();
        let inside = crate::store::while_holds(Arc::new(nothing), read()).await;
        assert!(Failure::from(inside.unwrap_err()).is(Code::CallerChanged));
        let change = crate::store::while_holds(
            Arc::new(nothing),
            desk.app.store.end(|tx: &mut Tx<'_>| -> Result<(), Stored> {
                tx.raise_revision(u64::from(u32::MAX)).map_err(Stored::from)
            }),
        );
        assert!(Failure::from(change.await.unwrap_err()).is(Code::CallerChanged));
    });
}
