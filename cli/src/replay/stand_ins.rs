//! A log names keys by their ids, and a decision begins with a raw key, which nobody has: so every key of the old snapshot is given a stand-in of its own.

use std::collections::HashMap;

use serde_json::Value;

use keyward::key::KeyKind;
use keyward_files::snapshot::Checked;

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
        let served = versions(&old.written);
        let by_both = served
            .iter()
            .find(|version| versions(&new.written).contains(version));
        let version = by_both.or(served.first()).copied().unwrap_or(SOME_VERSION);
        let profile = old.configuration.profile();
        let (mut by_id, mut by_digest) = (HashMap::new(), HashMap::new());
        for key in keys(&old.written) {
            let text = |name: &str| key.get(name).and_then(Value::as_str).unwrap_or_default();
            let digest = text("sha256").to_ascii_lowercase();
            let kind = KeyKind::ALL.iter().find(|kind| kind.name() == text("kind"));
            // The kind that the client's key has is the old snapshot's: under another kind its beginning may be wrong.
            let prefix = kind.and_then(|kind| profile.key_prefixes(*kind).next());
            let stand_in = format!("{}{digest}", prefix.unwrap_or_default());
            by_id.insert(text("id").to_owned(), stand_in.clone());
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
pub(super) fn versions(written: &Value) -> Vec<&str> {
    let listed = written.pointer("/snapshot/api_versions");
    let listed = listed.and_then(Value::as_array).into_iter().flatten();
    listed.filter_map(Value::as_str).collect()
}

fn keys(written: &Value) -> impl Iterator<Item = &Value> {
    let keys = written.pointer("/snapshot/keys").and_then(Value::as_array);
    keys.into_iter().flatten()
}
