//! YAML in block style that every reader takes alike. kubectl reads YAML 1.1, in which `no` and `on` are booleans and `1_000` is a number, also as names of members; so
//! what is not plainly a word is quoted.
//!
//! Source: <https://yaml.org/type/bool.html> and the other types of YAML 1.1

use serde_json::Value;

/// What YAML 1.1 or 1.2 takes for something else than text, in lower case.
const WORDS: [&str; 9] = ["false", "n", "no", "null", "off", "on", "true", "y", "yes"];

/// The value's lines. The last ends without a line break.
pub(in crate::publish) fn written(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}

fn write(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (index, (name, member)) in members.iter().enumerate() {
                if index > 0 {
                    line(depth, out);
                }
                out.push_str(&text(name));
                out.push(':');
                match member {
                    Value::Object(inner) if !inner.is_empty() => {
                        line(depth.saturating_add(1), out);
                        write(member, depth.saturating_add(1), out);
                    }
                    Value::Array(inner) if !inner.is_empty() => {
                        line(depth, out);
                        write(member, depth, out);
                    }
                    Value::Array(_)
                    | Value::Object(_)
                    | Value::String(_)
                    | Value::Number(_)
                    | Value::Bool(_)
                    | Value::Null => {
                        out.push(' ');
                        write(member, depth, out);
                    }
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    line(depth, out);
                }
                out.push_str("- ");
                write(item, depth.saturating_add(1), out);
            }
        }
        Value::String(string) => out.push_str(&text(string)),
        // Empty ones in flow style, and what is spelled as in JSON.
        Value::Object(_) | Value::Array(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {
            out.push_str(&value.to_string());
        }
    }
}

fn line(depth: usize, out: &mut String) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth));
}

/// In single quotes, where JSON needs no escapes; in double quotes what those cannot hold.
pub(super) fn quoted(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    Value::String(text.to_owned()).to_string()
}

/// Plain where it is plainly text, else in quotes.
fn text(string: &str) -> String {
    let is_word = string.starts_with(|c: char| c.is_ascii_alphabetic())
        && string
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
        && !WORDS.contains(&string.to_ascii_lowercase().as_str());
    match is_word {
        true => string.to_owned(),
        false => quoted(string),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_reads_as_what_it_was() {
        let value = json!({"a": [{"b": 1, "c": {}}, [1, [2.5, []]], "x: y # z", null], "on": {"No": true}, "": "\n\u{1}é",
            "1_000": "y", "n": [[], [["~"]]], "sha256": "11e11", "d": "2026-10-28", "-": "- a"});
        let read: Value = serde_norway::from_str(&written(&value)).unwrap();
        assert_eq!(read, value);
    }

    #[test]
    fn what_yaml_1_1_reads_otherwise_is_quoted() {
        for plain in ["acct_1", "rk_a.b-c", "Nine", "2"] {
            let is_quoted = text(plain) != plain;
            assert_eq!(is_quoted, plain == "2", "{plain}");
        }
        for other in [
            "y", "No", "ON", "null", "1_000", "0x1F", ".5", "1e3", "12:30", "=", "~", "", "a b",
        ] {
            assert_ne!(text(other), other);
        }
    }
}
