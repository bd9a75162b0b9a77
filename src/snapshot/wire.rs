//! A snapshot as the gateway reads it: texts are borrowed, and only one of a key's annotations is
//! kept. Also the head of the packed form.

use super::annotations::Annotations;
use super::document::{self, Catalogue, Document};
use serde::Serialize;

use crate::wire::{Form, Integer, Text, form, object, objects, present};

pub(crate) type Snapshot<'a> = Document<Text<'a>, Annotations<'a>>;

pub(super) type Account<'a> = document::Account<Text<'a>>;
pub(super) type Endpoint<'a> = document::Endpoint<Text<'a>>;
pub(super) type Key<'a> = document::Key<Text<'a>, Annotations<'a>>;
pub(super) type Grants<'a> = document::Grants<Text<'a>>;
pub(super) type Granted<'a> = document::Granted<Text<'a>>;

form! {
    /// The head of a packed snapshot, in JSON: everything but accounts, grants and keys, and the
    /// names that those refer to.
    #[derive(Serialize)]
    #[serde(bound(deserialize = "T: serde::Deserialize<'de>"))]
    pub(super) struct Head<T> {
        pub(super) format: T,
        pub(super) revision: Integer,
        pub(super) issued_at: Integer,
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub(super) api_versions: Option<Vec<T>>,
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub(super) catalogue: Option<Catalogue>,
        #[serde(default, deserialize_with = "objects", skip_serializing_if = "Option::is_none")]
        pub(super) endpoints: Option<Vec<document::Endpoint<T>>>,
        #[serde(default)]
        pub(super) empty: bool,
        /// The permissions that are granted, in the order of their numbers.
        #[serde(default)]
        pub(super) permissions: Vec<T>,
        /// The names of the first grant sets. The sets after them have none.
        #[serde(default)]
        pub(super) grant_sets: Vec<T>,
        #[serde(deserialize_with = "object")]
        pub(super) key_ids: KeyIds<T>,
    }
}

form! {
    /// How keys' ids are spelled.
    #[derive(Serialize)]
    pub(super) struct KeyIds<T> {
        pub(super) prefix: T,
        pub(super) length: Integer,
    }
}

impl<T> Form for Head<T> {
    const MEMBERS: &'static [&'static [&'static str]] = &[
        Head::<()>::MEMBERS,
        KeyIds::<()>::MEMBERS,
        document::Endpoint::<()>::MEMBERS,
    ];
}
