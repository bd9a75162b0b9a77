//! Before a head is written, each new way to its revision is followed in memory, from the bytes
//! that gateways will read, and the result is compared with the intended content.

use anyhow::{Result, bail};

use keyward::digest::KeyDigest;
use keyward::profile::Profile;
use keyward::snapshot::Snapshot;
use keyward::snapshot::delta::{Delta, Touched};

/// How many unchanged keys are compared, unless all are.
const SAMPLE: usize = 10_000;

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
                some.keys.extend(sample(meant));
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

/// Returns keys from all over the table.
fn sample(of: &Snapshot) -> impl Iterator<Item = KeyDigest> {
    let step = (of.key_count() / SAMPLE).max(1);
    of.keys().step_by(step).map(|(digest, _)| digest)
}
