//! A query's parameters. A repeated name, and one that the endpoint does not know, are rejected.
//! Values are decoded once.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::failure::{Code, Failure};

/// Names and values. Each name occurs once.
pub(crate) type Pairs = BTreeMap<String, String>;

/// Reads a query.
pub(crate) fn pairs(query: &str) -> Result<Pairs, Failure> {
    let mut pairs = Pairs::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(name), Some(value)) = (decoded(name), decoded(value)) else {
            return Err(Failure::new(
                Code::ParameterInvalid,
                "The query is not UTF-8, or not percent-encoded.",
            ));
        };
        if pairs.insert(name, value).is_some() {
            return Err(Failure::new(
                Code::ParameterInvalid,
                "A parameter of the query is there twice.",
            ));
        }
    }
    Ok(pairs)
}

/// Converts parameters into a type whose members are all strings or absent.
pub(crate) fn read<T: DeserializeOwned>(pairs: Pairs) -> Result<T, Failure> {
    let members: Map<String, Value> = pairs
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect();
    serde_json::from_value(Value::Object(members)).map_err(|error| {
        let text = error.to_string();
        let expected = known(&text);
        Failure::new(
            Code::ParameterUnknown,
            format!(
                "The query has a parameter that this endpoint does not know; expected {expected}."
            ),
        )
    })
}

/// Returns the names that serde reports as known. They come last. The client's text comes before
/// them, and may look the same.
pub(super) fn known(text: &str) -> &str {
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    if text.ends_with("there are no fields") {
        return "none";
    }
    text.rsplit_once("expected ")
        .map_or("none", |(_, names)| names)
}

/// Returns a query that reads as these pairs.
pub(crate) fn written(pairs: &Pairs) -> String {
    let written = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    written.collect::<Vec<String>>().join("&")
}

pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Decodes text in the only accepted way: `+` is a space, `%` and two digits are a byte, and the
/// result is UTF-8.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Parameters {
        limit: Option<String>,
    }

    fn parameters(query: &str) -> Result<Parameters, Failure> {
        read(pairs(query)?)
    }

    #[test]
    fn parameters_are_read_once_decoded() {
        let limit = |text: &str| Parameters {
            limit: Some(text.to_owned()),
        };
        assert_eq!(parameters("").unwrap(), Parameters { limit: None });
        assert_eq!(parameters("limit=a%20b%2525").unwrap(), limit("a b%25"));
        assert_eq!(parameters("limit").unwrap(), limit(""));
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        for query in [
            "limit=1&limit=2",
            "limit=1&%6cimit=2",
            "limit=%f",
            "limit=%ff",
            "more=1",
        ] {
            assert!(parameters(query).is_err(), "{query}");
        }
    }

    #[test]
    fn a_refusal_says_nothing_of_what_was_sent() {
        let refused = parameters("expected%204711=1").unwrap_err();
        assert!(!refused.message().contains("4711"), "{}", refused.message());
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let read = pairs("a=b%20%26c&%C3%A4=").unwrap();
        assert_eq!(pairs(&written(&read)).unwrap(), read);
    }
}
