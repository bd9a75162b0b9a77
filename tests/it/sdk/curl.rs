//! `curl -u KEY:`, as in every example of Stripe's documentation.

use super::script::program;
use super::world::{self, CONNECTED, PLATFORM, VERSION, key};
use super::{expected, stripe};
use crate::support::Envoy;
use crate::support::http::Response;

#[test]
fn curl_is_answered_as_by_stripe() {
    let Some(version) = program("curl").map(|mut curl| curl.arg("--version").output().unwrap())
    else {
        return;
    };
    let upstream = stripe::start();
    let envoy = Envoy::builder()
        .config(world::configuration().to_string())
        .upstream(upstream.address())
        .start();
    let url = |path: &str| format!("http://{}{path}", envoy.address());
    let user = |name: &str| format!("{}:", key(name));

    let charge = [
        "-u",
        &user("support"),
        "-d",
        "amount=2000",
        "-d",
        "currency=usd",
        "-d",
        "source=tok_visa",
    ];
    let charged = curl(&url("/v1/charges"), &charge);
    assert_eq!(
        (charged.status, charged.json()["object"].as_str()),
        (200, Some("charge"))
    );
    let search = [
        "-G",
        "-u",
        &user("support"),
        "--data-urlencode",
        "query=name:'t'",
    ];
    let found = curl(&url("/v1/customers/search"), &search);
    assert_eq!(found.json()["object"], "search_result");
    let bearer = format!("Authorization: Bearer {}", key("organization"));
    let context = format!("Stripe-Context: {PLATFORM}/{CONNECTED}");
    let version_header = format!("Stripe-Version: {VERSION}");
    let organization = ["-H", &bearer, "-H", &context, "-H", &version_header];
    assert_eq!(curl(&url("/v1/balance"), &organization).status, 200);
    let to_file = ["-u", &user("secret"), "-F", "purpose=dispute_evidence"];
    let uploaded = curl(
        &url("/v1/files"),
        &[&to_file[..], &["-F", "file=%PDF-1.7 evidence"]].concat(),
    );
    assert_eq!(uploaded.json()["size"], 17);

    // Without a key, and with a mistyped one: the challenge uses the scheme that curl speaks.
    let before = upstream.count();
    for (arguments, reason) in [
        (vec![], "missing_credential"),
        (vec!["-u", "sk_test_FAKE-nobody-0001:"], "unknown_key"),
        // The password. Without it, curl would ask for one.
        (
            vec!["-u", "sk_test_FAKE-secret-0001:word"],
            "malformed_credential",
        ),
    ] {
        let denied = curl(&url("/v1/charges"), &arguments);
        assert_eq!(denied.status, 401, "{reason}");
        assert_eq!(denied.header("x-keyward-denied"), Some(reason));
        assert_eq!(
            denied.header("www-authenticate"),
            Some("Basic realm=\"Stripe\"")
        );
    }
    let create = expected::denied()
        .into_iter()
        .find(|denied| denied.call["call"] == "customers.create")
        .unwrap();
    let denied = curl(
        &url("/v1/customers"),
        &["-u", &user("support"), "-d", "name=Ann"],
    );
    assert_eq!(denied.status, 403);
    assert_eq!(denied.json()["error"]["message"], create.message);
    assert_eq!(upstream.count(), before);

    // Without TLS, nothing is negotiated: HTTP/2 from the first byte, as in gRPC.
    if String::from_utf8_lossy(&version.stdout).contains("HTTP2") {
        let allowed = curl(
            &url("/v1/balance"),
            &["--http2-prior-knowledge", "-u", &user("secret")],
        );
        assert_eq!(allowed.status, 200);
        let denied = curl(&url("/v1/balance"), &["--http2-prior-knowledge"]);
        assert_eq!(
            denied.header("x-keyward-denied"),
            Some("missing_credential")
        );
        assert_eq!(envoy.stat("http.gateway.downstream_cx_http2_total"), 2);
    } else {
        super::script::skipped("curl over HTTP/2");
    }
}

/// Runs curl with only these settings.
#[track_caller]
fn curl(url: &str, arguments: &[&str]) -> Response {
    let output = program("curl")
        .unwrap()
        .args(["-q", "-sS", "--noproxy", "*", "--max-time", "30", "-i", url])
        .args(arguments)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    parse(&output.stdout)
}

/// Parses what `curl -i` prints.
fn parse(mut bytes: &[u8]) -> Response {
    loop {
        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        bytes = &bytes[end + 4..];
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        if status == "100" {
            continue;
        }
        let headers = lines.filter_map(|line| line.split_once(": "));
        return Response {
            status: status.parse().unwrap(),
            headers: headers
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            body: bytes.to_vec(),
        };
    }
}
