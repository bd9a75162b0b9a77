//! A key in the query, and what stands beside it.

use super::Request;

const PREFIXES: [&str; 7] = [
    "sk_test_", "sk_live_", "rk_test_", "rk_live_", "pk_test_", "pk_live_", "sk_org_",
];

/// The decoded values of every `key` parameter, if one of them looks like a key; OPTIONS has none.
pub(super) fn keys(request: &Request) -> Vec<Vec<u8>> {
    let keys: Vec<Vec<u8>> = parameters(request)
        .into_iter()
        .filter(|(name, _)| name == b"key")
        .map(|(_, value)| decoded(&value))
        .collect();
    let looks_like_one = |key: &Vec<u8>| {
        PREFIXES
            .iter()
            .any(|prefix| key.starts_with(prefix.as_bytes()))
    };
    if keys.iter().any(looks_like_one) {
        keys
    } else {
        Vec::new()
    }
}

/// The headers that the parameters `_stripe_version` and `_stripe_account` amount to: beside a key in the query the real ones, otherwise misspelled ones.
pub(super) fn headers(request: &Request) -> Vec<(Vec<u8>, Vec<u8>)> {
    let has_authorization = request
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case(b"authorization"));
    let is_by_query = !has_authorization && !keys(request).is_empty();
    let mut found = Vec::new();
    for (name, value) in parameters(request) {
        let header = match (name.as_slice(), is_by_query) {
            (b"_stripe_version", true) => "stripe-version",
            (b"_stripe_version", false) => "stripe_version",
            (b"_stripe_account", true) => "stripe-account",
            (b"_stripe_account", false) => "stripe_account",
            _ => continue,
        };
        found.push((header.as_bytes().to_vec(), value));
    }
    found
}

/// Names decoded, values as they stand.
fn parameters(request: &Request) -> Vec<(Vec<u8>, Vec<u8>)> {
    let Some(start) = request.path.iter().position(|&byte| byte == b'?') else {
        return Vec::new();
    };
    if request.method == b"OPTIONS" {
        return Vec::new();
    }
    request.path[start + 1..]
        .split(|&byte| byte == b'&')
        .filter(|parameter| !parameter.is_empty())
        .map(
            |parameter| match parameter.iter().position(|&byte| byte == b'=') {
                Some(at) => (decoded(&parameter[..at]), parameter[at + 1..].to_vec()),
                None => (decoded(parameter), Vec::new()),
            },
        )
        .collect()
}

/// `+` is a space, `%` and two digits are a byte, once.
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
