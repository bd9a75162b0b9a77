//! Text that a person wrote, as a page shows it.

use keyward_files::visible::escaped;
use maud::{Escaper, Render};
use std::fmt::Write as _;

/// Shows a text: characters that are invisible, or that turn the text around them, by their numbers, and markup as text.
pub(crate) struct Text<'a>(pub(crate) &'a str);

impl Render for Text<'_> {
    fn render_to(&self, buffer: &mut String) {
        // Writing to a string does not fail.
        let _ = Escaper::new(buffer).write_str(&escaped(self.0));
    }
}

/// A message of several lines. Each is shown as by [`Text`].
pub(crate) struct Lines<'a>(pub(crate) &'a str);

impl Render for Lines<'_> {
    fn render_to(&self, buffer: &mut String) {
        for (number, line) in self.0.split('\n').enumerate() {
            if number > 0 {
                buffer.push_str("<br>");
            }
            Text(line).render_to(buffer);
        }
    }
}

/// A name of parts, such as `balance_transaction_source_read`: where a line is too short for it, it breaks after a part.
pub(crate) struct Parts<'a>(pub(crate) &'a str);

impl Render for Parts<'_> {
    fn render_to(&self, buffer: &mut String) {
        for part in self.0.split_inclusive('_') {
            Text(part).render_to(buffer);
            if part.ends_with('_') {
                buffer.push_str("<wbr>");
            }
        }
    }
}

/// A number with its thousands apart: `1,204`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len().saturating_mul(2));
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len().saturating_sub(index) % 3 == 0 {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `1 key`, `1,204 keys`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_hidden_characters_are_shown_as_text() {
        let shown = maud::html! { (Text("<b title=\"x\">\u{202e}&'")) }.into_string();
        assert_eq!(shown, "&lt;b title=&quot;x&quot;&gt;\\u{202e}&amp;'");
    }

    #[test]
    fn lines_are_apart_and_still_text() {
        let shown = maud::html! { (Lines("a <b>\nc\u{202e}")) }.into_string();
        assert_eq!(shown, "a &lt;b&gt;<br>c\\u{202e}");
    }

    #[test]
    fn a_name_breaks_after_a_part() {
        let shown = maud::html! { (Parts("a_b<_")) }.into_string();
        assert_eq!(shown, "a_<wbr>b&lt;_<wbr>");
        assert_eq!(maud::html! { (Parts("charge")) }.into_string(), "charge");
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!(
            [0, 7, 999, 1_000, 1_234_567].map(count),
            ["0", "7", "999", "1,000", "1,234,567"]
        );
        assert_eq!(counted(1, "key", "keys"), "1 key");
        assert_eq!(counted(1_204, "key", "keys"), "1,204 keys");
    }
}
