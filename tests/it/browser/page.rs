//! A page in a real Chromium: where its calls arrive, and what it can read.

use serde_json::{Value, json};

use super::chromium::{Call, Site};
use super::{OPEN, PUBLISHABLE, Place, SECRET, gateway};
use crate::support::upstream::Seen;
use crate::support::{BOUND, Upstream, eventually};

/// Asserts that the page read the upstream's answer, and that the upstream received the caller.
#[track_caller]
fn assert_passed(seen: &Value, account: &str) {
    assert_eq!(seen["status"], 200, "{seen}");
    let body = seen["body"].as_str().unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let told = body["headers"].as_array().unwrap();
    let told = told.iter().find(|pair| pair[0] == "x-keyward-principal");
    let told = told.unwrap()[1].as_str().unwrap();
    assert!(
        told.starts_with("key=\"mk_pk\", kind=publishable"),
        "{told}"
    );
    assert!(told.contains(&format!("account=\"{account}\"")), "{told}");
}

/// Asserts that the page read keyward's whole answer: status, reason, message, and the id to quote.
#[track_caller]
fn assert_refused(seen: &Value, status: u16, reason: &str, message: &str) {
    assert_eq!(seen["status"], status, "{seen}");
    assert_eq!(seen["headers"]["x-keyward-denied"], reason);
    assert_eq!(seen["headers"]["stripe-should-retry"], "false");
    let id = seen["headers"]["request-id"].as_str().unwrap();
    assert!(id.starts_with("req_"), "{id}");
    let body: Value = serde_json::from_str(seen["body"].as_str().unwrap()).unwrap();
    let shown = body["error"]["message"].as_str().unwrap();
    assert!(shown.contains(message), "{shown}");
    assert!(!seen.to_string().contains(SECRET));
}

/// Asserts that the page learned nothing, not even the status.
#[track_caller]
fn assert_hidden(seen: &Value) {
    assert_eq!(*seen, json!({"error": "TypeError: Failed to fetch"}));
}

fn methods(seen: &[Seen]) -> Vec<String> {
    let text = |seen: &Seen| String::from_utf8_lossy(&seen.method).into_owned();
    seen.iter().map(text).collect()
}

#[test]
fn a_page_calls_with_a_publishable_key() {
    let Some(site) = Site::open("a page calls with a publishable key") else {
        return;
    };
    let upstream = Upstream::start();
    let gateway = |place, settings: Value| {
        gateway(place, &site.origin(), upstream.address(), &settings).start()
    };
    let envoy = gateway(Place::BeforeKeyward, json!({}));
    let checking = gateway(Place::BeforeKeyward, json!({"preflight": "check"}));
    let call = |method, path: &str| Call::new(method, envoy.address(), path);
    let bearer = format!("Bearer {PUBLISHABLE}");
    let query = |path: &str| format!("{path}?key={PUBLISHABLE}");

    let seen = site.visit(
        &site.origin(),
        &[
            // With a header, which needs a preflight.
            call("POST", "/v1/tokens")
                .header("authorization", &bearer)
                .form("card[number]=4242"),
            call("GET", OPEN)
                .header("authorization", &bearer)
                .header("stripe-account", "acct_child"),
            Call::new("GET", checking.address(), OPEN).header("authorization", &bearer),
            // With the key in the query, which needs no preflight.
            call("GET", &query(OPEN)),
            call("POST", &query("/v1/tokens")).form("card[number]=4242"),
            call("GET", &(query(OPEN) + "&_stripe_account=acct_child")),
            // Calls that keyward rejects.
            call("GET", "/v1/balance").header("authorization", &bearer),
            call("GET", &query("/v1/balance")),
            call("GET", &(query(OPEN) + "&_stripe_account=acct_unlisted")),
            call("GET", &(query(OPEN) + "&_stripe_account=acct%5Fchild")),
            call("GET", &format!("/v1/balance?key={SECRET}")),
            call("GET", &query(OPEN)).header("authorization", &bearer),
            call("GET", OPEN),
            call("POST", "/v1/tokens").form(&format!("key={PUBLISHABLE}")),
            Call::new("GET", checking.address(), "/v1/balance").header("authorization", &bearer),
            // Not allowed by the policy: the browser does not make the call.
            call("GET", &query(OPEN)).header("x-other", "1"),
            call("DELETE", &query("/v1/consumers/x")),
        ],
    );
    let expected_accounts = [
        "acct_shop",
        "acct_child",
        "acct_shop",
        "acct_shop",
        "acct_shop",
        "acct_child",
    ];
    for (seen, account) in seen.iter().zip(expected_accounts) {
        assert_passed(seen, account);
    }
    for (seen, (status, reason, message)) in seen[6..15].iter().zip([
        (401, "secret_key_required", "use a secret API key"),
        (401, "secret_key_required", "use a secret API key"),
        (403, "account_not_accessible", "'acct_unlisted'"),
        (400, "malformed_context", "acct%5Fchild"),
        (401, "unknown_key", "sk_test_***********0001"),
        (401, "malformed_credential", "Bearer ****"),
        (401, "missing_credential", "did not provide an API key"),
        // Only the body contains that key, and keyward does not read bodies.
        (401, "missing_credential", "did not provide an API key"),
        (401, "secret_key_required", "use a secret API key"),
    ]) {
        assert_refused(seen, status, reason, message);
    }
    assert_hidden(&seen[15]);
    assert_hidden(&seen[16]);
    // The preflights of the four calls with `Authorization`, and two that kept the browser from
    // making the call. A key in the query needs none.
    eventually("the preflights are in the access log", BOUND, || {
        let log = envoy.access_log();
        let preflights = log
            .iter()
            .filter(|line| line["response_code_details"] == "cors_response");
        (log.len() >= 19).then(|| assert_eq!(preflights.count(), 6))
    });
    // No preflight reached keyward or the upstream.
    assert_eq!(
        methods(&upstream.seen()),
        ["POST", "GET", "GET", "GET", "POST", "GET"]
    );
    assert_eq!(envoy.requests_total("allow", "preflight"), 0);
    assert_eq!(
        envoy.stat("wasmcustom.keyward_secret_keys_in_query_total"),
        1
    );
    // A form and its key: keyward leaves them to the upstream.
    assert_eq!(upstream.seen()[0].body, b"card[number]=4242");
}

#[test]
fn behind_keyward_the_cors_filter_hides_every_refusal_from_pages() {
    let Some(site) = Site::open("the CORS filter behind keyward") else {
        return;
    };
    let upstream = Upstream::start();
    let gateway = |settings: Value| {
        gateway(
            Place::AfterKeyward,
            &site.origin(),
            upstream.address(),
            &settings,
        )
        .start()
    };
    let (passing, checking) = (gateway(json!({})), gateway(json!({"preflight": "check"})));
    let bearer = format!("Bearer {PUBLISHABLE}");
    let query = |path: &str| format!("{path}?key={PUBLISHABLE}");
    let seen = site.visit(
        &site.origin(),
        &[
            Call::new("GET", passing.address(), OPEN).header("authorization", &bearer),
            Call::new("GET", checking.address(), &query(OPEN)),
            Call::new("GET", passing.address(), &query("/v1/balance")),
            Call::new("GET", checking.address(), OPEN).header("authorization", &bearer),
        ],
    );
    assert_passed(&seen[0], "acct_shop");
    assert_passed(&seen[1], "acct_shop");
    assert_hidden(&seen[2]);
    assert_hidden(&seen[3]);
    assert_eq!(passing.requests_total("deny", "secret_key_required"), 1);
    assert_eq!(checking.requests_total("deny", "missing_credential"), 1);
}

#[test]
fn a_page_of_an_unknown_origin_reads_nothing_and_reaches_what_needs_no_preflight() {
    let Some(site) = Site::open("a page of an unknown origin") else {
        return;
    };
    let upstream = Upstream::start();
    let envoy = gateway(
        Place::BeforeKeyward,
        &site.origin(),
        upstream.address(),
        &json!({}),
    )
    .start();
    let call = |path: &str| Call::new("GET", envoy.address(), path);
    let seen = site.visit(
        &site.other_origin(),
        &[
            call(OPEN).header("authorization", &format!("Bearer {PUBLISHABLE}")),
            call(&format!("/v1/balance?key={PUBLISHABLE}")),
            call(&format!("{OPEN}?key={PUBLISHABLE}")),
        ],
    );
    seen.iter().for_each(assert_hidden);
    // The call that may pass has passed: CORS protects the answer, not the request.
    assert_eq!(methods(&upstream.seen()), ["GET"]);
    assert_eq!(envoy.requests_total("allow", "key"), 1);
    assert_eq!(envoy.requests_total("deny", "secret_key_required"), 1);
    assert_eq!(envoy.requests_total("deny", "missing_credential"), 0);
}
