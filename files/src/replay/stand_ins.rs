//! A log names keys by their ids, and a decision begins with a raw key, which is kept nowhere. So every key of the old snapshot gets its own stand-in.

use std::collections::HashMap;

use crate::invariant::Held;
use crate::snapshot::Checked;
use keyward::snapshot::Document;

/// Made-up raw keys in place of those that clients have.
pub(super) struct StandIns {
    by_id: HashMap<String, String>,
    pub(super) by_digest: HashMap<String, String>,
    version: String,
}

/// A well-formed version, for keys that need one where the old snapshot lists none.
const SOME_VERSION: &str = "2026-10-28.endive";

impl StandIns {
    pub(super) fn of(old: &Checked, new: &Checked) -> Self {
        let served = versions(old);
        let mut by_both = served
            .iter()
            .filter(|version| versions(new).contains(version));
        let version = by_both.next().or(served.first());
        let version = version.map_or(SOME_VERSION, String::as_str);
        let profile = old.configuration.profile();
        let (mut by_id, mut by_digest) = (HashMap::new(), HashMap::new());
        for key in old.snapshot().map_or(&[][..], Document::keys) {
            let digest = key.sha256.to_ascii_lowercase();
            // The kind that the client's key has is the old snapshot's: under another kind its beginning may be wrong.
            let prefix = profile.key_prefixes(key.kind).next();
            let stand_in = format!("{}{digest}", prefix.held("each kind of key has a prefix"));
            by_id.insert(key.id.clone(), stand_in.clone());
            by_digest.insert(digest, stand_in);
        }
        Self {
            by_id,
            by_digest,
            version: version.to_owned(),
        }
    }

    /// A version that clients may send: one of the old snapshot's, and of both if there is one.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// The stand-in of the key that a log names.
    pub(super) fn of_key(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).map(String::as_str)
    }
}

/// The versions that a snapshot lists.
pub(super) fn versions(source: &Checked) -> &[String] {
    let listed = source.snapshot().and_then(|it| it.api_versions.as_deref());
    listed.unwrap_or_default()
}
