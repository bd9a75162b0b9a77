use super::*;
use crate::configuration::Configuration;

#[test]
fn every_message_is_a_template_that_names_what_is_known_then() {
    for reason in DenyReason::all() {
        for text in [stripe::message(reason), plain::message(reason)] {
            let template = Template::parse(text).unwrap_or_else(|| panic!("{reason:?}"));
            for field in template.fields() {
                assert!(field.is_known_for(reason), "{reason:?} {field:?}");
            }
        }
    }
}

#[test]
fn the_plain_profile_names_nobody() {
    for reason in DenyReason::all() {
        assert!(!plain::message(reason).contains("Stripe"), "{reason:?}");
    }
    assert!(
        !format!("{:?}", Profile::plain().names())
            .to_lowercase()
            .contains("stripe")
    );
}

#[test]
fn a_prefix_belongs_to_one_kind() {
    let profile = Profile::stripe();
    let kinds = |key: &str| {
        KeyKind::ALL
            .into_iter()
            .filter(|kind| profile.is_key_of_kind(key, *kind))
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds("sk_test_x"), [KeyKind::Secret]);
    assert_eq!(kinds("sk_live_x"), [KeyKind::Secret]);
    assert_eq!(kinds("rk_test_x"), [KeyKind::Restricted]);
    assert_eq!(kinds("pk_live_x"), [KeyKind::Publishable]);
    assert_eq!(kinds("sk_org_live_x"), [KeyKind::Organization]);
    assert_eq!(kinds("SK_test_x"), []);
}

fn read(profile: &str) -> Result<Profile, String> {
    let configuration = format!(r#"{{"profile": {profile}}}"#);
    Configuration::from_json(configuration.as_bytes())
        .map(|configuration| configuration.profile().clone())
        .map_err(|refusal| refusal.to_string())
}

#[track_caller]
fn assert_refused(profile: &str, expected: &str) {
    assert_eq!(read(profile).map(drop).unwrap_err(), expected, "{profile}");
}

/// Refused for the member itself, whatever stands beside it.
#[track_caller]
fn assert_each_refused(member: &str, values: &[&str], expected: &str) {
    for value in values {
        assert_refused(&format!("{{{member}: {value}}}"), expected);
    }
}

#[test]
fn what_is_left_out_is_the_presets() {
    assert_eq!(read("{}").unwrap().names().realm, "Stripe".into());
    assert_eq!(
        read(r#"{"preset": "stripe"}"#).unwrap().names().realm,
        "Stripe".into()
    );
    assert_eq!(
        read(r#"{"preset": "plain"}"#).unwrap().names().realm,
        "API".into()
    );
    let profile = read(r#"{"preset": "plain", "realm": "Acme"}"#).unwrap();
    assert_eq!(profile.names().realm, "Acme".into());
    assert_eq!(profile.names().version_header.shown(), "Api-Version");
    assert!(profile.is_key_of_kind("sk_test_x", KeyKind::Secret));
}

#[test]
fn every_name_is_read_and_headers_name_their_parameters() {
    let profile = read(
        r#"{"prefixes": {"secret": ["acme_sk_", "acme_secret_"]}, "headers": {"version": "Acme-Version", "context": "Acme-Context", "account": "Acme-Account"},
            "ids": {"account": "", "organization": "team_"}, "realm": "Acme [1]", "request_id_prefix": "", "retry_header": "Acme-Retry",
            "links": {"authentication": "a:1", "support": "a:2", "api_keys": "a:3", "error_codes": "a:4", "documentation": "a:5"},
            "messages": {"unknown_key": "No: {masked}"}}"#,
    )
    .unwrap();
    let names = profile.names();
    let headers = names.request_headers().map(HeaderName::lower);
    assert_eq!(headers, ["acme-version", "acme-context", "acme-account"]);
    assert_eq!(&*names.version_parameter, "_acme_version");
    assert_eq!(&*names.account_parameter, "_acme_account");
    assert_eq!(names.retry_header.shown(), "Acme-Retry");
    assert_eq!(
        (&*names.ids.account, &*names.ids.organization),
        ("", "team_")
    );
    assert_eq!((&*names.realm, &*names.request_id_prefix), ("Acme [1]", ""));
    let links = &names.links;
    let pages = [
        &links.authentication,
        &links.support,
        &links.api_keys,
        &links.error_codes,
        &links.documentation,
    ];
    assert_eq!(
        pages.map(|page| &**page),
        ["a:1", "a:2", "a:3", "a:4", "a:5"]
    );
    let text = |reason| {
        profile
            .message(reason)
            .unwrap()
            .render(|field| format!("<{}>", field.name()))
    };
    assert_eq!(text(DenyReason::UnknownKey), "No: <masked>");
    assert_eq!(
        text(DenyReason::DeletedKey),
        "Expired API Key provided: <masked>"
    );
    // A kind that is left out keeps the preset's.
    assert!(profile.is_key_of_kind("acme_secret_x", KeyKind::Secret));
    assert!(!profile.is_key_of_kind("sk_test_x", KeyKind::Secret));
    assert!(profile.is_key_of_kind("rk_test_x", KeyKind::Restricted));
}

#[test]
fn stripes_keys_are_masked_under_any_profile_and_are_keys_under_their_own() {
    let profile = read(r#"{"prefixes": {"secret": ["a_"], "restricted": ["b_"], "publishable": ["c_"], "organization": ["d_"]}}"#).unwrap();
    for key in [
        "a_x",
        "d_x",
        "sk_live_x",
        "rk_test_x",
        "pk_live_x",
        "sk_org_live_x",
    ] {
        assert!(profile.known_prefixes().occur_in(key), "{key}");
        assert_eq!(
            profile.is_like_a_key(key.as_bytes()),
            key.len() == 3,
            "{key}"
        );
    }
    assert_eq!(
        crate::mask::echo(
            b"/v1/sk_org_live_FAKE-0123456/a_FAKE-01",
            profile.known_prefixes()
        ),
        "/v1/sk_org_live_********3456/a_*****01"
    );
}

#[test]
fn the_headers_of_a_family_are_known_by_their_common_beginning() {
    for (headers, family) in [
        (
            ["Acme-Version", "acme-Context", "ACME-Account"],
            Some("acme-"),
        ),
        (
            ["X-Acme-Version", "X-Acme-Context", "X-Acme-Account"],
            Some("x-acme-"),
        ),
        (
            ["Acme-Api-Version", "Acme-Api-Context", "Acme-Account"],
            Some("acme-"),
        ),
        // Every request has headers that begin so.
        (["X-Version", "X-Context", "X-Account"], None),
        (["Access-Version", "Access-Context", "Access-Account"], None),
        (["Version", "Context", "Account"], None),
        (["Acme-Version", "Other-Context", "Acme-Account"], None),
    ] {
        let [version, context, account] = headers;
        let profile = read(&format!(
            r#"{{"headers": {{"version": "{version}", "context": "{context}", "account": "{account}"}}}}"#
        ));
        assert_eq!(
            profile.unwrap().names().header_family.as_deref(),
            family,
            "{version}"
        );
    }
    let profile = read(r#"{"headers": {"version": "Acme-Version"}}"#).unwrap();
    assert_eq!(profile.names().header_family, None);
    let profile = read(r#"{"headers": {}}"#).unwrap();
    assert_eq!(profile.names().header_family.as_deref(), Some("stripe-"));
}

#[test]
fn unknown_and_double_members_are_refused() {
    assert_refused(
        r#"{"key_prefixes": {}}"#,
        "profile.*: unknown member, expected one of `preset`, `prefixes`, `headers`, `override_headers`, `ids`, `realm`, `request_id_prefix`, `retry_header`, `links`, `messages`",
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
    // The preset's count, too, where a kind is left out.
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
