//! Replies that the two hosts of the filter produce by different means.

use super::*;
use crate::support::http::Response;

/// Returns the denials that the filter sends to one request in both hosts.
fn denials(envoys: &[Envoy; 2], method: &str, headers: &[(&str, &str)]) -> [Response; 2] {
    [&envoys[0], &envoys[1]].map(|envoy| envoy.request(method, "/v1/balance", headers, b""))
}

fn envoys() -> [Envoy; 2] {
    [Host::Wasm, Host::Native].map(|host| {
        Envoy::builder()
            .host(host)
            .config(configuration(1, &[ALICE]).to_string())
            .start()
    })
}

/// Returns the parts of a reply that do not depend on when it is sent.
fn shown(response: &Response) -> (u16, Vec<(String, String)>, String) {
    let own = ["date", "request-id", "x-envoy-upstream-service-time"];
    let mut headers: Vec<_> = response
        .headers
        .iter()
        .map(|(name, value)| {
            (
                String::from_utf8_lossy(name).to_lowercase(),
                String::from_utf8_lossy(value).into_owned(),
            )
        })
        .filter(|(name, _)| !own.contains(&&**name))
        .collect();
    headers.sort();
    (response.status, headers, response.text().to_owned())
}

/// gRPC clients are included: with a native module, Envoy reports success to them unless the module
/// sets a status.
#[test]
fn both_hosts_reply_alike_whatever_the_client_speaks() {
    let envoys = envoys();
    for kind in [
        "",
        "application/json",
        "application/grpc",
        "application/grpc+proto",
        "application/grpc;charset=utf-8",
        "application/grpc-web",
        "application/grpc-web+proto",
        "application/grpcx",
        "APPLICATION/GRPC",
        "application/grpc ",
    ] {
        for authorization in ["", "Bearer sk_test_FAKE-nobody-003", "Bearer", "Basic !"] {
            for method in ["GET", "POST", "HEAD"] {
                let all = [("content-type", kind), ("authorization", authorization)];
                let headers: Vec<_> = all
                    .into_iter()
                    .filter(|(_, value)| !value.is_empty())
                    .collect();
                let [wasm, native] = denials(&envoys, method, &headers);
                assert_eq!(shown(&native), shown(&wasm), "{method} {headers:?}");
            }
        }
    }
}

/// Without a snapshot the status is 503, which is another status in gRPC.
#[test]
fn both_hosts_reply_alike_without_a_snapshot() {
    let envoys = [Host::Wasm, Host::Native].map(|host| Envoy::builder().host(host).start());
    for kind in ["application/json", "application/grpc"] {
        let [wasm, native] = denials(&envoys, "POST", &[("content-type", kind)]);
        assert_eq!(shown(&native), shown(&wasm), "{kind}");
    }
}
