//! Keys that can do more than needed or will expire soon, for a person to review before a push.
//! Deleted and expired keys carry no risk.

use std::collections::BTreeMap;

use super::{Finding, Subject};
use keyward::key::KeyKind;
use keyward::permission::{AccessLevel, Permission};
use keyward::snapshot::Reach;
use keyward::snapshot::document::{Document, Key, KeyIn};
use keyward_files::key_file::{KeyFile, instant};

/// Two weeks.
const SOON: u64 = 14 * 86_400;

/// The requirements for keys.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::snapshot) struct Policy {
    /// The present time in Unix seconds.
    pub(in crate::snapshot) now: u64,
    /// Report expiries within this many seconds. Without it, report those of live keys within two
    /// weeks.
    pub(in crate::snapshot) within: Option<u64>,
    /// Report keys that are older than this many seconds.
    pub(in crate::snapshot) max_key_age: Option<u64>,
}

pub(super) fn check(
    subject: &Subject<'_>,
    file: Option<&KeyFile>,
    policy: &Policy,
    findings: &mut Vec<Finding>,
) {
    for (place, key) in subject.keys() {
        if key.is_deleted() || key.has_expired(policy.now) {
            continue;
        }
        let risks = risks(subject.written, key, file, policy);
        if !risks.is_empty() {
            let id = subject.shown(&key.id);
            let risks = listed(&risks);
            findings.push(Finding::warning(place, format!("{id} {risks}")));
        }
    }
    duplicate_sets(subject, findings);
}

fn risks(document: &Document, key: &Key, file: Option<&KeyFile>, policy: &Policy) -> Vec<String> {
    let is_live = key.livemode;
    let expires = key.expires_at.map(|at| at.0);
    let is_secret = key.kind != KeyKind::Publishable;
    let mut risks = Vec::new();
    if is_live && is_secret {
        if Reach::of(&KeyIn { document, key }, false) == Reach::Full {
            let kind = key.kind.name();
            risks.push(format!("is a live {kind} key with every permission"));
        }
        if key.kind != KeyKind::Restricted && key.allowed_ips().is_empty() {
            risks.push("works from every address".to_owned());
        }
        if expires.is_none() {
            risks.push("never expires".to_owned());
        }
    }
    let soon = policy.within.or(is_live.then_some(SOON));
    if let (Some(expires), Some(soon)) = (expires, soon)
        && expires.saturating_sub(policy.now) <= soon
    {
        risks.push(format!("expires at {}", instant::show(expires)));
    }
    let created = file
        .and_then(|file| file.key(&key.id))
        .and_then(|key| key.created);
    if let Some(most) = policy.max_key_age.filter(|_| is_secret) {
        match created {
            Some(created) if policy.now.saturating_sub(created) > most => {
                risks.push(format!(
                    "was made at {}, too long ago",
                    instant::show(created)
                ));
            }
            None if file.is_some() => risks.push("does not say when it was made".to_owned()),
            Some(_) | None => {}
        }
    }
    risks
}

fn listed(risks: &[String]) -> String {
    match risks {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        other => other.concat(),
    }
}

/// Finds sets with the same permissions: someone may change one and forget the other.
fn duplicate_sets(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let registry = subject.snapshot.permissions();
    let mut seen: BTreeMap<Vec<(Permission, AccessLevel)>, &str> = BTreeMap::new();
    for (name, set) in subject.written.grant_sets() {
        let mut granted: Vec<(Permission, AccessLevel)> = set
            .0
            .iter()
            .filter_map(|(name, level)| Some((registry.find(name)?, *level)))
            .collect();
        granted.sort_unstable();
        if granted.is_empty() {
            continue;
        }
        if let Some(first) = seen.get(&granted) {
            let place = subject.place.then("grant_sets").then(subject.masked(name));
            let first = subject.shown(first);
            let text = format!("grants the same as {first}; one of them will do");
            findings.push(Finding::warning(place, text));
        } else {
            seen.insert(granted, name);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use keyward::profile::Profile;
    use keyward::refusal::Place;
    use keyward::snapshot::Snapshot;

    const NOW: u64 = 1_795_168_800;

    #[track_caller]
    fn assert_risks(key: Value, policy: Policy, file: Option<&KeyFile>, expected: &[&str]) {
        let mut written = json!({
            "format": "keyward.snapshot/v1", "revision": 7, "issued_at": NOW,
            "accounts": [{"id": "acct_1"}],
            "keys": [{"id": "mk_1", "sha256": "0".repeat(64), "kind": "secret", "livemode": true, "owner": "acct_1"}],
        });
        for (name, value) in key.as_object().unwrap() {
            written["keys"][0][name] = value.clone();
        }
        let profile = Profile::stripe();
        let snapshot = Snapshot::from_json(written.to_string().as_bytes(), &profile).unwrap();
        let subject = Subject {
            snapshot: &snapshot,
            written: &serde_json::from_value(written).unwrap(),
            profile: &profile,
            place: Place::default(),
        };
        let mut findings = Vec::new();
        check(
            &subject,
            file,
            &Policy { now: NOW, ..policy },
            &mut findings,
        );
        let texts: Vec<&str> = findings.iter().map(|finding| &*finding.text).collect();
        assert_eq!(texts, expected);
    }

    #[test]
    fn an_unlimited_live_key_is_a_risk_and_a_test_key_is_none() {
        let policy = Policy::default();
        let expected = "`mk_1` is a live secret key with every permission, works from every address and never expires";
        assert_risks(json!({}), policy, None, &[expected]);
        assert_risks(json!({"livemode": false}), policy, None, &[]);
        assert_risks(json!({"status": "deleted"}), policy, None, &[]);
        assert_risks(json!({"expires_at": NOW}), policy, None, &[]);
        let limited = json!({
            "kind": "restricted", "grants": {"charge": "read"}, "allowed_ips": ["203.0.113.7"],
            "expires_at": NOW + 100 * 86_400,
        });
        assert_risks(limited, policy, None, &[]);
        let endless = json!({"kind": "restricted", "grants": {"charge": "read"}});
        assert_risks(endless, policy, None, &["`mk_1` never expires"]);
        assert_risks(json!({"kind": "publishable"}), policy, None, &[]);
    }

    #[test]
    fn near_expiry_is_told_for_live_keys_and_for_all_on_request() {
        let soon = json!({
            "kind": "restricted", "grants": {"charge": "read"}, "expires_at": NOW + 86_400, "livemode": false,
        });
        assert_risks(soon.clone(), Policy::default(), None, &[]);
        let within = |within| Policy {
            within: Some(within),
            ..Policy::default()
        };
        let expected = "`mk_1` expires at 2026-11-21T10:00:00Z";
        assert_risks(soon.clone(), within(86_400), None, &[expected]);
        assert_risks(soon.clone(), within(86_399), None, &[]);
        let mut live = soon;
        live["livemode"] = json!(true);
        assert_risks(live, Policy::default(), None, &[expected]);
    }

    #[test]
    fn age_is_told_where_the_key_file_has_it() {
        let file = |created: &str| {
            let text = format!(
                "format = \"keyward.keys/v1\"\n[[accounts]]\nid = \"acct_1\"\n[[keys]]\nid = \"mk_1\"\nkind = \"secret\"\nmode = \"test\"\nowner = \"acct_1\"\nsha256 = \"{}\"\n{created}\n",
                "0".repeat(64)
            );
            KeyFile::read(vec![("x".to_owned(), text)]).unwrap()
        };
        let policy = Policy {
            max_key_age: Some(90 * 86_400),
            ..Policy::default()
        };
        let test = json!({"livemode": false});
        let old = file("created = 2026-08-01T00:00:00Z");
        let expected = "`mk_1` was made at 2026-08-01T00:00:00Z, too long ago";
        assert_risks(test.clone(), policy, Some(&old), &[expected]);
        let young = file("created = 2026-11-01T00:00:00Z");
        assert_risks(test.clone(), policy, Some(&young), &[]);
        let silent = "`mk_1` does not say when it was made";
        assert_risks(test.clone(), policy, Some(&file("")), &[silent]);
        assert_risks(test, policy, None, &[]);
    }

    #[test]
    fn two_grant_sets_of_the_same_permissions_are_one_too_many() {
        let written = json!({
            "format": "keyward.snapshot/v1", "revision": 7, "issued_at": NOW, "empty": true, "keys": [],
            "grant_sets": {"a": {"charge": "read"}, "b": {"rak_charge": "read"}, "c": {"charge": "write"}},
        });
        let profile = Profile::stripe();
        let snapshot = Snapshot::from_json(written.to_string().as_bytes(), &profile).unwrap();
        let subject = Subject {
            snapshot: &snapshot,
            written: &serde_json::from_value(written).unwrap(),
            profile: &profile,
            place: Place::default(),
        };
        let mut findings = Vec::new();
        check(&subject, None, &Policy::default(), &mut findings);
        let shown: Vec<_> = findings
            .iter()
            .map(|finding| (&*finding.place, &*finding.text))
            .collect();
        assert_eq!(
            shown,
            [(
                "grant_sets.b",
                "grants the same as `a`; one of them will do"
            )]
        );
    }
}
