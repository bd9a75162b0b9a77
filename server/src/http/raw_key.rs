//! No endpoint accepts the value of a key, so anything that looks like one was sent by mistake. The
//! server rejects it before it does anything else with the request.

use axum::http::{HeaderMap, HeaderName};
use keyward_files::key_file::RawKeys;
use serde_json::Value;

/// Whether something in a body looks like a secret key, directly or in a string that JSON escapes.
pub(crate) fn is_in_body(raw_keys: &RawKeys, body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    raw_keys.occur_in(&text)
        || text.contains('\\')
            && serde_json::from_slice(body).is_ok_and(|value| is_in_value(raw_keys, &value))
}

/// Whether something in a query looks like one, decoded up to twice.
pub(crate) fn is_in_query(raw_keys: &RawKeys, query: &str) -> bool {
    let once = super::query::decoded(query);
    let twice = once.as_deref().and_then(super::query::decoded);
    let texts = [Some(query), once.as_deref(), twice.as_deref()];
    let mut texts = texts.into_iter().flatten();
    texts.any(|text| raw_keys.occur_in(text))
}

/// Whether something in a header looks like one, decoded up to twice.
pub(crate) fn is_in_header(raw_keys: &RawKeys, headers: &HeaderMap, name: &HeaderName) -> bool {
    headers
        .get_all(name)
        .iter()
        .any(|value| is_in_query(raw_keys, &String::from_utf8_lossy(value.as_bytes())))
}

fn is_in_value(raw_keys: &RawKeys, value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => raw_keys.occur_in(text),
        Value::Array(all) => all.iter().any(|value| is_in_value(raw_keys, value)),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| raw_keys.occur_in(name) || is_in_value(raw_keys, value)),
    }
}

#[cfg(test)]
mod tests {
    use keyward::profile::Profile;

    use super::*;

    #[test]
    fn a_key_is_found_wherever_it_stands() {
        let keys = RawKeys::of(&Profile::stripe());
        for body in [
            r#"{"name": "sk_test_FAKE-alice-0001"}"#,
            r#"{"sk_test_FAKE-alice-0001": 1}"#,
            r#"{"name": "s\u006b_test_FAKE-alice-0001"}"#,
            "sk_test_FAKE-alice-0001 and no JSON",
        ] {
            assert!(is_in_body(&keys, body.as_bytes()), "{body}");
        }
        assert!(is_in_query(&keys, "query=sk_test_FAKE-alice-0001"));
        assert!(is_in_query(&keys, "query=s%6b_test_FAKE-alice-0001"));
        assert!(is_in_query(&keys, "query=s%256b_test_FAKE-alice-0001"));
        assert!(!is_in_body(&keys, br#"{"name": "Support \u00e4"}"#));
        assert!(!is_in_query(&keys, "query=hixR"));
    }

    #[test]
    fn a_key_is_found_in_a_header() {
        let keys = RawKeys::of(&Profile::stripe());
        let name = HeaderName::from_static("idempotency-key");
        for (value, is_found) in [
            ("order-7", false),
            ("sk_test_FAKE-alice-0001", true),
            ("retry of sk_test_FAKE-alice-0001", true),
            ("s%6b_test_FAKE-alice-0001", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(&name, "order-7".parse().unwrap());
            headers.append(&name, value.parse().unwrap());
            assert_eq!(is_in_header(&keys, &headers, &name), is_found, "{value}");
        }
    }

    #[test]
    fn a_key_of_an_api_of_ones_own_is_found_and_stripes_as_well() {
        let members = serde_json::json!({"prefixes": {"secret": ["acme_live_"]}});
        let keys = RawKeys::of(&crate::profile::read(&members).unwrap());
        for text in ["acme_live_FAKE0123456789", "sk_test_FAKE-alice-0001"] {
            let body = serde_json::json!({"name": text}).to_string();
            assert!(is_in_body(&keys, body.as_bytes()), "{body}");
        }
        assert!(!is_in_body(&keys, br#"{"name": "acme_other"}"#));
    }
}
