//! `[console]` of the configuration: how long sessions last.

use serde::{Deserialize, Serialize};

use crate::span;

/// How long a console's sessions last. Spans are written as in policies: `30m`, `8h`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Console {
    /// After how long without a page a session is over.
    idle: Span,
    /// How long a session lasts at most.
    lifetime: Span,
    /// How soon after its sign-in a session may make live keys, end many keys at once, and change what all keys rest on.
    fresh: Span,
}

impl Default for Console {
    fn default() -> Self {
        Self {
            idle: Span(30 * 60),
            lifetime: Span(8 * 3_600),
            fresh: Span(15 * 60),
        }
    }
}

impl Console {
    /// Seconds.
    #[must_use]
    pub fn idle(&self) -> u64 {
        self.idle.0
    }

    /// Seconds.
    #[must_use]
    pub fn lifetime(&self) -> u64 {
        self.lifetime.0
    }

    /// Seconds.
    #[must_use]
    pub fn fresh(&self) -> u64 {
        self.fresh.0
    }
}

/// Seconds, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
struct Span(u64);

impl TryFrom<String> for Span {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match span::read(&text) {
            Some(seconds) if seconds > 0 => Ok(Self(seconds)),
            Some(_) | None => Err("expected a span of time such as `30m`, `8h` or `1d`"),
        }
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span::written(span.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_a_default() {
        let read: Console = toml::from_str("idle = \"5m\"").unwrap();
        assert_eq!(read.idle(), 300);
        assert_eq!(read.lifetime(), 28_800);
        assert_eq!(read.fresh(), 900);
        for text in [
            "idle = \"0m\"",
            "idle = 5",
            "idle = \"soon\"",
            "idel = \"5m\"",
        ] {
            assert!(toml::from_str::<Console>(text).is_err(), "{text}");
        }
    }
}
