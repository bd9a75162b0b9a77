//! The JSON form of a snapshot, as it is written. Nothing outside `snapshot` sees these types.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::annotations::Annotations;
use crate::wire::{Integer, Members, MembersVisitor, Object, Text, present, words};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Snapshot<'a> {
    #[serde(borrow)]
    pub(super) format: Text<'a>,
    pub(super) revision: Integer,
    pub(super) issued_at: Integer,
    #[serde(default)]
    pub(super) api_versions: Vec<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) accounts: Vec<Object<Account<'a>>>,
    #[serde(default, borrow)]
    pub(super) grant_sets: Members<'a, Members<'a, Access>>,
    #[serde(default)]
    pub(super) catalogue: Catalogue,
    #[serde(default, borrow)]
    pub(super) endpoints: Vec<Object<Endpoint<'a>>>,
    #[serde(default, borrow)]
    pub(super) keys: Vec<Object<Key<'a>>>,
    #[serde(default)]
    pub(super) empty: bool,
}

/// The head of a packed snapshot: all but accounts, grants and keys, in JSON, and the names that those refer to.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head<'a> {
    #[serde(borrow)]
    pub(super) format: Text<'a>,
    pub(super) revision: Integer,
    pub(super) issued_at: Integer,
    #[serde(default)]
    pub(super) api_versions: Vec<Text<'a>>,
    #[serde(default)]
    pub(super) catalogue: Catalogue,
    #[serde(default, borrow)]
    pub(super) endpoints: Vec<Object<Endpoint<'a>>>,
    #[serde(default)]
    pub(super) empty: bool,
    /// The permissions that are granted, in the order of their numbers.
    #[serde(default)]
    pub(super) permissions: Vec<Text<'a>>,
    /// The names of the first grant sets; those behind them have none.
    #[serde(default)]
    pub(super) grant_sets: Vec<Text<'a>>,
    #[serde(borrow)]
    pub(super) key_ids: Object<KeyIds<'a>>,
}

/// How ids of keys are spelled.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyIds<'a> {
    #[serde(borrow)]
    pub(super) prefix: Text<'a>,
    pub(super) symbols: Text<'a>,
    pub(super) length: Integer,
    pub(super) padded: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(default, deserialize_with = "present")]
    pub(super) parent: Option<Text<'a>>,
    #[serde(default)]
    pub(super) children: Children,
    #[serde(default)]
    pub(super) status: AccountStatus,
}

words! {
    pub(super) enum Children { Listed = "listed", Any = "any" }
}

words! {
    pub(super) enum AccountStatus { Active = "active", Suspended = "suspended" }
}

words! {
    pub(super) enum Catalogue { Stripe = "stripe", None = "none" }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Endpoint<'a> {
    #[serde(borrow)]
    pub(super) method: Text<'a>,
    pub(super) path: Text<'a>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) permission: Option<Text<'a>>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) any_of: Option<Vec<Text<'a>>>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) access: Option<Access>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) label: Option<Text<'a>>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) publishable: Option<bool>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) auth: Option<Auth>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) expansions: Option<Members<'a, Text<'a>>>,
}

words! {
    pub(super) enum Auth { None = "none" }
}

words! {
    pub(super) enum Access { Read = "read", Write = "write" }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    pub(super) sha256: Text<'a>,
    pub(super) kind: Kind,
    pub(super) livemode: bool,
    pub(super) owner: Text<'a>,
    #[serde(default)]
    pub(super) status: KeyStatus,
    #[serde(default, deserialize_with = "present")]
    pub(super) not_before: Option<Integer>,
    #[serde(default, deserialize_with = "present")]
    pub(super) expires_at: Option<Integer>,
    #[serde(default)]
    pub(super) allowed_ips: Vec<Text<'a>>,
    #[serde(default)]
    pub(super) enforcement: Enforcement,
    #[serde(default, deserialize_with = "present")]
    pub(super) grants: Option<Grants<'a>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) connect_grants: Option<Grants<'a>>,
    #[serde(default, borrow)]
    pub(super) annotations: Annotations<'a>,
}

words! {
    pub(super) enum Kind { Secret = "secret", Restricted = "restricted", Publishable = "publishable", Organization = "organization" }
}

words! {
    pub(super) enum KeyStatus { Active = "active", Deleted = "deleted" }
}

words! {
    pub(crate) enum Enforcement { Enforce = "enforce", Shadow = "shadow" }
}

/// Grants of a key: the name of a set, or the permissions themselves.
pub(super) enum Grants<'a> {
    Set(Cow<'a, str>),
    Inline(Members<'a, Access>),
}

struct GrantsVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for GrantsVisitor<'a> {
    type Value = Grants<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of permissions, or the name of a grant set")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Grants<'a>, E> {
        Ok(Grants::Set(Cow::Borrowed(name)))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Grants<'a>, E> {
        Ok(Grants::Set(Cow::Owned(name.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Grants<'a>, A::Error> {
        MembersVisitor(PhantomData)
            .visit_map(map)
            .map(Grants::Inline)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Grants<'a>, A::Error> {
        // Read to its end, so that the refusal's place is the array and not its first element.
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Err(A::Error::invalid_type(Unexpected::Seq, &self))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Grants<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GrantsVisitor(PhantomData))
    }
}
