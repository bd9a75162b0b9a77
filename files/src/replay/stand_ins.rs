//! A log names keys by their ids, but a decision needs a raw key, which is stored nowhere. So every
//! key of the old snapshot gets a stand-in.

use std::collections::HashMap;

use crate::snapshot::Checked;
use keyward::invariant::Held;
use keyward::snapshot::Document;

/// Invented raw keys that replace those of clients.
pub(super) struct StandIns {
    by_id: HashMap<String, String>,
    pub(super) by_digest: HashMap<String, String>,
    version: String,
}

/// A well-formed version, for keys that need one if the old snapshot lists none.
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
            // The client's key has the kind that the old snapshot gives it. With another kind, its
            // prefix may be wrong.
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

    /// Returns a version that clients may send: one of the old snapshot's, preferably one that both
    /// have.
    pub(super) fn version(&self) -> &str {
        &self.version
    }

    /// Returns the stand-in for the key with this id in the log.
    pub(super) fn of_key(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).map(String::as_str)
    }
}

/// Returns the versions that a snapshot lists.
pub(super) fn versions(source: &Checked) -> &[String] {
    let listed = source.snapshot().and_then(|it| it.api_versions.as_deref());
    listed.unwrap_or_default()
}
