//! Texts and numbers on the page.

use keyward_files::visible;

/// Text for an element or a quoted attribute. Characters that would act on the page or on its reader are escaped: those of HTML, controls, and those that turn the direction of writing.
pub(super) fn text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible::escaped(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// A sentence with names in backticks.
pub(super) fn sentence(sentence: &str) -> String {
    let mut html = String::new();
    for (place, part) in sentence.split('`').enumerate() {
        if place % 2 == 1 {
            html.push_str(&format!("<code>{}</code>", text(part)));
        } else {
            html.push_str(&text(part));
        }
    }
    html
}

/// `1,234,567`
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
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
        assert_eq!(
            text("<script>\"'&\u{202e}\u{1b}é"),
            "&lt;script&gt;&quot;&#39;&amp;\\u{202e}\\u{1b}é"
        );
        assert_eq!(sentence("a `<b>` c"), "a <code>&lt;b&gt;</code> c");
    }

    #[test]
    fn numbers_are_read_by_threes() {
        assert_eq!(number(0), "0");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(number(123_456), "123,456");
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(1, 1_000_000), "under 0.1 %");
    }
}
