//! Enums that are written as one of a few words: in snapshots, configurations, key files, headers
//! and logs. The type carries its words, so each is spelled only once.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserializer, Serializer};

/// A type that is written as one of a few words.
pub trait Word: Copy + 'static {
    /// Every value, in declaration order.
    const VALUES: &'static [Self];

    /// The words of [`Self::VALUES`].
    const WORDS: Words;

    /// Returns the word of this value.
    fn word(self) -> &'static str;

    /// Returns the value of that word.
    fn from_word(word: &str) -> Option<Self>;
}

/// The words of a type. Displayed as an error message lists what it expected: `` `read` or `write`
/// ``.
#[derive(Clone, Copy, Debug)]
pub struct Words(pub &'static [&'static str]);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, word) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(if place + 1 < self.0.len() {
                    ", "
                } else {
                    " or "
                })?;
            }
            write!(f, "`{word}`")?;
        }
        Ok(())
    }
}

/// One visitor for all types, because separate visitors would each add to the filter's size.
impl Visitor<'_> for Words {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<usize, E> {
        let place = self.0.iter().position(|word| *word == text);
        place.ok_or_else(|| E::invalid_value(Unexpected::Other("text"), &self))
    }
}

/// Reads a word.
pub(crate) fn read<'de, D: Deserializer<'de>, T: Word>(deserializer: D) -> Result<T, D::Error> {
    let place = deserializer.deserialize_str(T::WORDS)?;
    let value = T::VALUES.get(place).copied();
    value.ok_or_else(|| D::Error::invalid_value(Unexpected::Other("text"), &T::WORDS))
}

/// Writes a word.
pub(crate) fn write<S: Serializer, T: Word>(value: T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.word())
}

/// Declares an enum that is written as one of a few words.
macro_rules! words {
    (
        $(#[$meta:meta])*
        $visibility:vis enum $name:ident {
            $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visibility enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// All values, in declaration order.
            $visibility const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// Returns the word that the value is written as.
            #[must_use]
            $visibility const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl $crate::word::Word for $name {
            const VALUES: &'static [Self] = &Self::ALL;
            const WORDS: $crate::word::Words = $crate::word::Words(&[$($word),+]);

            fn word(self) -> &'static str {
                self.name()
            }

            fn from_word(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::word::read(deserializer)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::word::write(*self, serializer)
            }
        }
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use super::*;

    words! {
        /// For tests.
        enum Colour { Red = "red", Green = "green", Blue = "light_blue" }
    }

    #[test]
    fn a_word_is_read_as_it_is_written() {
        for colour in Colour::ALL {
            assert_eq!(Colour::from_word(colour.name()), Some(colour));
            let json = serde_json::to_string(&colour).unwrap();
            assert_eq!(json, format!("\"{}\"", colour.name()));
            assert_eq!(serde_json::from_str::<Colour>(&json).unwrap(), colour);
        }
        for other in ["", "Red", "red ", "Blue"] {
            assert_eq!(Colour::from_word(other), None);
        }
    }

    #[test]
    fn a_refusal_lists_the_words_and_no_other() {
        let refusal = serde_json::from_str::<Colour>("\"purple\"").unwrap_err();
        let expected = "expected `red`, `green` or `light_blue`";
        assert!(refusal.to_string().contains(expected), "{refusal}");
        assert!(!refusal.to_string().contains("purple"), "{refusal}");
    }
}
