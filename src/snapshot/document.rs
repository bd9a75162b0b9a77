//! A snapshot as it is written in JSON, before anything is checked: `docs/snapshot.schema.json` describes it. The gateway reads it with texts that are borrowed
//! (`wire.rs`); code that makes, alters or compares snapshots holds a [`Document`] with its own texts. Each name and word of the JSON form is here, once.
//!
//! A member that may be left out is an `Option`, so that what is written is what was read.

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
    /// A snapshot. `T` is what texts are held in, `A` what annotations are.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    #[serde(bound(deserialize = "T: Deserialize<'de>, A: Deserialize<'de>"))]
    pub struct Document<T = String, A = Value> {
        /// `keyward.snapshot/v1`
        pub format: T,
        /// Its number.
        pub revision: Integer,
        /// When it was made, Unix seconds.
        pub issued_at: Integer,
        /// The versions of the API that are served; every one where none is listed.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub api_versions: Option<Vec<T>>,
        /// Accounts and organizations.
        #[serde(default, deserialize_with = "objects", skip_serializing_if = "Option::is_none")]
        pub accounts: Option<Vec<Account<T>>>,
        /// Grants by name.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub grant_sets: Option<Members<T, Granted<T>>>,
        /// What `endpoints` adds to.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub catalogue: Option<Catalogue>,
        /// Endpoints of the API.
        #[serde(default, deserialize_with = "objects", skip_serializing_if = "Option::is_none")]
        pub endpoints: Option<Vec<Endpoint<T>>>,
        /// Every key that is known.
        #[serde(default, deserialize_with = "objects", skip_serializing_if = "Option::is_none")]
        pub keys: Option<Vec<Key<T, A>>>,
        /// Whether it has no keys on purpose.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub empty: Option<bool>,
    }
}

form! {
    /// An account, or the organization above some.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    #[serde(bound(deserialize = "T: Deserialize<'de>"))]
    pub struct Account<T = String> {
        /// Its id.
        pub id: T,
        /// The id of the account or organization directly above.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub parent: Option<T>,
        /// Which ids are accepted one step below.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub children: Option<Children>,
        /// Whether it is suspended.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub status: Option<AccountStatus>,
    }
}

words! {
    /// The rows that a snapshot's endpoints add to.
    #[derive(Default)]
    pub enum Catalogue {
        /// The built-in ones for Stripe's endpoints.
        #[default]
        Stripe = "stripe",
        /// None.
        None = "none",
    }
}

form! {
    /// An endpoint, and what it asks of a caller.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    #[serde(bound(deserialize = "T: Deserialize<'de>"))]
    pub struct Endpoint<T = String> {
        /// Its method.
        pub method: T,
        /// The template of its path.
        pub path: T,
        /// The permission that a key needs.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub permission: Option<T>,
        /// Permissions; a key needs one of them.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub any_of: Option<Vec<T>>,
        /// The level that a key needs.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub access: Option<AccessLevel>,
        /// The resource's name for people.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub label: Option<T>,
        /// Whether publishable keys may call it.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub publishable: Option<bool>,
        /// Whether no credential is asked for.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub auth: Option<Auth>,
        /// What a query may expand in the reply, with the permission that each asks for.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub expansions: Option<Members<T, T>>,
    }
}

words! {
    /// That an endpoint asks for no credential.
    pub enum Auth {
        /// None is asked for or looked at.
        None = "none",
    }
}

form! {
    /// A key: its digest, whose it is and what it may do.
    #[derive(Clone, Debug, PartialEq, Serialize)]
    #[serde(bound(deserialize = "T: Deserialize<'de>, A: Deserialize<'de>"))]
    pub struct Key<T = String, A = Value> {
        /// Its id.
        pub id: T,
        /// SHA-256 of the whole key, in hexadecimal digits.
        pub sha256: T,
        /// Its kind.
        pub kind: KeyKind,
        /// Whether it is a live key.
        pub livemode: bool,
        /// The id of the account or organization that it belongs to.
        pub owner: T,
        /// Whether it was deleted.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub status: Option<KeyStatus>,
        /// The first second at which it works.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub not_before: Option<Integer>,
        /// The first second at which it no longer works.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub expires_at: Option<Integer>,
        /// Addresses and ranges that it works from; everywhere where none is listed.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub allowed_ips: Option<Vec<T>>,
        /// Whether its verdicts are carried out.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub enforcement: Option<Enforcement>,
        /// What it may do.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub grants: Option<Grants<T>>,
        /// What it may do on connected accounts.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub connect_grants: Option<Grants<T>>,
        /// Anything at all.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        pub annotations: Option<A>,
    }
}

impl<T, A> Document<T, A> {
    /// The accounts and organizations.
    pub fn accounts(&self) -> &[Account<T>] {
        self.accounts.as_deref().unwrap_or_default()
    }

    /// The endpoints.
    pub fn endpoints(&self) -> &[Endpoint<T>] {
        self.endpoints.as_deref().unwrap_or_default()
    }

    /// The keys.
    pub fn keys(&self) -> &[Key<T, A>] {
        self.keys.as_deref().unwrap_or_default()
    }

    /// The grant sets and their names.
    pub fn grant_sets(&self) -> &[(T, Granted<T>)] {
        let sets = self.grant_sets.as_ref();
        sets.map_or(&[], |sets| sets.0.as_slice())
    }
}

impl<T: AsRef<str>, A> Document<T, A> {
    /// The permissions that grants come to: those of the set that they name, or their own.
    pub fn granted<'a>(&'a self, grants: &'a Grants<T>) -> Option<&'a Granted<T>> {
        match grants {
            Grants::Set(name) => self.grant_sets.as_ref()?.get(name.as_ref()),
            Grants::Inline(granted) => Some(granted),
        }
    }
}

impl<T> Account<T> {
    /// Whether it is suspended.
    pub fn is_suspended(&self) -> bool {
        self.status == Some(AccountStatus::Suspended)
    }

    /// Whether any id is accepted below it.
    pub fn takes_any(&self) -> bool {
        self.children == Some(Children::Any)
    }
}

impl<T> Endpoint<T> {
    /// The permissions that it names.
    pub fn named(&self) -> impl Iterator<Item = &T> {
        let any_of = self.any_of.iter().flatten();
        any_of.chain(&self.permission)
    }
}

impl<T, A> Key<T, A> {
    /// Its mode.
    pub fn mode(&self) -> Livemode {
        self.livemode.into()
    }

    /// Whether it was deleted.
    pub fn is_deleted(&self) -> bool {
        self.status == Some(KeyStatus::Deleted)
    }

    /// Whether its verdicts are noted and not carried out.
    pub fn is_shadow(&self) -> bool {
        self.enforcement == Some(Enforcement::Shadow)
    }

    /// The addresses and ranges that it works from; everywhere if the list is empty.
    pub fn allowed_ips(&self) -> &[T] {
        self.allowed_ips.as_deref().unwrap_or_default()
    }

    /// Whether it has ended at `now`, Unix seconds.
    pub fn has_expired(&self, now: u64) -> bool {
        self.expires_at.is_some_and(|end| end.0 <= now)
    }
}

/// A key, and the snapshot that has the sets which it names.
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
        // A set that is not there grants nothing.
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

/// Grants of a key: the name of a set, or the permissions themselves.
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
        // Read to its end, so that the refusal's place is the array and not its first element.
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Err(A::Error::invalid_type(Unexpected::Seq, &self))
    }
}

/// The members of every object below a snapshot.
pub const SNAPSHOT: [&[&str]; 4] = [
    Document::<(), ()>::MEMBERS,
    Account::<()>::MEMBERS,
    Endpoint::<()>::MEMBERS,
    Key::<(), ()>::MEMBERS,
];

impl<T, A> Form for Document<T, A> {
    const MEMBERS: &'static [&'static [&'static str]] = &SNAPSHOT;
}
