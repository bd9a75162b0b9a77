//! A delta: any bytes are accepted or rejected. A delta that is accepted contains what it claims.
//! Applied to a base, it leads to a snapshot whose every look-up is safe, or it is rejected.

use std::sync::LazyLock;

use keyward::account::AccountPath;
use keyward::snapshot::Snapshot;
use keyward::snapshot::delta::{Applying, Delta, Touched};
use keyward::snapshot::packed::{Packed, Trust};
use serde_json::json;

use super::{STRIPE, assert_tells_no_key, take};

/// A base with an example of everything that a delta can refer to.
static BASE: LazyLock<Snapshot> = LazyLock::new(|| {
    let key = |number: u32, owner: &str, grants: serde_json::Value| {
        json!({"id": format!("mk_{number}"), "sha256": format!("{:02x}", number * 37).repeat(32), "kind": "restricted",
               "livemode": true, "owner": owner, "grants": grants})
    };
    let snapshot = json!({
        "format": "keyward.snapshot/v1", "revision": 10, "issued_at": 1_796_000_000_u64, "catalogue": "none",
        "endpoints": [{"method": "GET", "path": "/a", "permission": "alpha"}, {"method": "GET", "path": "/b", "permission": "beta"}],
        "accounts": [{"id": "org_1"}, {"id": "acct_1", "parent": "org_1"}, {"id": "acct_2", "parent": "acct_1"}, {"id": "acct_3"}],
        "grant_sets": {"readers": {"alpha": "read"}, "writers": {"beta": "write"}},
        "keys": [key(1, "acct_1", json!("readers")), key(2, "acct_2", json!({"beta": "read"})), key(3, "acct_3", json!("writers"))],
    });
    let packed = Packed::from_json(snapshot.to_string().as_bytes(), &STRIPE).unwrap();
    packed.snapshot(&STRIPE, Trust::Nothing).unwrap()
});

/// The beginning of a delta: its magic, and the version.
const START: &[u8] = b"\x89KWD\r\n\x1a\n\x01\0\0\0";

/// The input is a delta, or the part of one after the version.
pub fn run(input: &[u8]) {
    read(input);
    read(&[START, input].concat());
}

fn read(bytes: &[u8]) {
    let delta = match Delta::read(bytes) {
        Err(refusal) => return assert_tells_no_key(&refusal.to_string()),
        Ok(delta) => delta,
    };
    assert!(delta.from() < delta.to());
    let touched = Touched::of(&delta);
    assert!(touched.keys.len() <= delta.len());
    // The outcome is the same, whatever the steps.
    let whole = BASE.apply(&delta, &STRIPE);
    let mut sizes = bytes;
    let stepped = Applying::new(&BASE, delta.clone(), &STRIPE).and_then(|mut applying| {
        while !applying.step(usize::from(take(&mut sizes)) + 1)? {}
        Ok(applying.finish())
    });
    match (whole, stepped) {
        (Err(refusal), Err(other)) => {
            assert_eq!(refusal, other);
            assert_tells_no_key(&refusal.to_string());
        }
        (Ok(whole), Ok(stepped)) => {
            assert_eq!(Touched::between(&whole, &stepped), Touched::default());
            assert_eq!(whole.revision(), delta.to());
            looked_up(&whole, &delta, &touched);
        }
        (whole, stepped) => panic!("{:?} {:?}", whole.is_ok(), stepped.is_ok()),
    }
}

/// Asserts that what the delta does not name is unchanged, and that every walk ends.
fn looked_up(made: &Snapshot, delta: &Delta, touched: &Touched) {
    assert!(made.keys().count() <= made.key_count());
    for (digest, key) in made.keys() {
        let _ = made.accounts().root(key.owner());
        let found = made.key(&digest).unwrap();
        assert_eq!(found.id(), key.id());
        assert!(
            made.user_id(&digest)
                .is_none_or(|user| user.len() <= usize::MAX / 2)
        );
    }
    for (digest, _) in BASE.keys() {
        let is_untouched = !touched.keys.contains(&digest)
            && touched.accounts.is_empty()
            && touched.grant_sets.is_empty()
            && !touched.contract;
        if is_untouched {
            assert_eq!(
                made.key(&digest).unwrap().id(),
                BASE.key(&digest).unwrap().id()
            );
        }
    }
    let paths = ["acct_1", "acct_1/acct_2", "acct_2/acct_1/acct_3"];
    for start in ["org_1", "acct_1", "acct_2"] {
        let Some(start) = made.accounts().find(start) else {
            continue;
        };
        for path in paths {
            let path = AccountPath::parse(path, &STRIPE.names().ids).unwrap();
            let _ = made.accounts().reaches(start, path, |_| true);
        }
    }
    assert!(made.accounts().iter().count() <= made.accounts().len());
    // The delta led to this revision, and cannot be applied to it again.
    assert!(made.apply(delta, &STRIPE).is_err());
}
