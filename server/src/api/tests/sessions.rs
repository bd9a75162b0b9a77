//! Sessions of people, and what ends them.

use super::*;
use crate::permission::Management;
use crate::session::{Cookie, Session, Token};
use crate::sign_in::{Found, NotOpened, find, open};
use crate::store::SessionKind;
use crate::time;

const SESSIONS: &str = "/v2/keyward/console_sessions";

impl Desk {
    /// Makes a link to the console, and returns its id and its token.
    async fn link(&self, caller: &Caller) -> Result<(String, Token), Failure> {
        let request = Request::builder().method("POST").uri(SESSIONS);
        let (head, ()) = request.body(()).unwrap().into_parts();
        let body = json!({"role": "admin", "actor": {"id": "ann@example.com"}});
        let answer = self.call_by(caller.clone(), &head, &body, None).await?;
        let link: Value = serde_json::from_slice(&answer.body).unwrap();
        let (_, token) = link["url"].as_str().unwrap().split_once('#').unwrap();
        let id = link["id"].as_str().unwrap().to_owned();
        Ok((id, Token::read(token).unwrap()))
    }

    async fn open(&self, token: &Token, lifetime: u64) -> Result<Cookie, NotOpened> {
        let (kind, now) = (SessionKind::Console, time::now());
        let opened = open(&self.app, kind, lifetime, token, None, "req_1", now).await;
        opened.unwrap().map(|opened| opened.cookie)
    }

    async fn session_of(&self, cookie: &Cookie) -> Option<Box<Session>> {
        let found = find(&self.app, SessionKind::Console, 1_800, cookie, time::now());
        match found.await.unwrap() {
            Found::Session(session) => Some(session),
            Found::Nothing => None,
        }
    }

    async fn do_as(
        &self,
        caller: &Caller,
        method: &str,
        path: &str,
        body: &Value,
    ) -> (u16, String) {
        let request = Request::builder().method(method).uri(path);
        let (head, ()) = request.body(()).unwrap().into_parts();
        match self.call_by(caller.clone(), &head, body, Some(1)).await {
            Ok(answer) => (200, String::from_utf8(answer.body.to_vec()).unwrap()),
            Err(failure) => (failure.status().as_u16(), failure.message().to_owned()),
        }
    }
}

fn all() -> Vec<&'static str> {
    Management::ALL.iter().map(|one| one.name()).collect()
}

fn local() -> Caller {
    Caller::local(Uid::own())
}

#[test]
fn what_a_session_made_ends_with_it_and_lasts_no_longer() {
    wait(async {
        let desk = Desk::of(100).await;
        let (id, token) = desk.link(&local()).await.unwrap();
        let first = desk.open(&token, 3_600).await.unwrap();
        let session = desk.session_of(&first).await.unwrap();
        let person = Caller::of_session(&session, None);
        let (_, token) = desk.link(&person).await.unwrap();
        let second = desk.open(&token, 30_000).await.unwrap();
        let child = desk.session_of(&second).await.unwrap();
        assert_eq!(child.until, session.until);
        // One more generation, and an unopened link.
        let child = Caller::of_session(&child, None);
        let (_, token) = desk.link(&child).await.unwrap();
        let third = desk.open(&token, 30_000).await.unwrap();
        let (_, unopened) = desk.link(&child).await.unwrap();
        let revoke = format!("{SESSIONS}/{id}/revoke");
        desk.good("POST", &revoke, &json!({}), None).await;
        for cookie in [&first, &second, &third] {
            assert!(desk.session_of(cookie).await.is_none());
        }
        assert_eq!(
            desk.open(&unopened, 60).await.err(),
            Some(NotOpened::Revoked)
        );
        // A request of the ended session that was under way makes no link.
        let failure = desk.link(&person).await.err().unwrap();
        assert!(
            failure.message().contains("is over"),
            "{}",
            failure.message()
        );
    });
}

#[test]
fn what_a_key_made_stays_ended_when_the_key_comes_back() {
    wait(async {
        let desk = Desk::of(100).await;
        let new = || {
            let permissions = ["api_key_write", "console_session_write"];
            json!({"type": "secret_key", "permissions": permissions, "keyward": {"id": "mk_backend", "owner": OPERATOR, "livemode": true}})
        };
        for revives in [true, false] {
            desk.make(&new(), None).await;
            let caller = Caller::by_key(
                KeyCaller {
                    id: "mk_backend".to_owned(),
                    ..operators_key(&all())
                },
                None,
            );
            let (_, token) = desk.link(&caller).await.unwrap();
            let (_, unopened) = desk.link(&caller).await.unwrap();
            let cookie = desk.open(&token, 3_600).await.unwrap();
            assert!(desk.session_of(&cookie).await.is_some());
            let key = "/v2/iam/api_keys/mk_backend";
            desk.good("POST", &format!("{key}/expire"), &json!({}), None)
                .await;
            if revives {
                let later =
                    json!({"expires_at": "2100-01-01T00:00:00Z", "keyward": {"revive": true}});
                desk.good("POST", key, &later, None).await;
            }
            assert!(desk.session_of(&cookie).await.is_none());
            assert_eq!(
                desk.open(&unopened, 60).await.err(),
                Some(NotOpened::Revoked)
            );
            desk.good("POST", &format!("{key}/expire"), &json!({}), None)
                .await;
            let gone = "/v2/keyward/api_keys/mk_backend";
            desk.good("DELETE", gone, &json!({}), None).await;
            desk.good("DELETE", &format!("{gone}?purge=true"), &json!({}), None)
                .await;
        }
    });
}

#[test]
fn a_test_key_of_the_operator_changes_nothing_that_live_keys_rest_on() {
    wait(async {
        let desk = Desk::of(100).await;
        let with = |mode| {
            let all = KeyCaller {
                mode,
                ..operators_key(&all())
            };
            Caller::by_key(all, None)
        };
        let set = json!({"permissions": ["customer_read"]});
        let new_set = json!({"name": "support", "permissions": ["customer_read"]});
        desk.good("POST", "/v2/keyward/grant_sets", &new_set, None)
            .await;
        let link = json!({"role": "viewer", "actor": {"id": "ann@example.com"}});
        for (method, path, body) in [
            ("POST", SESSIONS, &link),
            ("POST", "/v2/keyward/grant_sets", &new_set),
            ("PUT", "/v2/keyward/grant_sets/support", &set),
            ("DELETE", "/v2/keyward/grant_sets/support", &json!({})),
            ("POST", "/v2/keyward/key_policies", &json!({"name": "wide"})),
            ("PUT", "/v2/keyward/key_policies/default", &json!({})),
            ("DELETE", "/v2/keyward/key_policies/default", &json!({})),
            ("PUT", "/v2/keyward/endpoints", &json!({"endpoints": []})),
            ("DELETE", "/v2/keyward/gateways/one", &json!({})),
        ] {
            let (status, text) = desk.do_as(&with(Livemode::Test), method, path, body).await;
            assert_eq!(status, 403, "{method} {path}: {text}");
            assert!(text.contains("live mode"), "{method} {path}: {text}");
            let (_, text) = desk.do_as(&with(Livemode::Live), method, path, body).await;
            assert!(!text.contains("of live mode"), "{method} {path}: {text}");
        }
    });
}
