//! Header names.

use serde_json::json;

use super::servers::{Front, express, gunicorn, php};
use super::{FULL, LIMITED, gateways, outcome, send, told};

const FORGED: &str = "key=\"mk_root\"";

/// Returns other spellings of a header that PHP finds under the same variable's name.
fn spellings(front: Front, name: &str) -> Vec<String> {
    let other: &[&str] = match front {
        Front::Caddy => &["."],
        Front::Lighttpd => &[
            ".", "!", "~", "*", "|", "^", "`", "'", "+", "$", "&", "%", "#",
        ],
    };
    let mut all: Vec<String> = other.iter().map(|byte| name.replace('-', byte)).collect();
    all.push(name.replacen('-', ".", 1));
    all
}

fn variable(name: &str) -> String {
    format!("HTTP_{}", name.to_uppercase().replace('-', "_"))
}

#[test]
fn php_is_told_no_forged_identity() {
    for front in [Front::Caddy, Front::Lighttpd] {
        let Some(server) = php(front) else { return };
        let more = json!({"former_identity_headers": ["x-acme-caller"]});
        let gateways = gateways(server.address, &more);
        for name in ["X-Keyward-Principal", "X-Acme-Caller"] {
            let variable = variable(name);
            for sent in spellings(front, name) {
                let forged = [(sent.as_str(), FORGED)];
                let direct = send(server.address, "GET", "/healthz", None, &forged);
                let direct = told(&direct, &sent);
                assert_eq!(direct["headers"][&variable], FORGED, "{front:?}: {sent}");
                for (setting, envoy) in &gateways {
                    let case = format!("{front:?}, {setting}: {sent}");
                    let public = send(envoy.address(), "GET", "/healthz", None, &forged);
                    let public = told(&public, &case);
                    assert!(public["headers"][&variable].is_null(), "{case}: {public}");
                    let preflight = [
                        ("origin", "https://shop.example"),
                        ("access-control-request-method", "POST"),
                        (sent.as_str(), FORGED),
                    ];
                    let preflight =
                        send(envoy.address(), "OPTIONS", "/v1/payouts", None, &preflight);
                    let preflight = told(&preflight, &case);
                    assert!(preflight["headers"][&variable].is_null(), "{case}");
                    for key in [FULL, LIMITED] {
                        let answer =
                            send(envoy.address(), "GET", "/v1/customers", Some(key), &forged);
                        assert_eq!(outcome(&answer), "malformed_header", "{case}");
                    }
                }
            }
            // In keyward's own spelling, the header is replaced or removed.
            for (setting, envoy) in &gateways {
                let forged = [(name, FORGED)];
                let answer = send(envoy.address(), "GET", "/v1/customers", Some(FULL), &forged);
                let answer = told(&answer, setting);
                let is_full = |value: &str| value.starts_with("key=\"mk_full\", ");
                let value = answer["headers"][&variable].as_str();
                assert_eq!(value.is_some_and(is_full), name == "X-Keyward-Principal");
                assert!(value.is_none_or(is_full), "{setting}: {answer}");
            }
        }
    }
}

#[test]
fn php_is_told_no_other_account_version_method_or_path() {
    for front in [Front::Caddy, Front::Lighttpd] {
        let Some(server) = php(front) else { return };
        let gateways = gateways(server.address, &json!({}));
        for (name, value, key, reason) in [
            ("Stripe-Account", "acct_2", FULL, "malformed_context"),
            ("Stripe-Context", "acct_2", FULL, "malformed_context"),
            ("Stripe-Version", "2020-08-27", FULL, "invalid_version"),
            (
                "X-HTTP-Method-Override",
                "DELETE",
                LIMITED,
                "unknown_endpoint",
            ),
            ("X-Original-URL", "/v1/payouts", LIMITED, "unknown_endpoint"),
            ("X-Rewrite-URL", "/v1/payouts", LIMITED, "unknown_endpoint"),
        ] {
            for sent in spellings(front, name) {
                let header = [(sent.as_str(), value)];
                let direct = send(server.address, "POST", "/v1/sessions", None, &header);
                let direct = told(&direct, &sent);
                assert_eq!(
                    direct["headers"][variable(name)],
                    value,
                    "{front:?}: {sent}"
                );
                // Symfony acts on it.
                let expected = if value == "DELETE" { "DELETE" } else { "POST" };
                assert_eq!(direct["method"], expected, "{front:?}: {sent}");
                for (setting, envoy) in &gateways {
                    let case = format!("{front:?}, {setting}: {sent}");
                    let to = envoy.address();
                    let answer = send(to, "POST", "/v1/sessions", Some(key), &header);
                    assert_eq!(outcome(&answer), reason, "{case}");
                    if key == LIMITED {
                        let answer = send(to, "POST", "/open/sessions", None, &header);
                        assert_eq!(outcome(&answer), "missing_credential", "{case}");
                        // A key with every permission may use the override.
                        let answer = send(to, "POST", "/v1/sessions", Some(FULL), &header);
                        assert_eq!(told(&answer, &case)["method"], expected, "{case}");
                    }
                }
            }
        }
        for (setting, envoy) in &gateways {
            let custom = [("x.custom.header", "a"), ("X-Forwarded-Prefix", "/b")];
            let answer = send(
                envoy.address(),
                "GET",
                "/v1/customers",
                Some(LIMITED),
                &custom,
            );
            let answer = told(&answer, setting);
            assert_eq!(answer["headers"]["HTTP_X_CUSTOM_HEADER"], "a", "{setting}");
            assert_eq!(
                answer["headers"]["HTTP_X_FORWARDED_PREFIX"], "/b",
                "{setting}"
            );
        }
    }
}

#[test]
fn gunicorn_is_told_no_other_path() {
    for (application, header, twin) in [
        ("plain", "SCRIPT_NAME", "Script-Name"),
        ("proxied", "X-Script-Name", "X.Script.Name"),
    ] {
        let Some(server) = gunicorn(application) else {
            return;
        };
        let cut = [(header, "/assets")];
        let direct = send(server.address, "GET", "/assets/v1/payouts", None, &cut);
        assert_eq!(told(&direct, header)["path"], "/v1/payouts");
        let more = json!({"profile": {"override_headers": ["X-Acme-Path"]}});
        for (setting, envoy) in gateways(server.address, &more) {
            let to = envoy.address();
            let case = format!("{application}, {setting}");
            // As shipped, Envoy itself rejects underscores.
            let is_refused = header.contains('_') && setting == "as shipped";
            let or_400 = |reason: &'static str| if is_refused { "400" } else { reason };
            let public = |headers: super::Headers<'_>| {
                outcome(&send(to, "GET", "/assets/v1/payouts", None, headers))
            };
            let limited = |headers: super::Headers<'_>| {
                outcome(&send(to, "GET", "/v1/customers", Some(LIMITED), headers))
            };
            assert_eq!(public(&cut), or_400("missing_credential"), "{case}");
            let cut = [(header, "/v1")];
            assert_eq!(limited(&cut), or_400("unknown_endpoint"), "{case}");
            for name in [
                twin,
                "X-Acme-Path",
                "x.acme.path",
                "Path-Info",
                "X-Vhm-Root",
            ] {
                let header = [(name, "/assets")];
                assert_eq!(public(&header), "missing_credential", "{case}: {name}");
                assert_eq!(limited(&header), "unknown_endpoint", "{case}: {name}");
                let full = send(to, "GET", "/v1/customers", Some(FULL), &header);
                assert_eq!(outcome(&full), "passed", "{case}: {name}");
            }
            // Headers that proxies usually add change no path here.
            let usual = [
                ("X-Forwarded-Prefix", "/assets"),
                ("X-Forwarded-Uri", "/v1/payouts"),
                ("X-Forwarded-Path", "/v1/payouts"),
            ];
            let answer = send(to, "GET", "/assets/v1/payouts", None, &usual);
            assert_eq!(told(&answer, &case)["path"], "/assets/v1/payouts", "{case}");
        }
    }
}

#[test]
fn express_is_told_no_other_method() {
    let Some(server) = express() else { return };
    let header = [("X-HTTP-Method-Override", "DELETE")];
    let direct = send(server.address, "POST", "/v1/sessions", None, &header);
    assert_eq!(told(&direct, "direct")["method"], "DELETE");
    for (setting, envoy) in gateways(server.address, &json!({})) {
        let to = envoy.address();
        let answer = send(to, "POST", "/v1/sessions", Some(LIMITED), &header);
        assert_eq!(outcome(&answer), "unknown_endpoint", "{setting}");
        let answer = send(to, "POST", "/open/sessions", None, &header);
        assert_eq!(outcome(&answer), "missing_credential", "{setting}");
        let answer = send(to, "POST", "/v1/sessions", Some(LIMITED), &[]);
        assert_eq!(told(&answer, setting)["method"], "POST", "{setting}");
    }
}
