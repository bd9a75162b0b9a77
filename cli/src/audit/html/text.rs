//! Texts and numbers on the page.

use std::fmt::Write;

use keyward_files::visible;
use maud::{Escaper, Markup, Render, html};

/// A text from outside. Characters that would act on the page or on its reader are escaped: those of HTML, controls, and those that turn the direction of writing.
pub(super) struct Text<'a>(pub(super) &'a str);

impl Render for Text<'_> {
    fn render_to(&self, buffer: &mut String) {
        // Writing to a string does not fail.
        let _ = Escaper::new(buffer).write_str(&visible::escaped(self.0));
    }
}

/// A sentence with names in backticks.
pub(super) fn sentence(sentence: &str) -> Markup {
    html! {
        @for (place, part) in sentence.split('`').enumerate() {
            @if place % 2 == 1 { code { (Text(part)) } } @else { (Text(part)) }
        }
    }
}

/// Parts of a line, with a separator.
pub(super) fn joined(parts: impl IntoIterator<Item = Markup>, separator: &str) -> Markup {
    html! {
        @for (place, part) in parts.into_iter().enumerate() {
            @if place > 0 { (separator) }
            (part)
        }
    }
}

/// `1,234,567`
pub(super) fn number(number: impl TryInto<u64>) -> String {
    let digits = number.try_into().unwrap_or(u64::MAX).to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `12.3 %`
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0 %".to_owned();
    }
    let tenths = u128::from(part) * 1000 / u128::from(whole);
    if tenths == 0 && part > 0 {
        return "under 0.1 %".to_owned();
    }
    format!("{}.{} %", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_acts_on_the_page() {
        let hostile = Text("<script>\"'&\u{202e}\u{1b}é");
        let escaped = "&lt;script&gt;&quot;'&amp;\\u{202e}\\u{1b}é";
        assert_eq!(html! { (hostile) }.into_string(), escaped);
        // Attributes are in double quotes, so a single one ends none.
        let attribute = html! { p id=(hostile) {} }.into_string();
        assert_eq!(attribute, format!("<p id=\"{escaped}\"></p>"));
        assert_eq!(
            sentence("a `<b>` c").into_string(),
            "a <code>&lt;b&gt;</code> c"
        );
    }

    #[test]
    fn numbers_are_read_by_threes() {
        assert_eq!(number(0_u64), "0");
        assert_eq!(number(1_234_567_u64), "1,234,567");
        assert_eq!(number(123_456_usize), "123,456");
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(1, 1_000_000), "under 0.1 %");
    }
}
