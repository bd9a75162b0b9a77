//! The query: where client-side code that cannot set headers puts a publishable key.

use std::borrow::Cow;

use crate::percent;

/// The parameter that Stripe.js and its like send a publishable key in.
pub(crate) const KEY: &[u8] = b"key";

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

impl<'a> QueryKey<'a> {
    /// What these values of `key` amount to. `begins` tells whether a text begins as a key does.
    pub(crate) fn of(mut keys: Vec<Cow<'a, [u8]>>, begins: impl Fn(&[u8]) -> bool) -> Self {
        if !keys.iter().any(|key| begins(key)) {
            return Self::Absent;
        }
        match (keys.pop(), keys.is_empty()) {
            (Some(key), true) => Self::One(key),
            _ => Self::Several,
        }
    }
}

/// `+` is a space and `%` two hexadecimal digits; what is no escape stays as it is.
pub(crate) fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(text);
    }
    let spaced: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    Cow::Owned(percent::decoded(&spaced).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str) -> Option<String> {
        let begins = |text: &[u8]| text.starts_with(b"pk_test_") || text.starts_with(b"sk_test_");
        let keys = parameters(query.as_bytes())
            .filter(|(name, _)| **name == *KEY)
            .map(|(_, value)| decoded(value));
        match QueryKey::of(keys.collect(), begins) {
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
