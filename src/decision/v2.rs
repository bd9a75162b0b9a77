//! Stripe's second API, under `/v2`. It accepts only the context header, so a request that may
//! reach it must not name its account in the other header.
//!
//! Source: <https://docs.stripe.com/context>, and the SDKs' requests to `/v2`.

use percent_encoding::percent_decode;

use crate::endpoint::PlainPath;

/// Returns whether some upstream may read `path`, which has no query, as one below `/v2`. If a path
/// has several readings, `v2` anywhere in it is enough.
pub(super) fn names_v2(path: &[u8]) -> bool {
    match PlainPath::parse(path) {
        Some(plain) => plain
            .as_str()
            .split('/')
            .nth(1)
            .is_some_and(|first| is_v2(first.as_bytes())),
        None => {
            let decoded: Vec<u8> = percent_decode(path).collect();
            // Once more for what is encoded twice.
            let decoded: Vec<u8> = percent_decode(&decoded).collect();
            decoded
                .split(|byte| matches!(byte, b'/' | b'\\' | b';' | b'?' | b'#'))
                .any(is_v2)
        }
    }
}

/// Returns whether a segment is `v2` in any case, possibly followed by what frameworks cut off: a
/// format, an escaped blank, a control byte.
fn is_v2(segment: &[u8]) -> bool {
    match segment {
        [b'v' | b'V', b'2', rest @ ..] => rest
            .first()
            .is_none_or(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'_' | b'-')),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::names_v2;

    #[test]
    fn whatever_an_upstream_may_take_for_v2_is_found() {
        for path in [
            "/v2",
            "/v2/",
            "/v2/core/accounts",
            "/V2/core/accounts",
            "/v2.json/x",
            "/v2%20/x",
            "//v2/core",
            "/%76%32/core",
            "/v%2532/core",
            "/./v2/core",
            "/v1/../v2/core",
            "/v1/%2e%2e/v2/core",
            "/v1%2f..%2fv2",
            "/x\\..\\v2\\core",
            "/v2;a=b/core",
            "http://host/v2/core",
            "v2/core",
        ] {
            assert!(names_v2(path.as_bytes()), "`{path}`");
        }
    }

    #[test]
    fn other_paths_are_left_alone() {
        for path in [
            "",
            "*",
            "/",
            "/v1/customers",
            "/v1/v2",
            "/v20/core",
            "/v2beta/core",
            "/v2_x",
            "/v1/../v1/customers",
            "/v3/core",
        ] {
            assert!(!names_v2(path.as_bytes()), "`{path}`");
        }
    }
}
