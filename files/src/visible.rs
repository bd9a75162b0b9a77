//! Makes text that people wrote safe to show. A character that is invisible, or that alters the
//! text around it (a line end, a direction mark, a zero-width character), is shown by its number.
//! Unicode's properties decide which characters these are, not a list in keyward.

use std::borrow::Cow;

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Controls, formats (including direction marks), private and unassigned characters, and line and
/// paragraph separators.
const UNSEEN: GeneralCategoryGroup = GeneralCategoryGroup::Other
    .union(GeneralCategoryGroup::LineSeparator)
    .union(GeneralCategoryGroup::ParagraphSeparator);

/// Whether a character is invisible, or alters how others appear.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    UNSEEN.contains(category) || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Whether `text` is one line with at least one visible character.
#[must_use]
pub fn is_line(text: &str) -> bool {
    let ends_line = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let is_seen = |c: char| !c.is_whitespace() && !is_hidden(c);
    !text.chars().any(ends_line) && text.chars().any(is_seen)
}

/// Returns `text` with hidden characters escaped: `\n`, `\u{202e}`.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    without(text, is_hidden)
}

/// Like [`escaped`], for a text with its own layout: it keeps line ends, tabs and a terminal's
/// colours, which are ASCII controls.
#[must_use]
pub fn escaped_in_layout(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    without(text, |c| !c.is_ascii() && is_hidden(c))
}

fn without(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_escaped(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_shown_by_its_number() {
        for (text, expected) in [
            ("a\u{202e}b", "a\\u{202e}b"),
            ("\u{200f}\u{200b}x\u{feff}", "\\u{200f}\\u{200b}x\\u{feff}"),
            ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
            (
                "a\u{200d}b\u{2060}c\u{ad}d",
                "a\\u{200d}b\\u{2060}c\\u{ad}d",
            ),
            // A filler that is a letter by its category, a selector that is a mark, and a tag.
            ("\u{3164}\u{fe0f}\u{e0041}", "\\u{3164}\\u{fe0f}\\u{e0041}"),
            ("a\nb\tc\u{1b}[31m", "a\\nb\\tc\\u{1b}[31m"),
            (
                "a\u{9b}31m\u{2028}b\u{e000}",
                "a\\u{9b}31m\\u{2028}b\\u{e000}",
            ),
        ] {
            assert_eq!(escaped(text), expected);
        }
    }

    #[test]
    fn what_is_seen_stays_as_it_is() {
        for text in [
            "Billing, nightly",
            "Büro Zürich",
            "請求書",
            "हिन्दी",
            "e\u{301}",
            "שלום",
            "a\u{a0}b",
            "✓",
        ] {
            assert_eq!(escaped(text), text);
            assert!(is_line(text), "{text}");
        }
    }

    #[test]
    fn a_layout_stays_and_marks_in_it_are_shown() {
        let text = "\u{1b}[32mmk_1\u{1b}[0m\ta\u{202e}b\u{9b}\n";
        let expected = "\u{1b}[32mmk_1\u{1b}[0m\ta\\u{202e}b\\u{9b}\n";
        assert_eq!(escaped_in_layout(text), expected);
    }

    #[test]
    fn a_line_has_something_to_see_and_no_end() {
        for text in [
            "",
            " ",
            "\u{200b}",
            "\u{a0}\u{3164}",
            "a\nb",
            "a\tb",
            "a\rb",
            "a\u{85}b",
            "a\u{2028}b",
            "a\0",
        ] {
            assert!(!is_line(text), "{text:?}");
        }
        assert!(is_line("a\u{202e}b"));
    }
}
