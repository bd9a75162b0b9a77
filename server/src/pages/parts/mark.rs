//! Marks of a state: a sign, a word and a colour; the word is enough to read it.

use maud::{Markup, html};

/// How good something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Info,
    Good,
    Warn,
    Bad,
}

impl Tone {
    /// The class in the stylesheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Info => "○",
            Self::Good => "●",
            Self::Warn => "▲",
            Self::Bad => "✕",
        }
    }
}

/// A mark with its word.
pub(crate) fn mark(tone: Tone, word: &str) -> Markup {
    html! { span class={"mark " (tone.class())} { span aria-hidden="true" { (tone.sign()) } (word) } }
}

/// The mark of a key's or an account's state, as the API names it.
pub(crate) fn state_badge(state: &str) -> Markup {
    let tone = match state {
        "active" | "serving" | "open" | "published" | "everywhere" => Tone::Good,
        "inactive" | "unopened" | "committed" | "prepared" | "behind" | "replaced" => Tone::Warn,
        "suspended" | "refused" | "silent" => Tone::Bad,
        // What ended, and words that come later: nothing is claimed of them.
        _ => Tone::Info,
    };
    mark(tone, state)
}
