//! Text that a client or an upstream chose, made safe for people to see.

use std::borrow::Cow;
use std::fmt::{self, Write};

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use keyward::mask::{KnownPrefixes, echo};

/// A text from a line of the log. It may be hostile; [`Text::shown`] is printable ASCII.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    /// Creates a text from a line's content.
    pub fn new(text: impl Into<Cow<'a, str>>) -> Self {
        Self(text.into())
    }

    /// Returns the empty text.
    pub(super) const fn empty() -> Self {
        Self(Cow::Borrowed(""))
    }

    /// Returns the text as it was logged, for comparison only. Never print it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the text for people: at most 128 characters, with anything that looks like a key
    /// masked, and everything except printable ASCII written as `\u{202e}`. Printable ASCII is
    /// unchanged, including `<` and `=`: code that writes HTML or spreadsheets must escape them.
    #[must_use]
    pub fn shown(&self, prefixes: &KnownPrefixes) -> String {
        printable(&echo(self.0.as_bytes(), prefixes))
    }
}

/// Writes everything except printable ASCII as `\u{202e}`, and doubles backslashes.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => shown.push_str("\\\\"),
            ' '..='~' => shown.push(c),
            _ => {
                // Writing to a `String` cannot fail.
                let _ = write!(shown, "{}", c.escape_unicode());
            }
        }
    }
    shown
}

/// Shows only the length: the text may contain a key.
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

/// Does not copy if the line has no escapes.
impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}
