//! No raw key anywhere: a key sent in any wrong place appears in no log, no stat and no reply.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{FULL, Gate, Headers, LIMITED, bearer, caller, pairs};

const LEAKED: [&str; 5] = [
    FULL,
    LIMITED,
    "sk_live_FAKE-0123456789abcdef",
    "rk_live_FAKE-0123456789abcdef",
    "sk_org_live_FAKE-0123456789abcdef",
];

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Returns requests with `key` in places where it does not belong.
fn requests(key: &str) -> Vec<(String, Headers)> {
    let mut all: Vec<(String, Headers)> = Vec::new();
    let base = STANDARD.encode(format!("{key}:"));
    let word = STANDARD.encode(format!("{key}:password"));
    let no_colon = STANDARD.encode(key);
    for value in [
        key.to_owned(),
        format!("Token {key}"),
        format!("Bearer {key} "),
        format!("Bearer {key}x"),
        format!("Bearer x{key}"),
        format!("Bearer {key},{key}"),
        format!("Bearer Bearer {key}"),
        format!("Bearer \"{key}\""),
        format!("Bearer={key}"),
        format!("Bearer\t{key}"),
        format!("Basic {key}"),
        format!("Basic {word}"),
        format!("Basic {no_colon}"),
        format!("Basic {base}="),
        format!("Digest username={key}"),
        format!("bearer {}", percent(key)),
        format!("Bearer {key}\u{e9}"),
        format!("{key} Bearer"),
        format!("Bearer: {key}"),
    ] {
        all.push(("/v1/balance".into(), pairs(&[("authorization", &value)])));
    }
    all.push((
        "/v1/balance".into(),
        pairs(&[
            ("authorization", &bearer(key).1),
            ("authorization", &bearer(key).1),
        ]),
    ));
    for name in [
        "stripe-version",
        "stripe-context",
        "stripe-account",
        "stripe_version",
        "stripe_context",
        "stripe_account",
    ] {
        for value in [
            key.to_owned(),
            percent(key),
            format!("acct_{key}"),
            format!("2026-10-28.{key}"),
            format!("x{key}x/{key}"),
            format!("{key}\u{e9}"),
            key.replace('_', "%5F"),
        ] {
            all.push((
                "/v1/balance".into(),
                [caller(Some(FULL)), pairs(&[(name, &value)])].concat(),
            ));
        }
        all.push((
            "/v1/balance".into(),
            [caller(Some(FULL)), pairs(&[(name, key), (name, key)])].concat(),
        ));
    }
    for name in [
        "x-keyward-principal",
        "x_keyward_principal",
        "x-api-key",
        "stripe-signature",
        "cookie",
        "proxy-authorization",
        "user-agent",
        "x-forwarded-for",
        "x-request-id",
        "x-http-method-override",
        key,
    ] {
        let headers = pairs(&[(name, key)]);
        all.push((
            "/v1/charges".into(),
            [caller(Some(LIMITED)), headers.clone()].concat(),
        ));
        all.push(("/v1/charges".into(), headers));
    }
    for target in [
        format!("/v1/balance?key={key}"),
        format!("/v1/charges?{}", percent(key)),
        format!("/{key}"),
        format!("/v1/{key}/x"),
        format!("/v1/x{key}"),
        format!("/{}", percent(key)),
        format!("/{}", key.replace('_', "%5f")),
        format!("/{}", key.replace('_', "%255f")),
        format!("/{key};{key}"),
        format!("/{key}%00"),
        format!("/v1/customers/{key}/../{key}"),
    ] {
        all.push((target.clone(), caller(Some(LIMITED))));
        all.push((target, Vec::new()));
    }
    all
}

/// Returns whether `text` contains the part of `key` that must not be shown, unchanged or encoded.
fn shows(text: &str, key: &str) -> bool {
    let secret = key.rsplit_once("FAKE").map_or(key, |(_, secret)| secret);
    let secret = secret.get(..secret.len() - 4).unwrap();
    let plain = [secret.to_owned(), percent(key), STANDARD.encode(key)]
        .iter()
        .any(|form| text.contains(form.as_str()));
    let upper = text.to_uppercase();
    plain || upper.contains(&percent(secret))
}

#[test]
fn no_key_is_ever_shown() {
    let gate = Gate::open(json!({}), |builder| {
        builder.allow_underscores().wasm_debug()
    });
    let (mut sent, mut paths) = (0, Vec::new());
    for _ in gate.settings() {
        for key in LEAKED {
            for (target, headers) in requests(key) {
                let capitals = headers
                    .iter()
                    .any(|(name, _)| name.iter().any(u8::is_ascii_uppercase));
                let methods = [&b"GET"[..], key.as_bytes(), b"POST", b"OPTIONS"];
                // One key is sent in every place. The others differ only in their prefix.
                for method in methods
                    .into_iter()
                    .take(if key == LEAKED[2] { 4 } else { 1 })
                {
                    for http2 in [false, true] {
                        if http2 && capitals {
                            continue;
                        }
                        let send = if http2 { Gate::http2 } else { Gate::http1 };
                        let (answer, _) = gate
                            .seen_during(|| send(&gate, method, target.as_bytes(), &headers, b""));
                        sent += 1;
                        let Some(answer) = answer else { continue };
                        if answer.status == 200 {
                            // The upstream's own echo.
                            continue;
                        }
                        let mut told = String::from_utf8_lossy(&answer.body).into_owned();
                        for (name, value) in &answer.headers {
                            told += &format!("{}: {}\n", name.escape_ascii(), value.escape_ascii());
                        }
                        let leaked = LEAKED.iter().find(|key| shows(&told, key));
                        assert!(
                            leaked.is_none(),
                            "`{target}` {:?}: {told}",
                            headers
                                .iter()
                                .map(|(name, value)| format!(
                                    "{}: {}",
                                    name.escape_ascii(),
                                    value.escape_ascii()
                                ))
                                .collect::<Vec<_>>()
                        );
                    }
                }
                paths.push(target);
            }
        }
    }
    gate.assert_sound(sent / 2);
    let stats = gate.envoy.admin("GET", "/stats").text().to_owned() + &gate.envoy.prometheus();
    let logs = gate.envoy.logs();
    for key in LEAKED {
        assert!(!shows(&stats, key), "a stat shows {key}");
        let line = logs.lines().find(|line| shows(line, key));
        assert!(line.is_none(), "the log shows a key: {line:?}");
        for line in gate.envoy.access_log() {
            assert!(!shows(&line.to_string(), key), "{line}");
        }
    }
}

/// When the next request is judged, nothing of the last one remains.
#[test]
fn one_request_leaves_nothing_for_the_next() {
    use crate::support::http::Connection;
    let gate = Gate::shipped();
    for _ in gate.settings() {
        let mut connection = Connection::open(gate.address());
        for _ in 0..50 {
            let good = connection.request("GET", "/v1/balance", &[bearer(FULL)], b"");
            assert_eq!(good.status, 200);
            let bare =
                connection.request("GET", "/v1/balance", crate::support::http::NO_HEADERS, b"");
            assert_eq!(bare.header("x-keyward-denied"), Some("missing_credential"));
            let limited = connection.request("GET", "/v1/charges", &[bearer(LIMITED)], b"");
            assert_eq!(
                limited.header("x-keyward-denied"),
                Some("insufficient_permission")
            );
        }
    }
    gate.assert_sound(150);
}
