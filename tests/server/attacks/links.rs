//! Links that open a session, and where pages lead.

use serde_json::json;

use super::{OWNER, SITES, Site, prepare, started};
use crate::browser::Browser;
use crate::world::World;

#[test]
fn a_link_is_used_once_at_its_own_place_and_is_not_used_by_a_look() {
    let world = started();
    for site in SITES {
        let url = site.link(&world);
        let (page, token) = url.split_once('#').unwrap();
        assert!(page.contains(&site.at("/enter")), "{page}");
        let stranger = Browser::at(&world, site.name());
        // A scanner of mail follows it, with everything that the page does without its button.
        for _ in 0..2 {
            assert_eq!(stranger.get(&site.at("/enter")).status, 200);
            let peeked = stranger.post(&site.at("/peek"), &[("code", token)]).json();
            assert_eq!(peeked["status"], "unopened", "{site:?}");
        }
        // The other site rejects the link, and does not use it up.
        let other = Browser::at(&world, site.other().name());
        let refused = other.post(&site.other().at("/enter"), &[("code", token)]);
        assert_eq!(refused.status, 400, "{site:?}: {}", refused.text());
        assert!(refused.header("set-cookie").is_none(), "{site:?}");
        let opened = stranger.post(&site.at("/enter"), &[("code", token)]);
        assert_eq!(opened.status, 303, "{site:?}: {}", opened.text());
        let again = stranger.post(&site.at("/enter"), &[("code", token)]);
        assert_eq!(again.status, 400, "{site:?}");
        assert!(again.text().contains("already used"), "{}", again.text());
        assert!(again.header("set-cookie").is_none(), "{site:?}");
        // No page repeats what was sent, and no log has it.
        assert!(!again.text().contains(token), "{site:?}");
        world.assert_nowhere(&[token]);
    }
}

#[test]
fn a_session_is_never_one_that_somebody_chose() {
    let world = started();
    for site in SITES {
        let chosen = "a".repeat(64);
        let mut planted = Browser::at(&world, site.name());
        planted.cookie = Some(chosen.clone());
        let opened = planted.post(&site.at("/enter"), &[("code", &site.link(&world))]);
        assert_eq!(opened.status, 303, "{}", opened.text());
        let set = opened.header("set-cookie").unwrap();
        assert!(!set.contains(&chosen), "{site:?}");
        for part in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite="] {
            assert!(set.contains(part), "{site:?}: {part} is missing");
        }
        assert!(set.starts_with("__Host-"), "{site:?}");
        assert!(!set.contains("Domain"), "{site:?}");
        assert_eq!(planted.get(&site.at("/keys")).status, 401, "{site:?}");
        // Somebody who is signed in signs in again: the new session is not the one of before.
        let browser = site.browser(&world);
        let before = browser.cookie.clone().unwrap();
        let opened = browser.post(&site.at("/enter"), &[("code", &site.link(&world))]);
        assert!(!opened.header("set-cookie").unwrap().contains(&before));
        // Each site rejects the other's cookie.
        let other = site.other();
        let mut moved = Browser::at(&world, other.name());
        moved.cookie.clone_from(&browser.cookie);
        assert_eq!(moved.get(&other.at("/keys")).status, 401, "{site:?}");
        // After signing out, a copy of the cookie opens nothing.
        let page = browser.get(&site.at("/keys"));
        assert_eq!(browser.send(&page, &site.at("/leave"), &[]).status, 200);
        assert_eq!(browser.get(&site.at("/keys")).status, 401, "{site:?}");
    }
}

#[test]
fn no_link_leads_away_from_the_pages() {
    let sign_in = "https://app.example.com/keys?from=portal";
    let world = World::start_with(|data| {
        let file = data.join("keyward-server.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let line = format!("name = \"Widgets\"\nsign_in_url = \"{sign_in}\"");
        let changed = text.replace("name = \"Widgets\"", &line);
        assert_ne!(changed, text);
        std::fs::write(&file, changed).unwrap();
    });
    prepare(&world);
    // Where the one who made the link says it leads back to: an origin of the configuration, or it is not made.
    for url in [
        "https://evil.example/",
        "http://localhost.evil.example/",
        "http://localhost@evil.example/",
        "http://localhost:81/",
        "https://localhost/",
        "//localhost/",
        "/keys",
        "javascript:alert(1)//http://localhost/",
        "data:text/html,http://localhost/",
        "http://localhost\\@evil.example/",
        "http://localhost/\r\nset-cookie: a=b",
        "",
    ] {
        let body =
            json!({"account": OWNER, "actor": {"id": "ada@acme.example"}, "return_url": url});
        let refused = world.api("POST", "/v2/keyward/portal_sessions", Some(body));
        assert_eq!(refused.status, 400, "{url}: {}", refused.text());
        assert_eq!(refused.json()["error"]["param"], "return_url", "{url}");
    }
    // Where signing in leads, whatever the form says.
    for site in SITES {
        for (name, value) in [
            ("key", "//evil.example"),
            ("key", "https://evil.example"),
            ("key", "..%2f..%2fevil"),
            ("key", "mk_1\r\nset-cookie: a=b"),
            ("key", "mk_1?next=//evil.example"),
            ("begin", "//evil.example"),
            ("return_url", "https://evil.example/"),
            ("next", "//evil.example"),
        ] {
            let code = site.link(&world);
            let form = [("code", code.as_str()), (name, value), ("ask", "//evil")];
            let opened = Browser::at(&world, site.name()).post(&site.at("/enter"), &form);
            assert_eq!(opened.status, 303, "{site:?} {value}: {}", opened.text());
            let home = site.at("/keys");
            assert_eq!(opened.header("location"), Some(home.as_str()), "{value}");
        }
    }
    // Where people who are not signed in are sent: the address of the configuration, and nothing of the request but an id and a permission.
    let nobody = Browser::at(&world, Site::Portal.name());
    for (path, expected) in [
        ("/portal/keys/mk_1", Some("&key=mk_1")),
        (
            "/portal/keys/mk_1/edit?ask=charge_write",
            Some("&key=mk_1&ask=charge_write"),
        ),
        (
            "/portal/keys/mk_1?ask=%2F%2Fevil.example%23",
            Some("&key=mk_1"),
        ),
        ("/portal/keys/mk_1?ask=a%26next%3Devil", Some("&key=mk_1")),
        (
            "/portal/keys/mk_1?sign_in_url=//evil.example",
            Some("&key=mk_1"),
        ),
        ("/portal/keys?next=//evil.example", None),
    ] {
        let answer = nobody.get(path);
        let expected = expected.map(|more| format!("{sign_in}{more}"));
        assert_eq!(answer.header("location"), expected.as_deref(), "{path}");
        assert_eq!(answer.status, if expected.is_some() { 303 } else { 401 });
        assert!(!answer.text().contains("evil.example"), "{path}");
    }
}
