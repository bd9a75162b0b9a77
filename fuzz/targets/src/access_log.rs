//! A line of the access log, which clients can influence: it is read or skipped, a verdict is read
//! if the pattern matches, and the output cannot control a terminal.

use std::sync::LazyLock;

use keyward_files::access_log::{Line, State, Text};
use regex::bytes::Regex;
use serde_json::json;

use super::{STRIPE, pattern};

/// What keyward writes: the verdict, and its own members or those of a later version. A repeated
/// member, or one without its neighbour, is handled below.
static STATE: LazyLock<Regex> = LazyLock::new(|| {
    let id = r"[A-Za-z0-9_.-]{1,64}";
    let kind = "(?:secret|restricted|publishable|organization)";
    let member = format!(
        "(?:(?:key|account|org|permission)=\"{id}\"|path=\"{id}(?:/{id})*\"|kind={kind}|livemode=\\?[01]|access=(?:read|write)|revision=[0-9]{{1,15}}|[a-z0-9_-]+=(?:\"[^\"]*\"|[^\",][^,]*))"
    );
    pattern(&format!(
        r"\A(?:allow(?: public| preflight| would_deny=[a-z_]+)?|verify|deny [a-z_]+)(?: (?:{member}(?:, {member})*)?)?\z"
    ))
});

static PREFIX: LazyLock<Regex> =
    LazyLock::new(|| pattern("[srp]k_(?:test|live)_|sk_org_(?:test_|live_)?"));

/// The input is a line, and then the verdict and the path of a line that is otherwise good.
pub fn run(input: &[u8]) {
    read(input);
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let state = State::parse(text);
    if let Some(state) = &state {
        assert!(STATE.is_match(input), "{text:?}");
        let ids = [state.key.map(|key| key.id), state.account, state.org];
        for id in ids.into_iter().flatten() {
            assert!(!id.is_empty() && id.len() <= 64 && text.contains(id));
        }
        for behind in ["\n", ",", "\""] {
            assert!(State::parse(&format!("{text}, revision=7{behind}")).is_none());
        }
        assert_eq!(
            state.is_connected(),
            state.path.is_some_and(|path| path.contains('/'))
        );
    }
    let line = json!({"start_time": "2026-11-20T10:00:00Z", "keyward": text, "path": text, "method": text});
    let line = line.to_string();
    let parsed = Line::parse(line.as_bytes()).unwrap();
    // Text formats write a dash for a missing value.
    assert_eq!(
        parsed.record().is_ok(),
        state.is_some() || text == "-",
        "{text:?}"
    );
    read(line.as_bytes());
    // The same line, cut off.
    assert!(Line::parse(&line.as_bytes()[..line.len() - 1]).is_err());
    is_harmless(&Text::new(text).shown(STRIPE.known_prefixes()));
}

fn read(line: &[u8]) {
    let Ok(line) = Line::parse(line) else {
        return;
    };
    let Ok(record) = line.record() else {
        return;
    };
    assert!(
        !record.path.as_str().contains(['?', '#']),
        "a query is read"
    );
    for text in [
        Some(record.method),
        record.details,
        record.flags,
        record.request_id,
        record.upstream,
    ]
    .into_iter()
    .flatten()
    {
        is_harmless(&text.shown(STRIPE.known_prefixes()));
    }
    assert!(record.status < 1000);
}

#[track_caller]
fn is_harmless(shown: &str) {
    assert!(
        shown.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
        "{shown:?}"
    );
    // A bare prefix is not a key, and neither is one whose end was cut off. After a prefix, the
    // text must continue with a star.
    let leaks = |found: regex::bytes::Match<'_>| {
        let rest = shown.get(found.end()..).unwrap_or_default();
        let is_cut = ["test_", "live_"].iter().any(|word| word.starts_with(rest));
        !is_cut && rest.starts_with(|c: char| c.is_ascii_alphanumeric())
    };
    assert!(!PREFIX.find_iter(shown.as_bytes()).any(leaks), "{shown:?}");
}
