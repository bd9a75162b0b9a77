//! What the services may request, and what Stripe receives.

use super::*;
use crate::support::command::command;
use crate::support::find::root;

#[test]
fn a_call_arrives_with_the_real_key_of_its_mode() {
    let Some(shipped) = Shipped::lent() else {
        return;
    };
    let (egress, upstream) = (&shipped.egress, &shipped.upstream);
    for mode in MODES {
        let path = "/v1/customers?limit=3&email=ann%40example.com";
        let answer = egress.call(
            &service(mode),
            "GET",
            path,
            &[("stripe-version", "2026-10-28.endive")],
        );
        assert_eq!(answer.status, 200, "{}", answer.text());
        let seen = upstream.last();
        assert_real(&seen, mode);
        assert_eq!(seen.path, path.as_bytes());
        assert_eq!(seen.header("stripe-version"), Some("2026-10-28.endive"));
    }
    // As curl sends it.
    let basic = base64(&format!("{}:", service("live")));
    let headers = [("authorization", format!("Basic {basic}"))];
    assert_eq!(egress.envoy.get("/v1/balance", &headers).status, 200);
    assert_real(&upstream.last(), "live");
    let told = egress.front.told();
    assert!(
        !told.is_empty() && told.iter().all(|name| name == "api.stripe.com"),
        "{told:?}"
    );
    let line = egress.envoy.logged_path("/v1/balance");
    assert!(
        line["keyward"]
            .as_str()
            .unwrap()
            .starts_with("allow key=\"mk_live-billing-0001\""),
        "{line}"
    );
}

#[test]
fn the_body_and_the_answer_are_stripes() {
    let upstream = Upstream::answering(|seen| crate::support::upstream::Reply {
        status: 402,
        headers: vec![("request-id".into(), "req_FAKE".into())],
        body: seen.body.clone(),
    });
    let Some(egress) = Egress::to(&upstream) else {
        return;
    };
    let headers = [
        ("authorization", format!("Bearer {}", service("test"))),
        ("idempotency-key", "order-7".to_owned()),
    ];
    let answer = egress
        .envoy
        .request("POST", "/v1/charges", &headers, b"amount=700");
    assert_eq!((answer.status, answer.text()), (402, "amount=700"));
    assert_eq!(answer.header("request-id"), Some("req_FAKE"));
    assert_eq!(answer.header("x-keyward-denied"), None);
    assert_eq!(upstream.last().header("idempotency-key"), Some("order-7"));
    let line = egress.envoy.logged_path("/v1/charges");
    assert_eq!(line["stripe_request_id"], "req_FAKE");
    assert_eq!(
        line["request_id"].as_str().map(str::len),
        Some(36),
        "{line}"
    );
}

#[test]
fn any_connected_account_can_be_named_and_arrives() {
    let Some(shipped) = Shipped::lent() else {
        return;
    };
    let (egress, upstream) = (&shipped.egress, &shipped.upstream);
    let call = |path, account| {
        egress.call(
            &service("test"),
            "GET",
            path,
            &[("stripe-account", account)],
        )
    };
    assert_eq!(call("/v1/customers", "acct_FAKE-never-listed").status, 200);
    let seen = upstream.last();
    assert_real(&seen, "test");
    assert_eq!(
        seen.header("stripe-account"),
        Some("acct_FAKE-never-listed")
    );
    // The key has fewer permissions on connected accounts than on its own.
    let denied = call("/v1/balance", "acct_FAKE-never-listed");
    assert_eq!(
        denied.header("x-keyward-denied"),
        Some("insufficient_permission")
    );
    let denied = call("/v1/customers", "not an account");
    assert_eq!(denied.header("x-keyward-denied"), Some("malformed_context"));
    assert_eq!(upstream.count(), 1);
}

#[test]
fn what_is_refused_never_reaches_stripe() {
    let Some(shipped) = Shipped::lent() else {
        return;
    };
    let (egress, upstream) = (&shipped.egress, &shipped.upstream);
    // Stripe's own keys are not accepted here, so the log shows a service that still has one.
    for key in [
        stripes("test"),
        stripes("live"),
        "rk_test_FAKE-nobody-0001".into(),
    ] {
        let denied = egress.call(&key, "GET", "/v1/customers", &[]);
        assert_eq!(
            (denied.status, denied.header("x-keyward-denied")),
            (401, Some("unknown_key"))
        );
    }
    let denied = egress.call("rk_test_FAKE-dead-0001", "GET", "/v1/customers", &[]);
    assert_eq!(denied.header("x-keyward-denied"), Some("deleted_key"));
    let denied = egress.call(&service("test"), "POST", "/v1/customers", &[]);
    assert_eq!(
        denied.header("x-keyward-denied"),
        Some("insufficient_permission")
    );
    assert_eq!(upstream.count(), 0);
}

#[test]
fn what_passes_without_a_key_that_stripe_may_be_asked_with_has_no_route() {
    let Some(shipped) = Shipped::lent() else {
        return;
    };
    let (egress, upstream) = (&shipped.egress, &shipped.upstream);
    let preflight = [
        ("origin", "https://a.example"),
        ("access-control-request-method", "GET"),
    ];
    let none: &[(&str, &str)] = &[];
    let page = ("authorization", "Bearer pk_test_FAKE-page-0001");
    let organization = [
        ("authorization", "Bearer sk_org_FAKE-org-0001"),
        ("stripe-context", OWN),
        ("stripe-version", "2026-10-28"),
    ];
    for (method, path, headers) in [
        ("OPTIONS", "/v1/customers", &preflight[..]),
        ("GET", "/healthz", none),
        ("POST", "/v1/tokens?key=pk_test_FAKE-page-0001", none),
        ("POST", "/v1/tokens", &[page]),
        ("GET", "/v1/customers", &organization),
    ] {
        let answer = egress.envoy.request(method, path, headers, b"");
        assert_eq!(
            (answer.status, answer.header("x-keyward-denied")),
            (404, None),
            "{method} {path}"
        );
        let line = egress.envoy.logged(path, |line| {
            line["method"] == method && path.starts_with(line["path"].as_str().unwrap_or("?"))
        });
        assert!(
            line["keyward"].as_str().unwrap().starts_with("allow "),
            "{line}"
        );
    }
    assert_eq!(upstream.count(), 0);
    // The key with every permission has this one.
    assert_eq!(
        egress
            .call(
                "sk_test_FAKE-all-0001",
                "DELETE",
                "/v1/customers/cus_1",
                &[]
            )
            .status,
        200
    );
    assert_real(&upstream.last(), "test");
}

#[test]
fn shadow_tries_permissions_and_revives_nobody() {
    let upstream = Upstream::start();
    let Some(egress) = Egress::to(&upstream) else {
        return;
    };
    let shadow = "rk_test_FAKE-shadow-0001";
    for (method, path) in [
        ("POST", "/v1/customers"),
        ("GET", "/v1/unheard_of"),
        ("GET", "/v1/customers?expand[]=data.unheard_of"),
    ] {
        assert_eq!(
            egress.call(shadow, method, path, &[]).status,
            200,
            "{method} {path}"
        );
        assert_real(&upstream.last(), "test");
    }
    assert_eq!(
        egress
            .call(
                shadow,
                "GET",
                "/v1/customers",
                &[("stripe-version", "latest")]
            )
            .status,
        404
    );
    assert_eq!(upstream.count(), 3);
    // A gateway in shadow lets unknown and ended keys pass, but not to Stripe.
    egress
        .envoy
        .push(&configuration(&json!({"enforcement": "shadow"})));
    let dead = || egress.call("rk_test_FAKE-dead-0001", "GET", "/v1/customers", &[]);
    eventually("the gateway is in shadow", BOUND, || {
        (dead().status == 404).then_some(())
    });
    assert_eq!(
        egress
            .call("rk_test_FAKE-nobody-0001", "GET", "/v1/customers", &[])
            .status,
        404
    );
    assert_eq!(upstream.count(), 3);
}

#[test]
fn files_go_to_the_host_that_has_them() {
    let Some(shipped) = Shipped::lent() else {
        return;
    };
    let (egress, upstream) = (&shipped.egress, &shipped.upstream);
    let all = "sk_test_FAKE-all-0001";
    for (method, path, host) in [
        ("POST", "/v1/files", "files.stripe.com"),
        ("GET", "/v1/files/file_1/contents", "files.stripe.com"),
        ("GET", "/v1/quotes/qt_1/pdf?x=1", "files.stripe.com"),
        ("GET", "/v1/files", "api.stripe.com"),
        ("GET", "/v1/files/file_1", "api.stripe.com"),
        ("GET", "/v1/quotes/qt_1", "api.stripe.com"),
    ] {
        assert_eq!(egress.call(all, method, path, &[]).status, 200);
        assert_real_at(&upstream.last(), "test", host);
        let told = egress.front.told();
        assert!(told.iter().any(|name| name == host), "{told:?}");
    }
    // keyward checks permissions there as well.
    let denied = egress.call(&service("live"), "POST", "/v1/files", &[]);
    assert_eq!(
        denied.header("x-keyward-denied"),
        Some("insufficient_permission")
    );
    assert_eq!(upstream.count(), 6);
}

#[test]
fn doctor_finds_nothing() {
    let Some(shipped) = Shipped::lent() else {
        return;
    };
    let egress = &shipped.egress;
    let output = command()
        .args([
            "doctor",
            "--strict",
            "--admin",
            &format!("http://{}", egress.envoy.admin_address()),
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let good = text.lines().find(|line| line.starts_with("good "));
    for check in ["interlock", "routes", "client-address", "access-log"] {
        assert!(good.unwrap().contains(check), "{text}");
    }
    assert_eq!(output.status.code(), Some(0), "{text}");
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
