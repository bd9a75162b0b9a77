//! The headers of every answer, and what an answer's size says.

use std::io::Read;

use keyward_harness::http::Response;
use regex::Regex;

use super::{SITES, Site, fields, request, started};
use crate::browser::{Browser, field};
use crate::world::World;

/// The Content-Security-Policy of every page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

#[test]
fn a_path_has_one_reading_and_every_answer_has_the_headers() {
    let world = started();
    for site in SITES {
        let browser = site.browser(&world);
        let form = browser.get(&site.at("/keys/new"));
        let made = browser.send(&form, &site.at("/keys/new"), &fields("Headers"));
        assert_eq!(made.status, 200, "{}", made.text());
        has_the_headers(&made, &format!("{site:?}, a value"));
        for path in [
            "",
            "/enter",
            "/keys",
            "/keys?q=nothing",
            "/keys/new",
            "/keys/no_such",
            "/none",
        ] {
            let path = site.at(path);
            has_the_headers(&browser.get(&path), &path);
        }
        let refused = browser.post(&site.at("/keys/new"), &[]);
        assert_eq!(refused.status, 403);
        has_the_headers(&refused, "a form without a token");
        let nobody = Browser::at(&world, site.name());
        has_the_headers(&nobody.get(&site.at("/keys")), "signed out");
        for path in [
            "/keys/",
            "/keys/%2e%2e",
            "/keys/mk_1;a=1",
            "/keys%2fnew",
            "//keys",
        ] {
            let path = site.at(path);
            let status = browser.get(&path).status;
            assert!((400..500).contains(&status), "{path}: {status}");
        }
        assert_eq!(browser.get(&site.at("/keys/no_such")).status, 404);
        what_holds_no_value_is_compressed(&world, site, &browser);
    }
}

/// No page has an exception: not from the policy, not from what keeps it out of frames, referrers and caches.
#[track_caller]
fn has_the_headers(page: &Response, what: &str) {
    for (name, expected) in [
        ("cache-control", "no-store"),
        ("content-security-policy", POLICY),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("strict-transport-security", "max-age=31536000"),
    ] {
        assert_eq!(page.header(name), Some(expected), "{what}: {name}");
    }
    for gone in ["style=", "onclick=", "<style", "javascript:"] {
        assert!(!page.text().contains(gone), "{what} has {gone}");
    }
    // The one script is a file of the same origin, and so is the stylesheet.
    for part in page.text().split("<script").skip(1) {
        assert!(part.starts_with(" src=\"/"), "{what}: {part}");
    }
}

fn what_holds_no_value_is_compressed(world: &World, site: Site, browser: &Browser<'_>) {
    let asked = |coding: &str, path: &str| {
        let cookie = browser.cookie_header();
        let headers = [("cookie", cookie.as_str()), ("accept-encoding", coding)];
        request(world, "GET", path, &headers)
    };
    // What is new in each answer: the tokens of forms, and how long the session lasts.
    let token =
        Regex::new("name=\"(csrf|once)\" value=\"[0-9A-Za-z_]+\"|until this session ends\">[^<]*<")
            .unwrap();
    for path in [
        "/keys/new",
        "/keys/no_such",
        "/assets/app.css",
        "/assets/app.js",
    ] {
        let path = &site.at(path);
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
        let page = browser.get(&site.at("/keys"));
        field(page.text(), "name=\"csrf\"", "value").to_owned()
    };
    let (first, second) = (token(), token());
    assert!(first.len() == second.len() && first != second);
    // The server sends a value uncompressed, whatever the browser accepts.
    let form = browser.get(&site.at("/keys/new"));
    let all = |name: &str| {
        let (_, last) = form
            .text()
            .rsplit_once(&format!("name=\"{name}\""))
            .unwrap();
        last.split('"').nth(1).unwrap().to_owned()
    };
    let (csrf, once) = (all("csrf"), all("once"));
    let mut sent = fields("Not compressed");
    sent.extend([("csrf", csrf.as_str()), ("once", once.as_str())]);
    let made = browser.post_with(
        &site.at("/keys/new"),
        &sent,
        &[
            ("sec-fetch-site", "same-origin"),
            ("accept-encoding", "gzip"),
        ],
    );
    assert_eq!(made.status, 200, "{}", made.text());
    assert_eq!(made.header("content-encoding"), None);
    assert!(field(made.text(), "id=\"value\"", "value").starts_with("rk_test_"));
}
