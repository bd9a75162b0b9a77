//! The JSON form of a snapshot: an accepted one is within the contract and has the same meaning
//! however it is spaced. The text of a rejection contains no key.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::LazyLock;

use keyward::digest::KeyDigest;
use keyward::permission::AccessLevel;
use keyward::snapshot::{Enforcement, KeyRecord, Snapshot};
use regex::bytes::Regex;
use serde_json::{Map, Value};

use super::{STRIPE, assert_tells_no_key, pattern};

static ID: LazyLock<Regex> = LazyLock::new(|| pattern(r"\A[A-Za-z0-9_.-]{1,64}\z"));
static ACCOUNT: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\A(?:acct|org)_[A-Za-z0-9_-]{1,60}\z"));
static DIGEST: LazyLock<Regex> = LazyLock::new(|| pattern(r"\A[0-9A-Fa-f]{64}\z"));
static METHOD: LazyLock<Regex> = LazyLock::new(|| pattern(r"\A(?:GET|POST|DELETE|PUT|PATCH)\z"));
static TEMPLATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\A/(?:[!$&-:=@A-Za-z_~]+|\{\*?\w+\})?(?:/(?:[!$&-.0-:=@A-Za-z_~]+|\{\*?\w+\}))*\z")
});

/// The input is the snapshot.
pub fn run(input: &[u8]) {
    match Snapshot::from_json(input, &STRIPE) {
        Ok(snapshot) => taken(input, &snapshot),
        Err(refusal) => assert_tells_no_key(&refusal.to_string()),
    }
}

fn taken(input: &[u8], snapshot: &Snapshot) {
    let mut value: Value = serde_json::from_slice(input).unwrap();
    assert_within_contract(&value);
    assert_eq!(
        snapshot.revision().number(),
        number(&value, "revision").unwrap()
    );
    assert_eq!(snapshot.issued_at(), number(&value, "issued_at").unwrap());
    assert_eq!(snapshot.accounts().len(), list(&value, "accounts").len());
    assert_eq!(snapshot.key_count(), list(&value, "keys").len());
    for key in list(&value, "keys") {
        assert_is(key, &value, snapshot);
    }
    // White space and the order of members have no meaning.
    for text in [value.to_string(), format!("\n{value:#} \t")] {
        let again = Snapshot::from_json(text.as_bytes(), &STRIPE).unwrap();
        assert_eq!(told(&again, &value), told(snapshot, &value), "{text}");
    }
    // A truncated snapshot is rejected.
    for cut in [input.len() / 2, input.len().saturating_sub(1)] {
        let is_whole = input[cut..].trim_ascii_start().is_empty();
        assert!(is_whole || Snapshot::from_json(&input[..cut], &STRIPE).is_err());
    }
    let mut refused = |change: fn(&mut Map<String, Value>)| {
        let before = value.clone();
        change(value.as_object_mut().unwrap());
        let is_refused = Snapshot::from_json(value.to_string().as_bytes(), &STRIPE).is_err();
        assert!(is_refused || value == before, "{value}");
        value = before;
    };
    refused(|snapshot| drop(snapshot.insert("x".to_owned(), Value::Null)));
    refused(|snapshot| drop(snapshot.insert("format".to_owned(), "keyward.snapshot/v3".into())));
    refused(|snapshot| twice(snapshot, "keys"));
    refused(|snapshot| twice_but(snapshot, "id"));
    refused(|snapshot| twice_but(snapshot, "sha256"));
    refused(|snapshot| twice(snapshot, "accounts"));
    refused(|snapshot| twice(snapshot, "endpoints"));
}

/// Lists the last key a second time, with another value of one member.
fn twice_but(snapshot: &mut Map<String, Value>, member: &str) {
    let other = if member == "id" {
        "another"
    } else {
        OTHER_DIGEST
    };
    if let Some(keys) = snapshot.get_mut("keys").and_then(Value::as_array_mut) {
        let mut last: Vec<Value> = keys.last().cloned().into_iter().collect();
        for key in &mut last {
            key[member] = other.into();
        }
        keys.extend(last);
    }
}

const OTHER_DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Lists the last element of a list a second time.
fn twice(snapshot: &mut Map<String, Value>, name: &str) {
    if let Some(list) = snapshot.get_mut(name).and_then(Value::as_array_mut) {
        list.extend(list.last().cloned());
    }
}

/// Asserts what the contract requires of every snapshot, read from the JSON only.
fn assert_within_contract(snapshot: &Value) {
    assert_eq!(snapshot["format"], "keyward.snapshot/v1");
    assert!(number(snapshot, "revision").unwrap() < 1_000_000_000_000_000);
    assert!(number(snapshot, "issued_at").unwrap() < 100_000_000_000);
    let mut parents = BTreeMap::new();
    for account in list(snapshot, "accounts") {
        let id = text(account, "id").unwrap();
        assert!(ACCOUNT.is_match(id.as_bytes()), "{id}");
        let parent = text(account, "parent");
        assert!(parent.is_none() || !id.starts_with("org_"));
        assert!(parents.insert(id, parent).is_none(), "{id}");
    }
    for mut parent in parents.values().copied() {
        for _ in 0..parents.len() {
            let Some(id) = parent else { break };
            parent = parents[id];
        }
        assert_eq!(parent, None, "a cycle");
    }
    for endpoint in list(snapshot, "endpoints") {
        let asks = ["permission", "any_of", "auth"].map(|name| endpoint.get(name).is_some());
        assert_eq!(asks.iter().filter(|asks| **asks).count(), 1, "{endpoint}");
        assert!(METHOD.is_match(text(endpoint, "method").unwrap().as_bytes()));
        assert!(
            TEMPLATE.is_match(text(endpoint, "path").unwrap().as_bytes()),
            "{endpoint}"
        );
    }
    let (mut ids, mut digests) = (BTreeSet::new(), BTreeSet::new());
    for key in list(snapshot, "keys") {
        let (id, digest) = (text(key, "id").unwrap(), text(key, "sha256").unwrap());
        assert!(ID.is_match(id.as_bytes()) && DIGEST.is_match(digest.as_bytes()));
        assert!(
            ids.insert(id) && digests.insert(digest.to_lowercase()),
            "{id}"
        );
        let owner = text(key, "owner").unwrap();
        assert!(parents.contains_key(owner), "{owner}");
        let kind = text(key, "kind").unwrap();
        assert_eq!(owner.starts_with("org_"), kind == "organization", "{key}");
        let has = |name: &str| key.get(name).is_some();
        assert!(kind != "restricted" || has("grants"), "{key}");
        assert!(
            kind != "publishable" || !(has("grants") || has("connect_grants")),
            "{key}"
        );
        for name in ["grants", "connect_grants"] {
            let set = text(key, name);
            assert!(
                set.is_none_or(|set| snapshot["grant_sets"].get(set).is_some()),
                "{key}"
            );
        }
        for range in list(key, "allowed_ips") {
            let range = range.as_str().unwrap();
            let address = range.split('/').next().unwrap();
            assert!(address.parse::<IpAddr>().is_ok(), "{range}");
        }
    }
    let is_empty = snapshot.get("empty") == Some(&Value::Bool(true));
    assert_eq!(ids.is_empty(), is_empty);
}

/// Asserts that the record found by a listed digest is the listed one.
fn assert_is(key: &Value, value: &Value, snapshot: &Snapshot) {
    let hex = text(key, "sha256").unwrap();
    let digest = KeyDigest::from_hex(hex).unwrap();
    let record = snapshot.key(&digest).unwrap();
    assert_eq!(Some(record.id()), text(key, "id"));
    assert_eq!(Some(record.kind().name()), text(key, "kind"));
    assert_eq!(Some(record.livemode().is_live()), key["livemode"].as_bool());
    let owner = snapshot.accounts().account(record.owner()).unwrap();
    assert_eq!(Some(owner.id()), text(key, "owner"));
    assert_eq!(record.is_deleted(), text(key, "status") == Some("deleted"));
    assert_eq!(record.not_before(), number(key, "not_before"));
    assert_eq!(record.expires_at(), number(key, "expires_at"));
    assert_eq!(
        record.allowed_ips().is_some(),
        !list(key, "allowed_ips").is_empty()
    );
    let is_shadow = text(key, "enforcement") == Some("shadow");
    assert_eq!(record.enforcement() == Enforcement::Shadow, is_shadow);
    assert_eq!(record.grants().is_some(), key.get("grants").is_some());
    assert_eq!(
        record.connect_grants().is_some(),
        key.get("connect_grants").is_some()
    );
    for name in ["grants", "connect_grants"] {
        let granted = match key.get(name) {
            Some(Value::String(set)) => &value["grant_sets"][set],
            other => other.unwrap_or(&Value::Null),
        };
        let grants = if name == "grants" {
            record.grants()
        } else {
            record.connect_grants()
        };
        for (permission, level) in granted.as_object().into_iter().flatten() {
            let permission = snapshot.permissions().find(permission).unwrap();
            let grants = grants.unwrap();
            assert!(grants.allow(permission, AccessLevel::Read));
            assert!(level != "write" || grants.allow(permission, AccessLevel::Write));
        }
    }
    // A similar digest is not a key's, unless it is listed as well.
    let other = if hex.starts_with('0') { "1" } else { "0" };
    let neighbour = KeyDigest::from_hex(&format!("{other}{}", &hex[1..])).unwrap();
    if let Some(found) = snapshot.key(&neighbour) {
        assert_ne!(found.id(), record.id());
    }
}

/// Returns everything that a snapshot contains about the listed keys.
pub(super) fn told(snapshot: &Snapshot, value: &Value) -> Vec<String> {
    let mut told = vec![
        format!("{} {}", snapshot.revision().number(), snapshot.issued_at()),
        format!("{} {}", snapshot.accounts().len(), snapshot.key_count()),
    ];
    for key in list(value, "keys") {
        let digest = KeyDigest::from_hex(text(key, "sha256").unwrap()).unwrap();
        told.push(told_of(snapshot, &snapshot.key(&digest).unwrap()));
    }
    told
}

fn told_of(snapshot: &Snapshot, record: &KeyRecord) -> String {
    let accounts = snapshot.accounts();
    let owner = accounts.account(record.owner()).unwrap();
    let granted: Vec<String> = [record.grants(), record.connect_grants()]
        .iter()
        .flatten()
        .flat_map(|grants| {
            let permissions = snapshot.permissions().iter();
            permissions.filter_map(|permission| {
                let read = grants.allow(permission, AccessLevel::Read);
                let write = grants.allow(permission, AccessLevel::Write);
                let name = snapshot.permissions().name(permission);
                (read || write).then(|| format!("{name} {read} {write}"))
            })
        })
        .collect();
    let addresses = ["203.0.113.7", "10.0.0.1", "2001:db8::1"].map(|address| {
        let ranges = record.allowed_ips();
        ranges.is_some_and(|ranges| ranges.contains(address.parse().unwrap()))
    });
    format!(
        "{} {} {} {} {} {} {} {:?} {:?} {:?} {granted:?} {addresses:?}",
        record.id(),
        record.kind().name(),
        record.livemode().name(),
        owner.id(),
        owner.is_suspended(),
        owner.is_platform(),
        record.is_deleted(),
        record.not_before(),
        record.expires_at(),
        record.enforcement(),
    )
}

pub(super) fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}

pub(super) fn list<'a>(object: &'a Value, name: &str) -> &'a [Value] {
    object
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Returns a whole number, also from the double that protobuf makes of it.
pub(super) fn number(object: &Value, name: &str) -> Option<u64> {
    let number = object.get(name)?;
    number
        .as_u64()
        .or_else(|| number.as_f64()?.to_string().parse().ok())
}
