//! Building blocks of the JSON forms. They are stricter than serde's own, which accept arrays for
//! objects, `null` for a missing member, and objects for words.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Text that is copied only if it contains an escape.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A struct that is read from an object. A refusal names keyward's own members and hides the names
/// of others.
pub trait Form {
    /// The names of all members of the object and of the objects inside it.
    const MEMBERS: &'static [&'static [&'static str]];
}

/// Declares a struct that is written as an object, and keeps the names of its members.
macro_rules! form {
    (
        $(#[$meta:meta])*
        $visibility:vis struct $name:ident $(<$($parameter:tt $(= $default:ty)?),+>)? {
            $($(#[$attribute:meta])* $field_visibility:vis $field:ident: $type:ty,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        $visibility struct $name $(<$($parameter $(= $default)?),+>)? {
            $($(#[$attribute])* $field_visibility $field: $type,)+
        }

        impl $(<$($parameter),+>)? $name $(<$($parameter),+>)? {
            /// The names of the object's members.
            pub(crate) const MEMBERS: &'static [&'static str] = &[$(stringify!($field)),+];
        }
    };
}
pub(crate) use form;

/// A struct that is written as an object, and as nothing else.
#[derive(Serialize)]
#[serde(transparent)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

/// Deserializes an object.
pub(crate) fn object<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Object::deserialize(deserializer).map(|Object(value)| value)
}

/// Deserializes a list of objects. `null` is not the same as leaving the member out.
pub(crate) fn objects<'de, D, T>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let objects = Vec::<Object<T>>::deserialize(deserializer)?;
    Ok(Some(
        objects.into_iter().map(|Object(value)| value).collect(),
    ))
}

/// Deserializes a member that is there. `null` is not the same as leaving the member out.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A non-negative integer, even if a control plane wrote it as a double (`7.0`): Istio passes every
/// number on as a double.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Integer(pub u64);

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
                // Every integer below 2^53 has exactly one double.
                let integral = (0.0..9_007_199_254_740_992.0).contains(&value)
                    && value.fract() == 0.0
                    && value.is_sign_positive();
                integral
                    .then(|| integer_of(value))
                    .map(Integer)
                    .ok_or_else(|| E::invalid_value(Unexpected::Other("number"), &self))
            }
        }

        deserializer.deserialize_u64(IntegerVisitor)
    }
}

/// Returns an integer below 2^53 from the bits of its double. Formatting the double instead would
/// add 10 KB to the filter.
fn integer_of(value: f64) -> u64 {
    /// The size of a double's fraction in bits, and the bias of its exponent.
    const FRACTION: u32 = 52;
    const BIAS: u64 = 1023;
    let bits = value.abs().to_bits();
    let fraction = bits & ((1 << FRACTION) - 1);
    // A value below 1 becomes 0, and below 2^53 the exponent is at most 52.
    match (bits >> FRACTION).checked_sub(BIAS) {
        None => 0,
        Some(exponent) => {
            (fraction | 1 << FRACTION) >> u64::from(FRACTION).saturating_sub(exponent)
        }
    }
}

/// The members of an object in order, including duplicates: a later check rejects those with their
/// place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members<N, V>(pub Vec<(N, V)>);

impl<N, V> Default for Members<N, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<N: AsRef<str>, V> Members<N, V> {
    /// Returns the first member of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&V> {
        let mut members = self.0.iter();
        let found = members.find(|(of, _)| of.as_ref() == name);
        found.map(|(_, value)| value)
    }
}

impl<N: Serialize, V: Serialize> Serialize for Members<N, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

pub(crate) struct MembersVisitor<N, V>(pub(crate) PhantomData<(N, V)>);

impl<'de, N: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for MembersVisitor<N, V> {
    type Value = Members<N, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

impl<'de, N: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Members<N, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}

/// An operator names the members of this object, so a refusal shows none of their names.
impl<N, V> Form for Members<N, V> {
    const MEMBERS: &'static [&'static [&'static str]] = &[];
}

#[cfg(test)]
mod tests {
    use super::integer_of;

    #[test]
    fn an_integer_is_read_off_its_double() {
        for (value, integer) in [
            (0.0, 0),
            (-0.0, 0),
            (1.0, 1),
            (2.0, 2),
            (3.0, 3),
            (7.0, 7),
            (1_796_054_400.0, 1_796_054_400),
            (999_999_999_999_999.0, 999_999_999_999_999),
            (4_503_599_627_370_496.0, 1 << 52),
            (9_007_199_254_740_991.0, (1 << 53) - 1),
        ] {
            assert_eq!(integer_of(value), integer, "{value}");
        }
        let mut integer = 1_u64;
        while integer < 1 << 53 {
            let value: f64 = integer.to_string().parse().unwrap();
            assert_eq!(integer_of(value), integer);
            integer = integer * 3 + 1;
        }
    }
}
