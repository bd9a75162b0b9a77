//! The console, as a browser speaks to it through Envoy: signing in, making a key that works, and what attacks get.

use keyward_harness::eventually;
use keyward_harness::http::{Connection, Response};
use serde_json::{Value, json};

use crate::browser::{Browser, field, link};
use crate::world::{PROPAGATION, World};

/// A key that is made by the form, and its value.
fn made(browser: &Browser<'_>, name: &str, more: &[(&str, &str)]) -> (String, String) {
    let form = browser.get("/console/keys/new");
    assert_eq!(form.status, 200, "{}", form.text());
    let mut fields = vec![
        ("name", name),
        ("account", "acct_widgets"),
        ("mode", "test"),
        ("p.customer", "read"),
        ("ends", "90"),
    ];
    fields.extend_from_slice(more);
    let answer = browser.send(&form, "/console/keys/new", &fields);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let value = field(answer.text(), "id=\"value\"", "value").to_owned();
    let page = answer.text();
    let (_, after) = page.split_once("action=\"/console/keys/").unwrap();
    let id = after.split('/').next().unwrap().to_owned();
    (id, value)
}

#[test]
fn a_key_that_is_made_by_a_form_works_through_envoy_until_it_is_ended_by_one() {
    let world = World::start();
    world.account("acct_widgets");
    let browser = Browser::signed_in(&world, "operator");
    let listed = browser.get("/console/keys");
    assert_eq!(listed.status, 200, "{}", listed.text());
    assert!(listed.text().contains("First key"), "{}", listed.text());

    let (id, value) = made(&browser, "Billing worker", &[]);
    assert!(value.starts_with("rk_test_"), "no value in the page");
    let status = |method: &str| world.call(&value, method, "/v1/customers", None).status;
    eventually("the key works", PROPAGATION, || {
        (status("GET") == 200).then_some(())
    });
    assert_eq!(status("POST"), 403);

    // The value is on no page but that one, and nowhere on the disk.
    for path in [
        "/console/keys".to_owned(),
        format!("/console/keys/{id}"),
        format!("/console/keys/{id}/history"),
    ] {
        let page = browser.get(&path);
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        assert!(page.text().contains("Billing worker"), "{path}");
        assert!(!page.text().contains(&value), "{path} shows the value");
    }
    world.assert_nowhere(&[&value]);

    // Who made it is a person, in a session.
    let key = world
        .api("GET", &format!("/v2/iam/api_keys/{id}"), None)
        .json();
    assert_eq!(key["keyward"]["source"], "console");
    assert_eq!(key["keyward"]["created_by"]["id"], "operator@example.com");
    let logs = format!("/v2/iam/activity_logs?object={id}");
    let log = &world.api("GET", &logs, None).json()["data"][0];
    assert_eq!(log["actor"]["user"]["email"], "operator@example.com");
    assert_eq!(log["keyward"]["via"], "console");
    assert!(
        log["keyward"]["session"]
            .as_str()
            .unwrap()
            .starts_with("cs_")
    );

    let form = browser.get(&format!("/console/keys/{id}/expire"));
    let ended = browser.send(
        &form,
        &format!("/console/keys/{id}/expire"),
        &[("ends", "now")],
    );
    assert_eq!(ended.status, 303, "{}", ended.text());
    eventually("the key is denied", PROPAGATION, || {
        let denied = world.call(&value, "GET", "/v1/customers", None);
        (denied.header("x-keyward-denied") == Some("expired_key")).then_some(())
    });
}

#[test]
fn each_flow_of_a_key_does_what_its_form_says() {
    let world = World::start();
    world.account("acct_widgets");
    let browser = Browser::signed_in(&world, "admin");
    let (id, value) = made(&browser, "Worker", &[]);
    let at = |page: &str| format!("/console/keys/{id}/{page}");
    let key = || {
        world
            .api("GET", &format!("/v2/iam/api_keys/{id}"), None)
            .json()
    };
    let send = |page: &str, fields: &[(&str, &str)]| {
        let form = browser.get(&at(page));
        assert_eq!(form.status, 200, "{page}: {}", form.text());
        browser.send(&form, &at(page), fields)
    };

    let saved = send("edit", &[("p.charge", "write"), ("p.customer", "none")]);
    assert_eq!(saved.status, 303, "{}", saved.text());
    assert_eq!(key()["permissions"], json!(["charge_write"]));

    let saved = send("addresses", &[("ips", "127.0.0.1\n203.0.113.0/24")]);
    assert_eq!(saved.status, 303, "{}", saved.text());
    assert_eq!(
        key()["ip_allowlist"],
        json!(["127.0.0.1", "203.0.113.0/24"])
    );
    let refused = send("addresses", &[("ips", "203.0.113.1/24")]);
    assert_eq!(refused.status, 422);
    assert!(
        refused.text().contains("203.0.113.1/24"),
        "what was entered is lost"
    );

    let saved = send(
        "details",
        &[
            ("name", "Nightly"),
            ("note", "vault: a"),
            ("labels", "team: a"),
        ],
    );
    assert_eq!(saved.status, 303, "{}", saved.text());
    assert_eq!(key()["name"], "Nightly");
    assert_eq!(key()["keyward"]["labels"], json!({"team": "a"}));

    let rotated = send("rotate", &[("overlap", "60"), ("ends", "30")]);
    assert_eq!(rotated.status, 200, "{}", rotated.text());
    let replacement = field(rotated.text(), "id=\"value\"", "value").to_owned();
    eventually("both values work", PROPAGATION, || {
        let status = |value: &str| world.call(value, "POST", "/v1/charges", None).status;
        (status(&value) == 200 && status(&replacement) == 200).then_some(())
    });

    let duplicated = send("duplicate", &[("name", "Twin"), ("ends", "never")]);
    assert_eq!(duplicated.status, 200, "{}", duplicated.text());
    let twin = field(duplicated.text(), "id=\"value\"", "value").to_owned();

    let refused = send("delete", &[("confirm", "Another")]);
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert_eq!(key()["status"], "active");
    let deleted = send("delete", &[("confirm", "Nightly")]);
    assert_eq!(deleted.status, 303, "{}", deleted.text());
    assert_eq!(key()["status"], "deleted");
    world.assert_nowhere(&[&value, &replacement, &twin]);
}

#[test]
fn a_form_that_is_sent_twice_makes_one_key_and_shows_its_value_once() {
    let world = World::start();
    world.account("acct_widgets");
    let browser = Browser::signed_in(&world, "operator");
    let form = browser.get("/console/keys/new");
    let fields = [
        ("name", "Twice"),
        ("account", "acct_widgets"),
        ("mode", "test"),
        ("ends", "90"),
    ];
    let first = browser.send(&form, "/console/keys/new", &fields);
    assert_eq!(first.status, 200, "{}", first.text());
    let value = field(first.text(), "id=\"value\"", "value").to_owned();
    let again = browser.send(&form, "/console/keys/new", &fields);
    assert!(
        again.text().contains("made a moment ago"),
        "{}",
        again.text()
    );
    assert!(!again.text().contains(&value), "the value is shown twice");
    let list = world
        .api("GET", "/v2/iam/api_keys?owner=acct_widgets", None)
        .json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}

#[test]
fn of_two_tabs_with_one_version_the_second_saves_nothing_and_loses_nothing() {
    let world = World::start();
    world.account("acct_widgets");
    let browser = Browser::signed_in(&world, "operator");
    let (id, _) = made(&browser, "Worker", &[]);
    let path = format!("/console/keys/{id}/edit");
    let (one, other) = (browser.get(&path), browser.get(&path));
    let saved = browser.send(&one, &path, &[("p.charge", "read")]);
    assert_eq!(saved.status, 303, "{}", saved.text());
    let refused = browser.send(&other, &path, &[("p.payout", "write")]);
    assert_eq!(refused.status, 409, "{}", refused.text());
    assert!(
        refused
            .text()
            .contains("Somebody changed this key meanwhile")
    );
    let key = world
        .api("GET", &format!("/v2/iam/api_keys/{id}"), None)
        .json();
    assert_eq!(key["permissions"], json!(["charge_read"]));
    // What was chosen is still chosen, and can be saved now that both were seen.
    let saved = browser.send(&refused, &path, &[("p.payout", "write")]);
    assert_eq!(saved.status, 303, "{}", saved.text());
}

#[test]
fn a_link_opens_one_session_and_opens_nothing_when_it_is_only_looked_at() {
    let world = World::start();
    let url = link(&world, "viewer");
    let (page, token) = url.split_once('#').unwrap();
    assert!(page.ends_with("/console/enter"), "{page}");
    let nobody = Browser::new(&world);
    // A scanner of mail follows the link, and runs what is on the page up to the button.
    for _ in 0..2 {
        assert_eq!(nobody.get("/console/enter").status, 200);
        let peeked = nobody.post("/console/peek", &[("code", token)]);
        let told: Value = peeked.json();
        assert_eq!(told["status"], "unopened", "{told}");
        assert_eq!(told["actor"], "viewer@example.com");
    }
    let opened = nobody.post("/console/enter", &[("code", &url)]);
    assert_eq!(opened.status, 303, "{}", opened.text());
    let cookie = opened.header("set-cookie").unwrap();
    for part in [
        "__Host-keyward_console=",
        "; Path=/",
        "; Secure",
        "; HttpOnly",
        "; SameSite=Strict",
    ] {
        assert!(cookie.contains(part), "{part} is missing");
    }
    assert!(!cookie.contains("Domain"), "{part}", part = "a domain");
    let again = nobody.post("/console/enter", &[("code", token)]);
    assert_eq!(again.status, 400);
    assert!(again.text().contains("already used"), "{}", again.text());
    assert!(again.header("set-cookie").is_none());
    // In the store and the logs there are digests.
    let secret = cookie.split_once('=').unwrap().1.split(';').next().unwrap();
    world.assert_nowhere(&[token, &format!("c_{secret}")]);
}

#[test]
fn a_cookie_that_somebody_chose_is_never_a_sessions() {
    let world = World::start();
    let chosen = "a".repeat(64);
    let mut browser = Browser::new(&world);
    browser.cookie = Some(chosen.clone());
    let opened = browser.post("/console/enter", &[("code", &link(&world, "viewer"))]);
    assert_eq!(opened.status, 303, "{}", opened.text());
    assert!(!opened.header("set-cookie").unwrap().contains(&chosen));
    assert_eq!(browser.get("/console/keys").status, 401);
}

#[test]
fn a_session_ends_when_it_is_left_when_it_is_revoked_and_with_the_key_that_opened_it() {
    let world = World::start();
    let left = Browser::signed_in(&world, "viewer");
    let page = left.get("/console/keys");
    assert_eq!(left.send(&page, "/console/leave", &[]).status, 200);
    assert_eq!(left.get("/console/keys").status, 401);

    let revoked = Browser::signed_in(&world, "viewer");
    let open = world
        .api("GET", "/v2/keyward/console_sessions", None)
        .json();
    let id = open["data"][0]["id"].as_str().unwrap();
    assert_eq!(open["data"][0]["status"], "open");
    let path = format!("/v2/keyward/console_sessions/{id}/revoke");
    assert_eq!(world.api("POST", &path, None).status, 200);
    assert_eq!(revoked.get("/console/keys").status, 401);

    let body = json!({
        "type": "secret_key", "permissions": ["console_session_write", "api_key_read", "account_read", "grant_set_read",
            "key_policy_read", "endpoint_read", "snapshot_read", "gateway_read"],
        "keyward": {"owner": "acct_operator", "livemode": true},
    });
    let key = world.api("POST", "/v2/iam/api_keys", Some(body)).json();
    let value = key["secret_key"]["token"].as_str().unwrap();
    let body = |role: &str| Some(json!({"role": role, "actor": {"id": "x@example.com"}}));
    let made = eventually("the key works", PROPAGATION, || {
        let made = world.call(
            value,
            "POST",
            "/v2/keyward/console_sessions",
            body("viewer"),
        );
        (made.status == 200).then_some(made)
    });
    // Nobody hands out more than they hold.
    let refused = world.call(value, "POST", "/v2/keyward/console_sessions", body("admin"));
    assert_eq!(refused.status, 403, "{}", refused.text());
    let url = made.json()["url"].as_str().unwrap().to_owned();
    let browser = Browser::enter(&world, &url);
    assert_eq!(browser.get("/console/keys").status, 200);
    let path = format!("/v2/iam/api_keys/{}/expire", key["id"].as_str().unwrap());
    assert_eq!(world.api("POST", &path, None).status, 200);
    assert_eq!(browser.get("/console/keys").status, 401);
}

#[test]
fn a_form_of_another_origin_changes_nothing() {
    let world = World::start();
    world.account("acct_widgets");
    let browser = Browser::signed_in(&world, "operator");
    let form = browser.get("/console/keys/new");
    let csrf = field(form.text(), "name=\"csrf\"", "value");
    let fields = [
        ("csrf", csrf),
        ("name", "x"),
        ("account", "acct_widgets"),
        ("ends", "90"),
    ];
    for (what, headers) in [
        ("another site", vec![("sec-fetch-site", "cross-site")]),
        ("a sibling", vec![("sec-fetch-site", "same-site")]),
        ("typed", vec![("sec-fetch-site", "none")]),
        ("another origin", vec![("origin", "https://evil.example")]),
        ("nothing said", vec![]),
    ] {
        let answer = browser.post_with("/console/keys/new", &fields, &headers);
        assert_eq!(answer.status, 403, "{what}: {}", answer.text());
    }
    // And one of ours without the session's token, or with another session's.
    let other = Browser::signed_in(&world, "operator").get("/console/keys/new");
    let other = field(other.text(), "name=\"csrf\"", "value");
    for csrf in ["", other] {
        let fields = [
            ("csrf", csrf),
            ("name", "x"),
            ("account", "acct_widgets"),
            ("ends", "90"),
        ];
        let answer = browser.post("/console/keys/new", &fields);
        assert_eq!(answer.status, 403, "{}", answer.text());
    }
    // Signing somebody else in is a form as well.
    let url = link(&world, "viewer");
    let headers = [("sec-fetch-site", "cross-site")];
    let answer = browser.post_with("/console/enter", &[("code", &url)], &headers);
    assert_eq!(answer.status, 403);
    let list = world
        .api("GET", "/v2/iam/api_keys?owner=acct_widgets", None)
        .json();
    assert_eq!(list["data"], json!([]));
}

#[test]
fn pages_and_api_share_no_credential() {
    let world = World::start();
    let browser = Browser::signed_in(&world, "admin");
    // The API, with a session only.
    let cookie = browser.cookie_header();
    for path in [
        "/v2/iam/api_keys",
        "/v2/keyward/accounts",
        "/v2/keyward/console_sessions",
    ] {
        let headers = [("cookie", cookie.as_str())];
        let answer = request(&world, "GET", path, &headers);
        assert_eq!(
            answer.header("x-keyward-denied"),
            Some("missing_credential"),
            "{path}"
        );
    }
    // A page, with a key.
    let authorization = format!("Bearer {}", world.first);
    for path in ["/console/keys", "/console/keys/new", "/console/enter"] {
        let headers = [("authorization", authorization.as_str())];
        assert_ne!(request(&world, "GET", path, &headers).status, 200, "{path}");
        let headers = [
            ("authorization", authorization.as_str()),
            ("cookie", cookie.as_str()),
        ];
        assert_ne!(
            request(&world, "GET", path, &headers).status,
            200,
            "{path} with both"
        );
        // What a client says of itself never arrives.
        let headers = [
            ("x-keyward-principal", "key=\"mk_1\""),
            ("cookie", cookie.as_str()),
        ];
        assert_eq!(request(&world, "GET", path, &headers).status, 200, "{path}");
    }
    // Straight to the socket, without the gateway's secret, or as a page of the API's own.
    let (status, _) = world.straight("run/api.sock", &[("cookie", &cookie)], "/console/keys");
    assert_eq!(status, 401);
    let secret = world.gateway_secret();
    let head = [("cookie", cookie.as_str()), ("x-keyward-gateway", &secret)];
    let (status, _) = world.straight("run/api.sock", &head, "/v2/iam/api_keys");
    assert_eq!(status, 401);
}

#[test]
fn a_role_is_a_bound_for_pages_as_for_the_api() {
    let world = World::start();
    world.account("acct_widgets");
    let (id, _) = world.key("acct_widgets", &["customer_read"]);
    let viewer = Browser::signed_in(&world, "viewer");
    let page = viewer.get("/console/keys");
    assert_eq!(page.status, 200);
    assert!(
        !page.text().contains("/console/keys/new"),
        "what is refused is offered"
    );
    let forms = [
        "edit",
        "addresses",
        "details",
        "rotate",
        "expire",
        "delete",
        "duplicate",
    ];
    for path in forms
        .iter()
        .map(|form| format!("/console/keys/{id}/{form}"))
        .chain([
            "/console/keys/new".to_owned(),
            format!("/console/keys/{id}/requests"),
        ])
    {
        assert_eq!(viewer.get(&path).status, 403, "{path}");
        if !path.ends_with("requests") {
            assert_eq!(
                viewer.send(&page, &path, &[("ends", "now")]).status,
                403,
                "{path}"
            );
        }
    }
    let key = world
        .api("GET", &format!("/v2/iam/api_keys/{id}"), None)
        .json();
    assert_eq!(key["status"], "active");
}

#[test]
fn markup_and_marks_that_turn_text_are_shown_as_text() {
    let world = World::start();
    world.account("acct_widgets");
    let browser = Browser::signed_in(&world, "operator");
    let name = "<script>alert(1)</script>\"'&\u{202e}evil";
    let (id, _) = made(
        &browser,
        name,
        &[("note", name), ("labels", &format!("a: {name}"))],
    );
    for path in [
        "/console/keys".to_owned(),
        format!("/console/keys?q={}", "%3Cscript%3E%22"),
        format!("/console/keys/{id}"),
        format!("/console/keys/{id}/details"),
        format!("/console/keys/{id}/delete"),
        format!("/console/keys/{id}/history"),
        format!("/console/keys/new?from={id}"),
    ] {
        let page = browser.get(&path);
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        assert!(!page.text().contains("<script>alert"), "{path}");
        assert!(!page.text().contains("<script>\""), "{path}");
        // A field holds what was entered as it is; text shows what nobody would see.
        let outside: String = page
            .text()
            .split("<textarea")
            .map(|part| part.rsplit("</textarea>").next().unwrap())
            .collect();
        let outside: String = outside
            .split("<input")
            .map(|part| part.split_once('>').map_or(part, |(_, rest)| rest))
            .collect();
        assert!(!outside.contains('\u{202e}'), "{path}");
    }
}

#[test]
fn a_value_of_a_key_is_taken_by_no_form_and_no_search() {
    let world = World::start();
    world.account("acct_widgets");
    let browser = Browser::signed_in(&world, "operator");
    let form = browser.get("/console/keys/new");
    let value = "sk_test_FAKE-alice-0001";
    for fields in [
        [("name", value), ("account", "acct_widgets")],
        [("name", "x"), ("account", value)],
    ] {
        let answer = browser.send(&form, "/console/keys/new", &fields);
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(!answer.text().contains(value), "it is shown again");
    }
    let answer = browser.get(&format!("/console/keys?q={value}"));
    assert_eq!(answer.status, 400);
    assert!(!answer.text().contains(value));
}

#[test]
fn a_path_has_one_reading_and_every_answer_has_the_headers() {
    let world = World::start();
    let browser = Browser::signed_in(&world, "admin");
    for path in [
        "/console",
        "/console/enter",
        "/console/keys",
        "/console/keys/no_such",
        "/console/none",
    ] {
        let page = browser.get(path);
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none';"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(
            page.header("referrer-policy"),
            Some("no-referrer"),
            "{path}"
        );
        assert_eq!(
            page.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert!(!page.text().contains("style="), "{path}");
    }
    for path in [
        "/console/keys/",
        "/console/keys/%2e%2e",
        "/console/keys/mk_1;a=1",
        "/console/keys%2fnew",
    ] {
        let status = browser.get(path).status;
        assert!((400..500).contains(&status), "{path}: {status}");
    }
    assert_eq!(browser.get("/console/keys/no_such").status, 404);
}

fn request(world: &World, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    Connection::open(world.gateway).request(method, path, headers, b"")
}
