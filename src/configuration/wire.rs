//! The JSON form of a plugin configuration. Nothing outside `configuration` sees these types.

use super::{Preflight, Role, ServeMode};
use crate::profile::{PROFILE, WireProfile};
use crate::snapshot::Enforcement;
use crate::snapshot::document::SNAPSHOT;
pub(super) use crate::snapshot::wire::Snapshot;
use crate::wire::{Form, Integer, Members, Object, Text, form, present};

form! {
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
    pub(super) identity_headers: Members<Text<'a>, Text<'a>>,
    #[serde(default, borrow)]
    pub(super) former_identity_headers: Vec<Text<'a>>,
    #[serde(default, borrow, deserialize_with = "present")]
    pub(super) filter_state: Option<Text<'a>>,
    #[serde(default, borrow, deserialize_with = "present")]
    pub(super) verify_path: Option<Text<'a>>,
    #[serde(default)]
    pub(super) role: Role,
    #[serde(default, borrow, deserialize_with = "present")]
    pub(super) feed: Option<Object<Feed<'a>>>,
    #[serde(default, borrow, deserialize_with = "present")]
    pub(super) profile: Option<Object<WireProfile<'a>>>,
}
}

form! {
    /// The feed that a gateway follows.
    pub(super) struct Feed<'a> {
        #[serde(borrow)]
        pub(super) name: Text<'a>,
        #[serde(borrow)]
        pub(super) cluster: Text<'a>,
        #[serde(borrow)]
        pub(super) authority: Text<'a>,
        #[serde(default, borrow, deserialize_with = "present")]
        pub(super) path: Option<Text<'a>>,
        #[serde(borrow)]
        pub(super) public_keys: Vec<Text<'a>>,
        #[serde(default, deserialize_with = "present")]
        pub(super) wait: Option<Integer>,
        #[serde(default, deserialize_with = "present")]
        pub(super) interval: Option<Integer>,
        #[serde(default, deserialize_with = "present")]
        pub(super) min_revision: Option<Integer>,
        #[serde(default)]
        pub(super) serve_seed: bool,
    }
}

impl Form for Configuration<'_> {
    const MEMBERS: &'static [&'static [&'static str]] = {
        let [snapshot, account, endpoint, key] = SNAPSHOT;
        let [profile, prefixes, headers, ids, links] = PROFILE;
        &[
            Configuration::MEMBERS,
            Feed::MEMBERS,
            snapshot,
            account,
            endpoint,
            key,
            profile,
            prefixes,
            headers,
            ids,
            links,
        ]
    };
}

fn yes() -> bool {
    true
}
