//! A client can write only its own path into the access log, and not even that if the path may
//! contain a secret key. Every request leaves one line.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::fail_closed::{ALICE, configuration};
use crate::support::bootstrap::{at, hcm};
use crate::support::builder::Builder;
use crate::support::http::{Connection, Response};
use crate::support::{BOUND, Envoy, eventually, h2};

/// The text that replaces a path which is not printed.
pub const HIDDEN: &str = "a key stands in it";

/// A UUID, as clients and proxies make them.
const GOOD_ID: &str = "6a0e1b9c-0000-4000-8000-0123456789ab";

/// Targets that may contain a secret key, in every spelling. All of them contain `FAKE` or its
/// escapes.
const KEYED: [&str; 24] = [
    "/v1/customers/sk_test_FAKE-in-a-path-01",
    "/v1/customers/SK_LIVE_FAKE",
    "/v1/customers/rk_live_FAKE?x=1",
    "/sk_org_FAKE",
    "/v1/xsk_org_test_FAKE/y",
    "/v1/sk%5Ftest%5FFAKE",
    "/v1/sk%255ftest_FAKE",
    "/v1/sk%25255Flive%25255fFAKE",
    "/v1/%73k_test_FAKE",
    "/v1/%53%4b_test_FAKE",
    "/v1/s%6B_l%69ve_FAKE",
    "/v1/sk_te%73t_FAKE",
    "/v1/sk_test%5fFAKE",
    "/v1/rk_%6fr%67_FAKE",
    "/v1/%2573k_test_FAKE",
    "/v1/%252573k_test_FAKE",
    "/v1/sk_%256fr%2567_FAKE",
    "/v1/%73%6b%5f%74%65%73%74%5f%46%41%4B%45",
    // Escapes of an escape's digits, and sequences that a careless decoder reads as an escape.
    "/v1/%25%37%33k_test_FAKE",
    "/v1/%257%33k_test_FAKE",
    "/v1/%%37%33k_test_FAKE",
    "/v1/%2%35%37%33k_test_FAKE",
    "/v1/customers;sk_test_FAKE",
    "/v1/customers/%20sk_test_FAKE%20",
];

/// Targets that are printed unchanged, and the printed path.
const PLAIN: [(&str, &str); 16] = [
    ("/v1/balance", "/v1/balance"),
    ("/v1/balance?x=sk_test_FAKE", "/v1/balance"),
    ("/v1/balance?%73k_test_FAKE", "/v1/balance"),
    ("/v1/balance??sk_test_FAKE", "/v1/balance"),
    ("/v1/coupons/SUMMER%2525", "/v1/coupons/SUMMER%2525"),
    ("/v1/plans/Pro%2Fplan", "/v1/plans/Pro%2Fplan"),
    ("/v1/coupons/100%25%20off", "/v1/coupons/100%25%20off"),
    ("/v1/caf%C3%A9", "/v1/caf%C3%A9"),
    ("/v1/%63harges", "/v1/%63harges"),
    ("/v1/task_list", "/v1/task_list"),
    ("/v1/risk_test-plan", "/v1/risk_test-plan"),
    ("/v1/disk_usage%20today", "/v1/disk_usage%20today"),
    ("/v1/customers/pk_test_open", "/v1/customers/pk_test_open"),
    ("/v1/a%2e%2e%2Fb", "/v1/a%2e%2e%2Fb"),
    ("/v1/%", "/v1/%"),
    ("/v1/%zz%u0073", "/v1/%zz%u0073"),
];

/// Headers that a client sends next to a plain target. The line is the same with and without them.
const CLAIMS: [(&str, &[u8]); 7] = [
    ("x-envoy-original-path", b"/v1/forged"),
    ("x-envoy-original-path", b"/v1/sk_test_FAKE"),
    ("x-envoy-original-path", b"/\xff/sk_test_FAKE"),
    ("x-request-id", b"sk_test_FAKE-as-an-id-01"),
    ("x-request-id", b"allow key=\"mk_0\" FAKE"),
    ("x-request-id", b"\xffFAKE"),
    ("x-forwarded-for", b"sk_test_FAKE"),
];

/// Bytes over HTTP/1.1 that Envoy answers before any filter runs, and the path that the line
/// contains.
const BROKEN: [(&[u8], Option<&str>); 9] = [
    (
        b"GET /a#b HTTP/1.1\r\nhost: a\r\nx-request-id: sk_test_FAKE\r\n\r\n",
        Some("/a#b"),
    ),
    (
        b"GET /a#sk_test_FAKE HTTP/1.1\r\nhost: a\r\n\r\n",
        Some(HIDDEN),
    ),
    (
        b"GET /a#b HTTP/1.1\r\nhost: a\r\nx-envoy-original-path: /sk_test_FAKE\r\n\r\n",
        Some(HIDDEN),
    ),
    (
        b"GET /a#b HTTP/1.1\r\nhost: a\r\nx-envoy-original-path: /\xff/sk_test_FAKE\r\n\r\n",
        Some(HIDDEN),
    ),
    (b"GET /v1/sk_test_FAKE HTTP/1.1\r\n\r\n", Some(HIDDEN)),
    (
        b"CONNECT sk_test_FAKE:443 HTTP/1.1\r\nhost: sk_test_FAKE:443\r\n\r\n",
        None,
    ),
    (
        b"sk_test_FAKE /v1/balance HTTP/1.1\r\nhost: a\r\n\r\n",
        None,
    ),
    (
        b"GET /v1/\xff/sk_test_FAKE HTTP/1.1\r\nhost: a\r\n\r\n",
        None,
    ),
    (b"sk_test_FAKE\r\n\r\n", None),
];

/// A log, read line by line.
struct Reader<'a> {
    envoy: &'a Envoy,
    read: usize,
}

impl Reader<'_> {
    /// Returns the only line of what was just sent.
    #[track_caller]
    fn line(&mut self, sent: &str) -> Value {
        let line = eventually(&format!("`{sent}` is logged"), BOUND, || {
            self.envoy.access_log().into_iter().nth(self.read)
        });
        self.read += 1;
        let text = line.to_string();
        for secret in ["FAKE", "%46%41", "forged"] {
            assert!(!text.contains(secret), "{sent}: {text}");
        }
        let id = line["request_id"].as_str().unwrap_or_default();
        let is_uuid = id.len() == 36
            && id
                .bytes()
                .all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
        assert!(id.is_empty() || is_uuid, "{sent}: {text}");
        line
    }
}

/// Sends a request over either protocol. Returns `None` if Envoy does not answer.
fn ask(
    envoy: &Envoy,
    http2: bool,
    method: &str,
    target: &[u8],
    headers: &[(&str, &[u8])],
) -> Option<Response> {
    if http2 {
        let mut all: Vec<(&[u8], &[u8])> = vec![
            (b":method", method.as_bytes()),
            (b":scheme", b"http"),
            (b":authority", b"a"),
            (b":path", target),
        ];
        all.extend(
            headers
                .iter()
                .map(|(name, value)| (name.as_bytes(), *value)),
        );
        return match h2::Connection::open(envoy.address()).exchange(&all, b"", &[]) {
            h2::Outcome::Response(response) => Some(response),
            h2::Outcome::Reset(_) | h2::Outcome::GoAway(_) | h2::Outcome::Closed => None,
        };
    }
    let mut head = [method.as_bytes(), b" ", target, b" HTTP/1.1\r\nhost: a\r\n"].concat();
    for (name, value) in headers {
        head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    head.extend(b"\r\n");
    send(envoy, &head)
}

fn send(envoy: &Envoy, bytes: &[u8]) -> Option<Response> {
    let mut connection = Connection::open(envoy.address());
    connection.send_raw(bytes).unwrap();
    connection.read_response(false).ok()
}

/// Adds a second route, which removes `/rewritten` from the path, and replies with the `Request-Id`
/// that the client asks for.
pub fn with_routes(builder: Builder) -> Builder {
    builder.edit(|bootstrap| {
        let host = at(hcm(bootstrap), "/route_config/virtual_hosts/0");
        let routes = host["routes"].as_array_mut().unwrap();
        let mut rewriting = routes[0].clone();
        rewriting["match"] = json!({"prefix": "/rewritten/"});
        rewriting["route"]["prefix_rewrite"] = json!("/");
        routes.insert(0, rewriting);
        host["response_headers_to_add"] =
            json!([{"header": {"key": "request-id", "value": "%REQ(x-echo)%"}}]);
    })
}

/// Makes Envoy treat every client as internal to its network.
pub fn with_internal_clients(builder: Builder) -> Builder {
    builder.edit(|bootstrap| {
        hcm(bootstrap)["internal_address_config"] =
            json!({"cidr_ranges": [{"address_prefix": "127.0.0.0", "prefix_len": 8}]});
    })
}

/// Sends all of the above, and checks every line. `keeps_path`: whether the router keeps the
/// original of a rewritten path in a header.
#[track_caller]
pub fn assert_nothing_is_forged(envoy: &Envoy, keeps_path: bool) {
    let mut log = Reader {
        envoy,
        read: envoy.access_log().len(),
    };
    for http2 in [false, true] {
        for target in KEYED {
            ask(envoy, http2, "GET", target.as_bytes(), &[]);
            assert_eq!(log.line(target)["path"], HIDDEN, "{target}");
        }
        for (target, printed) in PLAIN {
            ask(envoy, http2, "GET", target.as_bytes(), &[]);
            assert_eq!(log.line(target)["path"], printed, "{target}");
        }
        for (name, value) in CLAIMS {
            ask(envoy, http2, "GET", b"/v1/balance", &[(name, value)]);
            let what = format!("{name}: {}", value.escape_ascii());
            assert_eq!(log.line(&what)["path"], "/v1/balance", "{what}");
        }
        assert_replies(envoy, &mut log, http2, keeps_path);
    }
    for (bytes, path) in BROKEN {
        send(envoy, bytes);
        let what = bytes.escape_ascii().to_string();
        assert_eq!(log.line(&what)["path"].as_str(), path, "{what}");
    }
    // HTTP/2 allows any method, and any byte in a path.
    for (method, printed) in [
        ("sk_test_FAKE-a-method", "sk_test_"),
        ("OPTIONSFAKE", "OPTIONSF"),
        ("get", "get"),
    ] {
        ask(envoy, true, method, b"/v1/balance", &[]);
        let line = log.line(method);
        assert_eq!(
            (&line["method"], &line["path"]),
            (&json!(printed), &json!("/v1/balance"))
        );
    }
    for target in [
        &b"/v1/\xff/sk_test_FAKE"[..],
        b"/v1/\xc3\xa9/%73k_test_FAKE",
        b"/v1/sk_test_FAKE?\xff",
    ] {
        ask(envoy, true, "GET", target, &[]);
        assert_eq!(
            log.line("bytes in a path")["path"],
            HIDDEN,
            "{}",
            target.escape_ascii()
        );
    }
    ask(envoy, true, "GET", b"/v1/balance?\xff=sk_test_FAKE", &[]);
    assert_eq!(log.line("bytes in a query")["path"], "/v1/balance");
    // No request was logged twice.
    assert_eq!(envoy.access_log().len(), log.read);
}

/// Checks what only a request that passes can bring into a line.
#[track_caller]
fn assert_replies(envoy: &Envoy, log: &mut Reader<'_>, http2: bool, keeps_path: bool) {
    let key = format!("Bearer {ALICE}");
    let passing = |more: (&'static str, &'static [u8])| [("authorization", key.as_bytes()), more];
    for (id, printed) in [
        (&b"req_1aB2"[..], "req_1aB2"),
        (GOOD_ID.as_bytes(), GOOD_ID),
        (b"sk_test_FAKE", ""),
        (b"a b FAKE", ""),
        (
            b"FAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEFAKEx",
            "",
        ),
    ] {
        let reply = ask(
            envoy,
            http2,
            "GET",
            b"/v1/balance",
            &passing(("x-echo", id)),
        );
        assert_eq!(reply.map(|reply| reply.status), Some(200));
        let line = log.line("a reply with an id");
        assert_eq!(line["response_request_id"], printed, "{line}");
    }
    for (target, printed) in [
        (
            "/rewritten/v1/balance?x=sk_test_FAKE",
            "/rewritten/v1/balance",
        ),
        ("/rewritten/v1/sk_test_FAKE", HIDDEN),
        ("/rewritten/v1/%73k_test_FAKE", HIDDEN),
    ] {
        let claim = ("x-envoy-original-path", &b"/v1/forged"[..]);
        ask(envoy, http2, "GET", target.as_bytes(), &passing(claim));
        let printed = if keeps_path {
            Cow::from(printed)
        } else {
            Cow::from(printed.replace("/rewritten", ""))
        };
        assert_eq!(log.line(target)["path"], *printed, "{target}");
    }
}

fn started(change: impl FnOnce(Builder) -> Builder) -> Envoy {
    change(with_routes(
        Envoy::builder().config(configuration(1, &[ALICE]).to_string()),
    ))
    .start()
}

#[test]
fn a_client_writes_its_own_path_into_a_line_and_nothing_else() {
    assert_nothing_is_forged(&started(|builder| builder), true);
}

#[test]
fn nor_does_a_client_that_envoy_takes_for_its_own() {
    assert_nothing_is_forged(&started(with_internal_clients), true);
}

#[test]
fn nor_where_the_ids_of_others_are_kept() {
    let envoy = started(|builder| {
        builder.edit(|bootstrap| hcm(bootstrap)["preserve_external_request_id"] = json!(true))
    });
    assert_nothing_is_forged(&envoy, true);
    let kept = ("x-request-id", GOOD_ID.as_bytes());
    ask(&envoy, false, "GET", b"/v1/kept", &[kept]);
    assert_eq!(envoy.logged_path("/v1/kept")["request_id"], GOOD_ID);
}

/// Shows what happens if the header is not removed: `path` is what the client says, and only a key
/// in it is hidden.
#[test]
fn without_its_removal_an_internal_client_forges_its_path() {
    let envoy = started(|builder| {
        with_internal_clients(builder).edit(|bootstrap| {
            let removed = hcm(bootstrap)
                .as_object_mut()
                .unwrap()
                .remove("early_header_mutation_extensions");
            assert!(removed.is_some());
        })
    });
    let mut log = Reader {
        envoy: &envoy,
        read: 0,
    };
    for http2 in [false, true] {
        for (claim, printed) in [
            (&b"/v1/claimed?x"[..], "/v1/claimed"),
            (b"/sk_test_FAKE", HIDDEN),
            (b"/\xff/sk_test_FAKE", HIDDEN),
        ] {
            ask(
                &envoy,
                http2,
                "GET",
                b"/v1/balance",
                &[("x-envoy-original-path", claim)],
            );
            assert_eq!(log.line("a claim")["path"], printed);
        }
    }
}
