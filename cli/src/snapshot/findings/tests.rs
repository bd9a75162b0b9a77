use serde_json::{Value, json};

use super::*;
use keyward::endpoint::ROWS;

/// Returns a snapshot with one restricted key that has these members.
fn snapshot(members: Value) -> Value {
    let mut snapshot = json!({
        "format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1_795_194_529,
        "accounts": [{"id": "acct_1"}],
        "keys": [{
            "id": "mk_1", "sha256": "0".repeat(64), "kind": "restricted", "livemode": false, "owner": "acct_1",
            "grants": {"customer": "read"},
        }],
    });
    for (name, value) in members.as_object().unwrap() {
        snapshot[name] = value.clone();
    }
    snapshot
}

fn found(written: &Value) -> Vec<String> {
    let profile = Profile::stripe();
    let snapshot = Snapshot::from_json(written.to_string().as_bytes(), &profile).unwrap();
    let findings = of(&Subject {
        snapshot: &snapshot,
        written: &serde_json::from_value(written.clone()).unwrap(),
        profile: &profile,
        place: Place::default(),
    });
    let shown =
        |finding: &Finding| format!("{:?} {}: {}", finding.level, finding.place, finding.text);
    findings.iter().map(shown).collect()
}

#[track_caller]
fn assert_found(members: Value, expected: &[&str]) {
    assert_eq!(found(&snapshot(members)), expected);
}

/// Asserts the findings for custom rows on top of Stripe's.
#[track_caller]
fn assert_rows(rows: Value, expected: &[&str]) {
    assert_found(json!({"endpoints": rows}), expected);
}

fn row(method: &str, path: &str, permission: &str) -> Value {
    json!({"method": method, "path": path, "permission": permission})
}

#[test]
fn an_ordinary_snapshot_has_no_findings() {
    assert_rows(json!([]), &[]);
    assert_rows(
        json!([
            row("GET", "/v1/widgets", "widget"),
            row("GET", "/v1/widgets/{id}", "widget"),
            row("GET", "/v1/widgets/search", "widget"),
            row("GET", "/v1/widgets/{id}/{*rest}", "widget"),
            row("GET", "/v1/{*rest}", "widget"),
            {"method": "GET", "path": "/healthz", "auth": "none"},
        ]),
        &[],
    );
}

#[test]
fn every_built_in_row_is_reached() {
    let empty = json!({"keys": [], "empty": true});
    assert_found(empty, &[]);
}

#[test]
fn own_rows_in_two_spellings_are_not_reached() {
    let rows = json!([
        row("GET", "/a/Token/x", "w"),
        row("POST", "/a/token/{id}", "w")
    ]);
    assert_rows(
        rows,
        &[
            "Warning endpoints[0].path: no request reaches this row: `POST /a/token/{id}` spells a segment of it in another way, and a path that two rows can claim is refused",
            "Warning endpoints[1].path: no request reaches this row: `GET /a/Token/x` spells a segment of it in another way, and a path that two rows can claim is refused",
        ],
    );
}

#[test]
fn another_spelling_below_a_parameter_counts_and_beside_it_does_not() {
    assert_rows(
        json!([row("GET", "/a/b", "w"), row("GET", "/{x}/B", "w")]),
        &[
            "Warning endpoints[0].path: no request reaches this row: `GET /{x}/B` spells a segment of it in another way, and a path that two rows can claim is refused",
        ],
    );
    assert_rows(
        json!([
            row("GET", "/a/search.json", "w"),
            row("GET", "/{x}/search", "w")
        ]),
        &[
            "Warning endpoints[0].path: no request reaches this row: `GET /{x}/search` spells a segment of it in another way, and a path that two rows can claim is refused",
        ],
    );
    assert_rows(
        json!([row("GET", "/a/b", "w"), row("GET", "/c/B", "w")]),
        &[],
    );
}

#[test]
fn own_rows_that_put_stripes_out_of_reach_are_found() {
    assert_rows(
        json!([row("GET", "/v1/Balance", "w")]),
        &[
            "Warning endpoints[0].path: no request reaches this row: `GET /v1/balance` spells a segment of it in another way, and a path that two rows can claim is refused",
            "Warning endpoints[0].path: no request reaches Stripe's `GET /v1/balance` and 2 more any longer: a segment here is another spelling of theirs",
        ],
    );
    let own = json!({"catalogue": "none", "endpoints": [row("GET", "/v1/Balance", "customer")]});
    assert_found(own, &[]);
}

#[test]
fn a_wildcard_that_others_answer_before_is_found() {
    assert_rows(
        json!([
            row("GET", "/a/{x}", "w"),
            row("GET", "/a/{x}/{*rest}", "w"),
            row("GET", "/a/{*all}", "w"),
        ]),
        &[
            "Warning endpoints[2].path: no request reaches this row but those whose path ends in a slash: other rows answer first",
        ],
    );
}

#[test]
fn a_replaced_row_is_noted_with_what_changes() {
    assert_rows(
        json!([
            row("GET", "/v1/customers/{own}", "widget"),
            {"method": "POST", "path": "/v1/tokens", "permission": "token", "publishable": false, "access": "read"},
            {"method": "GET", "path": "/v1/balance", "auth": "none"},
            row("GET", "/v1/topups", "topup"),
        ]),
        &[
            "Note endpoints[0]: replaces Stripe's row, which asks for `customer` (read): this one asks for `widget` (read)",
            "Note endpoints[1]: replaces Stripe's row, which asks for `token` (write), or a publishable key: this one asks for `token` (read)",
            "Note endpoints[2]: replaces Stripe's row, which asks for `balance` (read): this one asks for no key at all",
            "Note endpoints[3]: replaces Stripe's row, which asks for the same: `top_up` (read)",
        ],
    );
}

#[test]
fn a_permission_that_is_named_twice_is_found() {
    assert_rows(
        json!([{"method": "GET", "path": "/x", "any_of": ["top_up", "topup"]}]),
        &["Warning endpoints[0].any_of: names a permission twice, perhaps in two spellings"],
    );
}

#[test]
fn grants_that_grant_nothing_are_found() {
    let key = |number: usize, grants: Value| {
        json!({
            "id": format!("mk_{number}"), "sha256": format!("{number:064}"), "kind": "restricted", "livemode": false, "owner": "acct_1",
            "grants": grants,
        })
    };
    let mut deleted = key(4, json!({"balance": "write"}));
    deleted["status"] = json!("deleted");
    assert_found(
        json!({
            "grant_sets": {"support": {"balance": "write", "customer": "write"}},
            "keys": [
                key(1, json!("support")),
                key(2, json!({"balance": "write", "account_session": "read"})),
                key(3, json!({"rak_balance": "write"})),
                deleted,
            ],
        }),
        &[
            "Warning grant_sets.support.balance: `balance` has no level `write` at Stripe; `read` grants the same, and so at 2 places more",
            "Warning keys[1].grants.account_session: `account_session` at level `read` grants nothing: every endpoint that asks for it asks for `write`",
        ],
    );
}

#[test]
fn with_a_catalogue_of_ones_own_its_rows_alone_count() {
    let members = |grants: Value| {
        let mut members = json!({
            "catalogue": "none",
            "endpoints": [row("GET", "/widgets", "widget"), row("POST", "/balance", "balance")],
            "grant_sets": {},
        });
        members["grant_sets"]["set"] = grants;
        members["keys"] = json!([]);
        members["empty"] = json!(true);
        members
    };
    assert_found(members(json!({"widget": "read", "balance": "write"})), &[]);
    assert_found(
        members(json!({"widget": "write", "customer": "read"})),
        &[
            "Warning grant_sets.set.customer: `customer` grants nothing: no endpoint asks for it",
            "Warning grant_sets.set.widget: no endpoint asks for `widget` at level `write`; `read` grants the same",
        ],
    );
}

#[test]
fn what_only_an_expansion_asks_for_grants_something() {
    let reads: Vec<Value> = ROWS
        .iter()
        .filter(|row| row.permissions.contains(&"mandate"))
        .map(|row| json!({"method": row.method.name(), "path": row.path, "permission": "widget"}))
        .collect();
    assert!(!reads.is_empty());
    let members = json!({
        "endpoints": reads, "grant_sets": {"set": {"mandate": "read", "account_session": "read"}},
    });
    let warnings: Vec<String> = found(&snapshot(members))
        .into_iter()
        .filter(|finding| finding.starts_with("Warning"))
        .collect();
    assert_eq!(
        warnings,
        [
            "Warning grant_sets.set.account_session: `account_session` at level `read` grants nothing: every endpoint that asks for it asks for `write`"
        ]
    );
}

#[test]
fn what_looks_like_a_key_is_masked() {
    let name = "sk_live_FAKE-alice-0001";
    let findings = found(&snapshot(json!({
        "endpoints": [row("GET", &format!("/{name}"), "w"), row("GET", &format!("/{}", name.to_uppercase()), "w")],
        "grant_sets": {name: {"balance": "write"}},
    })));
    assert_eq!(findings.len(), 3, "{findings:#?}");
    for finding in findings {
        assert!(!finding.contains("alice-0001"), "{finding}");
    }
}

#[test]
fn direct_permissions_in_connect_grants_are_told_with_the_first_place() {
    let key = |grants: Value| {
        json!({
            "id": "mk_1", "sha256": "0".repeat(64), "kind": "secret", "livemode": false, "owner": "acct_1", "connect_grants": grants,
        })
    };
    let warning = "Warning keys[0].connect_grants: `account_link` is \"(Direct)\" at Stripe: it serves no call on a connected account";
    let inline = json!({"keys": [key(json!({"account_link": "write", "customer": "read"}))]});
    assert_found(inline, &[warning]);
    let set =
        json!({"grant_sets": {"links": {"account_link": "write"}}, "keys": [key(json!("links"))]});
    assert_found(set, &[warning]);
}

#[test]
fn what_an_added_expansion_asks_for_is_asked_for() {
    let rows = json!([{
        "method": "GET", "path": "/v1/charges/{id}", "permission": "charge",
        "expansions": {"loyalty": "widget"},
    }]);
    let mut written = snapshot(json!({"endpoints": rows}));
    written["keys"][0]["grants"] = json!({"charge": "read", "widget": "read"});
    let told = found(&written);
    assert!(!told.iter().any(|text| text.contains("widget")), "{told:?}");
}
