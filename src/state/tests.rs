//! Tests that a written state can be read back, whatever was established.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::digest::KeyDigest;
use crate::principal::AccountTrail;
use crate::profile::Profile;
use crate::snapshot::Snapshot;
use crate::word::Word;

const RAW: &[u8] = b"FAKE";

fn id() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_.-]{1,64}"
}

/// Returns a snapshot with one key.
fn snapshot(id: &str, kind: KeyKind, livemode: bool, revision: u64) -> Snapshot {
    let owner = match kind {
        KeyKind::Organization => json!({"id": "org_1"}),
        KeyKind::Publishable | KeyKind::Secret | KeyKind::Restricted => json!({"id": "acct_1"}),
    };
    let mut key = json!({
        "id": id, "sha256": KeyDigest::of(RAW).to_string(), "kind": kind.word(),
        "livemode": livemode, "owner": owner["id"], "status": "active",
    });
    if kind == KeyKind::Restricted {
        key["grants"] = json!({});
    }
    let text = json!({
        "format": "keyward.snapshot/v1", "revision": revision, "issued_at": 1,
        "accounts": [owner], "keys": [key],
    });
    Snapshot::from_json(text.to_string().as_bytes(), &Profile::stripe()).unwrap()
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let reason = || prop::sample::select(DenyReason::all().collect::<Vec<_>>());
    prop_oneof![
        Just(Verdict::Public),
        Just(Verdict::Preflight),
        Just(Verdict::Key),
        Just(Verdict::Verify),
        reason().prop_map(Verdict::Shadow),
        reason().prop_map(Verdict::Deny),
    ]
}

/// Returns whether a verdict needs a key.
fn needs_key(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Key | Verdict::Verify)
}

fn says_nothing_of_a_key(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Public | Verdict::Preflight)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_state_is_read_as_it_was_written(
        verdict in verdict(),
        key in id(),
        kind in prop::sample::select(KeyKind::VALUES.to_vec()),
        livemode: bool,
        is_known: bool,
        owner in prop::option::of(id()),
        below in prop::option::of(prop::collection::vec(id(), 1..8)),
        org in prop::option::of(id()),
        permission in prop::option::of((id(), prop::sample::select(AccessLevel::VALUES.to_vec()))),
        revision in 1..1_000_000_000_000_000_u64,
    ) {
        let snapshot = snapshot(&format!("k{}", key.get(..63).unwrap_or(&key)), kind, livemode, revision);
        let record = snapshot.key(&KeyDigest::of(RAW)).unwrap();
        let below = below.map(|below| below.join("/"));
        let trail = AccountTrail { owner: owner.as_deref(), below: below.as_deref() };
        let principal = Principal {
            key: (is_known || needs_key(verdict)).then_some(record),
            is_live: true,
            trail: Some(trail),
            org: org.as_deref(),
            permission: permission.as_ref().map(|(name, level)| (name.as_str(), *level)),
            revision: Some(snapshot.revision()),
        };
        let written = Written::new(verdict, &principal);
        let path = trail.to_string();
        let expected = if says_nothing_of_a_key(verdict) {
            State {
                verdict, key: None, account: None, path: None, org: None, permission: None, revision: None,
            }
        } else {
            State {
                verdict,
                key: principal.key.as_ref().map(|key| Named {
                    id: key.id(),
                    kind: key.kind(),
                    livemode: key.livemode().is_live(),
                }),
                account: principal.account(),
                path: principal.account().map(|_| path.as_str()),
                org: principal.org,
                permission: principal.permission,
                revision: Some(revision),
            }
        };
        prop_assert_eq!(State::parse(written.text()), Some(expected), "{}", written.text());
        prop_assert_eq!(verdict.passed(), written.text().starts_with("allow"));
        prop_assert!(written.text().ends_with(written.principal()));
        prop_assert!(written.text().starts_with(verdict.name()) || matches!(verdict, Verdict::Shadow(_)));
    }

    #[test]
    fn no_text_breaks_the_reader(text in "(allow|deny|verify|report)?( would_deny=| public|)[a-z_=\"?/, 0-9]{0,40}") {
        if let Some(state) = State::parse(&text) {
            prop_assert_eq!(state.verdict.passed(), text.starts_with("allow"));
        }
    }
}

#[test]
fn states_are_spelled_as_the_interlock_and_logs_expect() {
    let snapshot = snapshot("mk_1", KeyKind::Secret, false, 7);
    let nothing = Principal::default();
    let known = Principal {
        key: snapshot.key(&KeyDigest::of(RAW)),
        revision: Some(snapshot.revision()),
        ..Principal::default()
    };
    let members = "key=\"mk_1\", kind=secret, livemode=?0, revision=7";
    let gone = DenyReason::DeletedKey;
    for (verdict, principal, expected) in [
        (Verdict::Public, &known, "allow public".to_owned()),
        (Verdict::Preflight, &known, "allow preflight".to_owned()),
        (Verdict::Key, &known, format!("allow {members}")),
        (
            Verdict::Shadow(gone),
            &known,
            format!("allow would_deny=deleted_key {members}"),
        ),
        (Verdict::Verify, &known, format!("verify {members}")),
        (
            Verdict::Deny(gone),
            &known,
            format!("deny deleted_key {members}"),
        ),
        (
            Verdict::Deny(DenyReason::NoSnapshot),
            &nothing,
            "deny no_snapshot".to_owned(),
        ),
    ] {
        assert_eq!(Written::new(verdict, principal).text(), expected);
    }
    assert_eq!(State::parse(REPORT), None);
}
