use serde_json::{Value, json};

use super::*;
use keyward::key::KeyKind;
use keyward::mask::KnownPrefixes;
use keyward::permission::AccessLevel;
use keyward::profile::Profile;
use keyward::reason::DenyReason;

const STATE: &str = "allow key=\"mk_1\", kind=restricted, livemode=?0, account=\"acct_2\", path=\"acct_1/acct_2\", org=\"org_1\", permission=\"customer\", access=read, revision=7";

fn line() -> Value {
    json!({
        "start_time": "2026-11-20T10:00:00.123Z", "method": "GET", "path": "/v1/customers", "protocol": "HTTP/1.1",
        "response_code": 200, "response_code_details": "via_upstream", "response_flags": "-", "duration_ms": 3,
        "client_address": "203.0.113.7", "request_id": "6a-1", "response_request_id": null,
        "upstream_host": "10.0.0.1:80", "keyward": STATE,
    })
}

fn with(name: &str, value: Value) -> String {
    let mut line = line();
    line[name] = value;
    line.to_string()
}

#[track_caller]
fn assert_skipped(line: &str, expected: Skip) {
    let parsed = Line::parse(line.as_bytes());
    let skip = match &parsed {
        Ok(line) => line.record().map(|_| ()).unwrap_err(),
        Err(skip) => *skip,
    };
    assert_eq!(skip, expected, "{line}");
}

fn state(text: &str) -> Option<State<'_>> {
    State::parse(text)
}

/// The loggers write an empty text if a header contains no id.
#[test]
fn an_empty_id_is_none() {
    let mut text = line();
    text["request_id"] = json!("");
    text["response_request_id"] = json!("");
    let text = text.to_string();
    let line = Line::parse(text.as_bytes()).unwrap();
    let record = line.record().unwrap();
    assert!(record.request_id.is_none());
    assert!(record.response_request_id.is_none());
}

#[test]
fn a_line_says_what_one_request_was() {
    let text = line().to_string();
    let line = Line::parse(text.as_bytes()).unwrap();
    let record = line.record().unwrap();
    assert_eq!(record.at, 1_795_168_800_123);
    assert_eq!(record.method.as_str(), "GET");
    assert_eq!(record.path.as_str(), "/v1/customers");
    assert_eq!((record.status, record.duration), (200, Some(3)));
    assert_eq!(record.client, Some("203.0.113.7".parse().unwrap()));
    assert_eq!(record.upstream.unwrap().as_str(), "10.0.0.1:80");
    assert!(record.response_request_id.is_none());
    let state = record.state.unwrap();
    assert_eq!(state.verdict, Verdict::Key);
    let key = state.key.unwrap();
    assert_eq!(
        (key.id, key.kind, key.livemode),
        ("mk_1", KeyKind::Restricted, false)
    );
    assert_eq!(state.account, Some("acct_2"));
    assert_eq!(state.org, Some("org_1"));
    assert!(state.is_connected());
    assert_eq!(state.permission, Some(("customer", AccessLevel::Read)));
    assert_eq!(state.revision, Some(7));
}

#[test]
fn every_form_of_a_verdict_is_read() {
    let verdict = |text: &str| state(text).unwrap().verdict;
    assert_eq!(verdict("allow public"), Verdict::Public);
    assert_eq!(verdict("allow preflight"), Verdict::Preflight);
    let verified = verdict("verify key=\"mk_1\", kind=secret, livemode=?0, revision=7");
    assert_eq!((verified, verified.passed()), (Verdict::Verify, false));
    assert!(state("verify revision=7").is_none());
    assert_eq!(
        verdict("deny no_snapshot"),
        Verdict::Deny(DenyReason::NoSnapshot)
    );
    assert_eq!(
        verdict("deny unknown_key revision=7"),
        Verdict::Deny(DenyReason::UnknownKey)
    );
    assert_eq!(
        verdict("allow would_deny=missing_credential revision=7"),
        Verdict::Shadow(DenyReason::MissingCredential)
    );
    for reason in DenyReason::all() {
        let name = reason.name();
        assert_eq!(verdict(&format!("deny {name}")).reason(), Some(reason));
        assert!(!verdict(&format!("deny {name}")).passed());
        assert!(verdict(&format!("allow would_deny={name}")).passed());
    }
}

#[test]
fn a_member_of_a_later_version_is_left_alone() {
    let text =
        "allow key=\"mk_1\", kind=secret, livemode=?1, region=\"eu, north\", tier=?1, revision=7";
    let state = state(text).unwrap();
    assert!(state.key.unwrap().livemode);
    assert_eq!(state.revision, Some(7));
}

#[test]
fn what_keyward_never_writes_is_no_verdict() {
    for text in [
        "",
        "allow",
        "Allow public",
        "deny",
        "deny ",
        "deny because",
        "allow would_deny=because",
        "allow public key=\"mk_1\", kind=secret, livemode=?1",
        "allow key=mk_1, kind=secret, livemode=?1",
        "allow key=\"mk_1\"",
        "allow key=\"mk_1\", kind=secret",
        "allow key=\"mk_1\", kind=secret, livemode=1",
        "allow key=\"mk 1\", kind=secret, livemode=?1",
        "allow key=\"\u{1b}[31m\", kind=secret, livemode=?1",
        "allow key=\"mk_1\",kind=secret, livemode=?1",
        "allow key=\"mk_1\", kind=secret, livemode=?1, key=\"mk_2\"",
        "allow key=\"mk_1\", kind=secret, livemode=?1, permission=\"charge\"",
        "allow key=\"mk_1\", kind=secret, livemode=?1, revision=-1",
        "allow key=\"mk_1\", kind=secret, livemode=?1, revision=9999999999999999",
        "allow key=\"mk_1\", kind=secret, livemode=?1, path=\"a//b\"",
        "allow key=\"mk_1\", kind=secret, livemode=?1, ",
        "allow key=\"mk_1\", kind=secret, livemode=?1, x",
        "allow key=\"mk_1",
    ] {
        assert_eq!(state(text), None, "`{text}`");
        assert_skipped(&with("keyward", json!(text)), Skip::Malformed);
    }
}

#[test]
fn without_a_verdict_there_is_a_record_all_the_same() {
    for value in [Value::Null, json!("-")] {
        let text = with("keyward", value);
        let line = Line::parse(text.as_bytes()).unwrap();
        assert!(line.record().unwrap().state.is_none());
    }
}

#[test]
fn a_query_in_the_log_is_not_read() {
    for path in ["/v1/customers?email=a@b.c", "/v1/customers#x"] {
        let text = with("path", json!(path));
        let line = Line::parse(text.as_bytes()).unwrap();
        assert_eq!(line.record().unwrap().path.as_str(), "/v1/customers");
    }
}

#[test]
fn a_format_of_texts_is_read_too() {
    let text = r#"{"start_time": "2026-11-20T10:00:00Z", "keyward": "allow public", "response_code": "204", "duration": "-",
        "downstream_remote_address": "[2001:db8::1]:443", "bytes_sent": [1, {"x": 2}]}"#;
    let line = Line::parse(text.as_bytes()).unwrap();
    let record = line.record().unwrap();
    assert_eq!((record.status, record.duration), (204, None));
    assert_eq!(record.client, Some("2001:db8::1".parse().unwrap()));
    assert_eq!(record.method.as_str(), "");
}

#[test]
fn a_line_that_is_none_is_skipped_with_its_reason() {
    for text in [
        "",
        "GET / HTTP/1.1",
        "[1]",
        "\u{1b}[2J",
        "<script>alert(1)</script>",
        "=cmd|' /C calc'!A0",
        "{}",
        "{\"level\": \"info\"}",
        "{\"start_time\": \"2026-11-20T10:00:00Z\"}",
        "{\"keyward\": \"allow public\"}",
    ] {
        assert_skipped(text, Skip::Foreign);
    }
    let whole = line().to_string();
    for end in 1..whole.len() {
        assert_skipped(whole.get(..end).unwrap(), Skip::Torn);
    }
    assert_skipped(&format!("{}{whole}", whole.get(..50).unwrap()), Skip::Torn);
    assert_skipped(&format!("{whole}{whole}"), Skip::Torn);
    assert_skipped(&format!("{{\"a\":{}", "[".repeat(100_000)), Skip::Torn);
    assert_eq!(
        Line::parse(b"{\"path\": \"\xff\"}").unwrap_err(),
        Skip::Torn
    );
    for (name, value) in [
        ("start_time", json!("yesterday")),
        ("start_time", json!("1969-12-31T23:59:59Z")),
        ("start_time", json!(7)),
        ("response_code", json!(-1)),
        ("response_code", json!(70_000)),
        ("response_code", json!("ok")),
        ("response_code", json!({"a": 1})),
        ("duration_ms", json!([1])),
        ("path", json!({"x": 1})),
        ("keyward", json!(1)),
    ] {
        assert_skipped(&with(name, value), Skip::Malformed);
    }
    let twice = whole.replacen('{', "{\"path\": \"/\", ", 1);
    assert_skipped(&twice, Skip::Malformed);
}

#[test]
fn what_is_shown_is_printable_and_holds_no_key() {
    let profile = Profile::stripe();
    let prefixes: &KnownPrefixes = profile.known_prefixes();
    for (text, expected) in [
        ("/v1/a\u{1b}[31mb", "/v1/a\\u{fffd}[31mb"),
        ("a\u{202e}b\u{200b}", "a\\u{202e}b\\u{200b}"),
        ("caf\u{e9}\\n", "caf\\u{e9}\\\\n"),
        ("/v1/sk_test_FAKE-0123456/x", "/v1/sk_test_********3456/x"),
        ("<b>=1", "<b>=1"),
    ] {
        assert_eq!(Text::new(text).shown(prefixes), expected);
    }
    let text = Text::new("sk_test_FAKE-0123456");
    assert_eq!(format!("{text:?}"), "Text(20 bytes)");
}
