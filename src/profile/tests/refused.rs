//! Tests of what a profile must not contain, and of the refusals.

use super::*;

#[test]
fn unknown_and_double_members_are_refused() {
    assert_refused(
        r#"{"key_prefixes": {}}"#,
        "profile.*: unknown member, expected one of `preset`, `prefixes`, `headers`, `override_headers`, `credential_headers`, `ids`, `realm`, `request_id_prefix`, `retry_header`, `links`, `messages`",
    );
    assert_refused(
        r#"{"prefixes": {"live": ["a_"]}}"#,
        "profile.prefixes.*: unknown member, expected one of `secret`, `restricted`, `publishable`, `organization`",
    );
    assert_refused(
        r#"{"headers": {"retry": "a"}}"#,
        "profile.headers.*: unknown member, expected one of `version`, `context`, `account`",
    );
    assert_refused(
        r#"{"ids": {"key": "a"}}"#,
        "profile.ids.*: unknown member, expected `account` or `organization`",
    );
    assert_refused(
        r#"{"links": {"home": "a"}}"#,
        "profile.links.*: unknown member, expected one of `authentication`, `support`, `api_keys`, `error_codes`, `documentation`",
    );
    assert_refused(
        r#"{"realm": "a", "realm": "a"}"#,
        "profile.realm: duplicate member",
    );
    assert_refused(
        r#"{"messages": {"unknown_key": "a", "unknown_key": "a"}}"#,
        "profile.messages.unknown_key: duplicate member",
    );
}

#[test]
fn a_preset_is_one_of_two() {
    assert_refused(
        r#"{"preset": "acme"}"#,
        "profile.preset: expected `stripe` or `plain`",
    );
}

#[test]
fn prefixes_are_words_and_belong_to_one_kind() {
    let expected =
        "profile.prefixes.secret[1]: expected a prefix of 1 to 32 letters, digits, `_` or `-`";
    let long = format!("\"{}\"", "a".repeat(33));
    for prefix in [r#""""#, r#""a.""#, r#""a b""#, r#""ä""#, r#""a,""#, &long] {
        assert_refused(
            &format!(r#"{{"prefixes": {{"secret": ["a_", {prefix}]}}}}"#),
            expected,
        );
    }
    for kind in KeyKind::ALL.map(KeyKind::name) {
        assert_refused(
            &format!(r#"{{"prefixes": {{"{kind}": []}}}}"#),
            &format!("profile.prefixes.{kind}: expected at least one prefix"),
        );
    }
    let twice = "profile.prefixes: a prefix is given twice";
    assert_refused(r#"{"prefixes": {"secret": ["a_", "a_"]}}"#, twice);
    assert_refused(
        r#"{"prefixes": {"secret": ["a_"], "restricted": ["a_"]}}"#,
        twice,
    );
    // The preset's prefixes also count if a kind is left out.
    assert_refused(r#"{"prefixes": {"secret": ["pk_live_"]}}"#, twice);
    assert!(read(r#"{"prefixes": {"organization": ["a_", "a_live_"]}}"#).is_ok());
    assert!(
        read(&format!(
            r#"{{"prefixes": {{"secret": ["{}"]}}}}"#,
            "a".repeat(32)
        ))
        .is_ok()
    );
}

#[test]
fn headers_are_spelled_in_one_way_and_mean_one_thing() {
    const EXPECTED: &str =
        "expected a header name of letters, digits and hyphens that has no other meaning here";
    let long = "a".repeat(65);
    let misspelled = [
        "",
        "Acme_Version",
        "Acme Version",
        "Acme:",
        ":path",
        "1-Acme",
        "-Acme",
        "Äcme",
        &long,
    ];
    let taken = [
        "Authorization",
        "Host",
        "Connection",
        "Upgrade",
        "Origin",
        "Content-Type",
        "Content-Length",
        "Transfer-Encoding",
        "TE",
        "Access-Control-Request-Method",
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "X-Original-URL",
        "X-Original-URI",
        "X-Rewrite-URL",
        "WWW-Authenticate",
        "Cache-Control",
        "Retry-After",
        "Request-Id",
        "X-Keyward-Principal",
        "X-Keyward-Denied",
        "X-Envoy-Peer",
        "X-Forwarded-For",
    ];
    for name in misspelled.into_iter().chain(taken) {
        for member in ["version", "context", "account"] {
            assert_refused(
                &format!(r#"{{"headers": {{"{member}": "{name}"}}}}"#),
                &format!("profile.headers.{member}: {EXPECTED}"),
            );
        }
        assert_refused(
            &format!(r#"{{"retry_header": "{name}"}}"#),
            &format!("profile.retry_header: {EXPECTED}"),
        );
    }
    let twice = "profile.headers: a header name is given twice";
    assert_refused(r#"{"headers": {"version": "a", "context": "A"}}"#, twice);
    assert_refused(r#"{"headers": {"account": "Stripe-Context"}}"#, twice);
    assert_refused(
        r#"{"headers": {"account": "a"}, "retry_header": "a"}"#,
        twice,
    );
    assert_refused(r#"{"retry_header": "stripe-version"}"#, twice);
}

#[test]
fn a_header_that_the_profile_reads_tells_no_identity() {
    let refused = |json: &str| {
        Configuration::from_json(json.as_bytes())
            .map(drop)
            .unwrap_err()
            .to_string()
    };
    const HEADERS: &str = r#""profile": {"headers": {"account": "X-Account-Id"}}"#;
    assert_eq!(
        refused(&format!(
            r#"{{"principal_header": "x-account-id", {HEADERS}}}"#
        )),
        "principal_header: the profile reads a header of this name"
    );
    assert_eq!(
        refused(&format!(
            r#"{{{HEADERS}, "identity_headers": {{"x-account-id": "account"}}}}"#
        )),
        "identity_headers.*: the profile reads a header of this name"
    );
    let other = format!(r#"{{"principal_header": "x-account", {HEADERS}}}"#);
    assert!(Configuration::from_json(other.as_bytes()).is_ok());
}

#[test]
fn ids_of_accounts_and_organizations_can_be_told_apart() {
    let long = format!("\"{}\"", "a".repeat(33));
    for value in [r#""a.""#, r#""a/""#, r#""ä""#, &long] {
        assert_refused(
            &format!(r#"{{"ids": {{"account": {value}}}}}"#),
            "profile.ids.account: expected at most 32 letters, digits, `_` or `-`",
        );
    }
    for value in [r#""""#, r#""a.""#, &long] {
        assert_refused(
            &format!(r#"{{"ids": {{"organization": {value}}}}}"#),
            "profile.ids.organization: expected 1 to 32 letters, digits, `_` or `-`",
        );
    }
    let same = "profile.ids: accounts and organizations need different prefixes";
    assert_refused(r#"{"ids": {"account": "a_", "organization": "a_"}}"#, same);
    assert_refused(r#"{"ids": {"account": "org_"}}"#, same);
    assert!(read(r#"{"ids": {"account": ""}}"#).is_ok());
    assert!(read(r#"{"ids": {"account": "org_acct_"}}"#).is_ok());
}

#[test]
fn realm_request_ids_and_links_are_short_and_plain() {
    let long = |length: usize| format!("\"{}\"", "a".repeat(length));
    assert_each_refused(
        "\"realm\"",
        &[
            r#""""#,
            r#""a\"b""#,
            r#""a\\b""#,
            r#""a\nb""#,
            r#""ä""#,
            &long(65),
        ],
        "profile.realm: expected 1 to 64 characters of printable ASCII without `\"` and `\\`",
    );
    assert_each_refused(
        "\"request_id_prefix\"",
        &[r#""req ""#, r#""req.""#, r#""ä""#, &long(33)],
        "profile.request_id_prefix: expected at most 32 letters, digits, `_` or `-`",
    );
    for member in [
        "authentication",
        "support",
        "api_keys",
        "error_codes",
        "documentation",
    ] {
        for value in [r#""""#, r#""a b""#, r#""ä""#, &long(257)] {
            assert_refused(
                &format!(r#"{{"links": {{"{member}": {value}}}}}"#),
                &format!(
                    "profile.links.{member}: expected a link of at most 256 printable ASCII characters"
                ),
            );
        }
    }
}

#[test]
fn messages_are_templates_of_what_is_known_for_their_reason() {
    assert_refused(
        r#"{"messages": {"unknown_keys": "a"}}"#,
        "profile.messages.*: expected the name of a deny reason",
    );
    let long = "a".repeat(1025);
    for text in [
        "",
        "{secret}",
        "{masked",
        "{}",
        "{Masked}",
        "{{masked}}",
        "{account}",
        "{error_codes}",
        &long,
    ] {
        assert_refused(
            &format!(r#"{{"messages": {{"unknown_key": "{text}"}}}}"#),
            "profile.messages.unknown_key: expected a text of at most 1024 bytes whose fields in braces are known for this reason",
        );
    }
    for text in [
        "a",
        "}",
        "{masked}{masked}",
        "{method} {path}",
        "{version_header} {support}",
    ] {
        assert!(
            read(&format!(r#"{{"messages": {{"unknown_key": "{text}"}}}}"#)).is_ok(),
            "{text}"
        );
    }
}

#[test]
fn override_headers_are_the_operators_own() {
    let profile = read(r#"{"override_headers": ["X-Acme-Path", "x-forwarded-path"]}"#).unwrap();
    let names: Vec<&str> = profile
        .names()
        .override_headers
        .iter()
        .map(|name| &**name)
        .collect();
    assert_eq!(names, ["x-acme-path", "x-forwarded-path"]);
    const EXPECTED: &str =
        "expected a header name of letters, digits and hyphens that has no other meaning here";
    for taken in [
        "Host",
        "stripe-context",
        "X-Keyward-Principal",
        "x-envoy-original-path",
        "X-Request-Id",
        "x_script_name",
        "",
    ] {
        assert_refused(
            &format!(r#"{{"override_headers": ["{taken}"]}}"#),
            &format!("profile.override_headers[0]: {EXPECTED}"),
        );
    }
    assert_refused(
        r#"{"override_headers": ["x-a", "X-A"]}"#,
        "profile.override_headers[1]: a header name is given twice",
    );
    let many: Vec<String> = (0..33).map(|number| format!("\"x-{number}\"")).collect();
    assert_refused(
        &format!(r#"{{"override_headers": [{}]}}"#, many.join(",")),
        "profile.override_headers: expected at most 32 headers",
    );
}
