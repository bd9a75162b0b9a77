//! Before a head is written, each new way through it is walked in memory, from the very bytes that gateways will read, and what it leads to is compared with what is meant.

use anyhow::{Result, bail};

use keyward::digest::KeyDigest;
use keyward::profile::Profile;
use keyward::snapshot::Snapshot;
use keyward::snapshot::delta::{Delta, Touched};

/// How many keys are compared that did not change, where not all are.
const SAMPLE: usize = 10_000;

/// What a delta makes of a state, read again from its bytes.
pub(super) fn walk(before: &Snapshot, bytes: &[u8], profile: &Profile) -> Result<Snapshot> {
    Ok(before.apply(&Delta::read(bytes)?, profile)?)
}

/// Whether a state is as it is meant to be: all counts, all that was touched, and of the rest a sample, or everything.
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

/// Keys from all over the table.
fn sample(of: &Snapshot) -> impl Iterator<Item = KeyDigest> {
    let step = (of.key_count() / SAMPLE).max(1);
    of.keys().step_by(step).map(|(digest, _)| digest)
}
