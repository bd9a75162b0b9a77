//! Building blocks of the JSON forms: stricter than serde's own, which take arrays for objects, `null` for a member that is left out, and objects for words.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Text that is copied only where it holds an escape.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// A struct that is written as an object, and as nothing else.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Object<T>(pub(crate) T);

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

/// A type that is written as one of a few words.
pub(crate) trait Word: Copy + 'static {
    /// The words and their values.
    const WORDS: &'static [(&'static str, Self)];
}

/// Reads a word.
pub(crate) fn word<'de, D: Deserializer<'de>, T: Word>(deserializer: D) -> Result<T, D::Error> {
    struct WordVisitor<T>(PhantomData<T>);

    impl<T: Word> Visitor<'_> for WordVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            for (place, (word, _)) in T::WORDS.iter().enumerate() {
                if place > 0 {
                    f.write_str(if place + 1 < T::WORDS.len() {
                        ", "
                    } else {
                        " or "
                    })?;
                }
                write!(f, "`{word}`")?;
            }
            Ok(())
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            T::WORDS
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, value)| *value)
                .ok_or_else(|| E::invalid_value(Unexpected::Other("text"), &self))
        }
    }

    deserializer.deserialize_str(WordVisitor(PhantomData))
}

/// Writes a word.
pub(crate) fn write_word<S: Serializer, T: Word + PartialEq>(
    value: T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let word = T::WORDS.iter().find(|(_, of)| *of == value);
    serializer.serialize_str(word.map_or("", |(word, _)| word))
}

/// Declares an enum that is written as one of a few words; the first is the default.
macro_rules! words {
    ($visibility:vis enum $name:ident { $first:ident = $first_word:literal $(, $variant:ident = $word:literal)* $(,)? }) => {
        #[derive(Clone, Copy, Default, PartialEq, Eq)]
        $visibility enum $name {
            #[default]
            $first,
            $($variant),*
        }

        impl $crate::wire::Word for $name {
            const WORDS: &'static [(&'static str, Self)] = &[($first_word, Self::$first) $(, ($word, Self::$variant))*];
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::wire::word(deserializer)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::wire::write_word(*self, serializer)
            }
        }
    };
}
pub(crate) use words;

/// Deserializes a member that is given: `null` is not the same as leaving it out.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// A non-negative integer, also where a control plane wrote it as a double (`7.0`): Istio hands every number on as one.
#[derive(Clone, Copy, Serialize)]
#[serde(transparent)]
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
                    .ok_or_else(|| E::invalid_value(Unexpected::Other("number"), &self))
            }
        }

        deserializer.deserialize_u64(IntegerVisitor)
    }
}

/// The members of an object in the order they stand, duplicates included: they are refused later, with their place.
pub struct Members<'a, T>(pub Vec<(Cow<'a, str>, T)>);

impl<T> Default for Members<'_, T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Serialize> Serialize for Members<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

pub(crate) struct MembersVisitor<'a, T>(pub(crate) PhantomData<(&'a (), T)>);

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
