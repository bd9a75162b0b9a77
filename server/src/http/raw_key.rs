//! No endpoint accepts the value of a key, so anything that looks like one was sent by mistake. The
//! server rejects it before it does anything else with the request.

use keyward_files::key_file::has_secret_key;
use serde_json::Value;

/// Returns whether something in a body looks like a secret key, directly or in a string that JSON
/// escapes.
pub(crate) fn is_in_body(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    has_secret_key(&text)
        || text.contains('\\')
            && serde_json::from_slice(body).is_ok_and(|value| is_in_value(&value))
}

/// Returns whether something in a query looks like one, decoded up to twice.
pub(crate) fn is_in_query(query: &str) -> bool {
    let once = super::query::decoded(query);
    let twice = once.as_deref().and_then(super::query::decoded);
    let texts = [Some(query), once.as_deref(), twice.as_deref()];
    texts.into_iter().flatten().any(has_secret_key)
}

fn is_in_value(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => has_secret_key(text),
        Value::Array(all) => all.iter().any(is_in_value),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| has_secret_key(name) || is_in_value(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_wherever_it_stands() {
        for body in [
            r#"{"name": "sk_test_FAKE-alice-0001"}"#,
            r#"{"sk_test_FAKE-alice-0001": 1}"#,
            r#"{"name": "s\u006b_test_FAKE-alice-0001"}"#,
            "sk_test_FAKE-alice-0001 and no JSON",
        ] {
            assert!(is_in_body(body.as_bytes()), "{body}");
        }
        assert!(is_in_query("query=sk_test_FAKE-alice-0001"));
        assert!(is_in_query("query=s%6b_test_FAKE-alice-0001"));
        assert!(is_in_query("query=s%256b_test_FAKE-alice-0001"));
        assert!(!is_in_body(br#"{"name": "Support \u00e4"}"#));
        assert!(!is_in_query("query=hixR"));
    }
}
