//! The answer for a bad credential: always the same, whatever is wrong with it.

use serde_json::json;

use super::*;

type Headers = Vec<(&'static str, String)>;

/// Returns every way to fail rules 2 to 5, with the reason that the log names.
fn failures() -> Vec<(&'static str, Headers, &'static str)> {
    let basic = |text: &str| {
        use base64::Engine;
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        vec![("authorization", format!("Basic {encoded}"))]
    };
    let with = |key: &str| bearer(key).to_vec();
    vec![
        ("", vec![], "missing_credential"),
        (
            "",
            vec![("authorization", String::from("Bearer"))],
            "malformed_credential",
        ),
        (
            "",
            vec![("authorization", String::from("Digest x"))],
            "malformed_credential",
        ),
        (
            "",
            vec![("authorization", format!("Bearer {FULL} x"))],
            "malformed_credential",
        ),
        (
            "",
            basic(&format!("{FULL}:password")),
            "malformed_credential",
        ),
        ("", with(STRANGER), "unknown_key"),
        ("", with("x"), "unknown_key"),
        ("", basic(&format!("{STRANGER}:")), "unknown_key"),
        ("?key=sk_test_FAKE-full-00000001", vec![], "unknown_key"),
        ("", with(DELETED), "deleted_key"),
        ("", with(EXPIRED), "expired_key"),
        ("", with(LATER), "inactive_key"),
        ("", with(SUSPENDED), "suspended_account"),
        ("", with(ELSEWHERE), "ip_not_allowed"),
    ]
}

/// Returns a response without the parts that differ every time.
fn told(response: &Response) -> (u16, Vec<(String, String)>, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let headers = response
        .headers
        .iter()
        .map(|(name, value)| (text(name), text(value)));
    let fixed = headers.filter(|(name, _)| !["request-id", "date"].contains(&name.as_str()));
    (response.status, fixed.collect(), response.text().to_owned())
}

#[test]
fn whatever_is_wrong_the_answer_is_the_same() {
    let envoy = Envoy::builder()
        .config(configuration(json!({})).to_string())
        .lent();
    let all: Vec<Response> = failures()
        .iter()
        .map(|(query, headers, _)| envoy.get(&format!("{PATH}{query}"), headers))
        .collect();
    for (response, (_, _, reason)) in all.iter().zip(failures()) {
        assert_eq!(told(response), told(&all[0]), "{reason}");
        let id = response.header("request-id").unwrap();
        assert!(id.starts_with("req_") && id.len() == 18, "{id}");
    }
    let first = &all[0];
    assert_eq!(first.status, 401);
    assert_eq!(
        first.header("www-authenticate"),
        Some("Bearer realm=\"Stripe\"")
    );
    assert_eq!(first.header("x-keyward-denied"), Some("not_verified"));
    assert_eq!(first.header("stripe-should-retry"), Some("false"));
    let expected = json!({
        "account": null, "code": "API_KEY_INVALID", "connect_scopes": [], "expires_at": null, "is_valid": false, "key_id": null, "kind": null,
        "last_verified_on": null, "livemode": null, "message": "API key not verified", "org_code": null, "scopes": [], "status": "inactive",
        "user_id": null, "verification_count": null,
    });
    assert_eq!(first.json(), expected);
    // The operator still learns the reason: one line each, in this order.
    let wanted: Vec<&str> = failures().iter().map(|(_, _, reason)| *reason).collect();
    let logged = eventually("every line is there", BOUND, || {
        let lines = envoy.access_log();
        (lines.len() == wanted.len()).then_some(lines)
    });
    for (line, reason) in logged.iter().zip(wanted) {
        let state = line["keyward"].as_str().unwrap();
        assert!(state.starts_with(&format!("deny {reason} ")), "{state}");
        assert_eq!(
            line["response_code_details"],
            "keyward_denied{not_verified}"
        );
    }
}

#[test]
fn shadow_makes_no_bad_key_good_and_lets_no_verification_pass() {
    let envoy = Envoy::builder()
        .config(configuration(json!({"enforcement": "shadow"})).to_string())
        .start();
    for (query, headers, reason) in failures() {
        let answer = envoy.get(&format!("{PATH}{query}"), &headers);
        assert_eq!(answer.status, 401, "{reason}");
        assert_eq!(answer.json()["is_valid"], false, "{reason}");
        // In shadow, the same key passes elsewhere.
        let shadowed = envoy.get(&format!("/v1/balance{query}"), &headers);
        assert_eq!(shadowed.status, 200, "{reason}");
    }
    assert_eq!(verify(&envoy, FULL).json()["is_valid"], true);
}

#[test]
fn rules_1_and_6_answer_as_they_always_do() {
    let envoy = Envoy::builder()
        .config(configuration(json!({})).to_string())
        .start();
    let other_mode = verify(&envoy, LIVE);
    assert_eq!(other_mode.status, 401);
    assert_eq!(
        other_mode.header("x-keyward-denied"),
        Some("livemode_mismatch")
    );
    assert_eq!(other_mode.json()["error"]["code"], "livemode_mismatch");
    // Rules 2 to 5 come first: an unknown live key is unknown.
    assert_eq!(
        verify(&envoy, "sk_live_FAKE-stranger-001").json()["is_valid"],
        false
    );

    envoy.push_and_wait(&configuration(json!({"max_snapshot_age": 1})).to_string());
    for key in [FULL, STRANGER, LIVE] {
        let stale = eventually("the snapshot is stale", BOUND, || {
            let answer = verify(&envoy, key);
            (answer.status == 503).then_some(answer)
        });
        assert_eq!(stale.header("x-keyward-denied"), Some("stale_snapshot"));
    }
    envoy.push_and_wait(&json!({"verify_path": PATH}).to_string());
    let closed = eventually("there is no snapshot", BOUND, || {
        let answer = verify(&envoy, FULL);
        (answer.header("x-keyward-denied") == Some("no_snapshot")).then_some(answer)
    });
    assert_eq!(closed.status, 503);
}

#[test]
fn no_answer_and_no_log_holds_a_key() {
    let envoy = Envoy::builder()
        .config(configuration(json!({})).to_string())
        .lent();
    let keys = [FULL, LIMITED, DELETED, STRANGER, LIVE, ELSEWHERE];
    let answers: String = keys
        .iter()
        .map(|key| format!("{:?}", told(&verify(&envoy, key))))
        .collect();
    eventually("every line is there", BOUND, || {
        (envoy.access_log().len() == keys.len()).then_some(())
    });
    let logs = format!("{answers}{:?}{}", envoy.access_log(), envoy.logs());
    for key in keys {
        assert!(!logs.contains(key), "{key}");
    }
}

#[test]
fn a_profile_of_ones_own_verifies_by_its_prefixes_and_names() {
    let mut own = configuration(json!({"profile": {
        "preset": "plain", "prefixes": {"secret": ["acme_sk_"]}, "realm": "Acme", "request_id_prefix": "request-",
    }}));
    let keys = own["snapshot"]["keys"].as_array_mut().unwrap();
    keys.retain(|key| key["id"] == "mk_full");
    let acme = "acme_sk_FAKE-full-0000001";
    let mut other = keys[0].clone();
    other["id"] = json!("mk_acme");
    other["sha256"] = json!(KeyDigest::of(acme.as_bytes()).to_string());
    keys.push(other);
    let envoy = Envoy::builder().config(own.to_string()).start();
    let good = verify(&envoy, acme);
    assert_eq!(
        (good.status, good.json()["key_id"].clone()),
        (200, json!("mk_acme"))
    );
    assert!(good.header("request-id").unwrap().starts_with("request-"));
    // The key is in the snapshot, but its prefix is not that of a secret key here.
    let bad = verify(&envoy, FULL);
    assert_eq!(
        (bad.status, bad.json()["is_valid"].clone()),
        (401, json!(false))
    );
    assert_eq!(
        bad.header("www-authenticate"),
        Some("Bearer realm=\"Acme\"")
    );
}
