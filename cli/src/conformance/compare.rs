//! Compares what a gateway did in one case with what the case expects.

use serde_json::Value;

use super::file::{Case, Expectation, Headers, Passage, Reply};
use super::spell::latin1;
use super::wire::Response;

/// The maximum number of characters that are shown of an unexpected value.
const LONGEST_SHOWN: usize = 1000;

/// Returns the differences, one line each, or an empty list if everything matches.
pub(super) fn differences(case: &Case, response: &Response, as_keyward: bool) -> Vec<String> {
    let mut found = Vec::new();
    match &case.expect {
        Expectation::Reply(expected) => {
            let is_head = case.request.method == "HEAD";
            compare_reply(expected, response, is_head, as_keyward, &mut found);
        }
        Expectation::Passage(expected) => {
            compare_passage(expected, response, as_keyward, &mut found)
        }
    }
    found
}

fn compare_reply(
    expected: &Reply,
    response: &Response,
    is_head: bool,
    as_keyward: bool,
    found: &mut Vec<String>,
) {
    if response.status != expected.status {
        found.push(format!(
            "status: expected {}, seen {}",
            expected.status, response.status
        ));
    }
    compare_headers("", &expected.headers, &response.headers, found);
    if let Some(body) = expected.body.as_deref().filter(|_| !is_head) {
        compare(
            "body",
            &quoted(body),
            &quoted(&String::from_utf8_lossy(&response.body)),
            found,
        );
    }
    if let Some(reason) = expected.x_keyward.reason.as_ref().filter(|_| as_keyward) {
        let denied = [("X-Keyward-Denied".to_owned(), Some(reason.clone()))];
        compare_headers("", &denied.into(), &response.headers, found);
    }
}

fn compare_passage(
    expected: &Passage,
    response: &Response,
    as_keyward: bool,
    found: &mut Vec<String>,
) {
    // The upstream accepts everything, and an `Upgrade` with 101.
    if !(200..300).contains(&response.status) && response.status != 101 {
        let body = quoted(&String::from_utf8_lossy(&response.body));
        found.push(format!("expected to pass, seen {} {body}", response.status));
        return;
    }
    let Some(seen) = echoed(&response.body) else {
        return;
    };
    compare_headers("upstream's ", &expected.upstream, &seen, found);
    if as_keyward {
        compare_headers("upstream's ", &expected.x_keyward.upstream, &seen, found);
    }
}

/// Returns the headers that reached an echoing upstream, which lists them as pairs in the member
/// `headers` of a JSON object.
fn echoed(body: &[u8]) -> Option<Vec<(String, String)>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    serde_json::from_value(body.get("headers")?.clone()).ok()
}

fn compare_headers(
    whose: &str,
    expected: &Headers,
    headers: &[(String, String)],
    found: &mut Vec<String>,
) {
    for (name, value) in expected {
        let seen: Vec<_> = headers
            .iter()
            .filter(|(of, _)| of.eq_ignore_ascii_case(name))
            .map(|(_, value)| quoted(value))
            .collect();
        let seen = if seen.is_empty() {
            "none".to_owned()
        } else {
            seen.join(" and ")
        };
        let expected = value
            .as_ref()
            .map_or_else(|| "none".to_owned(), |value| quoted(&as_shown(value)));
        compare(&format!("{whose}{name}"), &expected, &seen, found);
    }
}

/// Returns a header as UTF-8, as far as it is valid.
fn as_shown(value: &str) -> String {
    latin1(value).map_or_else(
        |_| value.to_owned(),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn compare(what: &str, expected: &str, seen: &str, found: &mut Vec<String>) {
    if expected != seen {
        let seen: String = seen.chars().take(LONGEST_SHOWN).collect();
        found.push(format!("{what}: expected {expected}, seen {seen}"));
    }
}
