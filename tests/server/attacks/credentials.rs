//! Pages know sessions, and the API knows keys.

use super::{SITES, Site, request, started};
use crate::world::World;

#[test]
fn pages_and_api_share_no_credential() {
    let world = started();
    for site in SITES {
        shares_none(&world, site);
    }
}

fn shares_none(world: &World, site: Site) {
    let browser = site.browser(world);
    // The API, with a session only.
    let cookie = browser.cookie_header();
    for path in [
        "/v2/iam/api_keys",
        "/v2/keyward/accounts",
        "/v2/keyward/console_sessions",
        "/v2/keyward/portal_sessions",
    ] {
        let headers = [("cookie", cookie.as_str())];
        let answer = request(world, "GET", path, &headers);
        assert_eq!(
            answer.header("x-keyward-denied"),
            Some("missing_credential"),
            "{path}"
        );
    }
    // A page, with a key: the gateway requires no key there, and forwards none.
    let authorization = format!("Bearer {}", world.first);
    for path in ["/keys", "/keys/new"] {
        let path = &site.at(path);
        let headers = [("authorization", authorization.as_str())];
        assert_eq!(request(world, "GET", path, &headers).status, 401, "{path}");
        // The gateway removes what a client claims about itself.
        let headers = [
            ("x-keyward-principal", "key=\"mk_1\""),
            ("cookie", cookie.as_str()),
        ];
        assert_eq!(request(world, "GET", path, &headers).status, 200, "{path}");
    }
    // If one of these headers arrives nevertheless, the page refuses it, even with a session.
    let secret = world.gateway_secret();
    for strange in [
        ("authorization", authorization.as_str()),
        ("x-keyward-principal", "key=\"mk_1\""),
    ] {
        let head = [
            ("cookie", cookie.as_str()),
            ("x-keyward-gateway", secret.as_str()),
            strange,
        ];
        let (status, _) = world.straight("run/api.sock", &head, &site.at("/keys"));
        assert_eq!(status, 403, "{}", strange.0);
    }
    // Directly to the socket, without the gateway's secret, or as a page of the API.
    let (status, _) = world.straight("run/api.sock", &[("cookie", &cookie)], &site.at("/keys"));
    assert_eq!(status, 401);
    let head = [("cookie", cookie.as_str()), ("x-keyward-gateway", &secret)];
    let (status, _) = world.straight("run/api.sock", &head, "/v2/iam/api_keys");
    assert_eq!(status, 401);
}
