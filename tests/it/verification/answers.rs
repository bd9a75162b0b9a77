//! The answer for a good credential.

use serde_json::json;

use super::*;
use crate::support::command::{command, fed};
use crate::support::{Ecds, Push, Upstream, Wrapper, packed};

#[test]
fn a_good_credential_is_told_its_facts() {
    let envoy = Envoy::builder()
        .config(configuration(json!({})).to_string())
        .start();
    let answer = verify(&envoy, FULL);
    assert_eq!(answer.status, 200, "{}", envoy.logs());
    let expected = json!({
        "account": "acct_1", "code": "API_KEY_VERIFIED", "connect_scopes": ["*"], "expires_at": null, "is_valid": true, "key_id": "mk_full",
        "kind": "secret", "last_verified_on": null, "livemode": false, "message": "API key verified", "org_code": "org_1", "scopes": ["*"],
        "status": "active", "user_id": "kp_1234567890", "verification_count": 0,
    });
    assert_eq!(answer.json(), expected);
    let names: Vec<&[u8]> = answer.headers.iter().map(|(name, _)| &**name).collect();
    assert_eq!(
        names,
        [
            "content-type",
            "cache-control",
            "request-id",
            "content-length",
            "date",
            "server"
        ]
        .map(str::as_bytes),
    );
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-cache, no-store"));

    let limited = verify(&envoy, LIMITED).json();
    assert_eq!(
        limited["scopes"],
        json!([
            "balance_read",
            "billing_clock_read",
            "customer_read",
            "customer_write"
        ])
    );
    assert_eq!(limited["connect_scopes"], json!([]));
    assert_eq!(
        (&limited["account"], &limited["org_code"]),
        (&json!("acct_3"), &json!(null))
    );
    assert_eq!(
        (&limited["expires_at"], &limited["user_id"]),
        (&json!(4_000_000_000_u64), &json!(null))
    );

    let organization = verify(&envoy, ORGANIZATION).json();
    assert_eq!(
        (&organization["account"], &organization["org_code"]),
        (&json!(null), &json!("org_1"))
    );
    assert_eq!(organization["scopes"], json!(["charge_read"]));
    assert_eq!(organization["connect_scopes"], json!(["charge_read"]));

    // A publishable key may be in the query.
    let publishable = envoy.get(&format!("{PATH}?key={PUBLISHABLE}"), &[("x", "y")]);
    assert_eq!(
        (publishable.status, publishable.json()["scopes"].clone()),
        (200, json!([]))
    );
}

#[test]
fn a_verification_never_reaches_the_upstream_and_the_log_says_what_it_was() {
    let upstream = Upstream::start();
    let envoy = Envoy::builder()
        .config(configuration(json!({})).to_string())
        .upstream(upstream.address())
        .start();
    for method in ["GET", "HEAD", "POST"] {
        let answer = envoy.request(method, &format!("{PATH}?x=1"), &bearer(FULL), b"");
        assert_eq!(answer.status, 200, "{method}");
        assert_eq!(answer.body.is_empty(), method == "HEAD");
        let refused = envoy.request(method, PATH, &bearer(STRANGER), b"");
        assert_eq!(refused.status, 401, "{method}");
    }
    assert!(upstream.seen().is_empty());
    let line = envoy.logged("a verification", |line| {
        line["path"] == PATH && line["response_code"] == 200
    });
    assert_eq!(
        line["keyward"],
        "verify key=\"mk_full\", kind=secret, livemode=?0, org=\"org_1\", revision=7"
    );
    assert_eq!(line["response_code_details"], "keyward_verified");
    let line = envoy.logged("a refusal", |line| line["response_code"] == 401);
    assert_eq!(line["keyward"], "deny unknown_key revision=7");
    assert_eq!(
        line["response_code_details"],
        "keyward_denied{not_verified}"
    );
    assert_eq!(envoy.requests_total("verify", "key"), 3);
    assert_eq!(envoy.requests_total("deny", "unknown_key"), 3);

    // Requests with other methods or spellings are ordinary requests.
    for (method, path) in [
        ("DELETE", PATH),
        ("PUT", PATH),
        ("GET", "/v1/keys/verify/"),
        ("GET", "/v1/keys//verify"),
        ("GET", "/v1/keys/%76erify"),
        ("GET", "/V1/keys/verify"),
        ("GET", "/v1/keys/x/../verify"),
    ] {
        let reached = upstream.count();
        let answer = envoy.request(method, path, &bearer(FULL), b"");
        assert_eq!(answer.status, 200, "{method} {path}");
        assert_eq!(upstream.count(), reached + 1, "{method} {path}");
    }
}

#[test]
fn without_the_setting_the_path_is_one_like_any_other() {
    let mut configuration = configuration(json!({}));
    configuration.as_object_mut().unwrap().remove("verify_path");
    let envoy = Envoy::builder().config(configuration.to_string()).start();
    let answer = verify(&envoy, FULL);
    assert_eq!(
        (answer.status, answer.json()["path"].clone()),
        (200, json!(PATH))
    );
}

#[test]
fn a_packed_configuration_tells_the_same() {
    let configuration = configuration(json!({})).to_string();
    let envoy = Envoy::builder()
        .ecds(Ecds::Pb)
        .config(configuration.clone())
        .start();
    let plain = [FULL, LIMITED, ORGANIZATION].map(|key| verify(&envoy, key).json());
    let bytes = packed(&configuration).unwrap();
    let push = envoy.push_pb_and_wait(Wrapper::Bytes, &bytes, BOUND);
    assert_eq!(push, Push::Accepted, "{}", envoy.logs());
    for (mut before, key) in plain.into_iter().zip([FULL, LIMITED, ORGANIZATION]) {
        let mut after = verify(&envoy, key).json();
        for answer in [&mut before, &mut after] {
            answer["verification_count"].take();
            answer["last_verified_on"].take();
        }
        assert_eq!(before, after);
    }
}

#[test]
fn a_grpc_client_reads_the_answer_in_the_status() {
    let envoy = Envoy::builder()
        .config(configuration(json!({})).to_string())
        .lent();
    let ask = |key: &str| {
        let [(name, value)] = bearer(key);
        let grpc = [
            (name, value),
            ("content-type", "application/grpc".to_owned()),
        ];
        envoy.request("POST", PATH, &grpc, b"")
    };
    let (good, bad) = (ask(FULL), ask(STRANGER));
    assert_eq!((good.status, bad.status), (200, 200));
    assert_eq!(good.header("grpc-status"), Some("0"));
    assert_eq!(bad.header("grpc-status"), Some("16"));
}

#[test]
fn explain_shows_the_answer_that_the_gateway_gives() {
    let configuration = configuration(json!({})).to_string();
    let envoy = Envoy::builder().config(configuration.clone()).start();
    let file = envoy.directory().join("explained.json");
    std::fs::write(&file, &configuration).unwrap();
    for (key, decision, code) in [
        (FULL, "verify", 0),
        (STRANGER, "deny", 3),
        (LIVE, "deny", 3),
    ] {
        let mut explain = command();
        explain.args(["explain", "--json", "--key-stdin", "GET", PATH, "-c"]);
        let output = fed(explain.arg(&file), key);
        let explained: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(code), "{key}");
        assert_eq!(explained["decision"], decision, "{key}");
        let answer = verify(&envoy, key);
        assert_eq!(explained["reply"]["status"], answer.status);
        assert_eq!(explained["reply"]["body"], answer.text());
    }
}
