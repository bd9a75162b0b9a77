//! Tests of the reply to every deny reason, byte for byte.
//!
//! The bodies are in `tests/golden/REASON.json`. After an intended change, run
//! `KEYWARD_BLESS=1 cargo test --lib reply` and read the diff.

use std::net::IpAddr;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::decision::{Decision, Environment, decide};
use crate::digest::KeyDigest;
use crate::request::RequestHead;

const NOW: u64 = 1_795_200_000;
const SECRET: &str = "sk_test_FAKE-0123456789abcdef";
const RESTRICTED: &str = "rk_test_FAKE-0123456789ghijkl";
const PUBLISHABLE: &str = "pk_test_FAKE-0123456789mnopqr";
const ORGANIZATION: &str = "sk_org_test_FAKE-0123456789stuvwx";
const ALONE: &str = "sk_live_FAKE-0123456789yz";

fn configuration() -> Value {
    let key = |id: &str, raw: &str, kind: &str, owner: &str| {
        let sha256 = KeyDigest::of(raw.as_bytes()).to_string();
        json!({"id": id, "sha256": sha256, "kind": kind, "livemode": false, "owner": owner})
    };
    let mut configuration = json!({"snapshot": {
        "format": "keyward.snapshot/v1",
        "revision": 7,
        "issued_at": NOW - 100,
        "accounts": [
            {"id": "org_1"},
            {"id": "acct_1R3fqDP6919yCiFv", "parent": "org_1"},
            {"id": "acct_1032D82eZvKYlo2C", "parent": "acct_1R3fqDP6919yCiFv"},
            {"id": "acct_1aTnTtAAB0hHJ26p"},
        ],
        "keys": [
            key("mk_1", SECRET, "secret", "acct_1R3fqDP6919yCiFv"),
            key("mk_2", RESTRICTED, "restricted", "acct_1R3fqDP6919yCiFv"),
            key("mk_3", PUBLISHABLE, "publishable", "acct_1R3fqDP6919yCiFv"),
            key("mk_4", ORGANIZATION, "organization", "org_1"),
            key("mk_5", ALONE, "secret", "acct_1aTnTtAAB0hHJ26p"),
        ],
    }});
    configuration["snapshot"]["keys"][1]["grants"] = json!({"customer": "read"});
    configuration
}

/// A denied request.
struct Case {
    configuration: Value,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
}

struct Surroundings;

impl Environment for Surroundings {
    fn now(&self) -> Option<u64> {
        Some(NOW)
    }

    fn client_address(&self) -> Option<IpAddr> {
        "198.51.100.1".parse().ok()
    }
}

impl Case {
    fn bare() -> Self {
        Self {
            configuration: configuration(),
            path: "/v1/charges?limit=3",
            headers: Vec::new(),
        }
    }

    fn of(key: &str) -> Self {
        Self::bare().with("authorization", &format!("Bearer {key}"))
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn at(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    fn set(mut self, member: &str, value: Value) -> Self {
        self.configuration[member] = value;
        self
    }

    fn set_key(mut self, member: &str, value: Value) -> Self {
        self.configuration["snapshot"]["keys"][0][member] = value;
        self
    }

    fn reply(&self) -> Reply {
        let configuration =
            Configuration::from_json(self.configuration.to_string().as_bytes()).unwrap();
        let pseudo = [(":method", "GET"), (":path", self.path)];
        let headers = self.headers.iter().map(|(name, value)| (*name, &**value));
        let head = RequestHead::read(
            configuration.profile(),
            configuration.identity_names(),
            pseudo
                .into_iter()
                .chain(headers)
                .map(|(name, value)| (name.as_bytes(), value.as_bytes())),
            false,
        );
        match decide(&configuration, &head, &Surroundings) {
            Decision::Deny(denial) => Reply::new(&configuration, &denial, RequestId::new(0)),
            Decision::Allow(permit) => panic!("{permit}"),
        }
    }

    fn message(&self) -> String {
        let body: Value = serde_json::from_str(&self.reply().body).unwrap();
        body["error"]["message"].as_str().unwrap().to_owned()
    }
}

fn case(reason: DenyReason) -> Case {
    match reason {
        // Built without a request: see `reply_to`.
        DenyReason::HostFailure => Case::bare(),
        DenyReason::NoSnapshot => Case {
            configuration: json!({}),
            ..Case::of(SECRET)
        },
        DenyReason::StaleSnapshot => Case::of(SECRET).set("max_snapshot_age", json!(1)),
        DenyReason::MissingCredential => Case::bare(),
        DenyReason::MalformedCredential => {
            Case::bare().with("authorization", &format!("bearer {SECRET} x"))
        }
        DenyReason::UnknownKey => Case::of("sk_live_FAKE-of-somebody-else"),
        DenyReason::DeletedKey => Case::of(SECRET).set_key("status", json!("deleted")),
        DenyReason::ExpiredKey => Case::of(SECRET).set_key("expires_at", json!(NOW)),
        DenyReason::InactiveKey => Case::of(SECRET).set_key("not_before", json!(NOW + 1)),
        DenyReason::SuspendedAccount => {
            let mut case = Case::of(SECRET);
            case.configuration["snapshot"]["accounts"][1]["status"] = json!("suspended");
            case
        }
        DenyReason::IpNotAllowed => Case::of(SECRET).set_key("allowed_ips", json!(["10.0.0.0/8"])),
        DenyReason::LivemodeMismatch => Case::of(SECRET).set("serve_mode", json!("live")),
        DenyReason::MalformedHeader => Case::of(SECRET).with("x_keyward-principal", "key=\"mk_9\""),
        DenyReason::MissingVersion => {
            Case::of(ORGANIZATION).with("stripe-context", "acct_1R3fqDP6919yCiFv")
        }
        DenyReason::InvalidVersion => Case::of(SECRET)
            .with("stripe-version", "2026-10-28")
            .with("stripe-version", "2020-08-27"),
        DenyReason::MissingContext => {
            Case::of(ORGANIZATION).with("stripe-version", "2026-10-28.endive")
        }
        DenyReason::UnsupportedHeader => Case::of(SECRET)
            .at("/v2/core/accounts?limit=3")
            .with("stripe-account", "acct_1032D82eZvKYlo2C"),
        DenyReason::MalformedContext => Case::of(SECRET).with("stripe-account", "\"acct_\\<é>"),
        DenyReason::ConflictingContext => Case::of(SECRET)
            .with("stripe-context", "acct_1032D82eZvKYlo2C")
            .with("stripe-account", "acct_1R3fqDP6919yCiFv"),
        DenyReason::AccountNotAccessible => {
            Case::of(SECRET).with("stripe-context", "acct_1032D82eZvKYlo2C/acct_none")
        }
        DenyReason::NotAPlatform => Case::of(ALONE).with("stripe-account", "acct_1032D82eZvKYlo2C"),
        DenyReason::UnknownEndpoint => Case::of(RESTRICTED).at("/v1/charges/../refunds?limit=3"),
        DenyReason::SecretKeyRequired => Case::of(PUBLISHABLE),
        DenyReason::NoConnectPermission => {
            Case::of(RESTRICTED).with("stripe-account", "acct_1032D82eZvKYlo2C")
        }
        DenyReason::InsufficientPermission => Case::of(RESTRICTED),
        DenyReason::UnknownExpansion => {
            Case::of(RESTRICTED).at("/v1/customers?expand[]=subscriptions.id")
        }
    }
}

fn reply_to(reason: DenyReason) -> Reply {
    if reason == DenyReason::HostFailure {
        let denial = Denial::unread(reason);
        return Reply::new(&Configuration::closed(), &denial, RequestId::new(0));
    }
    case(reason).reply()
}

#[test]
fn every_reasons_body_is_the_golden_one() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for reason in DenyReason::all() {
        let reply = reply_to(reason);
        assert_eq!(
            reply.details,
            format!("keyward_denied{{{}}}", reason.name())
        );
        let file = golden.join(format!("{}.json", reason.name()));
        if std::env::var_os("KEYWARD_BLESS").is_some() {
            std::fs::create_dir_all(&golden).unwrap();
            std::fs::write(&file, &reply.body).unwrap();
        }
        let expected = std::fs::read_to_string(&file).unwrap();
        assert_eq!(reply.body, expected, "{}", file.display());
    }
}

#[test]
fn there_is_no_golden_file_of_no_reason() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    for file in std::fs::read_dir(golden).unwrap() {
        let file = file.unwrap().path();
        let name = file.file_stem().unwrap().to_str().unwrap();
        assert!(DenyReason::from_name(name).is_some(), "{}", file.display());
    }
}

#[test]
fn every_reasons_headers_are_exact() {
    for reason in DenyReason::all() {
        let reply = reply_to(reason);
        assert_eq!(reply.status, reason.status());
        let bearer = ("WWW-Authenticate", "Bearer realm=\"Stripe\"");
        let basic = ("WWW-Authenticate", "Basic realm=\"Stripe\"");
        let mut expected = vec![("Content-Type", "application/json")];
        match reason.status() {
            503 => expected.extend([("Retry-After", "1"), ("Stripe-Should-Retry", "true")]),
            status => {
                if status == 401 {
                    let is_missing = reason == DenyReason::MissingCredential;
                    expected.push(if is_missing { basic } else { bearer });
                }
                expected.extend([
                    ("Stripe-Should-Retry", "false"),
                    ("Cache-Control", "no-cache, no-store"),
                ]);
            }
        }
        expected.extend([
            ("Request-Id", "req_00000000000000"),
            ("X-Keyward-Denied", reason.name()),
        ]);
        let headers: Vec<_> = reply
            .headers
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        assert_eq!(headers, expected);
    }
}

#[test]
fn a_401_challenges_with_the_scheme_the_client_used() {
    // base64 of `sk_test_FAKE:` and of `sk_test_FAKE:password`
    for (sent, scheme) in [
        ("Basic c2tfdGVzdF9GQUtFOg==", "Basic"),
        ("bASIC c2tfdGVzdF9GQUtFOnBhc3N3b3Jk", "Basic"),
        ("bearer x", "Bearer"),
        ("Token x", "Bearer"),
        ("", "Bearer"),
    ] {
        let reply = Case::bare().with("authorization", sent).reply();
        let challenge = format!("{scheme} realm=\"Stripe\"");
        let expected = ("WWW-Authenticate".to_owned(), challenge);
        assert!(reply.headers.contains(&expected), "`{sent}`: {reply:?}");
    }
}

#[test]
fn members_stand_in_alphabetical_order_and_a_newline_ends_the_body() {
    for reason in DenyReason::all() {
        let body = reply_to(reason).body;
        assert!(body.starts_with("{\n  \"error\": {\n    \"") && body.ends_with("\n  }\n}\n"));
        let members: Vec<&str> = body
            .lines()
            .filter_map(|line| line.strip_prefix("    \"")?.split('"').next())
            .collect();
        assert!(
            members.is_sorted() && members.ends_with(&["type"]),
            "{members:?}"
        );
    }
}

#[test]
fn no_reply_holds_a_raw_key() {
    for reason in DenyReason::all() {
        let reply = format!("{:?}", reply_to(reason));
        assert!(!reply.contains("FAKE-"), "{reply}");
    }
    // Keys in the wrong places.
    for case in [
        Case::of(SECRET).with("stripe-version", SECRET),
        Case::of(SECRET).with("stripe-context", SECRET),
        Case::of(SECRET).with("stripe-account", &format!("acct_{SECRET}")),
        Case::of(SECRET).with("stripe-context", &format!("acct_x/acct_{SECRET}")),
        Case::of(ALONE).with("stripe-context", &format!("acct_{SECRET}")),
        Case::of(RESTRICTED).at("/v1/sk_test_FAKE-0123456789abcdef"),
        Case::of(RESTRICTED).at("/v1/sk%5Ftest%5FFAKE-0123456789abcdef"),
        Case::bare().with("authorization", SECRET),
        Case::bare().with("authorization", &format!("Token {SECRET}")),
        Case::bare().with("authorization", &format!("Basic {SECRET}")),
        Case::bare().with("authorization", &format!("Bearer Bearer {SECRET}")),
    ] {
        let reply = format!("{:?}", case.reply());
        assert!(!reply.contains("FAKE-0123456789"), "{reply}");
    }
}

#[test]
fn what_is_echoed_is_bounded_and_without_the_query() {
    let message = case(DenyReason::UnknownEndpoint).message();
    assert!(message.starts_with("Unrecognized request URL (GET: /v1/charges/../refunds)."));
    let long = Case::of(SECRET)
        .with("stripe-version", &"v".repeat(60_000))
        .message();
    assert_eq!(
        long,
        format!("Invalid Stripe API version: {}", "v".repeat(128))
    );
}

#[test]
fn request_ids_are_base62_and_differ_with_their_entropy() {
    let id = |entropy: u128| {
        let denial = Denial::unread(DenyReason::NoSnapshot);
        let reply = Reply::new(&Configuration::closed(), &denial, RequestId::new(entropy));
        let found = reply
            .headers
            .into_iter()
            .find(|(name, _)| name == "Request-Id");
        found.unwrap().1
    };
    assert_eq!(id(0), "req_00000000000000");
    assert_eq!(id(61), "req_z0000000000000");
    assert_eq!(id(62), "req_01000000000000");
    let largest = id(u128::MAX);
    let digits = largest.strip_prefix("req_").unwrap();
    assert!(digits.len() == 14 && digits.bytes().all(|byte| byte.is_ascii_alphanumeric()));
}
