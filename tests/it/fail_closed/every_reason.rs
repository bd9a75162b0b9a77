//! Every deny reason, for HEAD and for a gRPC client: whatever form the denial has, nothing reaches
//! the upstream, and the state contains the reason.

use std::collections::BTreeSet;

use keyward::reason::DenyReason;

use super::*;
use crate::cases::envoy::{Corpus, Plugins};
use crate::support::cases::corpus::{self, Case, CaseFile, Expectation, Runner};

/// Maps an HTTP status to a gRPC status as Envoy does.
fn grpc_status(status: u16) -> &'static str {
    match status {
        400 => "13",
        401 => "16",
        403 => "7",
        404 => "12",
        503 => "14",
        _ => panic!("no denial has {status}"),
    }
}

fn denial(case: &Case) -> Option<(&str, u16)> {
    match &case.expect {
        Expectation::Deny { reason, status, .. } => Some((reason, *status)),
        Expectation::Allow { .. } => None,
    }
}

/// Returns whether a request can be sent as HEAD and with the content type of gRPC: a GET with no
/// body and no headers that contradict it.
fn is_plain(case: &Case) -> bool {
    let request = &case.request;
    let holds = |name: &str| {
        let mut names = request.headers.iter().map(|(held, _)| held);
        names.any(|held| held.eq_ignore_ascii_case(name))
    };
    case.runs_on(Runner::Envoy)
        && request.method.as_bytes() == b"GET"
        && request.path.is_some()
        && request.body.is_none()
        && !["content-type", "upgrade", "te", "content-length"]
            .into_iter()
            .any(holds)
}

fn spell(case: &Case, method: &str, more: &[u8], id: &str) -> Vec<u8> {
    let request = &case.request;
    let path = request.path.as_ref().unwrap().as_bytes();
    let mut bytes = [
        method.as_bytes(),
        b" ",
        path,
        b" HTTP/1.1\r\nhost: gate\r\n",
    ]
    .concat();
    bytes.extend(format!("x-request-id: {id}\r\n").bytes());
    if let Some(address) = &request.address {
        bytes.extend(format!("x-forwarded-for: {address}\r\n").bytes());
    }
    for (name, value) in &request.headers {
        bytes.extend([name.as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    bytes.extend(more);
    bytes.extend(b"\r\n");
    bytes
}

/// Sends the first three cases of each reason in this file, and records which reasons it saw.
fn run(file: &CaseFile, (place, corpus): (usize, &Corpus), seen: &mut BTreeSet<String>) {
    let mut chosen: Vec<(&Case, &str, u16)> = Vec::new();
    for case in file.cases.iter().filter(|case| is_plain(case)) {
        let Some((reason, status)) = denial(case) else {
            continue;
        };
        if chosen.iter().filter(|(_, of, _)| *of == reason).count() < 3 {
            chosen.push((case, reason, status));
        }
    }
    if chosen.is_empty() {
        return;
    }
    let (envoy, address) = (&corpus.envoy, corpus.addresses[place]);
    let mut expected = Vec::new();
    for (number, (case, reason, status)) in chosen.into_iter().enumerate() {
        let what = format!("{}: {}", file.name, case.description);
        let send = |method: &str, more: &[u8], kind: &str| {
            // The log contains only ids that are UUIDs.
            let kind: String = kind.bytes().map(|byte| format!("{byte:02x}")).collect();
            let id = format!("{number:08x}-{place:04x}-4000-8000-{kind:0>12}");
            let mut connection = Connection::open(address);
            connection
                .send_raw(&spell(case, method, more, &id))
                .unwrap();
            (id, connection.read_response(method == "HEAD").unwrap())
        };
        let (id, head) = send("HEAD", b"", "head");
        assert_eq!(head.status, status, "{what}");
        assert_eq!(head.header("x-keyward-denied"), Some(reason), "{what}");
        assert!(head.header("content-length").is_some_and(|it| it != "0"));
        expected.push((id, reason, status));
        let (id, grpc) = send("GET", b"content-type: application/grpc\r\n", "grpc");
        assert_eq!(grpc.status, 200, "{what}");
        assert_eq!(grpc.header("x-keyward-denied"), Some(reason), "{what}");
        assert_eq!(
            grpc.header("grpc-status"),
            Some(grpc_status(status)),
            "{what}"
        );
        assert!(grpc.body.is_empty(), "{what}");
        expected.push((id, reason, 200));
        seen.insert(reason.to_owned());
    }
    assert_eq!(corpus.upstream.count(), 0, "{}", file.name);
    for (id, reason, status) in expected {
        let line = envoy.logged(&id, |line| line["request_id"] == id);
        assert_eq!(line["response_code"], status, "{line}");
        let state = line["keyward"].as_str().unwrap();
        assert!(state.starts_with(&format!("deny {reason}")), "{line}");
        let details = format!("keyward_denied{{{reason}}}");
        assert_eq!(line["response_code_details"], details, "{line}");
    }
}

#[test]
fn head_and_grpc_are_denied_for_every_reason() {
    let mut seen = BTreeSet::new();
    let (files, plugins) = (corpus::load(), Plugins::default());
    let corpus = Corpus::start(&files, Envoy::builder(), &|name, text| {
        plugins.entry(name, &text)
    });
    for (place, file) in files.iter().enumerate() {
        run(file, (place, &corpus), &mut seen);
    }
    // This needs a host that fails: see `host_calls.rs`.
    seen.insert("host_failure".to_owned());
    let all: BTreeSet<_> = DenyReason::all().map(|it| it.name().to_owned()).collect();
    assert_eq!(seen, all);
}

/// Tests `host_failure`, which no request can cause by itself.
#[test]
fn head_and_grpc_are_denied_where_the_host_fails() {
    let mut plugin = plugin::Plugin::new("keyward", "keyward", "keyward");
    plugin.forbidden = vec!["proxy_get_header_map_pairs"];
    plugin.push(&configuration(1, &[ALICE]).to_string());
    let envoy = plugin.in_place_of_keyward(Envoy::builder()).start();
    let authorization = format!("Bearer {ALICE}");
    let key = ("authorization", authorization.as_str());
    let head = envoy.request("HEAD", "/v1/balance", &[key], b"");
    assert_eq!(
        (head.status, head.header("x-keyward-denied")),
        (503, Some("host_failure"))
    );
    let grpc = envoy.get("/v1/balance", &[key, ("content-type", "application/grpc")]);
    assert_eq!((grpc.status, grpc.header("grpc-status")), (200, Some("14")));
    assert_eq!(grpc.header("x-keyward-denied"), Some("host_failure"));
}
