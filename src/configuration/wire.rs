//! The JSON form of a plugin configuration. Nothing outside `configuration` sees these types.

use serde::Deserialize;

pub(super) use crate::snapshot::wire::Snapshot;
use crate::snapshot::wire::{Enforcement, Integer, Members, Text, present};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
pub(super) struct Configuration<'a> {
    #[serde(default, borrow, deserialize_with = "present")]
    pub(super) snapshot: Option<Snapshot<'a>>,
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
    #[serde(default, borrow, deserialize_with = "present")]
    pub(super) filter_state: Option<Text<'a>>,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ServeMode {
    #[default]
    Any,
    Live,
    Test,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Preflight {
    #[default]
    Pass,
    Check,
}
