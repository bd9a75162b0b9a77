//! Finds the place of a byte in a JSON text: `keys[17].allowed_ips[0]`. Only refusals need this,
//! and only they pay for it.

use crate::refusal::Place;

/// An array or object that is still open where the search ends.
enum Open<'a> {
    /// An array, and the index of the element.
    Array(usize),
    /// An object, and the raw name of the member, as it is between its quotes.
    Object(Option<&'a [u8]>),
}

/// Returns the place of the byte at `offset` of `json`, which is well-formed up to there. Names
/// that are not `known` appear as `*`, because an operator may choose any name.
pub(crate) fn place_of(
    json: &[u8],
    offset: usize,
    known: impl Fn(&str) -> Option<&'static str>,
) -> Place {
    let mut open = Vec::new();
    let mut rest = json.get(..offset).unwrap_or(json);
    let mut is_name = false;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => {
                let (text, after) = split_string(rest);
                rest = after;
                if let (true, Some(Open::Object(member))) = (is_name, open.last_mut()) {
                    *member = Some(text);
                }
                is_name = false;
            }
            b'{' => {
                open.push(Open::Object(None));
                is_name = true;
            }
            b'[' => {
                open.push(Open::Array(0));
                is_name = false;
            }
            b'}' | b']' => {
                open.pop();
                is_name = false;
            }
            b',' => match open.last_mut() {
                Some(Open::Array(index)) => *index += 1,
                Some(Open::Object(member)) => {
                    *member = None;
                    is_name = true;
                }
                None => {}
            },
            _ => {}
        }
    }
    open.iter()
        .fold(Place::default(), |place, open| match open {
            Open::Array(index) => place.at(*index),
            Open::Object(None) => place,
            Open::Object(Some(name)) => {
                let name = std::str::from_utf8(name).ok().and_then(&known);
                place.then(name.unwrap_or("*"))
            }
        })
}

/// Splits a string at its closing quote into the text before and after the quote.
fn split_string(text: &[u8]) -> (&[u8], &[u8]) {
    let mut is_escaped = false;
    let end = text.iter().position(|byte| {
        let ends = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    });
    match end.and_then(|end| text.split_at_checked(end)) {
        Some((inside, behind)) => (inside, behind.get(1..).unwrap_or(&[])),
        None => (text, &[]),
    }
}

/// Returns the offset of a byte that a parser gives as a line (from 1) and a column (bytes read of
/// that line).
pub(crate) fn offset_of(json: &[u8], line: usize, column: usize) -> usize {
    let before: usize = json
        .split_inclusive(|byte| *byte == b'\n')
        .take(line.saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    before.saturating_add(column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_place(json: &str, expected: &str) {
        // `^` marks the byte.
        let offset = json.find('^').unwrap();
        let json = json.replace('^', "");
        let known = |name: &str| ["a", "b", "c"].into_iter().find(|known| *known == name);
        let place = place_of(json.as_bytes(), offset, known);
        assert_eq!(
            place.expected("x").to_string(),
            format!("{expected}expected x")
        );
    }

    #[test]
    fn members_and_elements_are_named() {
        assert_place("^{}", "");
        assert_place(r#"{"a": 1^}"#, "a: ");
        assert_place(r#"{"a": {"b": [1, 2, {"c": "x"^}]}}"#, "a.b[2].c: ");
        assert_place(r#"{"a": [[1], [2, 3^]]}"#, "a[1][1]: ");
        assert_place(r#"{"a": [{"b": 1}, {"b": 1}^]}"#, "a[1]: ");
        assert_place(r#"{"a": {"b": 1}^, "c": 2}"#, "a: ");
    }

    #[test]
    fn quotes_and_brackets_in_strings_are_text() {
        assert_place(r#"{"a": "}],{[\"", "b": "\\", "c": [0, 1^]}"#, "c[1]: ");
    }

    #[test]
    fn unknown_names_are_not_shown() {
        assert_place(r#"{"secret": {"b": 1^}}"#, "*.b: ");
        assert_place(r#"{"\u0062": 1^}"#, "*: ");
    }

    #[test]
    fn lines_and_columns_are_offsets() {
        assert_eq!(offset_of(b"ab\ncd\nef", 1, 1), 1);
        assert_eq!(offset_of(b"ab\ncd\nef", 3, 2), 8);
    }
}
