//! Whatever an account's people, its keys and the application's key ask for, in any order and with
//! changes of policies in between, no key of the account gains more than the account's policy
//! allows at that time. This test works out from the API's answers what is allowed, and does not
//! use the rules.

mod dice;
mod moves;
mod oracle;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Request;
use keyward::key::Livemode;
use keyward::management::Granted;
use keyward::permission::AccessLevel;
use serde_json::{Value, json};

use self::dice::{Dice, PERMISSIONS};
use super::Desk;
use crate::caller::{Caller, KeyCaller};
use crate::session::{Cookie, Feature, FormToken, Person, Reach, Session, Tenant};
use crate::store::tests::wait;
use crate::time;

const ACCOUNTS: [&str; 3] = ["acct_root", "acct_below", "acct_apart"];
const SETS: [&str; 2] = ["support", "billing"];
const POLICIES: [&str; 2] = ["one", "two"];

struct World {
    desk: Desk,
    dice: Dice,
    /// The permissions that each permission implies.
    implied: BTreeMap<String, Vec<String>>,
    digests: u64,
}

impl World {
    async fn make(seed: u64) -> Self {
        let desk = Desk::of(100_000).await;
        let listed = desk
            .good("GET", "/v2/keyward/permissions", &Value::Null, None)
            .await;
        let names = |value: &Value| {
            value
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one.as_str().unwrap().to_owned())
                .collect()
        };
        let implied = listed["data"].as_array().unwrap().iter().map(|one| {
            (
                one["name"].as_str().unwrap().to_owned(),
                names(&one["implies"]),
            )
        });
        let mut world = Self {
            implied: implied.collect(),
            desk,
            dice: Dice(seed),
            digests: 0,
        };
        for set in SETS {
            let body = json!({"name": set, "permissions": ["customer_read"]});
            world
                .desk
                .good("POST", "/v2/keyward/grant_sets", &body, None)
                .await;
        }
        for name in POLICIES {
            let mut body = world.policy();
            body["name"] = json!(name);
            world
                .desk
                .good("POST", "/v2/keyward/key_policies", &body, None)
                .await;
        }
        for (id, parent) in [
            ("acct_root", None),
            ("acct_below", Some("acct_root")),
            ("acct_apart", None),
        ] {
            let body = json!({"id": id, "parent": parent, "policy": "one"});
            world
                .desk
                .good("POST", "/v2/keyward/accounts", &body, None)
                .await;
        }
        world
    }

    fn policy(&mut self) -> Value {
        let dice = &mut self.dice;
        let mut ceiling = |most| match dice.below(3) {
            0 => Value::Null,
            _ => json!(dice.some(&PERMISSIONS[..7], most)),
        };
        let (own, connected) = (ceiling(9), ceiling(4));
        json!({
            "permissions": own, "connect_permissions": connected,
            "kinds": dice.of(&[json!(["restricted"]), json!(["restricted", "secret"])]),
            "modes": dice.of(&[json!(["test", "live"]), json!(["test", "live"]), json!(["test", "live"]), json!(["test"])]),
            "grant_sets": dice.of(&[json!([]), json!(["support"]), json!(["support", "billing"])]),
            "free_choice": dice.chance(80),
            "max_lifetime": dice.of(&[json!("30d"), json!("30d"), json!("7d"), Value::Null]),
            "default_lifetime": dice.of(&[json!("1d"), json!("7d")]),
            "max_keys": dice.of(&[json!(6), json!(20), Value::Null]),
            "require_ip_allowlist": {"live": dice.chance(25), "test": dice.chance(8)},
            "overlaps": dice.of(&[json!(["0"]), json!(["0", "1h", "1d"])]),
            "delegation": dice.of(&["policy", "policy", "policy", "own"]),
        })
    }

    /// Returns a caller that policies limit, and what it may hand out: a person in a portal, a key
    /// of an account, or the application's key.
    fn caller(&mut self) -> (Caller, Granted) {
        let granted = |names: Vec<String>| -> Granted {
            names
                .iter()
                .map(|name| {
                    let (name, level) = name.rsplit_once('_').unwrap();
                    (
                        name.to_owned(),
                        if level == "write" {
                            AccessLevel::Write
                        } else {
                            AccessLevel::Read
                        },
                    )
                })
                .collect()
        };
        let given = granted(self.dice.some(&PERMISSIONS[..7], 4));
        let mode = if self.dice.chance(75) {
            Livemode::Live
        } else {
            Livemode::Test
        };
        let account = self.dice.of(&ACCOUNTS).to_owned();
        if self.dice.chance(50) {
            let session = Session {
                id: "ps_1".to_owned(),
                person: Person::new("a@example.com".to_owned(), None, None).unwrap(),
                reach: Reach::Portal(Tenant {
                    name: None,
                    is_root: account != "acct_below",
                    has_below: account == "acct_root",
                    account,
                    mode,
                    return_url: None,
                    features: Feature::ALL.to_vec(),
                    own: given.clone(),
                    connected: Granted::new(),
                }),
                granted: granted(vec!["api_key_write".to_owned(), "account_read".to_owned()]),
                opened: time::now(),
                until: time::now() + 3_600,
                form_token: FormToken::of(&Cookie::new().unwrap()).unwrap(),
                made_by: "local:uid=0".to_owned(),
            };
            return (Caller::of_session(&session, None), given);
        }
        let mut own = given.clone();
        own.extend(granted(vec![
            "api_key_write".to_owned(),
            "api_key_import_write".to_owned(),
            "grant_set_write".to_owned(),
            "portal_session_write".to_owned(),
        ]));
        if self.dice.chance(40) {
            own.extend(granted(vec!["secret_api_key_write".to_owned()]));
        }
        let key = KeyCaller {
            id: "mk_caller".to_owned(),
            mode,
            tree: (account == "acct_root").then(|| account.clone()),
            is_operator: self.dice.chance(50),
            account,
            own: own.clone(),
            connected: Granted::new(),
            ends: None,
            gateway: None,
        };
        (Caller::by_key(key, None), own)
    }

    async fn ask(
        &self,
        caller: &Caller,
        method: &str,
        path: &str,
        body: &Value,
        version: Option<u64>,
    ) -> bool {
        let request = Request::builder().method(method).uri(path);
        let (head, ()) = request.body(()).unwrap().into_parts();
        self.desk
            .call_by(caller.clone(), &head, body, version)
            .await
            .is_ok()
    }

    /// Changes policies, as an operator does meanwhile.
    async fn policies_change(&mut self) {
        let body = self.policy();
        let name = self.dice.of(&POLICIES);
        let path = format!("/v2/keyward/key_policies/{name}");
        let policy = self.desk.good("GET", &path, &Value::Null, None).await;
        let local = Caller::local(crate::uid::Uid::own());
        assert!(
            self.ask(&local, "PUT", &path, &body, policy["version"].as_u64())
                .await
        );
        let account = format!("/v2/keyward/accounts/{}", self.dice.of(&ACCOUNTS));
        let policy = json!({"policy": self.dice.of(&POLICIES)});
        assert!(self.ask(&local, "POST", &account, &policy, None).await);
    }
}

#[test]
fn no_key_comes_to_do_more_than_the_policy_of_its_account_allows() {
    let mut total = (0, 0);
    for seed in 1..=4 {
        let (done, widened) = wait(async {
            let mut world = World::make(seed).await;
            let (mut done, mut widened) = (0, 0);
            let mut keys = world.keys().await;
            for _ in 0..300 {
                if world.dice.chance(8) {
                    world.policies_change().await;
                }
                let Some((what, given)) = world.step(&keys).await else {
                    continue;
                };
                let after = world.keys().await;
                widened += world.holds(&what, &given, &keys, &after).await;
                keys = after;
                done += 1;
            }
            // The writer still holds the last change, and must not be the one that drops the store.
            let app = &world.desk.app;
            let is_let_go = || Arc::strong_count(app) == 1;
            for _ in 0..1_000 {
                if is_let_go() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert!(is_let_go(), "the last request is not over");
            (done, widened)
        });
        total = (total.0 + done, total.1 + widened);
    }
    // Enough requests passed, and handed something out, for the test to be meaningful.
    assert!(total.0 > 200 && total.1 > 40, "{total:?}");
}
