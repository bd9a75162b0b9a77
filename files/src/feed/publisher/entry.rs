//! A head's entry for a delta.

use anyhow::{Context, Result};

use crate::feed::store::{ObjectKind, ObjectName};
use keyward::feed::DeltaEntry;
use keyward::feed::head::Sha256;
use keyward::snapshot::Revision;

/// Returns the entry of the last of these deltas.
pub(super) fn entry(from: Revision, to: Revision, objects: &[Vec<u8>]) -> Result<DeltaEntry> {
    let bytes = objects.last().context("there is no delta")?;
    Ok(DeltaEntry {
        from,
        to,
        size: size(bytes)?,
        sha256: Sha256::new(ObjectName::of(ObjectKind::Delta, bytes).sha256),
    })
}

/// Returns the size of an object, as a head has it.
pub(super) fn size(bytes: &[u8]) -> Result<u32> {
    u32::try_from(bytes.len()).ok().context("more than 4 GiB")
}
