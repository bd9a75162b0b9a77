//! A query's parameters. A name that comes twice, and one that the endpoint does not know, are refused; values are decoded once.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::failure::{Code, Failure};

/// Reads the query into a type whose members are all strings or absent.
pub(crate) fn read<T: DeserializeOwned>(query: &str) -> Result<T, Failure> {
    let mut members = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(name), Some(value)) = (decoded(name), decoded(value)) else {
            return Err(Failure::new(
                Code::ParameterInvalid,
                "The query is not UTF-8, or not percent-encoded.",
            ));
        };
        if members.insert(name, Value::String(value)).is_some() {
            return Err(Failure::new(
                Code::ParameterInvalid,
                "A parameter of the query is there twice.",
            ));
        }
    }
    serde_json::from_value(Value::Object(members)).map_err(|error| {
        let text = error.to_string();
        let expected = text.split_once("expected ").map_or("", |(_, names)| names);
        Failure::new(
            Code::ParameterUnknown,
            format!("The query has a parameter that this endpoint does not know; expected {expected}."),
        )
    })
}

/// One reading: `+` is a blank, `%` and two digits a byte, and all of it UTF-8.
pub(super) fn decoded(text: &str) -> Option<String> {
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

    #[test]
    fn parameters_are_read_once_decoded() {
        let limit = |text: &str| Parameters { limit: Some(text.to_owned()) };
        assert_eq!(read::<Parameters>("").unwrap(), Parameters { limit: None });
        assert_eq!(read::<Parameters>("limit=a%20b%2525").unwrap(), limit("a b%25"));
        assert_eq!(read::<Parameters>("limit").unwrap(), limit(""));
    }

    #[test]
    fn what_has_two_readings_is_refused() {
        for query in ["limit=1&limit=2", "limit=1&%6cimit=2", "limit=%f", "limit=%ff", "more=1"] {
            assert!(read::<Parameters>(query).is_err(), "{query}");
        }
    }
}
