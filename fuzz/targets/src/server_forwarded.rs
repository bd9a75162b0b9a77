//! The client's address at keyward-server: the one that the gateway appended last, whatever the
//! client sent before it.

use std::net::IpAddr;
use std::sync::LazyLock;

use keyward_server::fuzzing::client_address;
use regex::bytes::Regex;

use super::pattern;

/// Matches the last element, with the white space around it, if it may be an address.
static LAST: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\A(?:[\t -~]*,)?[\t ]*([0-9A-Fa-f:.]{2,45})[\t ]*\z"));

/// The input is the values of `X-Forwarded-For`, one per line.
pub fn run(input: &[u8]) {
    let values: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
    let last = *values.last().unwrap();
    let Some(found) = client_address(&values) else {
        return;
    };
    let address = LAST.captures(last).and_then(|last| {
        let text = std::str::from_utf8(&last[1]).unwrap();
        text.parse::<IpAddr>().ok()
    });
    assert_eq!(found, address, "{}", last.escape_ascii());
    // What comes before it has no influence.
    assert_eq!(client_address(&[last]), Some(found));
    for gateway in ["203.0.113.7", "2001:db8::7", "::ffff:10.0.0.1"] {
        let said: IpAddr = gateway.parse().unwrap();
        let mut apart = values.clone();
        apart.push(gateway.as_bytes());
        assert_eq!(client_address(&apart), Some(Some(said)));
        // In the same value: no address if the value has bytes that are not text. Keys that are
        // bound to addresses are then denied.
        let appended = [last, b", ", gateway.as_bytes()].concat();
        let is_text = last.is_ascii();
        assert_eq!(client_address(&[&appended]), Some(is_text.then_some(said)));
    }
}
