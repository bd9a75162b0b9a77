//! Bodies of requests to keyward-server: they are read strictly, and the message of a rejection
//! states what was expected and nothing of what was sent.

use std::sync::LazyLock;

use keyward_server::fuzzing::BODIES;
use regex::bytes::Regex;
use serde_json::{Value, json};

use super::{assert_tells_no_key, pattern, take};

/// A member's name, as the sources spell them.
const NAME: &str = "`[a-z][a-z0-9_]*`";

/// Everything that the message of a rejection may contain.
static REFUSAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"\A(?:The body is not JSON: line \d+, column \d+\.|The body must be a JSON object\.|{NAME} is missing\.|The body has a member that this endpoint does not know; expected (?:one of )?{NAME}(?:(?:, | or ){NAME})*\.|A member of the body is not of the form that is documented: line \d+, column \d+\.)\z"
    ))
});

/// The first byte chooses the kind of body.
pub fn run(mut input: &[u8]) {
    let (name, read) = BODIES[usize::from(take(&mut input)) % BODIES.len()];
    let refusal = read(input).err();
    if let Some((_, message)) = &refusal {
        assert_tells_no_key(message);
        assert!(REFUSAL.is_match(message.as_bytes()), "{name}: {message}");
        return;
    }
    // An empty body means an empty object.
    let text = if input.is_empty() { b"{}" } else { input };
    let value: Value = match serde_json::from_slice(text) {
        Ok(value) => value,
        Err(error) => panic!("{name} takes what is no JSON: {error}"),
    };
    let Value::Object(mut members) = value else {
        panic!("{name} takes what is no object");
    };
    // With other spacing and another order, it means the same.
    let other = serde_json::to_vec_pretty(&members).unwrap();
    assert_eq!(read(&other), Ok(()), "{name}");
    // An unknown member is rejected, but not named.
    members.insert("expected `stranger`".to_owned(), json!(1));
    let (code, message) = read(&serde_json::to_vec(&members).unwrap()).unwrap_err();
    assert_eq!(code, "parameter_unknown", "{name}");
    assert!(!message.contains("stranger"), "{name}: {message}");
    // The same, cut off.
    let text = text.trim_ascii_end();
    assert!(read(&text[..text.len() - 1]).is_err(), "{name}");
}
