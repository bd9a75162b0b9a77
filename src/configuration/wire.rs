//! The JSON form of a plugin configuration. Nothing outside `configuration` sees these types.

use serde::Deserialize;

use crate::profile::WireProfile;
use crate::snapshot::wire::Enforcement;
pub(super) use crate::snapshot::wire::Snapshot;
use crate::wire::{Integer, Members, Object, Text, present, words};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Configuration<'a> {
    #[serde(default, borrow, deserialize_with = "present")]
    pub(super) snapshot: Option<Object<Snapshot<'a>>>,
    #[serde(default)]
    pub(super) serve_mode: ServeMode,
    #[serde(default)]
    pub(super) enforcement: Enforcement,
    #[serde(default, deserialize_with = "present")]
    pub(super) max_snapshot_age: Option<Integer>,
    #[serde(default)]
    pub(super) preflight: Preflight,
    #[serde(default)]
    pub(super) allow_upgrades: bool,
    #[serde(default = "yes")]
    pub(super) forward_credential: bool,
    #[serde(default, borrow, deserialize_with = "present")]
    pub(super) principal_header: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) identity_headers: Members<'a, Text<'a>>,
    #[serde(default, borrow)]
    pub(super) former_identity_headers: Vec<Text<'a>>,
    #[serde(default, borrow, deserialize_with = "present")]
    pub(super) filter_state: Option<Text<'a>>,
    #[serde(default, borrow, deserialize_with = "present")]
    pub(super) verify_path: Option<Text<'a>>,
    #[serde(default)]
    pub(super) role: Role,
    #[serde(default, borrow, deserialize_with = "present")]
    pub(super) profile: Option<Object<WireProfile<'a>>>,
}

fn yes() -> bool {
    true
}

words! {
    pub(super) enum ServeMode { Any = "any", Live = "live", Test = "test" }
}

words! {
    pub(super) enum Role { Gateway = "gateway", UsageReport = "usage_report" }
}

words! {
    pub(super) enum Preflight { Pass = "pass", Check = "check" }
}
