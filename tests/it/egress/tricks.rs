//! Whatever a service sends, the gateway connects to one host only.

use super::*;
use crate::support::http::{NO_HEADERS, send_raw};
use crate::support::upstream::Reply;

#[test]
fn another_host_is_never_asked() {
    let stranger = Upstream::start();
    let Some(shipped) = Shipped::lent() else {
        return;
    };
    let (egress, upstream) = (&shipped.egress, &shipped.upstream);
    let elsewhere = stranger.address().to_string();
    let key = service("test");
    let heads = [
        format!("GET http://{elsewhere}/v1/balance HTTP/1.1\r\nHost: {elsewhere}\r\n"),
        format!("GET http://{elsewhere}/v1/balance HTTP/1.1\r\nHost: api.stripe.com\r\n"),
        format!("GET /v1/balance HTTP/1.1\r\nHost: {elsewhere}\r\n"),
        format!(
            "GET /v1/balance HTTP/1.1\r\nHost: x\r\nX-Forwarded-Host: {elsewhere}\r\nForwarded: host={elsewhere}\r\n"
        ),
        format!(
            "GET /v1/balance HTTP/1.1\r\nHost: x\r\nX-Envoy-Original-Dst-Host: {elsewhere}\r\n"
        ),
    ];
    for (number, head) in heads.iter().enumerate() {
        let request = format!("{head}Authorization: Bearer {key}\r\n\r\n");
        let answer = send_raw(egress.envoy.address(), request.as_bytes()).unwrap();
        assert_eq!(answer.status, 200, "{head}");
        assert_eq!(upstream.count(), number + 1);
        let seen = upstream.last();
        assert_eq!(
            seen.headers("authorization"),
            [format!("Bearer {}", stripes("test")).as_bytes()]
        );
        assert_eq!(seen.header("host"), Some("api.stripe.com"));
        assert_eq!(seen.path, b"/v1/balance");
    }
    // Envoy itself rejects a scheme that is not the connection's.
    let other = format!(
        "GET https://{elsewhere}/v1/balance HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n"
    );
    let refused = send_raw(egress.envoy.address(), other.as_bytes()).unwrap();
    assert_eq!(refused.status, 403);
    // keyward could not see inside a tunnel.
    let connect = format!(
        "CONNECT {elsewhere} HTTP/1.1\r\nHost: {elsewhere}\r\nAuthorization: Bearer {key}\r\n\r\n"
    );
    let refused = send_raw(egress.envoy.address(), connect.as_bytes()).unwrap();
    assert!(refused.status >= 400, "{}", refused.status);
    assert_eq!((upstream.count(), stranger.count()), (heads.len(), 0));
}

#[test]
fn a_redirect_is_the_services_to_follow_or_not() {
    let stranger = Upstream::start();
    let location = format!("http://{}/v1/balance", stranger.address());
    let upstream = Upstream::answering({
        let location = location.clone();
        move |_| Reply {
            status: 302,
            headers: vec![("location".into(), location.clone())],
            body: Vec::new(),
        }
    });
    let Some(egress) = Egress::to(&upstream) else {
        return;
    };
    let answer = egress.call(&service("test"), "GET", "/v1/balance", &[]);
    assert_eq!(
        (answer.status, answer.header("location")),
        (302, Some(location.as_str()))
    );
    assert_eq!((upstream.count(), stranger.count()), (1, 0));
}

/// If a proxy retries a payment without an idempotency key, the payment is made twice.
#[test]
fn a_service_cannot_have_envoy_ask_twice() {
    let upstream = Upstream::answering(|_| Reply {
        status: 503,
        headers: Vec::new(),
        body: Vec::new(),
    });
    let Some(egress) = Egress::to(&upstream) else {
        return;
    };
    let asked = [
        ("x-envoy-retry-on", "5xx"),
        ("x-envoy-max-retries", "3"),
        ("x-envoy-hedge-on-per-try-timeout", "true"),
        ("x-envoy-upstream-alt-stat-name", "x"),
    ];
    let answer = egress.call(&service("test"), "POST", "/v1/charges", &asked);
    assert_eq!((answer.status, upstream.count()), (503, 1));
    assert_clean(&upstream.last());
}

#[test]
fn the_real_keys_are_shown_nowhere() {
    let Some(shipped) = Shipped::lent() else {
        return;
    };
    let egress = &shipped.egress;
    for mode in MODES {
        assert_eq!(
            egress
                .call(&service(mode), "GET", "/v1/balance", &[])
                .status,
            200
        );
    }
    egress.envoy.logged_path("/v1/balance");
    let pages = [
        "/config_dump?include_eds",
        "/stats",
        "/clusters",
        "/listeners",
        "/certs",
        "/init_dump",
    ];
    let mut texts: Vec<String> = pages
        .iter()
        .map(|page| {
            String::from_utf8_lossy(
                &crate::support::http::request(
                    egress.envoy.admin_address(),
                    "GET",
                    page,
                    NO_HEADERS,
                    b"",
                )
                .body,
            )
            .into_owned()
        })
        .collect();
    assert!(texts[0].contains("stripe_test"));
    texts.push(egress.envoy.logs());
    texts.extend(egress.envoy.access_log().iter().map(Value::to_string));
    for text in texts {
        assert!(!text.contains("of-stripe"), "{text}");
    }
}
