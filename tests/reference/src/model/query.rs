//! A key in the query, and the parameters next to it.

use super::{Request, names};

const PREFIXES: [&str; 7] = [
    "sk_test_", "sk_live_", "rk_test_", "rk_live_", "pk_test_", "pk_live_", "sk_org_",
];

/// Returns the decoded values of every `key` parameter, if one of them looks like a key, and twice
/// the values that only some server reads as `key`. OPTIONS has none.
pub(super) fn keys(request: &Request) -> Vec<Vec<u8>> {
    let looks_like_one = |key: &Vec<u8>| {
        PREFIXES
            .iter()
            .any(|prefix| key.starts_with(prefix.as_bytes()))
    };
    let mut keys: Vec<Vec<u8>> = Vec::new();
    let mut doubtful: Vec<Vec<u8>> = Vec::new();
    for sent in presented(request) {
        let (name, value) = split(&sent);
        match name.as_slice() {
            b"key" => keys.push(decoded(&value)),
            b"_stripe_version" | b"_stripe_account" => {}
            _ => {
                let readings = names::readings(&sent).into_iter();
                let values = readings.filter_map(|reading| match reading.is("key") {
                    true => reading.value,
                    false => None,
                });
                doubtful.extend(values.map(|value| decoded(&value)).filter(looks_like_one));
            }
        }
    }
    if !doubtful.is_empty() {
        [doubtful.clone(), doubtful].concat()
    } else if keys.iter().any(looks_like_one) {
        keys
    } else {
        Vec::new()
    }
}

/// Returns the headers that the parameters `_stripe_version` and `_stripe_account` are equivalent
/// to: the real ones next to a key in the query, otherwise misspelled ones.
pub(super) fn headers(request: &Request) -> Vec<(Vec<u8>, Vec<u8>)> {
    let has_authorization = request
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case(b"authorization"));
    let is_by_query = !has_authorization && !keys(request).is_empty();
    let mut found = Vec::new();
    for sent in presented(request) {
        let (name, value) = split(&sent);
        let headers: &[&str] = match (name.as_slice(), is_by_query) {
            (b"_stripe_version", true) => &["stripe-version"],
            (b"_stripe_version", false) => &["stripe_version"],
            (b"_stripe_account", true) => &["stripe-account"],
            (b"_stripe_account", false) => &["stripe_account"],
            (b"key", _) => &[],
            _ => {
                for (word, header) in [
                    ("_stripe_version", "stripe_version"),
                    ("_stripe_account", "stripe_account"),
                ] {
                    if names::readings(&sent).iter().any(|name| name.is(word)) {
                        found.push((header.as_bytes().to_vec(), sent.clone()));
                    }
                }
                &[]
            }
        };
        found.extend(
            headers
                .iter()
                .map(|name| (name.as_bytes().to_vec(), value.clone())),
        );
    }
    found
}

/// Returns what is between the ampersands of the query, as it was sent.
pub(super) fn pieces(request: &Request) -> Vec<Vec<u8>> {
    match request.path.iter().position(|&byte| byte == b'?') {
        None => Vec::new(),
        Some(at) => request.path[at + 1..]
            .split(|&byte| byte == b'&')
            .map(<[u8]>::to_vec)
            .collect(),
    }
}

/// Returns the parameters of a request that may present a key.
fn presented(request: &Request) -> Vec<Vec<u8>> {
    match request.method.as_slice() {
        b"OPTIONS" => Vec::new(),
        _ => pieces(request),
    }
}

/// Splits a parameter into the decoded name and the unchanged value.
fn split(parameter: &[u8]) -> (Vec<u8>, Vec<u8>) {
    match parameter.iter().position(|&byte| byte == b'=') {
        Some(at) => (decoded(&parameter[..at]), parameter[at + 1..].to_vec()),
        None => (decoded(parameter), Vec::new()),
    }
}

/// Decodes `%` and two digits to a byte, once.
pub(super) fn unescaped(text: &[u8]) -> Vec<u8> {
    let parts = text.split(|&byte| byte == b'+').map(decoded);
    parts.collect::<Vec<_>>().join(&b'+')
}

/// Decodes `+` to a space, and `%` and two digits to a byte, once.
pub(super) fn decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let digits = text
            .get(at + 1..at + 3)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let is_hexadecimal = |digits: &&str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        match (text[at], digits.filter(is_hexadecimal)) {
            (b'%', Some(digits)) => {
                decoded.push(u8::from_str_radix(digits, 16).unwrap());
                at += 3;
            }
            (b'+', _) => {
                decoded.push(b' ');
                at += 1;
            }
            (byte, _) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}
