//! The JSON form of a snapshot, as it is written. Nothing outside `snapshot` sees these types.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::refusal::DUPLICATE_MEMBER;

/// Text that is copied only where it holds an escape.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a snapshot object")]
pub(crate) struct Snapshot<'a> {
    #[serde(borrow)]
    pub(super) format: Text<'a>,
    pub(super) revision: Integer,
    pub(super) issued_at: Integer,
    #[serde(default)]
    pub(super) api_versions: Vec<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) accounts: Vec<Account<'a>>,
    #[serde(default, borrow)]
    pub(super) grant_sets: Members<'a, Members<'a, Access>>,
    #[serde(default)]
    pub(super) catalogue: Catalogue,
    #[serde(default, borrow)]
    pub(super) endpoints: Vec<Endpoint<'a>>,
    #[serde(default, borrow)]
    pub(super) keys: Vec<Key<'a>>,
    #[serde(default)]
    pub(super) empty: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an account object")]
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

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Children {
    #[default]
    Listed,
    Any,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AccountStatus {
    #[default]
    Active,
    Suspended,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Catalogue {
    #[default]
    Stripe,
    None,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an endpoint object")]
pub(super) struct Endpoint<'a> {
    #[serde(borrow)]
    pub(super) method: Text<'a>,
    pub(super) path: Text<'a>,
    #[serde(default, deserialize_with = "present")]
    pub(super) permission: Option<Text<'a>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) any_of: Option<Vec<Text<'a>>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) access: Option<Access>,
    #[serde(default, deserialize_with = "present")]
    pub(super) label: Option<Text<'a>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) publishable: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    pub(super) auth: Option<Auth>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Auth {
    None,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Access {
    Read,
    Write,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a key object")]
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
    #[serde(default, rename = "annotations")]
    pub(super) _annotations: FreeForm,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Secret,
    Restricted,
    Publishable,
    Organization,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum KeyStatus {
    #[default]
    Active,
    Deleted,
}

/// What a verdict does: also the gateway's own setting.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Enforcement {
    #[default]
    Enforce,
    Shadow,
}

/// Grants of a key: the name of a set, or the permissions themselves.
pub(super) enum Grants<'a> {
    Set(Cow<'a, str>),
    Inline(Members<'a, Access>),
}

/// Deserializes a member that is given: `null` is not the same as leaving it out.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A non-negative integer, also where a control plane wrote it as a double (`7.0`): Istio hands every number on as one.
#[derive(Clone, Copy)]
pub(crate) struct Integer(pub(crate) u64);

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IntegerVisitor;

        impl Visitor<'_> for IntegerVisitor {
            type Value = Integer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a non-negative integer")
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Integer, E> {
                Ok(Integer(value))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Integer, E> {
                // Every integer below 2^53 has one double, and its text is the integer's.
                let integral =
                    (0.0..9_007_199_254_740_992.0).contains(&value) && value.fract() == 0.0;
                integral
                    .then(|| format!("{value:.0}").parse().ok())
                    .flatten()
                    .map(Integer)
                    .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Other("number"), &self))
            }
        }

        deserializer.deserialize_any(IntegerVisitor)
    }
}

/// The members of an object in the order they stand, duplicates included: they are refused later, with their place.
pub(crate) struct Members<'a, T>(pub(crate) Vec<(Cow<'a, str>, T)>);

impl<T> Default for Members<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

struct MembersVisitor<'a, T>(PhantomData<(&'a (), T)>);

impl<'de: 'a, 'a, T: Deserialize<'de>> Visitor<'de> for MembersVisitor<'a, T> {
    type Value = Members<'a, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some((name, value)) = map.next_entry::<Text<'a>, T>()? {
            members.push((name.0, value));
        }
        Ok(Members(members))
    }
}

impl<'de: 'a, 'a, T: Deserialize<'de>> Deserialize<'de> for Members<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
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
}

impl<'de: 'a, 'a> Deserialize<'de> for Grants<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GrantsVisitor(PhantomData))
    }
}

/// Any JSON, read for nothing but its well-formedness: no object in it has a member twice.
#[derive(Default)]
pub(super) struct FreeForm;

impl<'de> Deserialize<'de> for FreeForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FreeFormVisitor)
    }
}

struct FreeFormVisitor;

impl<'de> Visitor<'de> for FreeFormVisitor {
    type Value = FreeForm;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<FreeForm, E> {
        Ok(FreeForm)
    }

    fn visit_i64<E>(self, _: i64) -> Result<FreeForm, E> {
        Ok(FreeForm)
    }

    fn visit_u64<E>(self, _: u64) -> Result<FreeForm, E> {
        Ok(FreeForm)
    }

    fn visit_f64<E>(self, _: f64) -> Result<FreeForm, E> {
        Ok(FreeForm)
    }

    fn visit_str<E>(self, _: &str) -> Result<FreeForm, E> {
        Ok(FreeForm)
    }

    fn visit_unit<E>(self) -> Result<FreeForm, E> {
        Ok(FreeForm)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<FreeForm, A::Error> {
        while seq.next_element::<FreeForm>()?.is_some() {}
        Ok(FreeForm)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FreeForm, A::Error> {
        let mut names = Vec::new();
        while let Some((name, FreeForm)) = map.next_entry::<Text<'de>, FreeForm>()? {
            names.push(name.0);
        }
        names.sort_unstable();
        let twice = names
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if a == b));
        if twice {
            Err(A::Error::custom(DUPLICATE_MEMBER))
        } else {
            Ok(FreeForm)
        }
    }
}
