mod refused;

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

/// Asserts that the member is rejected because of itself.
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
    // A kind that is left out keeps the preset's prefixes.
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
        // Every request has headers with this prefix.
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
