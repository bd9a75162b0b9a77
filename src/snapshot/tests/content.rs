//! Tests of the members' content.

use super::*;

#[test]
fn numbers_are_integers_however_they_are_written() {
    for seven in ["7", "7.0", "7e0", "70e-1"] {
        let snapshot = assert_taken(r#""revision": 7"#, &format!(r#""revision": {seven}"#));
        assert_eq!(snapshot.revision().number(), 7);
    }
    for other in [
        "7.5",
        "-7",
        "-7.0",
        "1e300",
        "9007199254740992.0",
        "\"7\"",
        "true",
        "null",
        "[7]",
    ] {
        assert_refused(
            r#""revision": 7"#,
            &format!(r#""revision": {other}"#),
            "revision: expected a non-negative integer",
        );
    }
    assert_taken(r#""revision": 7"#, r#""revision": 999999999999999"#);
    assert_refused(
        r#""revision": 7"#,
        r#""revision": 1000000000000000"#,
        "revision: expected an integer below 10^15",
    );
}

#[test]
fn milliseconds_are_refused() {
    assert_taken("1795194529", "99999999999");
    let milliseconds = "expected Unix seconds, not milliseconds";
    assert_refused(
        "1795194529",
        "100000000000",
        &format!("issued_at: {milliseconds}"),
    );
    assert_refused(
        "1795000000",
        "1795000000000",
        &format!("keys[0].not_before: {milliseconds}"),
    );
    assert_refused(
        "1795800000",
        "1795800000000.0",
        &format!("keys[0].expires_at: {milliseconds}"),
    );
}

#[test]
fn another_format_is_refused() {
    let expected = "format: expected `keyward.snapshot/v1`";
    assert_refused("keyward.snapshot/v1", "keyward.snapshot/v2", expected);
    assert_refused("keyward.snapshot/v1", "", expected);
}

#[test]
fn versions_are_well_formed() {
    let expected = "api_versions[1]: expected a version such as `2026-10-28.endive`";
    assert_refused("2020-08-27", "2020-8-27", expected);
    assert_refused("2020-08-27", "", expected);
}

#[test]
fn accounts_are_a_forest() {
    let id = "accounts[0].id: expected an account's or organization's id with its prefix";
    for wrong in [
        "",
        "org_",
        "Org_1",
        "cus_1",
        "org_1.x",
        "org_é",
        &format!("org_{:061}", 1),
    ] {
        let json = VALID.replace("\"org_1\"", &format!("\"{wrong}\""));
        assert_text_refused(&json, id);
    }
    let parent = "accounts[2].parent: expected the id of a listed account";
    assert_refused(r#""parent": "acct_1""#, r#""parent": "acct_9""#, parent);
    assert_refused(r#""parent": "acct_1""#, r#""parent": """#, parent);
    let cycle = "an account is among its own ancestors";
    assert_refused(
        r#""parent": "acct_1""#,
        r#""parent": "acct_2""#,
        &format!("accounts[2].parent: {cycle}"),
    );
    assert_refused(
        r#""parent": "org_1""#,
        r#""parent": "acct_2""#,
        &format!("accounts[1].parent: {cycle}"),
    );
    assert_refused(
        r#"{"id": "org_1"}"#,
        r#"{"id": "org_1", "parent": "acct_1"}"#,
        "accounts[0].parent: an organization has no parent",
    );
}

#[test]
fn a_snapshot_without_keys_says_so() {
    let (before, _) = VALID.split_once("\"keys\": [").unwrap();
    let without = format!("{before}\"keys\": []}}");
    let expected = "keys: expected keys, or none together with `\"empty\": true`";
    assert_text_refused(&without, expected);
    assert_text_refused(
        &without
            .replace("\"keys\": []", "\"api_versions\": []")
            .replacen(
                "\"api_versions\": [\"2026-10-28.endive\", \"2020-08-27\"],",
                "",
                1,
            ),
        expected,
    );
    assert_refused("\"empty\": false", "\"empty\": true", expected);
    let said = without.replace("\"empty\": false", "\"empty\": true");
    assert_eq!(read(&said).unwrap().key_count(), 0);
}

#[test]
fn digests_are_64_hexadecimal_digits() {
    let digest = format!("{:064}", 3);
    let expected = "keys[2].sha256: expected 64 hexadecimal digits";
    for wrong in [
        "",
        &digest.replacen('0', "", 1),
        &format!("{digest}0"),
        &digest.replace('3', "g"),
        "sk_test_FAKE",
    ] {
        assert_refused(&digest, wrong, expected);
    }
    assert_taken(&digest, &"Ab".repeat(32));
}

#[test]
fn ids_of_keys_sets_and_permissions_are_short_and_plain() {
    let expected = "expected an id of 1 to 64 letters, digits, `_`, `.` or `-`";
    for wrong in ["", "mk 1", "mk/1", "mk_é", "mk\\\"1", &"a".repeat(65)] {
        assert_refused(
            "\"mk_3\"",
            &format!("\"{wrong}\""),
            &format!("keys[2].id: {expected}"),
        );
        assert_refused(
            "\"widget\"",
            &format!("\"{wrong}\""),
            &format!("endpoints[0].permission: {expected}"),
        );
        assert_refused(
            "\"coupon\"",
            &format!("\"{wrong}\""),
            &format!("endpoints[2].any_of[1]: {expected}"),
        );
        assert_refused(
            "{\"helpdesk\"",
            &format!("{{\"{wrong}\""),
            &format!("grant_sets.*: {expected}"),
        );
    }
    assert_taken("\"mk_3\"", &format!("\"{}\"", "a".repeat(64)));
}

#[test]
fn owners_are_listed_and_fit_the_kind() {
    let owner = r#""owner": "acct_2""#;
    let expected = "keys[2].owner: expected the id of a listed account";
    assert_refused(owner, r#""owner": "acct_9""#, expected);
    assert_refused(owner, r#""owner": """#, expected);
    assert_refused(
        owner,
        r#""owner": "org_1""#,
        "keys[2].owner: expected an account, not an organization",
    );
    assert_refused(
        r#""owner": "org_1""#,
        r#""owner": "acct_1""#,
        "keys[1].owner: expected an organization",
    );
}

#[test]
fn ranges_have_one_reading() {
    for wrong in [
        "",
        "100.10.38.1/24",
        "100.10.38.0/33",
        "localhost",
        "100.10.38.0/24 ",
    ] {
        assert_refused(
            "\"100.10.38.0/24\"",
            &format!("\"{wrong}\""),
            "keys[0].allowed_ips[0]: expected an address or CIDR range",
        );
    }
}

#[test]
fn grants_fit_the_kind_and_name_what_is_known() {
    assert_refused(
        r#""grants": "helpdesk", "#,
        "",
        "keys[0].grants: a restricted key needs grants",
    );
    for member in ["grants", "connect_grants"] {
        assert_refused(
            r#""owner": "acct_2""#,
            &format!(r#""owner": "acct_2", "{member}": {{}}"#),
            &format!("keys[2].{member}: a publishable key has no grants"),
        );
    }
    assert_refused(
        r#""grants": "helpdesk""#,
        r#""grants": "nobody""#,
        "keys[0].grants: expected the name of a grant set",
    );
    let unknown = "expected the name of a known permission";
    assert_refused(
        r#"{"balance": "read"}"#,
        r#"{"balance": "read", "nothing": "read"}"#,
        &format!("keys[0].connect_grants.*: {unknown}"),
    );
    assert_refused(
        r#""customer": "read""#,
        r#""customer_read": "read""#,
        &format!("grant_sets.*.*: {unknown}"),
    );
    // A permission that an endpoint adds is accepted.
    assert_taken(
        r#"{"balance": "read"}"#,
        r#"{"widget": "read", "gadget": "write"}"#,
    );
    assert_taken(r#"{"balance": "read"}"#, "{}");
}

#[test]
fn endpoints_are_rows() {
    for wrong in ["HEAD", "OPTIONS", "post", "", "*"] {
        assert_refused(
            r#""method": "PUT""#,
            &format!(r#""method": "{wrong}""#),
            "endpoints[2].method: expected GET, POST, DELETE, PUT or PATCH",
        );
    }
    for wrong in [
        "",
        "any",
        "/any/",
        "//",
        "/{}",
        "/{*rest}/x",
        "/a;b",
        "/../x",
        "/%41",
    ] {
        assert_refused(
            "\"/any\"",
            &format!("\"{wrong}\""),
            "endpoints[2].path: expected a path template such as `/v1/widgets/{id}`",
        );
    }
    let permission = "endpoints[2]: expected either `permission` or a non-empty `any_of`";
    let any = r#""any_of": ["gadget", "coupon"], "publishable": true"#;
    assert_refused(any, r#""publishable": true"#, permission);
    assert_refused(any, r#""any_of": []"#, permission);
    assert_refused(
        any,
        r#""any_of": ["gadget"], "permission": "gadget""#,
        permission,
    );
    let label = "endpoints[0].label: expected 1 to 128 characters of printable ASCII";
    for wrong in ["", "é", "a\\nb", &"a".repeat(129)] {
        assert_refused("\"Widgets\"", &format!("\"{wrong}\""), label);
    }
    assert_taken("\"Widgets\"", &format!("\"{}\"", "a".repeat(128)));
    for more in [
        r#""permission": "widget2""#,
        r#""any_of": []"#,
        r#""access": "read""#,
        r#""publishable": false"#,
    ] {
        assert_refused(
            r#""auth": "none""#,
            &format!(r#""auth": "none", {more}"#),
            "endpoints[1]: an endpoint without a key has no permission, access, publishable or expansions",
        );
    }
}
