//! The query: where client-side code that cannot set headers puts a publishable key, and where a
//! client may name another method or URL.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// The parameter that Stripe.js and similar libraries use to send a publishable key.
pub(crate) const KEY: &str = "key";

/// Parameters that let a client, in some frameworks, name a method or path other than the request
/// line's.
pub(crate) const OVERRIDES: [&str; 6] = [
    // Express' method-override, Symfony, Laravel, Spring, Jersey, Struts, Mojolicious, AdonisJS, WordPress
    "_method",
    // Haskell's wai
    "_method_override",
    // ASP.NET MVC, ServiceStack
    "x-http-method-override",
    // Plack, Catalyst
    "x-tunneled-method",
    // Phalcon: the path
    "_url",
    // WordPress: the path
    "rest_route",
];

/// The key that a query contains.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum QueryKey<'a> {
    /// No `key` that looks like a key.
    #[default]
    Absent,
    /// Exactly one `key`, decoded.
    One(Cow<'a, [u8]>),
    /// Several values of `key` with one that looks like a key, or such a value under a name that
    /// only some servers read as `key`.
    Several,
}

impl<'a> QueryKey<'a> {
    /// Sums up the values of `key`. `begins` returns whether a text begins like a key.
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

/// Decodes `application/x-www-form-urlencoded`: `+` is a space, and `%` precedes two hexadecimal
/// digits. Invalid escapes stay unchanged.
///
/// Source: <https://url.spec.whatwg.org/#urlencoded-parsing>
pub(crate) fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(text);
    }
    let spaced: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    Cow::Owned(percent_decode(&spaced).collect())
}
