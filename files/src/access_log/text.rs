//! What a client or an upstream chose, on its way to a person.

use std::borrow::Cow;
use std::fmt::{self, Write};

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use keyward::mask::{KnownPrefixes, echo};

/// A text from a line of the log. Hostile until shown: [`Text::shown`] is printable ASCII.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    /// A text unchanged in a line.
    pub fn new(text: impl Into<Cow<'a, str>>) -> Self {
        Self(text.into())
    }

    /// No text at all.
    pub(super) const fn empty() -> Self {
        Self(Cow::Borrowed(""))
    }

    /// As it was logged, to be compared and never to be printed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For people: at most 128 characters, what looks like a key masked, and everything but printable ASCII written as `\u{202e}`. Every other character stands for itself, `<` and `=` too: what HTML
    /// and spreadsheets make of them is up to the code that writes those.
    #[must_use]
    pub fn shown(&self, prefixes: &KnownPrefixes) -> String {
        printable(&echo(self.0.as_bytes(), prefixes))
    }
}

/// Everything but printable ASCII is written as `\u{202e}`, and a backslash twice.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => shown.push_str("\\\\"),
            ' '..='~' => shown.push(c),
            _ => {
                // A `String` takes everything.
                let _ = write!(shown, "{}", c.escape_unicode());
            }
        }
    }
    shown
}

/// Only its length: it may hold a key.
impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

/// Without a copy where the line has no escapes.
impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}
