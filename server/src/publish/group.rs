//! The records that the gateways of a group receive.

use std::sync::LazyLock;

use keyward_files::key_file::Issue;
use serde_json::{Value, json};

use crate::configuration::Group;
use crate::store::{Records, Snapshot};

impl Group {
    /// Whether its gateways let people, who have no key, through to the pages.
    fn has_pages(self) -> bool {
        match self {
            Self::Edge => false,
            Self::Control => true,
        }
    }

    /// The snapshot of the records, for the gateways of this group.
    pub(super) fn snapshot<'a>(self, records: &'a Records, issue: &'a Issue) -> Snapshot<'a> {
        let mut snapshot = records.snapshot(issue);
        if !self.lists_versions() {
            snapshot = snapshot.without_versions();
        }
        if self.has_pages() {
            snapshot = snapshot.with_endpoints(PAGE_ROWS.as_slice());
        }
        snapshot
    }

    /// Whether the snapshot lists the versions that the API serves. Stripe's preview SDKs send versions that no API lists.
    fn lists_versions(self) -> bool {
        match self {
            Self::Edge => true,
            Self::Control => false,
        }
    }
}

/// The pages, which no key can open. Only the gateway in front of this server has them: on another gateway such rows would open paths of the API that it protects.
static PAGE_ROWS: LazyLock<[Value; 6]> = LazyLock::new(|| {
    [
        ("GET", "/console"),
        ("GET", "/console/{*rest}"),
        ("POST", "/console/{*rest}"),
        ("GET", "/portal"),
        ("GET", "/portal/{*rest}"),
        ("POST", "/portal/{*rest}"),
    ]
    .map(|(method, path)| json!({"method": method, "path": path, "auth": "none"}))
});
