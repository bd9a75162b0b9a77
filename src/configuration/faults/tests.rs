use serde_json::{Value, json};

use super::*;

/// Returns a valid configuration with two accounts, a grant set, an endpoint and two keys.
fn good() -> Value {
    let key = |number: u8, owner: &str| {
        json!({"id": format!("mk_{number}"), "sha256": format!("{number:064}"), "kind": "restricted", "livemode": false,
            "owner": owner, "grants": "support"})
    };
    json!({"snapshot": {
        "format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1_795_194_529,
        "accounts": [{"id": "acct_1"}, {"id": "acct_2", "parent": "acct_1"}],
        "grant_sets": {"support": {"widget": "read"}},
        "endpoints": [{"method": "GET", "path": "/v1/widgets", "permission": "widget"}],
        "keys": [key(1, "acct_1"), key(2, "acct_2")],
    }})
}

#[track_caller]
fn assert_faults(json: &str, expected: &[&str]) {
    let faults: Vec<String> = faults(json.as_bytes())
        .iter()
        .map(Refusal::to_string)
        .collect();
    assert_eq!(faults, expected);
    let first = Configuration::from_json(json.as_bytes()).err();
    // A gateway's places hide the name of a grant set.
    let hidden = |fault: &str| fault.replace("grant_sets.support", "grant_sets.*");
    let mut faults = faults.iter().map(|fault| hidden(fault));
    let is_among =
        first.is_none_or(|first| faults.any(|fault| fault == hidden(&first.to_string())));
    assert!(is_among, "a gateway's fault is among them");
}

/// Puts these values at these places of the valid configuration, and asserts the faults.
#[track_caller]
fn assert_altered(edits: &[(&str, Value)], expected: &[&str]) {
    let mut configuration = good();
    for (pointer, value) in edits {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = configuration.pointer_mut(parent).unwrap();
        match parent.as_array_mut() {
            Some(elements) => elements[name.parse::<usize>().unwrap()] = value.clone(),
            None => parent[name] = value.clone(),
        }
    }
    assert_faults(&configuration.to_string(), expected);
}

#[test]
fn a_good_configuration_has_none() {
    assert_altered(&[], &[]);
    assert_faults("{}", &[]);
}

#[test]
fn faults_of_form_and_of_content_are_found_in_one_pass_with_their_numbers() {
    assert_altered(
        &[
            ("/stranger", json!(1)),
            ("/filter_state", json!("a b")),
            ("/snapshot/revision", json!("7")),
            ("/snapshot/keys/0", json!({"id": 7})),
            ("/snapshot/keys/1/sha256", json!("12")),
        ],
        &[
            "snapshot.keys[0].id: expected a string",
            "snapshot.revision: expected a non-negative integer",
            "*: unknown member, expected one of `snapshot`, `serve_mode`, `enforcement`, `max_snapshot_age`, `preflight`, `allow_upgrades`, `forward_credential`, `principal_header`, `identity_headers`, `former_identity_headers`, `filter_state`, `verify_path`, `role`, `feed`, `profile`",
            "filter_state: expected 1 to 64 letters, digits, `_`, `.` or `-`",
            "snapshot.keys[1].sha256: expected 64 hexadecimal digits",
        ],
    );
}

#[test]
fn what_hangs_on_something_refused_is_not_refused_too() {
    // Children and keys of an account, if its form or its id is at fault.
    for account in [json!({"id": "acct_1", "status": "gone"}), json!({"id": 7})] {
        let has_id = account["id"].is_string();
        let mut found = faults(
            {
                let mut configuration = good();
                configuration["snapshot"]["accounts"][0] = account;
                configuration.to_string()
            }
            .as_bytes(),
        );
        let first = found.remove(0).to_string();
        assert!(first.starts_with("snapshot.accounts[0]."), "{first}");
        // Without an id, no other record can refer to it.
        assert_eq!(found.is_empty(), has_id, "{found:?}");
    }
    assert_altered(
        &[("/snapshot/accounts/1/id", json!("account 2"))],
        &[
            "snapshot.accounts[1].id: expected an account's or organization's id with its prefix",
            "snapshot.keys[1].owner: expected the id of a listed account",
        ],
    );
    // The permissions of an endpoint, and the name of a set.
    assert_altered(
        &[("/snapshot/endpoints/0/path", json!("widgets"))],
        &["snapshot.endpoints[0].path: expected a path template such as `/v1/widgets/{id}`"],
    );
    assert_altered(
        &[("/snapshot/endpoints/0/label", json!(7))],
        &["snapshot.endpoints[0].label: expected a string"],
    );
    assert_altered(
        &[("/snapshot/grant_sets/support/widget", json!("all"))],
        &["snapshot.grant_sets.support.*: expected `read` or `write`"],
    );
    assert_altered(
        &[("/snapshot/grant_sets/support/gadget", json!("read"))],
        &["snapshot.grant_sets.support.*: expected the name of a known permission"],
    );
}

#[test]
fn all_keys_refused_are_no_lack_of_keys() {
    assert_altered(
        &[
            ("/snapshot/keys/0", json!([])),
            ("/snapshot/keys/1/mode", json!("test")),
        ],
        &[
            "snapshot.keys[0]: expected an object",
            "snapshot.keys[1].*: unknown member, expected one of `id`, `sha256`, `kind`, `livemode`, `owner`, `status`, `not_before`, `expires_at`, `allowed_ips`, `enforcement`, `grants`, `connect_grants`, `annotations`",
        ],
    );
}

#[test]
fn every_second_one_is_refused() {
    assert_altered(
        &[
            ("/snapshot/accounts/1/id", json!("acct_1")),
            ("/snapshot/keys/1/id", json!("mk_1")),
            ("/snapshot/keys/1/owner", json!("acct_1")),
        ],
        &[
            "snapshot.accounts[1].id: duplicate id",
            "snapshot.keys[1].id: duplicate id",
        ],
    );
}

#[test]
fn members_that_are_missing_or_there_twice_are_told() {
    assert_faults(
        r#"{"preflight": "pass", "preflight": "check", "snapshot": {"revision": 1, "revision": 2, "empty": true}}"#,
        &[
            "preflight: duplicate member",
            "snapshot.revision: duplicate member",
            "snapshot: missing member `format`",
            "snapshot: missing member `issued_at`",
        ],
    );
}

#[test]
fn text_that_is_no_json_has_one_fault() {
    assert_faults(
        "{\"snapshot\": ",
        &["line 1 column 13: expected JSON, and the text ends too early"],
    );
    assert_faults("[]", &["expected an object"]);
}

#[test]
fn of_very_many_the_first_are_told() {
    let accounts: Vec<Value> = (0..1_000).map(|_| json!({})).collect();
    let mut configuration = good();
    configuration["snapshot"]["accounts"] = json!(accounts);
    assert_eq!(faults(configuration.to_string().as_bytes()).len(), MOST);
}
