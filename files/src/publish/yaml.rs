//! YAML as keyward reads and writes it: a stream of documents. keyward writes one of them back as
//! JSON, which is valid YAML, and all readers agree on its meaning.

use std::ops::Range;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use keyward::invariant::Held;

/// Words that are booleans in YAML 1.1, which kubectl reads, but texts in YAML 1.2.
///
/// Source: <https://yaml.org/type/bool.html>
const WORDS: [&str; 6] = ["n", "no", "off", "on", "y", "yes"];

/// A document of a stream, and its text including the `---` before it.
pub(super) struct Document {
    pub(super) place: Range<usize>,
    pub(super) value: Value,
}

/// Returns the documents of a YAML text.
pub(super) fn read(text: &str) -> Result<Vec<Document>> {
    let mut documents = Vec::new();
    for place in places(text) {
        let part = text
            .get(place.clone())
            .held("a range was taken of this text");
        // The text before the first `---`.
        let is_comment = |line: &str| matches!(line.trim().chars().next(), None | Some('#'));
        if part.lines().all(is_comment) {
            continue;
        }
        let mut values = serde_norway::Deserializer::from_str(part)
            .map(|document| Value::deserialize(document).ok().context("expected YAML"));
        match (values.next().transpose()?, values.next()) {
            (None, _) => {}
            (Some(value), None) => documents.push(Document { place, value }),
            (Some(_), Some(_)) => bail!("expected `---` between documents"),
        }
    }
    Ok(documents)
}

/// Returns the places of the documents. A line that begins with `---` always begins a document,
/// whatever the context.
fn places(text: &str) -> Vec<Range<usize>> {
    let mut starts = vec![0];
    let mut at = 0_usize;
    for line in text.split_inclusive('\n') {
        let marker = line.strip_prefix("---");
        let is_marker =
            marker.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
        if is_marker && at > 0 {
            starts.push(at);
        }
        at = at.saturating_add(line.len());
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts
        .iter()
        .copied()
        .zip(ends)
        .map(|(from, to)| from..to)
        .collect()
}

/// Whether a document is already JSON.
pub(super) fn is_json(part: &str) -> bool {
    let text = part.strip_prefix("---").unwrap_or(part);
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Returns the value as JSON that every YAML reader accepts: characters that YAML cannot print are
/// escaped.
pub(super) fn spelled(value: &Value) -> String {
    let json = format!("{value:#}");
    let mut spelled = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                spelled.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => spelled.push(c),
        }
    }
    spelled
}

/// Finds a text in `value` that has no quotes in this part and that some readers interpret as a
/// boolean or a number. As JSON it would be a text for all of them.
pub(super) fn ambiguous<'a>(value: &'a Value, part: &str) -> Option<&'a str> {
    match value {
        Value::String(text) => {
            let is_word = WORDS.contains(&text.to_ascii_lowercase().as_str());
            // Both versions read such a text as a number, so it can only be a text here if it is
            // quoted.
            let is_plain =
                text.parse::<f64>().is_ok() && (!text.starts_with('0') || text.len() == 1);
            let is_number = text.bytes().any(|byte| byte.is_ascii_digit())
                && text
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'_' | b':' | b'.' | b'+' | b'-'))
                && !is_plain;
            let is_quoted = || {
                ['"', '\'']
                    .iter()
                    .any(|quote| part.contains(&format!("{quote}{text}{quote}")))
            };
            ((is_word || is_number) && !is_quoted()).then_some(text)
        }
        Value::Array(items) => items.iter().find_map(|item| ambiguous(item, part)),
        // Only some readers process merge keys.
        Value::Object(members) => members
            .iter()
            .find_map(|(name, member)| match name == "<<" {
                true => Some(name.as_str()),
                false => ambiguous(member, part),
            }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values(text: &str) -> Vec<Value> {
        let documents = read(text).unwrap();
        documents
            .into_iter()
            .map(|document| document.value)
            .collect()
    }

    #[test]
    fn documents_are_told_apart_by_their_markers() {
        assert_eq!(
            values("# c\n---\na: 1\n--- # d\nb: |\n  ---\n---\n"),
            [json!({"a": 1}), json!({"b": "---\n"}), json!(null)]
        );
        assert_eq!(
            values("a: '---'\r\n---\r\nb: 1\r\n"),
            [json!({"a": "---"}), json!({"b": 1})]
        );
        assert_eq!(values("# nothing\n").len(), 0);
        for wrong in [
            "a: [\n",
            "a: 1\n...\nb: 2\n",
            "a: &a 1\nb: *c\n",
            "a: !tag 1\n",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn json_is_read_as_what_it_was() {
        let value = json!({"a": [{"b": 1, "c": {}}, [1, [2.5, []]], "x: y # z", null], "on": {"No": true}, "": "\n\u{1}é\u{7f}\u{85}\u{2028}\u{feff}😀",
            "1_000": "y", "n": [[], [["~"]]], "sha256": "11e11", "d": "2026-10-28", "-": "- a"});
        let text = spelled(&value);
        assert_eq!(values(&text), [value]);
        assert!(is_json(&text) && is_json(&format!("---\n{text}\n")) && !is_json("a: 1\n"));
    }

    #[test]
    fn what_readers_take_for_different_things_is_found() {
        for (text, expected) in [
            ("a: on\n", Some("on")),
            ("a: 'on'\n", None),
            ("a: [x, {b: No}]\n", Some("No")),
            ("a: 0644\n", Some("0644")),
            ("a: \"0644\"\nb: 12\n", None),
            ("a: 12:30\n", Some("12:30")),
            ("x: &x {a: 1}\ny: {<<: *x}\n", Some("<<")),
            ("a: yesterday\nb: true\nc: file:1\n", None),
        ] {
            let value = values(text).remove(0);
            assert_eq!(ambiguous(&value, text), expected, "{text}");
        }
    }
}
