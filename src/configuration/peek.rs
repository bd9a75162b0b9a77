//! Reads only the revision in a configuration, and skips everything else. This also works for a
//! configuration that is rejected, or that a later version wrote.

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

/// Returns the revision of the snapshot in this JSON, if there is one.
#[must_use]
pub fn named_revision(json: &[u8]) -> Option<u64> {
    let configuration: Configuration = serde_json::from_slice(json).ok()?;
    Some(configuration.snapshot?.revision.0)
}

/// Like [`named_revision`], for a packed configuration of `size` bytes.
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
            // As Istio passes a number on.
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
