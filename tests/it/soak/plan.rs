//! Computes what every key may do at every revision by arithmetic only: the load generator knows
//! the right verdict without asking keyward.

use keyward::digest::KeyDigest;
use serde_json::{Value, json};

/// The number of keys that come and go.
pub const KEYS: u64 = 40;

/// The state of a key at a revision. Each push advances every key by one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Absent,
    Secret,
    Restricted,
    Deleted,
    Expired,
    Bound,
}

fn life(key: u64, revision: u64) -> Life {
    match (key + revision) % 6 {
        0 => Life::Absent,
        1 => Life::Secret,
        2 => Life::Restricted,
        3 => Life::Deleted,
        4 => Life::Expired,
        _ => Life::Bound,
    }
}

pub fn raw(key: u64) -> String {
    format!("sk_test_FAKE-{key:03}-soak")
}

fn raw_of(key: u64, life: Life) -> String {
    // The prefix depends on the kind, so a key that becomes restricted has another text.
    match life {
        Life::Restricted => raw(key).replacen("sk_", "rk_", 1),
        _ => raw(key),
    }
}

/// Returns the plugin configuration of a revision.
pub fn configuration(revision: u64) -> String {
    json!({"snapshot": snapshot(revision)}).to_string()
}

/// The snapshot of a revision.
pub fn snapshot(revision: u64) -> Value {
    let keys: Vec<Value> = (0..KEYS)
        .filter_map(|key| {
            let life = life(key, revision);
            let sha256 = KeyDigest::of(raw_of(key, life).as_bytes()).to_string();
            let mut all = json!({"id": format!("mk_{key}"), "sha256": sha256, "kind": "secret", "livemode": false, "owner": "acct_1"});
            match life {
                Life::Absent => return None,
                Life::Secret => {}
                Life::Restricted => {
                    all["kind"] = json!("restricted");
                    all["grants"] = json!({"customer": "read"});
                }
                Life::Deleted => all["status"] = json!("deleted"),
                Life::Expired => all["expires_at"] = json!(1_700_000_000),
                Life::Bound => all["allowed_ips"] = json!(["203.0.113.0/24"]),
            }
            Some(all)
        })
        .collect();
    json!({"format": "keyward.snapshot/v1", "revision": revision, "issued_at": 1_795_194_529,
        "accounts": [{"id": "acct_1"}, {"id": "acct_2", "parent": "acct_1"}], "keys": keys})
}

/// The same with so many keys more, which no request has.
pub fn among(revision: u64, others: u64) -> Vec<u8> {
    use std::io::Write;
    let mut text = snapshot(revision).to_string().into_bytes();
    let keys = b"\"keys\":[";
    let place = text.windows(keys.len()).position(|window| window == keys);
    let rest = text.split_off(place.unwrap() + keys.len());
    for number in 0..others {
        let sha256 = KeyDigest::of(format!("other-{number}").as_bytes());
        write!(
            text,
            r#"{{"id":"mk_o{number}","sha256":"{sha256}","kind":"secret","livemode":false,"owner":"acct_1"}},"#
        )
        .unwrap();
    }
    text.extend(rest);
    text
}

/// One request of the load.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    pub key: u64,
    /// Whether the key is spelled with the prefix of a restricted key.
    pub as_restricted: bool,
    pub method: &'static str,
    pub path: &'static str,
    pub context: Option<&'static str>,
}

const KINDS: [(&str, &str, Option<&str>); 8] = [
    ("GET", "/v1/customers", None),
    ("GET", "/v1/customers/cus_1?expand[]=x", None),
    ("POST", "/v1/customers", None),
    ("GET", "/v1/balance", None),
    ("HEAD", "/v1/customers", None),
    ("GET", "/v1/customers", Some("acct_2")),
    ("GET", "/v1/customers", Some("acct_9")),
    ("GET", "/v1/customers/../charges", None),
];

impl Request {
    /// Returns the request with this number: all keys, spellings and kinds in turn.
    pub fn numbered(number: u64) -> Self {
        let kind = usize::try_from(number / KEYS / 2).unwrap() % KINDS.len();
        let (method, path, context) = KINDS[kind];
        Self {
            key: number % KEYS,
            as_restricted: (number / KEYS).is_multiple_of(2),
            method,
            path,
            context,
        }
    }

    pub fn authorization(&self) -> String {
        let raw = raw(self.key);
        let raw = if self.as_restricted {
            raw.replacen("sk_", "rk_", 1)
        } else {
            raw
        };
        format!("Bearer {raw}")
    }

    /// Returns why it is denied at this revision, or `None` if it passes.
    pub fn denied_at(&self, revision: u64) -> Option<&'static str> {
        let life = life(self.key, revision);
        let is_known = life != Life::Absent && (life == Life::Restricted) == self.as_restricted;
        match life {
            _ if !is_known => Some("unknown_key"),
            Life::Deleted => Some("deleted_key"),
            Life::Expired => Some("expired_key"),
            Life::Bound => Some("ip_not_allowed"),
            _ if self.context == Some("acct_9") => Some("account_not_accessible"),
            Life::Secret => None,
            _ if self.path.contains("..") => Some("unknown_endpoint"),
            _ if self.context.is_some() => Some("no_connect_permission"),
            _ if self.method == "POST" || self.path == "/v1/balance" => {
                Some("insufficient_permission")
            }
            _ if self.path.ends_with("expand[]=x") => Some("unknown_expansion"),
            _ => None,
        }
    }
}

#[test]
fn the_plan_meets_every_life_and_most_verdicts() {
    let mut verdicts = std::collections::BTreeSet::new();
    for number in 0..KEYS * 2 * 8 {
        for revision in 1..7 {
            verdicts.insert(Request::numbered(number).denied_at(revision));
        }
    }
    assert_eq!(verdicts.len(), 10, "{verdicts:?}");
}
