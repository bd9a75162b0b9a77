//! Whole plugin configurations, valid by construction.

use std::collections::BTreeSet;

use crate::sha256;
use keyward::permission::PERMISSIONS;
use serde_json::{Map, Value, json};

use super::accounts::accounts;
use super::dice::Dice;
use super::rows::Rows;

/// The time around which everything happens.
pub const NOW: u64 = 1_795_200_000;

pub const VERSIONS: [&str; 3] = [
    "2026-10-28.endive",
    "2020-08-27",
    "2026-10-28.preview; some_beta=v1",
];

const IDENTITY_HEADERS: [&str; 5] = [
    "x-account-id",
    "x-key",
    "x-keyward-principal",
    "x-original-url",
    "x-1-a",
];

const MEMBERS: [&str; 9] = [
    "key",
    "kind",
    "livemode",
    "account",
    "path",
    "org",
    "permission",
    "access",
    "revision",
];

/// A configuration, and what a request needs to know to come close to it.
#[derive(Clone, Debug)]
pub struct World {
    pub configuration: Value,
    /// The raw keys, as many as the snapshot lists, in its order.
    pub keys: Vec<String>,
    /// Methods and templates that requests aim at.
    pub targets: Vec<(String, String)>,
    /// Names that an identity is reported under.
    pub identity: Vec<String>,
}

impl World {
    pub fn roll(dice: &mut Dice) -> Self {
        let mut configuration = settings(dice);
        let mut identity = vec!["x-keyward-principal".to_owned()];
        if let Some(Value::String(name)) = configuration.get("principal_header") {
            identity.push(name.clone());
        }
        if let Some(Value::Object(single)) = configuration.get("identity_headers") {
            identity.extend(single.keys().cloned());
        }
        if let Some(Value::Array(former)) = configuration.get("former_identity_headers") {
            identity.extend(former.iter().filter_map(Value::as_str).map(str::to_owned));
        }
        identity.retain(|name| !name.is_empty());
        let mut world = Self {
            configuration: Value::Null,
            keys: Vec::new(),
            targets: Vec::new(),
            identity,
        };
        if !dice.one_in(40) {
            let snapshot = world.snapshot(dice);
            configuration.insert("snapshot".to_owned(), snapshot);
        }
        world.configuration = Value::Object(configuration);
        world
    }

    fn snapshot(&mut self, dice: &mut Dice) -> Value {
        let mut snapshot = Map::new();
        let mut put = |name: &str, value: Value| snapshot.insert(name.to_owned(), value);
        put("format", json!("keyward.snapshot/v1"));
        put("revision", number(dice, 7));
        let issued = dice.of(&[NOW - 100, NOW - 99, NOW - 50, NOW, NOW + 300, NOW + 301]);
        put("issued_at", number(dice, issued));
        if dice.one_in(3) {
            put("api_versions", json!(VERSIONS[..1 + dice.below(3)]));
        }
        let accounts = accounts(dice);
        put("accounts", Value::Array(accounts.clone()));
        let only_own = dice.one_in(2);
        if only_own {
            put("catalogue", json!("none"));
        } else if dice.one_in(2) {
            put("catalogue", json!("stripe"));
        }
        let Rows {
            listed: endpoints,
            mut permissions,
            targets,
        } = Rows::roll(dice, only_own);
        self.targets = targets;
        put("endpoints", Value::Array(endpoints));
        if permissions.is_empty() || dice.one_in(4) {
            permissions.extend(
                PERMISSIONS
                    .iter()
                    .take(2)
                    .map(|known| known.name.to_owned()),
            );
        }
        let mut sets = Map::new();
        for name in ["support", "Empty.set", "set-3"] {
            if dice.one_in(2) {
                sets.insert(name.to_owned(), grants(dice, &permissions));
            }
        }
        let names: Vec<String> = sets.keys().cloned().collect();
        if !sets.is_empty() {
            put("grant_sets", Value::Object(sets));
        }
        let keys = if dice.one_in(40) {
            Vec::new()
        } else {
            self.keys(dice, &accounts, &permissions, &names)
        };
        if keys.is_empty() {
            put("empty", json!(true));
        } else if dice.one_in(8) {
            put("empty", json!(false));
        }
        put("keys", Value::Array(keys));
        Value::Object(snapshot)
    }

    fn keys(
        &mut self,
        dice: &mut Dice,
        accounts: &[Value],
        permissions: &[String],
        sets: &[String],
    ) -> Vec<Value> {
        let id = |account: &Value| account["id"].as_str().unwrap().to_owned();
        let is_platform = |account: &&Value| {
            let has_child = accounts
                .iter()
                .any(|other| other["parent"] == account["id"]);
            has_child || account["children"] == "any"
        };
        let (organizations, businesses): (Vec<&Value>, Vec<&Value>) = accounts
            .iter()
            .partition(|account| id(account).starts_with("org_"));
        let platforms: Vec<&Value> = businesses.iter().copied().filter(is_platform).collect();
        let mut listed = Vec::new();
        for index in 0..1 + dice.below(6) {
            let mut kind = dice.pick(&[
                "secret",
                "restricted",
                "publishable",
                "organization",
                "restricted",
                "organization",
                "organization",
            ]);
            if kind == "organization" && organizations.is_empty() {
                kind = "restricted";
            }
            let owner = id(match kind {
                "organization" => dice.pick(&organizations),
                _ if !platforms.is_empty() && dice.one_in(2) => dice.pick(&platforms),
                _ => dice.pick(&businesses),
            });
            let prefix = if dice.one_in(12) {
                dice.pick(&[
                    "sk_test_", "rk_live_", "pk_test_", "sk_org_", "SK_test_", "",
                ])
            } else {
                match kind {
                    "secret" => dice.pick(&["sk_test_", "sk_live_"]),
                    "restricted" => dice.pick(&["rk_test_", "rk_live_"]),
                    "publishable" => dice.pick(&["pk_test_", "pk_live_"]),
                    _ => dice.pick(&["sk_org_", "sk_org_test_", "sk_org_live_"]),
                }
            };
            let raw = format!(
                "{prefix}FAKE{index}{}",
                dice.pick(&["", "-x~!", "abcdefgh"])
            );
            let mut digest = sha256(raw.as_ref());
            if dice.one_in(5) {
                digest = digest.to_uppercase();
            }
            self.keys.push(raw);
            let mut key = json!({
                "id": format!("{}{index}", dice.pick(&["mk_", "A.b-"])),
                "sha256": digest,
                "kind": kind,
                "livemode": dice.one_in(2),
                "owner": owner,
            });
            let grants = |dice: &mut Dice| match dice.one_in(3) {
                true if !sets.is_empty() => json!(dice.of(sets)),
                _ => grants(dice, permissions),
            };
            if kind == "restricted" || (kind != "publishable" && dice.one_in(2)) {
                key["grants"] = grants(dice);
            }
            if kind != "publishable" && dice.one_in(2) {
                key["connect_grants"] = grants(dice);
            }
            self.restrict(dice, &mut key);
            listed.push(key);
        }
        listed
    }

    /// Adds optional members that are the same for every kind.
    fn restrict(&self, dice: &mut Dice, key: &mut Value) {
        if dice.one_in(16) {
            key["status"] = json!("deleted");
        } else if dice.one_in(16) {
            key["status"] = json!("active");
        }
        if dice.one_in(8) {
            let start = dice.of(&[NOW - 100, NOW - 1, NOW, NOW + 1]);
            key["not_before"] = number(dice, start);
        }
        if dice.one_in(8) {
            let end = dice.of(&[NOW + 100, NOW + 1, NOW, NOW - 1]);
            key["expires_at"] = number(dice, end);
        }
        if dice.one_in(8) {
            let ranges = [
                "203.0.113.7",
                "100.10.38.0/24",
                "2001:db8::/32",
                "::ffff:10.0.0.0/104",
                "::ffff:192.0.2.1",
                "::/0",
                "::ffff:0:0/96",
            ];
            let from = dice.below(ranges.len());
            let until = (from + dice.below(3)).min(ranges.len());
            key["allowed_ips"] = json!(ranges[from..until]);
        }
        if dice.one_in(4) {
            key["enforcement"] = json!(dice.pick(&["enforce", "shadow", "shadow"]));
        }
        if dice.one_in(5) {
            key["annotations"] = json!({"team": ["billing", {"x": null, "y": 1.5}], "grants": -1});
        }
    }
}

fn settings(dice: &mut Dice) -> Map<String, Value> {
    let mut settings = Map::new();
    let mut put = |name: &str, value: Value| settings.insert(name.to_owned(), value);
    if dice.one_in(4) {
        put("serve_mode", json!(dice.pick(&["any", "live", "test"])));
    }
    if dice.one_in(3) {
        put(
            "enforcement",
            json!(dice.pick(&["enforce", "shadow", "shadow"])),
        );
    }
    if dice.one_in(6) {
        let age = dice.of(&[100, 99, 101, 0, 1000, 99_999_999_999]);
        put("max_snapshot_age", number(dice, age));
    }
    if dice.one_in(4) {
        put("preflight", json!(dice.pick(&["pass", "check"])));
    }
    if dice.one_in(4) {
        put("allow_upgrades", json!(dice.one_in(2)));
    }
    if dice.one_in(4) {
        put("forward_credential", json!(dice.one_in(2)));
    }
    if dice.one_in(3) {
        put(
            "profile",
            json!({"credential_headers": ["X-API-Key", "Acme-Key"]}),
        );
    }
    let mut principal = "x-keyward-principal";
    if dice.one_in(4) {
        principal = dice.pick(&["x-me", "", "x-keyward-principal", "x-account-id"]);
        put("principal_header", json!(principal));
    }
    if dice.one_in(3) {
        let mut single = Map::new();
        for name in IDENTITY_HEADERS {
            if name != principal && dice.one_in(2) {
                single.insert(name.to_owned(), json!(dice.pick(&MEMBERS)));
            }
        }
        put("identity_headers", Value::Object(single));
    }
    if dice.one_in(4) {
        put("former_identity_headers", json!(["x-caller", "x-me"]));
    }
    if dice.one_in(8) {
        put("filter_state", json!("keyward.b"));
    }
    settings
}

/// Returns an integer, sometimes as the double that Istio makes of it.
fn number(dice: &mut Dice, number: u64) -> Value {
    if dice.one_in(4) {
        serde_json::from_str(&format!("{number}.0")).unwrap()
    } else {
        json!(number)
    }
}

/// Returns some of the permissions, none under two names.
fn grants(dice: &mut Dice, permissions: &[String]) -> Value {
    let mut grants = Map::new();
    let mut known = BTreeSet::new();
    for name in permissions {
        if !dice.one_in(4) && known.insert(canonical(name)) {
            let is_builtin = PERMISSIONS
                .iter()
                .any(|known| known.name == canonical(name));
            let old = is_builtin && !name.starts_with("rak_") && dice.one_in(8);
            let name = if old {
                format!("rak_{name}")
            } else {
                name.clone()
            };
            grants.insert(name, json!(dice.pick(&["write", "read", "write"])));
        }
    }
    if dice.one_in(8) {
        grants.clear();
    }
    Value::Object(grants)
}

/// Returns the canonical name of a permission, which may be `name` itself.
pub fn canonical(name: &str) -> &str {
    let known = |name: &str| {
        let mut known = PERMISSIONS.iter();
        known.find(|known| known.name == name || known.aliases.contains(&name))
    };
    known(name)
        .or_else(|| known(name.strip_prefix("rak_")?))
        .map_or(name, |known| known.name)
}
