//! What is wrong with a key file, with its line and place.

use super::*;

#[test]
fn every_fault_is_named_with_its_line_and_place() {
    let text = with("\"203.0.113.7\"", "\"203.0.113.7/8\"")
        .replace("id = \"mk_2\"", "id = \"mk_2\"\nlimits = 3")
        .replace("mode = \"test\"\nowner = \"acct_2\"", "owner = \"acct_2\"");
    assert_faults(
        &text,
        &[
            "keys.toml:33: keys[0].allowed_ips[0]: expected an address or CIDR range",
            "keys.toml:40: keys[1]: missing member `mode`",
            "keys.toml:42: keys[1].limits: unknown member, expected one of `id`, `name`, `note`, `labels`, `created`, `created_by`, `kind`, `mode`, `owner`, `grants`, `connect_grants`, `allowed_ips`, `expires`, `not_before`, `status`, `enforcement`, `replaces`, `replaced_by`, `last4`, `value`, `sha256`",
        ],
    );
}

#[test]
fn what_is_named_must_be_there() {
    let text = with("parent = \"acct_1\"", "parent = \"acct_9\"")
        .replace("owner = \"acct_2\"", "owner = \"acct_8\"")
        .replace("widget = \"write\"", "wigdet = \"write\"");
    assert_faults(
        &text,
        &[
            "keys.toml:11: accounts[1].parent: expected the id of a listed account",
            "keys.toml:25: keys[0].grants.wigdet: expected the name of a known permission",
            "keys.toml:40: keys[1].owner: expected the id of a listed account",
        ],
    );
    assert_faults(
        &with(
            "grants = { customer = \"read\", widget = \"write\" }",
            "grants = \"sales\"",
        ),
        &["keys.toml:25: keys[0].grants: expected the name of a grant set"],
    );
}

#[test]
fn what_a_gateway_would_refuse_is_traced_to_its_place_in_the_file() {
    assert_faults(
        &with("serve_mode = \"test\"", "serve_mode = \"tset\""),
        &["keys.toml:4: configuration.serve_mode: expected `any`, `live` or `test`"],
    );
    assert_faults(
        &with("path = \"/v1/widgets\"", "path = \"v1/widgets\""),
        &["keys.toml:19: endpoints[0].path: expected a path template such as `/v1/widgets/{id}`"],
    );
    assert_faults(
        &with(
            "id = \"acct_1\"   #",
            "id = \"acct_1\"\nparent = \"acct_2\" #",
        ),
        &["keys.toml:7: accounts[0].parent: an account is among its own ancestors"],
    );
}

#[test]
fn a_raw_key_is_refused_wherever_it_stands_and_is_never_shown() {
    for text in [
        with("# asked for by Ann", "# sk_live_FAKE-alice-0001"),
        with("\"Billing\"", "\"sk_live_FAKE-alice-0001\""),
        with("\"Billing\"", "\"sk\\u005flive_FAKE-alice-0001\""),
        with(
            "customer = \"read\"\n",
            "rk_live_FAKE-alice-0001 = \"read\"\n",
        ),
        with("sha256 = \"", "sha256 = \"sk_live_FAKE-alice-0001"),
        with("format = ", "sk_live_FAKE-alice-0001"),
    ] {
        let faults = read(&text).unwrap_err().to_string();
        assert!(faults.contains("a key is here"), "{faults}");
        assert!(!faults.contains("alice"), "{faults}");
    }
    let own = with(
        "[configuration]\n",
        "[configuration]\nprofile = { preset = \"plain\", prefixes = { secret = [\"acme_live_\"] } }\n",
    );
    let faults = read(&own.replace("Billing", "acme_live_FAKE-alice-0001")).unwrap_err();
    assert!(faults.to_string().contains("a key is here"), "{faults}");
}

#[test]
fn no_fault_quotes_the_content() {
    for text in [
        with("\"restricted\"", "\"hunter2-hunter2\""),
        with("\"203.0.113.7\"", "\"hunter2-hunter2\""),
        with("kind = \"publishable\"", "kind = \"secret\""),
        with("\"acct_2\"\nparent", "\"hunter2 hunter2\"\nparent"),
        with("sha256 = \"", "sha256 = \"hunter2-hunter2"),
        with(
            "created = 2026-11-20T10:00:00Z",
            "created = \"hunter2-hunter2\"",
        ),
        with("name = \"Widgets\"", "\"hunter2 hunter2\" = \"Widgets\""),
        with("method = \"POST\"", "method = hunter2-hunter2"),
        with(
            "value = \"pk_test_FAKE-alice-0001\"",
            "value = \"hunter2-hunter2\"",
        ),
    ] {
        let faults = read(&text).unwrap_err().to_string();
        assert!(!faults.contains("hunter2"), "{faults}");
        assert!(!faults.contains("pk_test"), "{faults}");
    }
}
