//! Reads JSON. A refusal names the place and never quotes the content.

use serde::Deserialize;
use serde_json::error::Category;

use crate::json_place::{offset_of, place_of};
use crate::refusal::{DUPLICATE_MEMBER, Place, Refusal};
use crate::wire::{Form, Object};

/// Reads a JSON object of type `T`. Of a parser's message, keyward keeps only what the parser
/// expected, because the rest may quote a key. It finds the place by reading the text again up to
/// where the parser stopped.
pub fn from_json<'de, T: Deserialize<'de> + Form>(json: &'de [u8]) -> Result<T, Refusal> {
    read(json, T::MEMBERS).map(|Object(value)| value)
}

/// Reads any JSON. A refusal names only members that are among `members`.
pub fn read<'de, T: Deserialize<'de>>(
    json: &'de [u8],
    members: &'static [&'static [&'static str]],
) -> Result<T, Refusal> {
    serde_json::from_slice(json).map_err(|error| refusal(json, members, &error))
}

fn refusal(
    json: &[u8],
    members: &'static [&'static [&'static str]],
    error: &serde_json::Error,
) -> Refusal {
    match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => {
            Place::in_text(error.line(), error.column()).refused(broken(&error.to_string()))
        }
        Category::Data => {
            let offset = offset_of(json, error.line(), error.column());
            // Members that an operator names may be called anything, so they are not shown.
            let known = |name: &str| {
                let mut members = members.iter().copied().flatten();
                members.find(|known| **known == name).copied()
            };
            place_of(json, offset, known).refused(harmless(&error.to_string()))
        }
    }
}

/// Describes text that is not JSON, in those words of serde_json's that do not depend on the text.
fn broken(message: &str) -> String {
    const KNOWN: [(&str, &str); 4] = [
        (
            "EOF while parsing",
            "expected JSON, and the text ends too early",
        ),
        (
            "trailing characters",
            "expected nothing after the JSON value",
        ),
        (
            "trailing comma",
            "expected JSON, and no comma before a closing bracket",
        ),
        (
            "recursion limit exceeded",
            "expected JSON of at most 127 levels",
        ),
    ];
    KNOWN
        .iter()
        .find(|(start, _)| message.starts_with(start))
        .map_or("expected JSON", |(_, text)| text)
        .to_owned()
}

/// Returns what a parser expected, without what it found. Serde ends a message with its own static
/// text after the last `, expected `.
fn harmless(message: &str) -> String {
    let message = message
        .rsplit_once(" at line ")
        .map_or(message, |(text, _)| text);
    let expected = message
        .rsplit_once(", expected ")
        .map(|(_, expected)| expected);
    let starts = |start: &str| message.starts_with(start);
    match expected {
        Some(names) if starts("unknown field ") => {
            format!("unknown member, expected {names}")
        }
        Some("a sequence") if starts("invalid ") => "expected an array".to_owned(),
        Some(expected) if starts("invalid ") => format!("expected {expected}"),
        _ if starts("missing field `") => message.replacen("missing field", "missing member", 1),
        _ if starts("duplicate field `") => DUPLICATE_MEMBER.to_owned(),
        _ if message == DUPLICATE_MEMBER => DUPLICATE_MEMBER.to_owned(),
        _ => "expected another form".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_parser_met_is_cut_off() {
        let cases = [
            (
                "unknown field `a`, expected b`, expected one of `c`, `d` at line 1 column 2",
                "unknown member, expected one of `c`, `d`",
            ),
            (
                "invalid type: string \"a, expected b\", expected c",
                "expected c",
            ),
            (
                "invalid type: map, expected a sequence",
                "expected an array",
            ),
            ("invalid value: a at line 7", "expected another form"),
            (
                "missing field `id` at line 1 column 2",
                "missing member `id`",
            ),
            (
                "duplicate field `id` at line 1 column 2",
                "duplicate member",
            ),
            ("anything else", "expected another form"),
        ];
        for (message, expected) in cases {
            assert_eq!(harmless(message), expected);
        }
    }
}
