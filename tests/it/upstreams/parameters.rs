//! Names of query parameters.

use serde_json::json;

use super::servers::{Front, Server, express, php};
use super::{FULL, LIMITED, PUBLISHABLE, gateways, outcome, send, told};

/// Returns queries that PHP reads as a parameter with this name.
fn php_reads(word: &str, value: &str) -> Vec<String> {
    let rest = word.trim_start_matches('_');
    let mut names = vec![
        word.to_owned(),
        format!("+{word}"),
        format!("%20%20{word}"),
        format!(".{rest}"),
        format!("%2E{rest}"),
        format!("{word}%00x"),
        format!("{word}[]"),
        format!("%5F{rest}"),
    ];
    if let Some((first, second)) = rest.split_once('_') {
        names.extend(
            [".", "[", "+", "%20", "%5B"].map(|between| format!("_{first}{between}{second}")),
        );
    }
    names.iter().map(|name| format!("{name}={value}")).collect()
}

/// Returns other queries that some server may read this way.
fn others_read(word: &str, value: &str) -> Vec<String> {
    let rest = word.trim_start_matches('_');
    [
        format!("a=1;{word}={value}"),
        format!("a=1;{word}"),
        format!("a=1%26{word}={value}"),
        format!("[{word}]={value}"),
        format!("%255F{rest}={value}"),
        format!("%25255f{rest}={value}"),
        format!("{}={value}", word.to_uppercase()),
        format!("%c1%9f{rest}={value}"),
    ]
    .into()
}

/// Checks how PHP reads a query, by itself or in a list.
#[track_caller]
fn assert_php_reads(server: &Server, query: &str, name: &str, value: &str) {
    let path = format!("/v1/sessions?{query}");
    let direct = told(&send(server.address, "POST", &path, None, &[]), query);
    let read = &direct["query"][name];
    assert!(*read == value || read[0] == value, "{query}: {direct}");
    if name == "_method" && *read == value {
        assert_eq!(direct["method"], value, "{query}: Symfony");
    }
}

#[test]
fn php_is_told_no_other_account_or_version() {
    let Some(server) = php(Front::Caddy) else {
        return;
    };
    let gateways = gateways(server.address, &json!({}));
    for (word, value, reason) in [
        ("_stripe_account", "acct_2", "malformed_context"),
        ("_stripe_version", "2020-08-27", "invalid_version"),
    ] {
        let read = php_reads(word, value);
        for query in &read {
            assert_php_reads(&server, query, word, value);
        }
        for query in read.iter().chain(&others_read(word, value)) {
            let path = format!("/v1/sessions?{query}");
            for (setting, envoy) in &gateways {
                for key in [FULL, LIMITED] {
                    let answer = send(envoy.address(), "POST", &path, Some(key), &[]);
                    assert_eq!(outcome(&answer), reason, "{setting}: {query}");
                }
            }
        }
    }
    // Next to a key in the query, only one spelling sets the account.
    for (setting, envoy) in &gateways {
        for (query, expected) in [
            ("_stripe_account=acct_1", "passed"),
            ("_stripe.account=acct_1", "malformed_context"),
            (
                "_stripe_account=acct_1&+_stripe_account=acct_2",
                "malformed_context",
            ),
        ] {
            let path = format!("/v1/sessions?key={PUBLISHABLE}&{query}");
            let answer = send(envoy.address(), "POST", &path, None, &[]);
            assert_eq!(outcome(&answer), expected, "{setting}: {query}");
        }
    }
}

#[test]
fn php_is_told_no_other_method_and_no_other_key() {
    let Some(server) = php(Front::Caddy) else {
        return;
    };
    let gateways = gateways(server.address, &json!({}));
    let read = php_reads("_method", "DELETE");
    for query in &read {
        assert_php_reads(&server, query, "_method", "DELETE");
    }
    for query in read.iter().chain(&others_read("_method", "DELETE")) {
        for (setting, envoy) in &gateways {
            assert_overridden(envoy, setting, query, "POST");
        }
    }
    for name in ["+key", "key[]", "key%00x"] {
        let query = format!("{name}={PUBLISHABLE}");
        assert_php_reads(&server, &query, "key", PUBLISHABLE);
        for (setting, envoy) in &gateways {
            for key in [None, Some(FULL)] {
                let path = format!("/v1/sessions?{query}");
                let answer = send(envoy.address(), "POST", &path, key, &[]);
                assert_eq!(
                    outcome(&answer),
                    "malformed_credential",
                    "{setting}: {query}"
                );
            }
        }
    }
    let ordinary = "payment_method=pm_1&method=DELETE&stripe_account=acct_2&metadata[_method]=DELETE&metadata[_stripe_account]=acct_2\
                    &payment_method_types[]=card&key=color&keys[]=a&url=x&q=_method";
    for (setting, envoy) in &gateways {
        let path = format!("/v1/sessions?{ordinary}");
        let answer = send(envoy.address(), "POST", &path, Some(LIMITED), &[]);
        let answer = told(&answer, setting);
        assert_eq!(answer["method"], "POST", "{setting}");
        assert_eq!(answer["query"]["payment_method"], "pm_1", "{setting}");
        assert_eq!(
            answer["query"]["metadata"]["_method"], "DELETE",
            "{setting}"
        );
        assert!(answer["query"]["_stripe_account"].is_null(), "{setting}");
    }
}

/// Checks that the request is denied without a key, with a limited key and with a publishable key,
/// and passed on with a full one.
#[track_caller]
fn assert_overridden(envoy: &crate::support::Envoy, setting: &str, query: &str, method: &str) {
    let case = format!("{setting}: {query}");
    let to = envoy.address();
    let path = format!("/v1/sessions?{query}");
    for key in [LIMITED, PUBLISHABLE] {
        let answer = send(to, method, &path, Some(key), &[]);
        assert_eq!(outcome(&answer), "unknown_endpoint", "{case}");
    }
    let answer = send(to, method, &format!("{path}&key={PUBLISHABLE}"), None, &[]);
    assert_eq!(outcome(&answer), "unknown_endpoint", "{case}");
    let answer = send(to, method, &format!("/open/sessions?{query}"), None, &[]);
    assert_eq!(outcome(&answer), "missing_credential", "{case}");
    let preflight = [
        ("origin", "https://shop.example"),
        ("access-control-request-method", "POST"),
    ];
    let answer = send(to, "OPTIONS", &path, None, &preflight);
    assert_eq!(outcome(&answer), "missing_credential", "{case}");
    let answer = send(to, method, &path, Some(FULL), &[]);
    assert_eq!(outcome(&answer), "passed", "{case}");
}

#[test]
fn express_is_told_no_other_method_by_the_query() {
    let Some(server) = express() else { return };
    let gateways = gateways(server.address, &json!({}));
    for query in ["_method=DELETE", "a&%5Fmethod=delete"] {
        let path = format!("/v1/sessions?{query}");
        let direct = told(&send(server.address, "POST", &path, None, &[]), query);
        assert_eq!(direct["method"], "DELETE", "{direct}");
        for (setting, envoy) in &gateways {
            assert_overridden(envoy, setting, query, "POST");
        }
    }
    for (setting, envoy) in &gateways {
        let path = "/v1/sessions?payment_method=DELETE&method=DELETE";
        let answer = send(envoy.address(), "POST", path, Some(LIMITED), &[]);
        assert_eq!(told(&answer, setting)["method"], "POST", "{setting}");
    }
}
