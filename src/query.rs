//! The query: where client-side code that cannot set headers puts a publishable key.

use std::borrow::Cow;

/// The parameter that Stripe.js and its like send a publishable key in.
const KEY: &[u8] = b"key";

/// What a query says of a key.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum QueryKey<'a> {
    /// No `key` that looks like one.
    #[default]
    Absent,
    /// Exactly one `key`, decoded.
    One(Cow<'a, [u8]>),
    /// Several, one of which looks like a key.
    Several,
}

/// The parameters of `application/x-www-form-urlencoded` text, in order, names decoded and values as they stand.
///
/// Source: <https://url.spec.whatwg.org/#urlencoded-parsing>
pub(crate) fn parameters(query: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, &[u8])> {
    query
        .split(|byte| *byte == b'&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| {
            let mut parts = parameter.splitn(2, |byte| *byte == b'=');
            let name = parts.next().unwrap_or_default();
            (decoded(name), parts.next().unwrap_or_default())
        })
}

/// The values of `key` in `query`, decoded, in order.
pub(crate) fn keys(query: &[u8]) -> impl Iterator<Item = Cow<'_, [u8]>> {
    parameters(query)
        .filter(|(name, _)| **name == *KEY)
        .map(|(_, value)| decoded(value))
}

/// The key that `query` presents. `begins` tells whether a text begins as a key does.
pub(crate) fn key(query: &[u8], begins: impl Fn(&[u8]) -> bool) -> QueryKey<'_> {
    let mut found = QueryKey::Absent;
    let mut is_like_a_key = false;
    for value in keys(query) {
        is_like_a_key |= begins(&value);
        found = match found {
            QueryKey::Absent => QueryKey::One(value),
            QueryKey::One(_) | QueryKey::Several => QueryKey::Several,
        };
    }
    if is_like_a_key {
        found
    } else {
        QueryKey::Absent
    }
}

/// `+` is a space and `%` two hexadecimal digits; what is no escape stays as it is.
fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        rest = match rest {
            [] => break,
            [b'+', after @ ..] => {
                decoded.push(b' ');
                after
            }
            [b'%', high, low, after @ ..] => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push(high * 16 + low);
                    after
                }
                _ => {
                    decoded.push(b'%');
                    rest.get(1..).unwrap_or(&[])
                }
            },
            [byte, after @ ..] => {
                decoded.push(*byte);
                after
            }
        };
    }
    Cow::Owned(decoded)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str) -> Option<String> {
        let begins = |text: &[u8]| text.starts_with(b"pk_test_") || text.starts_with(b"sk_test_");
        match key(query.as_bytes(), begins) {
            QueryKey::Absent => None,
            QueryKey::One(key) => Some(String::from_utf8(key.into_owned()).unwrap()),
            QueryKey::Several => Some("several".to_owned()),
        }
    }

    #[test]
    fn one_key_is_found_in_any_encoding() {
        for query in [
            "key=pk_test_x",
            "a=b&key=pk_test_x&c",
            "k%65y=pk%5ftest_x",
            "&&key=pk_test_x",
        ] {
            assert_eq!(found(query).as_deref(), Some("pk_test_x"), "{query}");
        }
    }

    #[test]
    fn a_key_that_looks_like_none_is_a_parameter_of_the_api() {
        for query in [
            "",
            "key=",
            "key=color",
            "lookup_key=pk_test_x",
            "key[0]=pk_test_x",
            "KEY=pk_test_x",
        ] {
            assert_eq!(found(query), None, "{query}");
        }
    }

    #[test]
    fn several_have_no_single_reading() {
        for query in [
            "key=pk_test_x&key=pk_test_x",
            "key=a&k%65y=pk_test_x",
            "key=pk_test_x&key=",
        ] {
            assert_eq!(found(query).as_deref(), Some("several"), "{query}");
        }
    }
}
