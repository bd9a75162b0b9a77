//! The ends in a push that is held back. The target keeps its content, except that every key that
//! the source ends is ended. So a revocation reaches the gateways while a person finds out why keys
//! are missing.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::effect::is_suspended;
use super::ending::end_of;
use keyward::digest::KeyDigest;
use keyward::snapshot::Snapshot;
use keyward::snapshot::delta::End;

/// A configuration with ends applied, and their number.
#[derive(Debug)]
pub struct Ends {
    /// The configuration.
    pub json: String,
    /// The number of keys that it ends.
    pub keys: usize,
    /// The number of accounts that it suspends.
    pub accounts: usize,
}

impl Ends {
    /// Applies the ends in `after` to `json`, whose snapshot is `before`. `None` if `json` already
    /// has them all.
    pub fn of(json: &str, before: &Snapshot, after: &Snapshot, now: u64) -> Result<Option<Self>> {
        let mut configuration: Value = serde_json::from_str(json).ok().context("expected JSON")?;
        let snapshot = configuration.get_mut("snapshot");
        let snapshot = snapshot.context("expected a snapshot")?;
        let mut elements = |list: &str| {
            let list = snapshot.get_mut(list).and_then(Value::as_array_mut);
            list.map(std::mem::take).unwrap_or_default()
        };
        let (mut accounts, mut keys) = (elements("accounts"), elements("keys"));
        let mut ends = (0_usize, 0_usize);
        for account in &mut accounts {
            let id = account
                .get("id")
                .and_then(Value::as_str)
                .unwrap_or_default();
            if is_suspended(after, id) && !is_suspended(before, id) {
                put(account, "status", json!("suspended"));
                ends.1 = ends.1.saturating_add(1);
            }
        }
        for key in &mut keys {
            if end(key, before, after, now).is_some() {
                ends.0 = ends.0.saturating_add(1);
            }
        }
        if ends == (0, 0) {
            return Ok(None);
        }
        put(snapshot, "accounts", Value::Array(accounts));
        put(snapshot, "keys", Value::Array(keys));
        Ok(Some(Self {
            json: configuration.to_string(),
            keys: ends.0,
            accounts: ends.1,
        }))
    }
}

/// Ends a key as the source does. `None` if that changes nothing.
fn end(key: &mut Value, before: &Snapshot, after: &Snapshot, now: u64) -> Option<()> {
    let digest = KeyDigest::from_hex(key.get("sha256")?.as_str()?)?;
    let End {
        deleted,
        not_before,
        expires_at,
    } = end_of(&digest, before, after, now)?;
    if deleted {
        put(key, "status", json!("deleted"));
    }
    for (name, time) in [("not_before", not_before), ("expires_at", expires_at)] {
        if let Some(time) = time {
            put(key, name, json!(time));
        }
    }
    Some(())
}

fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward::configuration::Configuration;

    const NOW: u64 = 1_795_194_529;

    fn key(id: &str, members: Value) -> Value {
        let digest = KeyDigest::of(format!("sk_test_FAKE-{id}").as_bytes());
        let mut key = json!({"id": id, "sha256": digest.to_string(), "kind": "secret", "livemode": false, "owner": "acct_1"});
        for (name, value) in members.as_object().unwrap() {
            key[name] = value.clone();
        }
        key
    }

    fn written(accounts: Value, keys: Value) -> Value {
        json!({"serve_mode": "test", "snapshot": {"format": "keyward.snapshot/v1", "revision": 1, "issued_at": NOW,
            "accounts": accounts, "keys": keys}})
    }

    fn ends(before: &Value, after: &Value) -> Option<(Value, usize, usize)> {
        let read = |value: &Value| Configuration::from_json(value.to_string().as_bytes()).unwrap();
        let (old, new) = (read(before), read(after));
        let snapshots = (old.snapshot().unwrap(), new.snapshot().unwrap());
        let ends = Ends::of(&before.to_string(), snapshots.0, snapshots.1, NOW).unwrap()?;
        let value: Value = serde_json::from_str(&ends.json).unwrap();
        read(&value);
        // Applying the ends again changes nothing.
        let again = read(&value);
        let twice = Ends::of(&ends.json, again.snapshot().unwrap(), snapshots.1, NOW);
        assert!(twice.unwrap().is_none());
        Some((value, ends.keys, ends.accounts))
    }

    #[test]
    fn every_end_is_taken_over_and_nothing_else() {
        let none = json!({});
        let accounts = json!([{"id": "acct_1"}, {"id": "acct_2"}, {"id": "acct_3"}]);
        let before = written(
            accounts,
            json!([
                key("deleted", none.clone()),
                key("expired", json!({"expires_at": NOW + 9})),
                key("expires", none.clone()),
                key("later", none.clone()),
                key("moved", none.clone()),
                key("suspended", json!({"owner": "acct_2"})),
                key("missing", none.clone()),
                key(
                    "granted",
                    json!({"kind": "restricted", "grants": {"charge": "write"}})
                ),
            ]),
        );
        let after = written(
            json!([{"id": "acct_1"}, {"id": "acct_2", "status": "suspended"}, {"id": "acct_4"}]),
            json!([
                key("deleted", json!({"status": "deleted"})),
                key("expired", json!({"expires_at": NOW})),
                key("expires", json!({"expires_at": NOW + 9})),
                key("later", json!({"not_before": NOW + 9})),
                key("moved", json!({"owner": "acct_2"})),
                key("suspended", json!({"owner": "acct_2"})),
                key("new", none.clone()),
                key(
                    "granted",
                    json!({"kind": "restricted", "grants": {"charge": "read"}})
                ),
            ]),
        );
        let mut expected = before.clone();
        expected["snapshot"]["accounts"][1]["status"] = json!("suspended");
        for (index, member, value) in [
            (0, "status", json!("deleted")),
            (1, "expires_at", json!(NOW)),
            (2, "expires_at", json!(NOW + 9)),
            (3, "not_before", json!(NOW + 9)),
            (4, "status", json!("deleted")),
        ] {
            expected["snapshot"]["keys"][index][member] = value;
        }
        assert_eq!(ends(&before, &after), Some((expected, 5, 1)));
    }

    #[test]
    fn what_ends_nothing_is_nothing() {
        let accounts = json!([{"id": "acct_1", "status": "suspended"}]);
        let before = written(
            accounts,
            json!([
                key("a", json!({"expires_at": NOW})),
                key("b", json!({"status": "deleted"}))
            ]),
        );
        // A key is not revived either.
        let after = written(
            json!([{"id": "acct_1"}]),
            json!([key("a", json!({})), key("b", json!({}))]),
        );
        assert_eq!(ends(&before, &after), None);
    }
}
