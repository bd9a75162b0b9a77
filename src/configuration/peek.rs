//! The revision that a configuration names, read past everything else: also of one that is refused, or that a later version wrote.

use serde::Deserialize;

use crate::snapshot::packed::{self, Source};
use crate::wire::Integer;

#[derive(Deserialize)]
struct Configuration {
    snapshot: Option<Snapshot>,
}

#[derive(Deserialize)]
struct Snapshot {
    revision: Integer,
}

/// The revision of the snapshot in this JSON, if it says one.
#[must_use]
pub fn named_revision(json: &[u8]) -> Option<u64> {
    let configuration: Configuration = serde_json::from_slice(json).ok()?;
    Some(configuration.snapshot?.revision.0)
}

/// The same for the packed form of a configuration, of `size` bytes.
pub fn named_revision_packed<S: Source>(source: &mut S, size: usize) -> Option<u64> {
    let snapshot = super::packed::snapshot_start(source, size)?;
    let (start, length) = packed::head_place(source, (snapshot, size))?;
    let head = source.read(start, length).ok()?;
    let head: Snapshot = serde_json::from_slice(&head).ok()?;
    Some(head.revision.0)
}

#[cfg(test)]
mod tests {
    use super::named_revision;

    #[test]
    fn a_revision_is_found_in_what_is_refused() {
        for (json, expected) in [
            (r#"{"snapshot": {"revision": 7, "x": 1}, "y": []}"#, Some(7)),
            // As Istio hands a number on.
            (r#"{"snapshot": {"revision": 7.0, "x": 1}}"#, Some(7)),
            (r#"{"snapshot": {"revision": "7"}}"#, None),
            (r#"{"snapshot": {}}"#, None),
            ("{}", None),
            ("", None),
        ] {
            assert_eq!(named_revision(json.as_bytes()), expected, "{json}");
        }
    }
}
