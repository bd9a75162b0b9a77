//! What attacks on the console can achieve.

use std::io::Read;

use keyward_harness::http::{Connection, Response};
use regex::Regex;
use serde_json::json;

use super::made;
use crate::browser::{Browser, field, link};
use crate::world::World;

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
    // A form of the console without the session's token, or with another session's.
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
    // Signing another person in is also a form.
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
    // The API, with only a session.
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
    // A page, with a key: the gateway requires no key there, and passes none on.
    let authorization = format!("Bearer {}", world.first);
    for path in ["/console/keys", "/console/keys/new"] {
        let headers = [("authorization", authorization.as_str())];
        assert_eq!(request(&world, "GET", path, &headers).status, 401, "{path}");
        // The gateway removes what a client claims about itself.
        let headers = [
            ("x-keyward-principal", "key=\"mk_1\""),
            ("cookie", cookie.as_str()),
        ];
        assert_eq!(request(&world, "GET", path, &headers).status, 200, "{path}");
    }
    // If one of these headers still arrives, the page rejects it, even with a session.
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
        let (status, _) = world.straight("run/api.sock", &head, "/console/keys");
        assert_eq!(status, 403, "{}", strange.0);
    }
    // Directly to the socket, without the gateway's secret, or to the API's socket for a page.
    let (status, _) = world.straight("run/api.sock", &[("cookie", &cookie)], "/console/keys");
    assert_eq!(status, 401);
    let head = [("cookie", cookie.as_str()), ("x-keyward-gateway", &secret)];
    let (status, _) = world.straight("run/api.sock", &head, "/v2/iam/api_keys");
    assert_eq!(status, 401);
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
        // A field contains the input unchanged. Text shows invisible characters.
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
    what_holds_no_value_is_compressed(&world, &browser);
}

fn what_holds_no_value_is_compressed(world: &World, browser: &Browser<'_>) {
    let asked = |coding: &str, path: &str| {
        let cookie = browser.cookie_header();
        let headers = [("cookie", cookie.as_str()), ("accept-encoding", coding)];
        request(world, "GET", path, &headers)
    };
    // The parts that differ in each answer: the tokens of forms, and how long the session lasts.
    let token =
        Regex::new("name=\"(csrf|once)\" value=\"[0-9A-Za-z_]+\"|until this session ends\">[^<]*<")
            .unwrap();
    for path in [
        "/console/keys/new",
        "/console/keys/no_such",
        "/console/assets/app.css",
        "/console/assets/app.js",
    ] {
        let (plain, packed) = (asked("identity", path), asked("br, gzip", path));
        assert_eq!(plain.header("content-encoding"), None, "{path}");
        assert_eq!(packed.header("content-encoding"), Some("gzip"), "{path}");
        for answer in [&plain, &packed] {
            assert_eq!(answer.header("vary"), Some("accept-encoding"), "{path}");
        }
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(&packed.body[..])
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(
            token.replace_all(&text, ""),
            token.replace_all(plain.text(), ""),
            "{path}"
        );
        assert!(packed.body.len() < plain.body.len(), "{path}");
    }
    // No two answers contain the same token, so the sizes of many answers reveal nothing about it.
    let token = || {
        let page = browser.get("/console/keys");
        field(page.text(), "name=\"csrf\"", "value").to_owned()
    };
    let (first, second) = (token(), token());
    assert!(first.len() == second.len() && first != second);
    // The server sends a value uncompressed, whatever the browser accepts.
    world.account("acct_sizes");
    let form = browser.get("/console/keys/new");
    let all = |name: &str| {
        let (_, last) = form
            .text()
            .rsplit_once(&format!("name=\"{name}\""))
            .unwrap();
        last.split('"').nth(1).unwrap().to_owned()
    };
    let (csrf, once) = (all("csrf"), all("once"));
    let made = browser.post_with(
        "/console/keys/new",
        &[
            ("csrf", csrf.as_str()),
            ("once", once.as_str()),
            ("name", "Not compressed"),
            ("account", "acct_sizes"),
            ("mode", "test"),
            ("p.customer", "read"),
            ("ends", "90"),
        ],
        &[
            ("sec-fetch-site", "same-origin"),
            ("accept-encoding", "gzip"),
        ],
    );
    assert_eq!(made.status, 200, "{}", made.text());
    assert_eq!(made.header("content-encoding"), None);
    assert!(field(made.text(), "id=\"value\"", "value").starts_with("rk_test_"));
}

fn request(world: &World, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    Connection::open(world.gateway).request(method, path, headers, b"")
}
