//! The same in front of a real WSGI server, Python's own: it decodes paths, and finds
//! `X_Keyward_Principal` where it looks for `X-Keyward-Principal`.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::{Value, json};

use super::generous::route;
use super::paths::is_granted;
use super::{FULL, Gate, Headers, LIMITED, caller, pairs, shown, tricks};
use crate::support::find::root;
use crate::support::process::{Folder, Guarded};
use crate::support::{BOUND, eventually, http};

struct Wsgi {
    address: SocketAddr,
    _process: Guarded,
    _folder: Folder,
}

impl Wsgi {
    fn start() -> Self {
        let folder = Folder::new("wsgi");
        let place = folder.path().join("address");
        let mut command = Command::new("python3");
        command
            .arg(root().join("tests/it/hostile/wsgi.py"))
            .arg(&place);
        let process = Guarded::spawn(&mut command).unwrap();
        let address = eventually("the application is served", BOUND, || {
            std::fs::read_to_string(&place).ok()?.parse().ok()
        });
        Self {
            address,
            _process: process,
            _folder: folder,
        }
    }
}

/// Returns spellings of one name that are the same for CGI.
fn spellings(name: &str) -> Vec<String> {
    let half = name.replacen('-', "_", 1);
    [name.to_owned(), name.replace('-', "_"), half]
        .into_iter()
        .flat_map(|name| [name.clone(), name.to_uppercase()])
        .collect()
}

/// Returns what the application received, if the request reached it.
fn given(gate: &Gate, method: &[u8], path: &[u8], headers: &Headers, http2: bool) -> Option<Value> {
    let answer = if http2 {
        let lower = |(name, value): &(Vec<u8>, Vec<u8>)| (name.to_ascii_lowercase(), value.clone());
        gate.http2(method, path, &headers.iter().map(lower).collect(), b"")
    } else {
        gate.http1(method, path, headers, b"")
    };
    let answer = answer?;
    assert!(answer.status < 500, "{}: {answer:?}", shown(path));
    (answer.status == 200).then(|| answer.json())
}

/// Returns paths that a limited key may not call, with one letter each percent-encoded, in the
/// other case, or encoded twice.
fn encoded() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for path in [
        "/v1/charges",
        "/v1/customers/export",
        "/v1/balance",
        "/admin",
    ] {
        for (at, byte) in path.bytes().enumerate().skip(1) {
            for escaped in [
                format!("%{byte:02x}"),
                format!("%{byte:02X}"),
                format!("%25{byte:02x}"),
            ] {
                all.push(format!("{}{escaped}{}", &path[..at], &path[at + 1..]).into_bytes());
            }
            let other = char::from(byte).to_ascii_uppercase();
            all.push(format!("{}{other}{}", &path[..at], &path[at + 1..]).into_bytes());
        }
        let whole: String = path[1..]
            .bytes()
            .map(|byte| format!("%{byte:02x}"))
            .collect();
        all.push(format!("/{whole}").into_bytes());
    }
    all
}

#[test]
fn no_letter_that_is_decoded_behind_reaches_more_than_was_granted() {
    let wsgi = Wsgi::start();
    let to = wsgi.address;
    // The application decodes paths, which is what this test is about.
    let direct: Value = http::get(to, "/v1/%63harges").json();
    assert_eq!(direct["path"], "/v1/charges");

    let gate = Gate::open(json!({}), move |builder| {
        builder.allow_underscores().upstream(to)
    });
    let honest = tricks::HONEST.map(|path| path.as_bytes().to_vec());
    let tricks = [encoded(), tricks::all(), honest.to_vec()].concat();
    for setting in gate.settings() {
        let mut passed = 0;
        for (number, path) in tricks.iter().enumerate() {
            let http2 = number % 2 == 0;
            let Some(given) = given(&gate, b"GET", path, &caller(Some(LIMITED)), http2) else {
                continue;
            };
            passed += 1;
            let decoded: Vec<u8> = given["path"]
                .as_str()
                .unwrap()
                .chars()
                .map(|c| u8::try_from(c).unwrap())
                .collect();
            let method = given["method"].as_str().unwrap();
            let endpoint = route(method, &decoded);
            assert!(
                endpoint.is_some_and(|endpoint| is_granted(Some(LIMITED), endpoint)),
                "{setting}: `{}` came as `{}`",
                shown(path),
                shown(&decoded)
            );
        }
        assert!(passed >= honest.len(), "{setting}: {passed}");
    }
    gate.assert_sound(gate.sent() / 2);
}

#[test]
fn no_name_that_is_folded_behind_brings_another_identity_or_account() {
    let wsgi = Wsgi::start();
    let to = wsgi.address;
    let forged = [("X_Keyward_Principal", "forged")];
    let direct: Value = http::request(to, "GET", "/", &forged, b"").json();
    assert_eq!(direct["HTTP_X_KEYWARD_PRINCIPAL"], "forged");

    let gate = Gate::open(json!({}), move |builder| {
        builder.allow_underscores().upstream(to)
    });
    for setting in gate.settings() {
        let mut passed = 0;
        for (name, value) in [
            ("x-keyward-principal", "key=\"mk_forged\""),
            ("stripe-context", "acct_2"),
            ("stripe-account", "acct_2"),
            ("stripe-version", "2020-08-27"),
            ("authorization", "Bearer sk_test_FAKE-forged-1"),
            ("x-http-method-override", "DELETE"),
            ("x-original-url", "/admin"),
        ] {
            for spelling in spellings(name) {
                for (key, path) in [
                    (Some(FULL), "/v1/balance"),
                    (Some(LIMITED), "/v1/customers"),
                    (None, "/healthz"),
                ] {
                    for http2 in [false, true] {
                        let headers = [caller(key), pairs(&[(&spelling, value)])].concat();
                        let case = format!("{setting}: {spelling} for {path}, http2 {http2}");
                        let Some(given) = given(&gate, b"GET", path.as_bytes(), &headers, http2)
                        else {
                            continue;
                        };
                        passed += 1;
                        let told = given["HTTP_X_KEYWARD_PRINCIPAL"].as_str();
                        let id = match key {
                            Some(FULL) => Some("mk_full"),
                            Some(_) => Some("mk_limited"),
                            None => None,
                        };
                        let expected = id.map(|id| format!("key=\"{id}\", "));
                        match (told, &expected) {
                            (None, None) => {}
                            (Some(told), Some(expected)) => {
                                assert!(told.starts_with(expected.as_str()), "{case}: {told}");
                                // What the application reads is what keyward decided on.
                                let asks = ["HTTP_STRIPE_CONTEXT", "HTTP_STRIPE_ACCOUNT"];
                                let connected = asks.iter().any(|name| given[*name] == "acct_2");
                                let decided = told.contains("account=\"acct_2\"");
                                assert_eq!(connected, decided, "{case}: {given}");
                            }
                            _ => panic!("{case}: {told:?}, and not {expected:?}"),
                        }
                        // A limited key may not override the method or the path, but a full key
                        // may.
                        if key == Some(LIMITED) {
                            let overridden = ["HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_X_ORIGINAL_URL"];
                            assert!(
                                overridden.iter().all(|name| given[*name].is_null()),
                                "{case}: {given}"
                            );
                        }
                        if let Some(key) = key {
                            let sent = format!("Bearer {key}");
                            assert_eq!(given["HTTP_AUTHORIZATION"], sent.as_str(), "{case}");
                        }
                    }
                }
            }
        }
        assert!(passed > 20, "{setting}: {passed}");
    }
    gate.assert_sound(gate.sent() / 2);
}
