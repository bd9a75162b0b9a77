//! A snapshot in its JSON form, before any check; `docs/snapshot.schema.json` describes it. The
//! gateway reads it with borrowed texts (`wire.rs`). Code that creates, changes or compares
//! snapshots uses a [`Document`] with owned texts. This file is the only one that spells the names
//! and words of the JSON form.
//!
//! An optional member is an `Option`, so that writing reproduces what was read.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{Error, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::key::{Enforcement, KeyStatus};
use super::reach::Granting;
use crate::account::{AccountStatus, Children};
use crate::key::{KeyKind, Livemode};
use crate::permission::AccessLevel;
use crate::wire::{Form, Integer, Members, MembersVisitor, form, objects, present};
use crate::word::words;

form! {
    /// A snapshot. `T` is the type of texts, and `A` the type of annotations.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    #[serde(bound(deserialize = "T: Deserialize<'de>, A: Deserialize<'de>"))]
    pub struct Document<T = String, A = Value> {
        /// `keyward.snapshot/v1`
        pub format: T,
        /// The snapshot's number.
        pub revision: Integer,
        /// When the snapshot was issued, in Unix seconds.
        pub issued_at: Integer,
        /// The versions of the API that the gateway serves. It serves every version if the list is
        /// empty.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub api_versions: Option<Vec<T>>,
        /// Accounts and organizations.
        #[serde(default, deserialize_with = "objects", skip_serializing_if = "Option::is_none")]
        pub accounts: Option<Vec<Account<T>>>,
        /// Grant sets by name.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub grant_sets: Option<Members<T, Granted<T>>>,
        /// The catalogue that `endpoints` adds to.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub catalogue: Option<Catalogue>,
        /// Endpoints of the API.
        #[serde(default, deserialize_with = "objects", skip_serializing_if = "Option::is_none")]
        pub endpoints: Option<Vec<Endpoint<T>>>,
        /// All known keys.
        #[serde(default, deserialize_with = "objects", skip_serializing_if = "Option::is_none")]
        pub keys: Option<Vec<Key<T, A>>>,
        /// Whether the snapshot has no keys on purpose.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub empty: Option<bool>,
    }
}

form! {
    /// An account, or an organization above accounts.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    #[serde(bound(deserialize = "T: Deserialize<'de>"))]
    pub struct Account<T = String> {
        /// The account's id.
        pub id: T,
        /// The id of the account or organization directly above.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub parent: Option<T>,
        /// Which ids keyward accepts one step below.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub children: Option<Children>,
        /// Whether the account is suspended.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub status: Option<AccountStatus>,
    }
}

words! {
    /// The rows that a snapshot's endpoints add to.
    #[derive(Default)]
    pub enum Catalogue {
        /// The built-in rows for Stripe's endpoints.
        #[default]
        Stripe = "stripe",
        /// No rows.
        None = "none",
    }
}

form! {
    /// An endpoint, and what it requires of a caller.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    #[serde(bound(deserialize = "T: Deserialize<'de>"))]
    pub struct Endpoint<T = String> {
        /// The endpoint's method.
        pub method: T,
        /// The template of the endpoint's path.
        pub path: T,
        /// The permission that a key needs.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub permission: Option<T>,
        /// Permissions. A key needs one of them.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub any_of: Option<Vec<T>>,
        /// The level that a key needs.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub access: Option<AccessLevel>,
        /// The resource's display name.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub label: Option<T>,
        /// Whether publishable keys may call it.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub publishable: Option<bool>,
        /// Whether the endpoint needs no credential.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub auth: Option<Auth>,
        /// What a query may expand in the reply, and the permission that each expansion needs.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub expansions: Option<Members<T, T>>,
    }
}

words! {
    /// Marks an endpoint that needs no credential.
    pub enum Auth {
        /// keyward neither requires nor reads a credential.
        None = "none",
    }
}

form! {
    /// A key: its digest, its owner, and what it may do.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    #[serde(bound(deserialize = "T: Deserialize<'de>, A: Deserialize<'de>"))]
    pub struct Key<T = String, A = Value> {
        /// The key's id.
        pub id: T,
        /// SHA-256 of the whole key, in hexadecimal digits.
        pub sha256: T,
        /// The key's kind.
        pub kind: KeyKind,
        /// Whether this is a live key.
        pub livemode: bool,
        /// The id of the account or organization that owns the key.
        pub owner: T,
        /// Whether the key was deleted.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub status: Option<KeyStatus>,
        /// The first second at which the key works.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub not_before: Option<Integer>,
        /// The first second at which the key no longer works.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub expires_at: Option<Integer>,
        /// Addresses and ranges from which the key works. It works from everywhere if the list is
        /// empty.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub allowed_ips: Option<Vec<T>>,
        /// Whether keyward enforces the key's verdicts.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub enforcement: Option<Enforcement>,
        /// What the key may do.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub grants: Option<Grants<T>>,
        /// What the key may do on connected accounts.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub connect_grants: Option<Grants<T>>,
        /// Any JSON.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub annotations: Option<A>,
    }
}

impl<T, A> Document<T, A> {
    /// Returns the accounts and organizations.
    pub fn accounts(&self) -> &[Account<T>] {
        self.accounts.as_deref().unwrap_or_default()
    }

    /// Returns the endpoints.
    pub fn endpoints(&self) -> &[Endpoint<T>] {
        self.endpoints.as_deref().unwrap_or_default()
    }

    /// Returns the keys.
    pub fn keys(&self) -> &[Key<T, A>] {
        self.keys.as_deref().unwrap_or_default()
    }

    /// Returns the grant sets and their names.
    pub fn grant_sets(&self) -> &[(T, Granted<T>)] {
        let sets = self.grant_sets.as_ref();
        sets.map_or(&[], |sets| sets.0.as_slice())
    }
}

impl<T: AsRef<str>, A> Document<T, A> {
    /// Resolves grants to permissions: those of the set that the grants name, or the listed ones.
    pub fn granted<'a>(&'a self, grants: &'a Grants<T>) -> Option<&'a Granted<T>> {
        match grants {
            Grants::Set(name) => self.grant_sets.as_ref()?.get(name.as_ref()),
            Grants::Inline(granted) => Some(granted),
        }
    }
}

impl<T> Account<T> {
    /// Returns whether the account is suspended.
    pub fn is_suspended(&self) -> bool {
        self.status == Some(AccountStatus::Suspended)
    }

    /// Returns whether keyward accepts any id below the account.
    pub fn takes_any(&self) -> bool {
        self.children == Some(Children::Any)
    }
}

impl<T> Endpoint<T> {
    /// Returns the permissions that the endpoint names.
    pub fn named(&self) -> impl Iterator<Item = &T> {
        let any_of = self.any_of.iter().flatten();
        any_of.chain(&self.permission)
    }
}

impl<T, A> Key<T, A> {
    /// Returns the key's mode.
    pub fn mode(&self) -> Livemode {
        self.livemode.into()
    }

    /// Returns whether the key was deleted.
    pub fn is_deleted(&self) -> bool {
        self.status == Some(KeyStatus::Deleted)
    }

    /// Returns whether the key's verdicts are only recorded, not enforced.
    pub fn is_shadow(&self) -> bool {
        self.enforcement == Some(Enforcement::Shadow)
    }

    /// Returns the addresses and ranges from which the key works. It works from everywhere if the
    /// list is empty.
    pub fn allowed_ips(&self) -> &[T] {
        self.allowed_ips.as_deref().unwrap_or_default()
    }

    /// Returns whether the key has expired at `now`, in Unix seconds.
    pub fn has_expired(&self, now: u64) -> bool {
        self.expires_at.is_some_and(|end| end.0 <= now)
    }
}

/// A key, and the snapshot that contains the sets that the key names.
#[derive(Debug)]
pub struct KeyIn<'d, T = String, A = Value> {
    /// The snapshot.
    pub document: &'d Document<T, A>,
    /// The key.
    pub key: &'d Key<T, A>,
}

impl<'d, T: AsRef<str>, A> KeyIn<'d, T, A> {
    fn granted(&self, grants: Option<&'d Grants<T>>) -> Option<&'d [(T, AccessLevel)]> {
        let granted = self.document.granted(grants?);
        // A missing set grants nothing.
        Some(granted.map_or(&[], |granted| granted.0.as_slice()))
    }
}

impl<'d, T: AsRef<str>, A> Granting for KeyIn<'d, T, A> {
    type Grants = &'d [(T, AccessLevel)];

    fn kind(&self) -> KeyKind {
        self.key.kind
    }

    fn own_grants(&self) -> Option<Self::Grants> {
        self.granted(self.key.grants.as_ref())
    }

    fn connect_grants(&self) -> Option<Self::Grants> {
        self.granted(self.key.connect_grants.as_ref())
    }

    fn is_nothing(grants: Self::Grants) -> bool {
        grants.is_empty()
    }
}

/// Levels of access by permission.
pub type Granted<T = String> = Members<T, AccessLevel>;

/// The grants of a key: the name of a set, or the permissions themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grants<T = String> {
    /// The name of one of the `grant_sets`.
    Set(T),
    /// The permissions.
    Inline(Granted<T>),
}

impl<T: Serialize> Serialize for Grants<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Set(name) => name.serialize(serializer),
            Self::Inline(granted) => granted.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Grants<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GrantsVisitor(PhantomData))
    }
}

struct GrantsVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for GrantsVisitor<T> {
    type Value = Grants<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of permissions, or the name of a grant set")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Grants<T>, E> {
        T::deserialize(BorrowedStrDeserializer::new(name)).map(Grants::Set)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Grants<T>, E> {
        T::deserialize(name.into_deserializer()).map(Grants::Set)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Grants<T>, A::Error> {
        MembersVisitor(PhantomData)
            .visit_map(map)
            .map(Grants::Inline)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Grants<T>, A::Error> {
        // Reads to the end, so that the refusal's place is the array and not its first element.
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Err(A::Error::invalid_type(Unexpected::Seq, &self))
    }
}

/// The members of every object in a snapshot.
pub const SNAPSHOT: [&[&str]; 4] = [
    Document::<(), ()>::MEMBERS,
    Account::<()>::MEMBERS,
    Endpoint::<()>::MEMBERS,
    Key::<(), ()>::MEMBERS,
];

impl<T, A> Form for Document<T, A> {
    const MEMBERS: &'static [&'static [&'static str]] = &SNAPSHOT;
}
