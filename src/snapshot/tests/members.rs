//! Tests of members: which exist, that each occurs once, and their JSON types.

use super::*;

#[test]
fn unknown_members_are_refused_at_every_level_but_in_annotations() {
    assert_refused(
        r#""revision": 7"#,
        r#""revision": 7, "x": 1"#,
        "*: unknown member, expected one of `format`, `revision`, `issued_at`, `api_versions`, `accounts`, `grant_sets`, `catalogue`, `endpoints`, `keys`, `empty`",
    );
    assert_refused(
        r#"{"id": "org_1"}"#,
        r#"{"id": "org_1", "x": 1}"#,
        "accounts[0].*: unknown member, expected one of `id`, `parent`, `children`, `status`",
    );
    assert_refused(
        r#""auth": "none""#,
        r#""auth": "none", "x": 1"#,
        "endpoints[1].*: unknown member, expected one of `method`, `path`, `permission`, `any_of`, `access`, `label`, `publishable`, `auth`, `expansions`",
    );
    assert_refused(
        r#""owner": "acct_2""#,
        r#""owner": "acct_2", "x": 1"#,
        "keys[2].*: unknown member, expected one of `id`, `sha256`, `kind`, `livemode`, `owner`, `status`, `not_before`, `expires_at`, `allowed_ips`, `enforcement`, `grants`, `connect_grants`, `annotations`",
    );
    assert_taken(r#""since": 2.5"#, r#""x": -1, "y": "z", "w": [true]"#);
    assert_taken(
        r#"{"team": ["billing", {"deep": null}], "since": 2.5}"#,
        "{}",
    );
}

#[test]
fn a_member_that_stands_twice_is_refused_at_every_level() {
    assert_refused(
        r#""revision": 7"#,
        r#""revision": 7, "revision": 7"#,
        "revision: duplicate member",
    );
    // Escapes can spell the same name.
    assert_refused(
        r#""revision": 7"#,
        r#""revision": 7, "re\u0076ision": 7"#,
        "*: duplicate member",
    );
    assert_refused(
        r#"{"id": "org_1"}"#,
        r#"{"id": "org_1", "id": "org_1"}"#,
        "accounts[0].id: duplicate member",
    );
    assert_refused(
        r#""auth": "none""#,
        r#""auth": "none", "auth": "none""#,
        "endpoints[1].auth: duplicate member",
    );
    assert_refused(
        r#""owner": "acct_2""#,
        r#""owner": "acct_2", "owner": "acct_2""#,
        "keys[2].owner: duplicate member",
    );
    assert_refused(
        r#"{"helpdesk": {"#,
        r#"{"helpdesk": {}, "helpdesk": {"#,
        "grant_sets.*: duplicate member",
    );
    assert_refused(
        r#""customer": "read""#,
        r#""customer": "read", "customer": "write""#,
        "grant_sets.*.*: duplicate member",
    );
    assert_refused(
        r#"{"balance": "read"}"#,
        r#"{"balance": "read", "balance": "read"}"#,
        "keys[0].connect_grants.*: duplicate member",
    );
    // Two names of the same permission.
    assert_refused(
        r#"{"balance": "read"}"#,
        r#"{"topup": "read", "top_up": "write"}"#,
        "keys[0].connect_grants.*: duplicate member",
    );
    assert_refused(
        r#""customer": "read""#,
        r#""customer": "read", "rak_customer": "read""#,
        "grant_sets.*.*: duplicate member",
    );
    assert_refused(
        r#""since": 2.5"#,
        r#""since": 2.5, "team": 1"#,
        "keys[0].annotations: duplicate member",
    );
    assert_refused(
        r#"{"deep": null}"#,
        r#"{"deep": null, "deep": null}"#,
        "keys[0].annotations.*[1]: duplicate member",
    );
}

#[test]
fn ids_and_digests_stand_once() {
    assert_refused(
        r#"{"id": "acct_2""#,
        r#"{"id": "acct_1""#,
        "accounts[2].id: duplicate id",
    );
    assert_refused(
        r#""id": "mk_3""#,
        r#""id": "mk_1""#,
        "keys[2].id: duplicate id",
    );
    assert_refused("000003\"", "000001\"", "keys[2].sha256: duplicate digest");
    let endpoint = r#"{"method": "GET", "path": "/healthz", "auth": "none"}"#;
    assert_refused(
        endpoint,
        &format!("{endpoint}, {endpoint}"),
        "endpoints[2].path: duplicate method and path",
    );
}

#[test]
fn missing_members_are_named() {
    assert_refused(
        r#""format": "keyward.snapshot/v1","#,
        "",
        "missing member `format`",
    );
    assert_refused(r#""revision": 7,"#, "", "missing member `revision`");
    assert_refused(
        r#""issued_at": 1795194529,"#,
        "",
        "missing member `issued_at`",
    );
    assert_refused(
        r#"{"id": "org_1"}"#,
        "{}",
        "accounts[0]: missing member `id`",
    );
    assert_refused(
        r#""path": "/any","#,
        "",
        "endpoints[2]: missing member `path`",
    );
    assert_refused(
        r#""method": "PUT","#,
        "",
        "endpoints[2]: missing member `method`",
    );
    for (member, text) in [
        ("id", r#""id": "mk_3","#),
        ("sha256", &format!(r#""sha256": "{:064}","#, 3)),
        ("kind", r#""kind": "publishable","#),
        ("owner", r#", "owner": "acct_2""#),
    ] {
        assert_refused(text, "", &format!("keys[2]: missing member `{member}`"));
    }
    assert_refused(
        r#""kind": "publishable", "livemode": true,"#,
        r#""kind": "publishable","#,
        "keys[2]: missing member `livemode`",
    );
}

#[test]
fn null_is_not_absence() {
    for (member, place, expected) in [
        ("\"parent\": \"acct_1\"", "accounts[2].parent", "a string"),
        (
            "\"not_before\": 1795000000",
            "keys[0].not_before",
            "a non-negative integer",
        ),
        ("\"label\": \"Widgets\"", "endpoints[0].label", "a string"),
        (
            "\"permission\": \"widget\"",
            "endpoints[0].permission",
            "a string",
        ),
        (
            "\"any_of\": [\"gadget\", \"coupon\"]",
            "endpoints[2].any_of",
            "an array",
        ),
        (
            "\"api_versions\": [\"2026-10-28.endive\", \"2020-08-27\"]",
            "api_versions",
            "an array",
        ),
    ] {
        let (name, _) = member.split_once(':').unwrap();
        assert_refused(
            member,
            &format!("{name}: null"),
            &format!("{place}: expected {expected}"),
        );
    }
}

#[test]
fn words_are_spelled_exactly_and_are_strings() {
    let children = "accounts[2].children: expected `listed` or `any`";
    let cases = [
        (r#""children": "any""#, "children", children),
        (
            r#""kind": "publishable""#,
            "kind",
            "keys[2].kind: expected `secret`, `restricted`, `publishable` or `organization`",
        ),
        (
            r#""enforcement": "enforce""#,
            "enforcement",
            "keys[0].enforcement: expected `enforce` or `shadow`",
        ),
        (
            r#""catalogue": "stripe""#,
            "catalogue",
            "catalogue: expected `stripe` or `none`",
        ),
        (
            r#""auth": "none""#,
            "auth",
            "endpoints[1].auth: expected `none`",
        ),
        (
            r#""access": "read""#,
            "access",
            "endpoints[0].access: expected `read` or `write`",
        ),
    ];
    for (text, member, expected) in cases {
        let (_, word) = text.split_once(": ").unwrap();
        let capital = word.to_uppercase();
        let variant = format!("{{{word}: null}}");
        for other in ["\"x\"", "\"\"", "null", "7", "[]", "{}", &capital, &variant] {
            assert_refused(text, &format!("\"{member}\": {other}"), expected);
        }
    }
    assert_refused(
        r#""status": "active",
            "not_before""#,
        r#""status": "revoked",
            "not_before""#,
        "keys[0].status: expected `active` or `deleted`",
    );
    assert_refused(
        r#""children": "listed", "status": "active""#,
        r#""children": "listed", "status": "deleted""#,
        "accounts[1].status: expected `active` or `suspended`",
    );
    assert_refused(
        r#"{"balance": "read"}"#,
        r#"{"balance": "none"}"#,
        "keys[0].connect_grants.*: expected `read` or `write`",
    );
    assert_refused(
        r#""customer": "read""#,
        r#""customer": null"#,
        "grant_sets.*.*: expected `read` or `write`",
    );
}

#[test]
fn objects_arrays_texts_and_booleans_are_not_taken_for_each_other() {
    for other in ["[]", "7", "\"x\"", "null", "true"] {
        assert_text_refused(other, "expected an object");
        assert_refused(
            r#"{"id": "org_1"}"#,
            other,
            "accounts[0]: expected an object",
        );
    }
    // serde's derived code would read members from an array.
    assert_refused(
        r#"{"id": "org_1"}"#,
        r#"["org_1"]"#,
        "accounts[0]: expected an object",
    );
    assert_refused(
        r#"{"method": "GET", "path": "/healthz", "auth": "none"}"#,
        r#"["GET", "/healthz", null, null, null, null, null, "none"]"#,
        "endpoints[1]: expected an object",
    );
    for other in ["null", "{}", "\"100.10.38.0/24\""] {
        assert_refused(
            r#"["100.10.38.0/24", "203.0.113.7"]"#,
            other,
            "keys[0].allowed_ips: expected an array",
        );
    }
    for other in ["null", "7", "{}", "[]"] {
        assert_refused(
            r#""id": "mk_3""#,
            &format!(r#""id": {other}"#),
            "keys[2].id: expected a string",
        );
    }
    for other in ["null", "0", "\"false\""] {
        assert_refused(
            r#""empty": false"#,
            &format!(r#""empty": {other}"#),
            "empty: expected a boolean",
        );
        assert_refused(
            r#""publishable": true"#,
            &format!(r#""publishable": {other}"#),
            "endpoints[2].publishable: expected a boolean",
        );
    }
    for other in ["null", "[]", "[7, {\"a\": []}]", "7"] {
        assert_refused(
            r#"{"balance": "read"}"#,
            other,
            "keys[0].connect_grants: expected an object of permissions, or the name of a grant set",
        );
        assert_refused(
            r#"{"customer": "read", "charge": "write"}"#,
            other,
            "grant_sets.*: expected an object",
        );
    }
}
