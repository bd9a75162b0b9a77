//! `envoy/ratelimit.yaml`: Envoy's own limits, by the key and the account that keyward found.
//! Buckets are not refilled while a test runs, so that no test depends on how long it takes.

use serde_json::{Value, json};

use crate::fail_closed::digest;
use crate::support::bootstrap::{http_filter, read};
use crate::support::builder::Builder;
use crate::support::command::command;
use crate::support::http::Response;
use crate::support::{BOUND, Envoy, Upstream, eventually};

const BOOTSTRAP: &str = "envoy/ratelimit.yaml";
const PER_KEY: usize = 3;
const PER_ACCOUNT: usize = 5;
const OTHERWISE: usize = 2;
const BATCH: usize = 4;

fn key(id: &str) -> String {
    format!("sk_test_FAKE-{id}")
}

/// Keys by id, with their account.
const KEYS: [(&str, &str); 5] = [
    ("mk_a1", "acct_a"),
    ("mk_a2", "acct_a"),
    ("mk_b1", "acct_b"),
    ("mk_c1", "acct_c"),
    ("mk_nightly_batch", "acct_d"),
];

/// Returns the settings of the shipped ECDS file, with these keys.
fn configuration() -> String {
    let shipped = read("envoy/ratelimit/keyward.yaml");
    let text = &shipped["resources"][0]["typed_config"]["config"]["configuration"]["value"];
    let mut configuration: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    let mut keys: Vec<Value> = KEYS
        .iter()
        .map(|(id, owner)| json!({"id": id, "sha256": digest(&key(id)), "kind": "secret", "livemode": false, "owner": owner}))
        .collect();
    keys.push(json!({"id": "mk_org", "sha256": digest("sk_org_FAKE-org"), "kind": "organization", "livemode": false, "owner": "org_1"}));
    let mut accounts: Vec<Value> = ["acct_a", "acct_b", "acct_c", "acct_d"]
        .iter()
        .map(|id| json!({"id": id, "parent": "org_1"}))
        .collect();
    accounts.push(json!({"id": "org_1"}));
    configuration["snapshot"] = json!({"format": "keyward.snapshot/v1", "revision": 1, "issued_at": 1_795_194_529, "accounts": accounts,
        "endpoints": [{"method": "GET", "path": "/healthz", "auth": "none"}], "keys": keys});
    configuration.to_string()
}

/// Returns the shipped gateway, with buckets that a test can empty and that stay empty.
fn gateway(upstream: &Upstream) -> Builder {
    Envoy::builder()
        .bootstrap(BOOTSTRAP)
        .upstream(upstream.address())
        .config(configuration())
        .edit(|bootstrap| {
            let limit = &mut http_filter(bootstrap, "keyward.ratelimit")["typed_config"];
            let bucket = |tokens: usize| json!({"max_tokens": tokens, "tokens_per_fill": tokens, "fill_interval": "86400s"});
            limit["token_bucket"] = bucket(OTHERWISE);
            for descriptor in limit["descriptors"].as_array_mut().unwrap() {
                let entry = &descriptor["entries"][0];
                let tokens = match (entry["key"].as_str(), entry["value"].as_str()) {
                    (Some("key"), None) => PER_KEY,
                    (Some("key"), Some("mk_nightly_batch")) => BATCH,
                    (Some("account"), None) => PER_ACCOUNT,
                    _ => panic!("{entry}"),
                };
                descriptor["token_bucket"] = bucket(tokens);
            }
        })
}

#[track_caller]
fn call(envoy: &Envoy, id: &str, more: &[(&str, &str)]) -> Response {
    let authorization = format!("Bearer {}", key(id));
    let headers = [&[("authorization", authorization.as_str())], more].concat();
    envoy.get("/v1/balance", &headers)
}

/// Sends requests until one is limited, and checks that answer. Returns how many passed.
#[track_caller]
fn until_limited(envoy: &Envoy, id: &str, more: &[(&str, &str)]) -> usize {
    for passed in 0..50 {
        let answer = call(envoy, id, more);
        if answer.status != 200 {
            assert_eq!(answer.status, 429, "{}", answer.text());
            return passed;
        }
    }
    panic!("no limit for `{id}`");
}

#[test]
fn each_key_and_each_account_has_a_bucket_of_its_own() {
    let upstream = Upstream::start();
    let envoy = gateway(&upstream).concurrency(2).start();
    assert_eq!(until_limited(&envoy, "mk_a1", &[]), PER_KEY);
    // The rest of the account's limit. The last request, which the key's limit rejected, has used
    // one of it.
    let left = until_limited(&envoy, "mk_a2", &[]);
    assert!((1..=PER_ACCOUNT - PER_KEY).contains(&left), "{left}");
    assert_eq!(until_limited(&envoy, "mk_b1", &[]), PER_KEY);
    assert_eq!(until_limited(&envoy, "mk_nightly_batch", &[]), BATCH);
    assert_eq!(upstream.count(), 2 * PER_KEY + left + BATCH);
    let limited = envoy.stat("keyward_ratelimit.http_local_rate_limit.rate_limited");
    assert_eq!(limited, 4);
}

/// Otherwise a limited client could continue in another's name, or empty another's bucket.
#[test]
fn a_forged_header_gets_nobody_elses_bucket() {
    let upstream = Upstream::start();
    let envoy = gateway(&upstream).start();
    let forged = [
        ("x-keyward-key", "mk_b1"),
        ("X-Keyward-Account", "acct_b"),
        ("x-keyward-key", "mk_nightly_batch"),
    ];
    assert_eq!(until_limited(&envoy, "mk_a1", &forged), PER_KEY);
    for number in 0..10 {
        let made_up = format!("mk_{number}");
        assert_eq!(
            call(&envoy, "mk_a1", &[("x-keyward-key", &made_up)]).status,
            429
        );
    }
    // Its bucket is untouched.
    assert_eq!(until_limited(&envoy, "mk_b1", &[]), PER_KEY);
    assert_eq!(until_limited(&envoy, "mk_nightly_batch", &[]), BATCH);
    // A request without a key has no identity that it could forge: all of them share one bucket.
    for number in 0..OTHERWISE + 3 {
        let made_up = format!("mk_{number}");
        let answer = envoy.get(
            "/healthz",
            &[
                ("x-keyward-key", made_up.as_str()),
                ("x-keyward-account", "acct_c"),
            ],
        );
        assert_eq!(answer.status, if number < OTHERWISE { 200 } else { 429 });
    }
    assert_eq!(until_limited(&envoy, "mk_c1", &[]), PER_KEY);
    // An organization's key on the organization itself has no account, whatever the client sends.
    let organization = [
        ("authorization", "Bearer sk_org_FAKE-org"),
        ("stripe-context", "org_1"),
        ("stripe-version", "2026-10-28"),
        ("x-keyward-account", "acct_c"),
    ];
    let answers: Vec<_> = (0..=PER_KEY)
        .map(|_| envoy.get("/v1/balance", &organization).status)
        .collect();
    assert_eq!(answers, [200, 200, 200, 429]);
}

#[test]
fn what_keyward_refuses_costs_nothing() {
    let upstream = Upstream::start();
    let envoy = gateway(&upstream).start();
    for _ in 0..20 {
        assert_eq!(
            call(&envoy, "nobody", &[("x-keyward-key", "mk_a1")]).status,
            401
        );
    }
    assert_eq!(until_limited(&envoy, "mk_a1", &[]), PER_KEY);
}

#[test]
fn the_answer_is_one_that_stripes_sdks_know() {
    let upstream = Upstream::start();
    let envoy = gateway(&upstream).start();
    until_limited(&envoy, "mk_a1", &[]);
    let answer = call(&envoy, "mk_a1", &[]);
    assert_eq!(answer.json()["error"]["code"], "rate_limit");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("stripe-should-retry"), Some("true"));
    assert_eq!(answer.header("x-keyward-denied"), None);
    // The verdict does not change: keyward let the request pass.
    let line = envoy.logged("the refusal is logged", |line| line["response_code"] == 429);
    assert!(
        line["keyward"]
            .as_str()
            .unwrap()
            .starts_with("allow key=\"mk_a1\"")
    );
    let grpc = call(&envoy, "mk_a1", &[("content-type", "application/grpc")]);
    assert_eq!((grpc.status, grpc.header("grpc-status")), (200, Some("8")));
}

#[test]
fn as_shipped_it_denies_and_doctor_finds_nothing() {
    let upstream = Upstream::start();
    let empty = Envoy::builder().bootstrap(BOOTSTRAP).start();
    assert_eq!(
        call(&empty, "mk_a1", &[]).header("x-keyward-denied"),
        Some("no_snapshot")
    );
    let envoy = Envoy::builder()
        .bootstrap(BOOTSTRAP)
        .upstream(upstream.address())
        .config(configuration())
        .start();
    eventually("a key works", BOUND, || {
        (call(&envoy, "mk_c1", &[]).status == 200).then_some(())
    });
    let output = command()
        .args([
            "doctor",
            "--strict",
            "--admin",
            &format!("http://{}", envoy.admin_address()),
        ])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("interlock"), "{text}");
}
