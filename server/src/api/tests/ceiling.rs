//! Whatever its people, its keys and the application's key ask for, in any order and with policies that change in between: no key of an account comes to do
//! more than the policy of the account allows at that time. What is allowed is worked out here from the answers of the API, not by the rules.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Request;
use keyward::key::Livemode;
use keyward::management::Granted;
use keyward::permission::AccessLevel;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::Desk;
use crate::caller::{Caller, KeyCaller};
use crate::session::{Feature, Person, Reach, Session, Tenant};
use crate::store::tests::wait;
use crate::time;

/// Chance that can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from((mixed ^ (mixed >> 27)) % u64::try_from(bound).unwrap()).unwrap()
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn some(&mut self, all: &[&str], most: usize) -> Vec<String> {
        let count = self.below(most + 1);
        let chosen: BTreeSet<String> = (0..count).map(|_| self.of(all).to_owned()).collect();
        let mut levels = BTreeMap::new();
        for name in chosen {
            let (name, level) = name
                .rsplit_once('_')
                .map(|(name, level)| (name.to_owned(), level.to_owned()))
                .unwrap();
            levels.insert(name, level);
        }
        levels
            .into_iter()
            .map(|(name, level)| format!("{name}_{level}"))
            .collect()
    }
}

const PERMISSIONS: [&str; 10] = [
    "customer_read",
    "customer_write",
    "charge_read",
    "charge_write",
    "balance_read",
    "invoice_write",
    "payout_write",
    "api_key_write",
    "management_api_key_write",
    "key_policy_write",
];
const ACCOUNTS: [&str; 3] = ["acct_root", "acct_below", "acct_apart"];
const SETS: [&str; 2] = ["support", "billing"];
const POLICIES: [&str; 2] = ["one", "two"];

/// All that a key may do, on its own account and on connected ones; nothing is everything.
type Reach2 = [Option<BTreeSet<String>>; 2];

#[derive(Clone, Debug, PartialEq)]
struct Seen {
    owner: String,
    kind: String,
    is_live: bool,
    is_ended: bool,
    may: Reach2,
    sets: [Option<String>; 2],
    expires: Option<u64>,
    ips: Vec<String>,
}

struct World {
    desk: Desk,
    dice: Dice,
    /// What each permission implies, by name.
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
        let mut ceiling = |most| match dice.below(6) {
            0 => Value::Null,
            _ => json!(dice.some(&PERMISSIONS[..7], most)),
        };
        let (own, connected) = (ceiling(5), ceiling(2));
        json!({
            "permissions": own, "connect_permissions": connected,
            "kinds": dice.of(&[json!(["restricted"]), json!(["restricted", "secret"])]),
            "modes": dice.of(&[json!(["test", "live"]), json!(["test"])]),
            "grant_sets": dice.of(&[json!([]), json!(["support"]), json!(["support", "billing"])]),
            "free_choice": dice.chance(80),
            "max_lifetime": dice.of(&[json!("30d"), json!("7d"), Value::Null]),
            "default_lifetime": dice.of(&[json!("1d"), json!("7d")]),
            "max_keys": dice.of(&[json!(4), json!(9), Value::Null]),
            "require_ip_allowlist": {"live": dice.chance(40), "test": dice.chance(15)},
            "overlaps": dice.of(&[json!(["0"]), json!(["0", "1h", "1d"])]),
            "delegation": dice.of(&["policy", "own"]),
        })
    }

    /// Somebody who is held to policies: in a portal, with a key of an account, or with the application's key. With what they may give.
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
                csrf: Zeroizing::new(String::new()),
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
        let key = KeyCaller {
            id: "mk_caller".to_owned(),
            mode,
            tree: (account == "acct_root").then(|| account.clone()),
            is_operator: self.dice.chance(50),
            account,
            own: own.clone(),
            connected: Granted::new(),
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

    /// Permissions with all that they imply, and reading with writing.
    fn whole(&self, names: &Value) -> Option<BTreeSet<String>> {
        let names = names.as_array()?;
        let mut whole = BTreeSet::new();
        let mut add = |name: &str, level: &str| {
            whole.insert(format!("{name}_read"));
            whole.insert(format!("{name}_{level}"));
        };
        for name in names {
            let (name, level) = name.as_str().unwrap().rsplit_once('_').unwrap();
            add(name, level);
            for implied in self.implied.get(name).into_iter().flatten() {
                add(implied, "read");
            }
        }
        Some(whole)
    }

    async fn keys(&self) -> BTreeMap<String, Seen> {
        let mut all = BTreeMap::new();
        let mut path = "/v2/iam/api_keys?limit=100&include_expired=true".to_owned();
        loop {
            let list = self.desk.good("GET", &path, &Value::Null, None).await;
            for key in list["data"].as_array().unwrap() {
                let mine = &key["keyward"];
                let text = |value: &Value| value.as_str().map(str::to_owned);
                // In shadow a key does whatever it asks for.
                let may = if mine["enforcement"] == "shadow" {
                    [None, None]
                } else {
                    [
                        self.whole(&key["permissions"]),
                        self.whole(&key["connect_permissions"]),
                    ]
                };
                let seen = Seen {
                    owner: text(&mine["owner"]).unwrap(),
                    kind: text(&mine["kind"]).unwrap(),
                    is_live: key["livemode"] == true,
                    is_ended: mine["state"] == "expired" || mine["state"] == "deleted",
                    may,
                    sets: [text(&mine["grant_set"]), text(&mine["connect_grant_set"])],
                    expires: key["expires_at"].as_str().map(|at| time::read(at).unwrap()),
                    ips: key["ip_allowlist"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|ip| text(ip).unwrap())
                        .collect(),
                };
                all.insert(text(&key["id"]).unwrap(), seen);
            }
            match list["next_page_url"].as_str() {
                Some(next) => next.clone_into(&mut path),
                None => return all,
            }
        }
    }

    /// One request of somebody who is held to policies. What it was; nothing where it was refused.
    async fn step(&mut self, keys: &BTreeMap<String, Seen>) -> Option<(String, Granted)> {
        let (caller, given) = self.caller();
        let ids: Vec<String> = keys
            .iter()
            .filter(|(_, key)| ACCOUNTS.contains(&key.owner.as_str()))
            .map(|(id, _)| id.clone())
            .collect();
        let id = if ids.is_empty() {
            "mk_none".to_owned()
        } else {
            self.dice.of(&ids)
        };
        let owner = self.dice.of(&ACCOUNTS);
        let ends = |dice: &mut Dice| match dice.below(5) {
            0 => Value::Null,
            1 => json!(time::written(time::now() + 400 * 86_400)),
            2 => json!(time::written(time::now() + 20 * 86_400)),
            _ => json!(time::written(time::now() + 5 * 86_400)),
        };
        let (dice, key) = (&mut self.dice, format!("/v2/iam/api_keys/{id}"));
        let mut mine = json!({"owner": owner, "livemode": dice.chance(50), "kind": dice.of(&["restricted", "restricted", "restricted", "secret"])});
        if dice.chance(8) {
            mine["enforcement"] = json!("shadow");
        }
        if dice.chance(10) {
            mine["no_expiry"] = json!(true);
        }
        if dice.chance(5) {
            mine["override_policy"] = json!(true);
            mine["reason"] = json!("because");
        }
        let mut new = json!({"type": "secret_key"});
        match dice.below(6) {
            0 => mine["grant_set"] = json!(dice.of(&SETS)),
            1 => {}
            _ => new["permissions"] = json!(dice.some(&PERMISSIONS, 3)),
        }
        if dice.chance(15) {
            new["connect_permissions"] = json!(dice.some(&PERMISSIONS, 2));
        }
        if dice.chance(50) {
            new["ip_allowlist"] = json!(["203.0.113.7"]);
        }
        let end = ends(dice);
        if !end.is_null() && mine.get("no_expiry").is_none() {
            new["expires_at"] = end;
        }
        new["keyward"] = mine;
        let (what, method, path, body) = match dice.below(12) {
            0 | 1 => ("create", "POST", "/v2/iam/api_keys".to_owned(), new),
            2..=5 => {
                let mut mine = json!({});
                let mut edit = json!({});
                match dice.below(9) {
                    0 | 1 => edit["permissions"] = json!(dice.some(&PERMISSIONS, 3)),
                    2 => mine["grant"] = json!([dice.of(&PERMISSIONS)]),
                    3 => mine["grant_set"] = json!(dice.of(&SETS)),
                    4 => {
                        edit["ip_allowlist"] =
                            dice.of(&[json!([]), json!(["203.0.113.7"]), json!(["203.0.113.0/24"])])
                    }
                    5 => {
                        edit["expires_at"] = ends(dice);
                        mine["revive"] = json!(dice.chance(50));
                    }
                    6 => mine["enforcement"] = json!(dice.of(&["shadow", "enforce"])),
                    7 => edit["connect_permissions"] = json!(dice.some(&PERMISSIONS, 2)),
                    _ => mine["revoke"] = json!([dice.of(&["customer", "charge"])]),
                }
                if dice.chance(20) {
                    mine["limit"] = json!(true);
                }
                edit["keyward"] = mine;
                ("edit", "POST", key, edit)
            }
            6 | 7 => {
                let mut body =
                    json!({"expire_current_key_in_minutes": dice.of(&[0, 60, 1440, 10_080])});
                let end = ends(dice);
                if end.is_null() {
                    body["keyward"] = json!({"no_expiry": dice.chance(50)});
                } else {
                    body["expires_at"] = end;
                }
                ("rotate", "POST", format!("{key}/rotate"), body)
            }
            8 => {
                let mut body = json!({"name": "copy", "keyward": {}});
                if dice.chance(30) {
                    body["keyward"]["livemode"] = json!(true);
                }
                if dice.chance(10) {
                    body["keyward"]["enforcement"] = json!("shadow");
                }
                if dice.chance(50) {
                    body["ip_allowlist"] = json!(["203.0.113.7"]);
                }
                let end = ends(dice);
                if end.is_null() {
                    body["keyward"]["no_expiry"] = json!(true);
                } else {
                    body["expires_at"] = end;
                }
                (
                    "duplicate",
                    "POST",
                    format!("/v2/keyward/api_keys/{id}/duplicate"),
                    body,
                )
            }
            9 => {
                self.digests += 1;
                let mut row = new;
                row["keyward"]["sha256"] = json!(format!("{:064x}", self.digests));
                row["keyward"]["last4"] = json!("abcd");
                (
                    "import",
                    "POST",
                    "/v2/keyward/api_keys/import".to_owned(),
                    json!({"keys": [row]}),
                )
            }
            10 => ("expire", "POST", format!("{key}/expire"), json!({})),
            _ => {
                let set = dice.of(&SETS);
                (
                    "set",
                    "PUT",
                    format!("/v2/keyward/grant_sets/{set}"),
                    json!({"permissions": dice.some(&PERMISSIONS, 3)}),
                )
            }
        };
        let version = if what == "set" {
            let set = self.desk.good("GET", &path, &Value::Null, None).await;
            set["version"].as_u64()
        } else {
            None
        };
        let done = self.ask(&caller, method, &path, &body, version).await;
        done.then(|| (format!("{what} {path} {body} by {caller:?}"), given))
    }

    /// What an operator does in between.
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

    /// What holds after a request: each key that came to do more does what the policy of its account allows now, and no more.
    async fn holds(
        &self,
        what: &str,
        given: &Granted,
        before: &BTreeMap<String, Seen>,
        after: &BTreeMap<String, Seen>,
    ) -> usize {
        let mut widened = 0;
        for (id, key) in after {
            let was = before.get(id);
            if was == Some(key) {
                continue;
            }
            let policy = self
                .desk
                .good(
                    "GET",
                    &format!("/v2/keyward/accounts/{}/policy", key.owner),
                    &Value::Null,
                    None,
                )
                .await;
            let says = |holds: bool, why: &str| {
                assert!(holds, "{why}: {what}\n{id}: {was:?}\n{key:?}\n{policy}")
            };
            let is_back = was.is_some_and(|was| was.is_ended && !key.is_ended);
            for (side, member) in ["permissions", "connect_permissions"]
                .into_iter()
                .enumerate()
            {
                let had = was.map(|was| &was.may[side]);
                let gained = match (had, &key.may[side]) {
                    (Some(None), _) => Some(BTreeSet::new()),
                    (_, None) => None,
                    (Some(Some(had)), Some(has)) => Some(has.difference(had).cloned().collect()),
                    (None, Some(has)) => Some(has.clone()),
                };
                let sets = &policy["grant_sets"];
                let is_offered = key.sets[side]
                    .as_ref()
                    .is_some_and(|set| sets.as_array().unwrap().contains(&json!(set)));
                match gained {
                    None => says(
                        policy[member].is_null() && key.kind != "restricted",
                        "everything",
                    ),
                    Some(gained) if gained.is_empty() => {}
                    Some(gained) => {
                        widened += 1;
                        let is_managing = gained.iter().any(|name| {
                            name.starts_with("api_key")
                                || name.starts_with("management")
                                || name.starts_with("key_policy")
                        });
                        says(!is_managing, "a key that manages keys");
                        let allowed = self.whole(&policy[member]);
                        let is_within = allowed.is_none_or(|allowed| gained.is_subset(&allowed));
                        let is_of_set = is_offered && {
                            // The set itself changes only by who may give what is added to it.
                            let given: Vec<String> = given
                                .iter()
                                .map(|(name, level)| format!("{name}_{}", level.name()))
                                .collect();
                            !what.starts_with("set ")
                                || gained.is_subset(&self.whole(&json!(given)).unwrap())
                        };
                        says(is_within || is_of_set, "more than the policy");
                        let is_chosen = key.sets[side].is_none() || !is_offered;
                        says(
                            policy["free_choice"] == true || !is_chosen || what.starts_with("set "),
                            "chosen freely",
                        );
                    }
                }
            }
            let longest = policy["max_lifetime"].as_str().and_then(crate::span::read);
            let is_later = was.is_none_or(|was| {
                was.expires.is_some() && key.expires.is_none_or(|end| end > was.expires.unwrap())
            });
            if let (true, Some(longest), false) = (is_later, longest, key.is_ended) {
                says(
                    key.expires.is_some_and(|end| end <= time::now() + longest),
                    "a longer life",
                );
            }
            let mode = if key.is_live { "live" } else { "test" };
            let had_ips = was.is_some_and(|was| was.ips.is_empty());
            if policy["require_ip_allowlist"][mode] == true && !had_ips && !key.is_ended {
                says(
                    !key.ips.is_empty() || was.is_some_and(|was| was.ips.is_empty()),
                    "from everywhere",
                );
            }
            if was.is_none() {
                says(
                    policy["kinds"]
                        .as_array()
                        .unwrap()
                        .contains(&json!(key.kind)),
                    "a kind",
                );
                says(
                    policy["modes"].as_array().unwrap().contains(&json!(mode)),
                    "a mode",
                );
                if !what.starts_with("rotate")
                    && let Some(most) = policy["max_keys"].as_u64()
                {
                    says(policy["keys"][mode].as_u64().unwrap() <= most, "too many");
                }
            }
            widened += usize::from(is_back);
        }
        widened
    }
}

#[test]
fn no_key_comes_to_do_more_than_the_policy_of_its_account_allows() {
    let mut total = (0, 0);
    for seed in 1..=6 {
        let (done, widened) = wait(async {
            let mut world = World::make(seed).await;
            let (mut done, mut widened) = (0, 0);
            let mut keys = world.keys().await;
            for _ in 0..250 {
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
            (done, widened)
        });
        total = (total.0 + done, total.1 + widened);
    }
    // Enough of them passed, and gave something, for the test to mean something.
    assert!(total.0 > 300 && total.1 > 150, "{total:?}");
}
