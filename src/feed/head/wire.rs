//! The JSON of a head.

use serde::{Deserialize, Serialize};

use crate::wire::{Form, Object, form, present};

form! {
    #[derive(Serialize)]
    pub(super) struct WireHead<'a> {
        pub(super) format: &'a str,
        pub(super) feed: &'a str,
        pub(super) source: &'a str,
        pub(super) line: &'a str,
        pub(super) packed: u64,
        pub(super) revision: u64,
        pub(super) issued_at: u64,
        pub(super) keys: u64,
        pub(super) accounts: u64,
        #[serde(borrow)]
        pub(super) base: Object<WireObject<'a>>,
        #[serde(borrow)]
        pub(super) deltas: Vec<Object<WireObject<'a>>>,
    }
}

form! {
    /// An object: a base has `revision`, and a delta `from` and `to`. One type for both is compiled
    /// only once.
    #[derive(Default, Serialize)]
    pub(super) struct WireObject<'a> {
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub(super) revision: Option<u64>,
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub(super) from: Option<u64>,
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub(super) to: Option<u64>,
        pub(super) size: u64,
        pub(super) sha256: &'a str,
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub(super) urgent: Option<bool>,
    }
}

impl Form for WireHead<'_> {
    const MEMBERS: &'static [&'static [&'static str]] = &[WireHead::MEMBERS, WireObject::MEMBERS];
}

/// The format of a head, without reading anything else.
#[derive(Deserialize)]
pub(super) struct Named<'a> {
    pub(super) format: &'a str,
}
