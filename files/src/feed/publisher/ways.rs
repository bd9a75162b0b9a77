//! Before a head is written, each new way to its revision is followed in memory, from the bytes
//! that gateways will read, and the result is compared with the intended content.

use anyhow::{Result, bail};

use keyward::profile::Profile;
use keyward::snapshot::Snapshot;
use keyward::snapshot::delta::{Delta, Touched};

/// How many unchanged keys are compared, unless all are.
pub(super) const SAMPLE: usize = 10_000;

/// Applies a delta, read from its bytes, to a state.
pub(super) fn walk(before: &Snapshot, bytes: &[u8], profile: &Profile) -> Result<Snapshot> {
    Ok(before.apply(&Delta::read(bytes)?, profile)?)
}

/// Checks that a state is as intended: compares all counts, all changed records, and either a
/// sample of the rest or everything.
pub(super) fn compare(
    is: &Snapshot,
    meant: &Snapshot,
    touched: &Touched,
    all: bool,
    way: &str,
) -> Result<()> {
    let counts = |of: &Snapshot| (of.key_count(), of.accounts().len());
    let is_same = counts(is) == counts(meant)
        && match all {
            true => Touched::between(is, meant).is_empty(),
            false => {
                let mut some = touched.clone();
                some.keys.extend(meant.digests_all_over(SAMPLE));
                some.among(is, meant).is_empty()
            }
        };
    if !is_same {
        bail!(
            "{way} does not lead to what was to be published; nothing was written, please report this"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::feed::content::Content;
    use keyward::digest::KeyDigest;

    fn content(keys: usize, change: impl FnOnce(&mut Vec<Value>)) -> Content {
        let digest = |number| KeyDigest::of(format!("sk_test_FAKE-{number}").as_bytes());
        let mut keys: Vec<Value> = (0..keys)
            .map(|number: usize| {
                json!({"id": format!("mk_{number:06}"), "sha256": digest(number).to_string(),
                    "kind": "secret", "livemode": false, "owner": "acct_1"})
            })
            .collect();
        change(&mut keys);
        let snapshot = json!({"format": "keyward.snapshot/v1", "revision": 1, "issued_at": 1,
            "accounts": [{"id": "acct_1"}], "keys": keys});
        Content::of_configuration("the test", snapshot.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_state_with_another_record_is_found_by_counts_names_or_the_sample() {
        let meant = content(500, |_| {});
        let nothing = Touched::default();
        let is_good = |is: &Content, touched: &Touched, all| {
            compare(is.snapshot(), meant.snapshot(), touched, all, "the way").is_ok()
        };
        let fewer = content(499, |_| {});
        let other = content(500, |keys| keys[7]["livemode"] = json!(true));
        for all in [false, true] {
            assert!(is_good(&meant, &nothing, all));
            assert!(!is_good(&fewer, &nothing, all));
            // Every key of a small table is in the sample.
            assert!(!is_good(&other, &nothing, all));
        }
    }

    #[test]
    fn of_a_large_table_a_sample_is_compared() {
        let count = SAMPLE * 4;
        let meant = content(count, |_| {});
        let half = content(count, |keys| {
            keys.iter_mut()
                .step_by(2)
                .for_each(|key| key["livemode"] = json!(true));
        });
        let one = content(count, |keys| keys[7]["livemode"] = json!(true));
        let compared = |is: &Content, touched: &Touched, all| {
            compare(is.snapshot(), meant.snapshot(), touched, all, "the way").is_ok()
        };
        let nothing = Touched::default();
        assert!(!compared(&half, &nothing, false));
        assert!(!compared(&one, &nothing, true));
        let named = Touched::between(one.snapshot(), meant.snapshot());
        assert_eq!(named.len(), 1);
        assert!(!compared(&one, &named, false));
    }
}
