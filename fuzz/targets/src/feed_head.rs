//! The head of a feed: signed bytes are accepted or rejected, and nothing is trusted that no key
//! signed. An accepted head has a way from its base to its revision, and is written as it was read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward::feed::head::{Head, LARGEST_HEAD, MOST_DELTAS, Way};
use keyward::signify::{self, PublicKey, SignatureFault};

use super::assert_tells_no_key;

/// The public key of RFC 8032, 7.1, test 1.
const KEY: &str = "RWQBAgMEBQYHCNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

/// The input is the JSON of a head, and also signed bytes.
pub fn run(input: &[u8]) {
    signed(input);
    match Head::from_json(input) {
        Err(fault) => assert_tells_no_key(&fault.to_string()),
        Ok(head) => taken(&head),
    }
}

/// No one can sign with this key, so only what its owner signed is valid: here nothing.
fn signed(input: &[u8]) {
    let key = PublicKey::from_line(KEY).unwrap();
    assert_eq!(PublicKey::from_line(&key.line()), Some(key.clone()));
    if let Ok(line) = std::str::from_utf8(input)
        && let Some(read) = PublicKey::from_line(line)
    {
        assert_eq!(read.line(), line, "a key has one spelling");
    }
    let keys = [key];
    let inner = signify::seal("x", keys[0].number(), &[7; 64], input);
    assert_eq!(signify::open(&inner, &keys), Err(SignatureFault::Forged));
    for bytes in [input, &inner] {
        let fault = Head::open(bytes, &keys, "prod").unwrap_err();
        assert_tells_no_key(&fault.to_string());
        if let Err(SignatureFault::Forged) = signify::open(bytes, &keys) {
            // It had the right form: two lines. The second has a fixed length, and it decodes.
            let mut lines = bytes.splitn(3, |byte| *byte == b'\n');
            assert!(lines.next().unwrap().starts_with(b"untrusted comment: "));
            assert_eq!(STANDARD.decode(lines.next().unwrap()).unwrap().len(), 74);
            assert!(lines.next().is_some());
        }
    }
}

fn taken(head: &Head) {
    assert!(head.deltas.len() <= MOST_DELTAS);
    let json = head.to_json().unwrap();
    assert_eq!(Head::from_json(&json).as_ref(), Ok(head));
    assert!(json.len() < LARGEST_HEAD);
    // From every revision the way ends, and it never leads to a lower one.
    let from = head.deltas.iter().flat_map(|delta| [delta.from, delta.to]);
    for start in from.chain([head.base.revision, head.revision]) {
        let mut at = start;
        for _ in 0..=MOST_DELTAS + 1 {
            match head.way(Some(at)) {
                Way::There => break,
                Way::Delta(delta) => {
                    assert!(delta.from <= at && at < delta.to && delta.to <= head.revision);
                    at = delta.to;
                }
                Way::Base(base) => {
                    // From the base there is always a way.
                    assert!(at != base.revision);
                    at = base.revision;
                }
            }
        }
        assert_eq!(head.way(Some(at)), Way::There, "from {start:?}");
    }
}
