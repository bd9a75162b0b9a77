//! Who can read the usage report, and what else its listener answers.

use std::net::SocketAddr;

use serde_json::json;

use super::usage::{address_of, with_report};
use super::*;
use crate::support::command::command;
use crate::support::h2;
use crate::support::http::{Connection, request};

#[test]
fn a_report_answers_nothing_else_and_a_gateway_reports_nothing() {
    let envoy = with_report(Envoy::builder())
        .config(configuration(json!({})).to_string())
        .start();
    let usage = address_of(&envoy, "keyward_usage");
    let asked = |address: SocketAddr, method: &str, path: &str| {
        request(address, method, path, &bearer(FULL), b"").status
    };
    for (method, path, status) in [
        ("GET", "/usage", 200),
        ("HEAD", "/usage", 200),
        ("GET", "/usage?from=0", 200),
        ("GET", "/usage?from=99999", 200),
        ("GET", "/usage?from=-1", 404),
        ("GET", "/usage?from=99999999999999999999999", 404),
        ("GET", "/usage?x", 404),
        ("POST", "/usage", 404),
        ("OPTIONS", "/usage", 404),
        ("GET", "/usage/", 404),
        ("GET", "/", 404),
        ("GET", PATH, 404),
    ] {
        assert_eq!(asked(usage, method, path), status, "{method} {path}");
    }
    // None of these counts as a denial, so none raises an alert.
    assert_eq!(envoy.requests().len(), 0);
    // The gateway has no such path, so the upstream gets the request.
    let answer = envoy.get("/usage", &bearer(FULL));
    assert_eq!(answer.json()["path"], "/usage");
    // No one waits for a report as for a gateway.
    let vms = envoy.stats("keyward.snapshot_vms(\\.plugin.*)?$");
    assert_eq!(vms.len(), 1, "{vms:?}");
}

/// Returns the report's listener, which is the last one.
fn report_listener(bootstrap: &mut Value) -> &mut Value {
    let listeners = bootstrap.pointer_mut("/static_resources/listeners");
    listeners
        .unwrap()
        .as_array_mut()
        .unwrap()
        .last_mut()
        .unwrap()
}

/// Makes it listen on every address of the machine, with no condition on the peer. Only keyward's
/// own check remains.
fn open_to_all(bootstrap: &mut Value) {
    let listener = report_listener(bootstrap);
    listener["address"]["socket_address"]["address"] = json!("0.0.0.0");
    let chain = listener["filter_chains"][0].as_object_mut().unwrap();
    chain.remove("filter_chain_match").unwrap();
}

#[test]
fn a_report_is_told_to_a_program_that_names_this_machine() {
    let envoy = with_report(Envoy::builder())
        .config(configuration(json!({})).to_string())
        .start();
    let usage = address_of(&envoy, "keyward_usage");
    let status = |headers: &[(&str, &str)]| {
        let lines: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let mut connection = Connection::open(usage);
        let request = format!("GET /usage HTTP/1.1\r\n{lines}\r\n");
        connection.send_raw(request.as_bytes()).unwrap();
        connection.read_response(false).unwrap().status
    };
    for host in [
        "localhost",
        "LOCALHOST:9902",
        "127.0.0.1",
        "127.0.0.1:9902",
        "[::1]:9902",
    ] {
        assert_eq!(status(&[("host", host)]), 200, "{host}");
    }
    // A page whose own name was made to resolve to this machine.
    for host in [
        "rebind.example",
        "rebind.example:9902",
        "127.0.0.1.rebind.example",
        "localhost.rebind.example",
        "0.0.0.0:9902",
        "10.0.0.1",
    ] {
        assert_eq!(status(&[("host", host)]), 404, "{host}");
    }
    // A page that sends requests to the machine's name.
    for header in [
        ("origin", "https://rebind.example"),
        ("origin", "http://localhost:9902"),
        ("referer", "https://rebind.example/"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        assert_eq!(status(&[("host", "localhost"), header]), 404, "{header:?}");
    }
    let typed = [("host", "localhost"), ("sec-fetch-site", "none")];
    assert_eq!(status(&typed), 200);
    // Over HTTP/2, the host is in `:authority`.
    let asked = |authority: &str| {
        let fields = [
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", authority),
            (":path", "/usage"),
        ];
        let fields = fields.map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let mut connection = h2::Connection::open(usage);
        connection.exchange(&fields, b"", &[]).response().status
    };
    assert_eq!(asked("localhost:9902"), 200);
    assert_eq!(asked("rebind.example"), 404);
}

/// Requests the report after a PROXY protocol header, which any client can write. Returns `None` if
/// the connection is closed.
fn with_proxy_header(to: SocketAddr, source: &str, destination: &str) -> Option<u16> {
    let mut connection = Connection::open(to);
    let request = format!(
        "PROXY TCP4 {source} {destination} 4711 9902\r\nGET /usage HTTP/1.1\r\nhost: localhost\r\n\r\n"
    );
    connection.send_raw(request.as_bytes()).ok()?;
    Some(connection.read_response(false).ok()?.status)
}

#[test]
fn the_proxy_protocol_makes_nobody_one_of_this_machine() {
    let reads_proxy = |bootstrap: &mut Value| {
        let filter = json!({
            "name": "envoy.filters.listener.proxy_protocol",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol"},
        });
        report_listener(bootstrap)["listener_filters"] = json!([filter]);
    };
    let envoy = with_report(Envoy::builder())
        .edit(reads_proxy)
        .edit(|bootstrap| {
            report_listener(bootstrap)["address"]["socket_address"]["address"] = json!("0.0.0.0");
        })
        .config(configuration(json!({})).to_string())
        .start();
    let port = address_of(&envoy, "keyward_usage").port();
    let near = SocketAddr::from(([127, 0, 0, 1], port));
    // A proxy on this machine that names its client.
    let loopback = "127.0.0.1";
    assert_eq!(with_proxy_header(near, "203.0.113.9", loopback), Some(404));
    assert_eq!(with_proxy_header(near, loopback, "203.0.113.9"), Some(404));
    assert_eq!(with_proxy_header(near, loopback, loopback), Some(200));
    let Some(own) = own_address() else {
        eprintln!("this machine has no address but loopback: skipped");
        return;
    };
    let far = SocketAddr::from((own, port));
    for source in [loopback, "203.0.113.9"] {
        assert_eq!(with_proxy_header(far, source, loopback), None, "{source}");
    }
    // Without the shipped listener's condition on its peers, only the client's word remains.
    let envoy = with_report(Envoy::builder())
        .edit(reads_proxy)
        .edit(open_to_all)
        .config(configuration(json!({})).to_string())
        .start();
    let far = SocketAddr::from((own, address_of(&envoy, "keyward_usage").port()));
    assert_eq!(with_proxy_header(far, "203.0.113.9", loopback), Some(404));
    assert_eq!(with_proxy_header(far, loopback, loopback), Some(200));
}

#[test]
fn a_report_is_told_over_the_loopback_interface_alone() {
    // The client connects to the machine's own address, and not to 127.0.0.1.
    let Some(own) = own_address() else {
        eprintln!("this machine has no address but loopback: skipped");
        return;
    };
    let envoy = with_report(Envoy::builder())
        .edit(open_to_all)
        .config(configuration(json!({})).to_string())
        .start();
    let port = address_of(&envoy, "keyward_usage").port();
    let status = |address: std::net::IpAddr| {
        let mut connection = Connection::open((address, port).into());
        let headers = [("x-forwarded-for", "127.0.0.1"), ("host", "localhost")];
        connection.request("GET", "/usage", &headers, b"").status
    };
    assert_eq!(status([127, 0, 0, 1].into()), 200);
    assert_eq!(status(own), 404);
}

/// Returns an address of this machine that is not loopback. Sends nothing to find it.
fn own_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[test]
fn doctor_finds_nothing_wrong_with_the_report_beside_a_gateway() {
    let mut configuration = configuration(json!({"max_snapshot_age": 1_000_000_000}));
    let keys = configuration["snapshot"]["keys"].as_array_mut().unwrap();
    keys.retain(|key| key["id"] == "mk_elsewhere");
    let builder = || Envoy::builder().config(configuration.to_string());
    let diagnosis = |envoy: &Envoy| {
        let url = format!("http://{}", envoy.admin_address());
        let output = command()
            .args(["doctor", "--strict", "--admin", &url])
            .output()
            .unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    };
    let alone = diagnosis(&builder().start());
    let both = diagnosis(&with_report(builder()).start());
    assert_eq!(
        (both.0, alone.0),
        (Some(0), Some(0)),
        "{}\n{}",
        alone.1,
        both.1
    );
}
