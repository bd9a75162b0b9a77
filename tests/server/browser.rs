//! A browser as far as forms need one: it keeps the cookie, and sends the headers that show where a
//! form comes from.

use keyward_harness::http::{Response, request};
use serde_json::Value;

use crate::world::{World, command};

pub(crate) struct Browser<'w> {
    world: &'w World,
    /// `console` or `portal`.
    place: &'static str,
    /// The value of the cookie.
    pub(crate) cookie: Option<String>,
}

impl<'w> Browser<'w> {
    pub(crate) fn new(world: &'w World) -> Self {
        Self::at(world, "console")
    }

    /// Nobody yet, at that place.
    pub(crate) fn at(world: &'w World, place: &'static str) -> Self {
        Self {
            world,
            place,
            cookie: None,
        }
    }

    /// Returns a visitor of the portal that a request with this key opens.
    pub(crate) fn in_portal(world: &'w World, key: &str, body: Value) -> Self {
        Self::of_link(world, "portal", &portal_link(world, key, body))
    }

    /// Returns a person with this role, whose name is the role's.
    pub(crate) fn signed_in(world: &'w World, role: &str) -> Self {
        Self::enter(world, &link(world, role))
    }

    /// Returns a person who has this link.
    pub(crate) fn enter(world: &'w World, url: &str) -> Self {
        Self::of_link(world, "console", url)
    }

    pub(crate) fn of_link(world: &'w World, place: &'static str, url: &str) -> Self {
        let mut browser = Self::at(world, place);
        let opened = browser.post(&format!("/{place}/enter"), &[("code", url)]);
        assert_eq!(opened.status, 303, "{}", opened.text());
        let cookie = opened.header("set-cookie").unwrap();
        let value = cookie.split_once('=').unwrap().1;
        browser.cookie = Some(value.split(';').next().unwrap().to_owned());
        browser
    }

    pub(crate) fn cookie_header(&self) -> String {
        let value = self.cookie.as_deref().unwrap_or_default();
        format!("__Host-keyward_{}={value}", self.place)
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        let cookie = self.cookie_header();
        request(
            self.world.gateway,
            "GET",
            path,
            &[("cookie", cookie.as_str())],
            b"",
        )
    }

    /// Sends a form of a page: its hidden fields, plus these.
    pub(crate) fn send(&self, page: &Response, path: &str, fields: &[(&str, &str)]) -> Response {
        let mut all = Vec::new();
        for name in ["csrf", "once", "version"] {
            let marked = format!("name=\"{name}\"");
            if page.text().contains(&marked) {
                // The page's own form comes after the form for signing out.
                let (_, last) = page.text().rsplit_once(&marked).unwrap();
                all.push((name, attribute(last, "value")));
            }
        }
        all.extend_from_slice(fields);
        self.post(path, &all)
    }

    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.post_with(path, fields, &[("sec-fetch-site", "same-origin")])
    }

    pub(crate) fn post_with(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        more: &[(&str, &str)],
    ) -> Response {
        let pairs = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        let (cookie, length) = (self.cookie_header(), body.len().to_string());
        let mut headers = vec![
            ("content-type", "application/x-www-form-urlencoded"),
            ("content-length", length.as_str()),
            ("cookie", cookie.as_str()),
        ];
        headers.extend_from_slice(more);
        request(self.world.gateway, "POST", path, &headers, body.as_bytes())
    }
}

/// Returns the link that a request with this key makes.
pub(crate) fn portal_link(world: &World, key: &str, body: Value) -> String {
    let made = world.call(key, "POST", "/v2/keyward/portal_sessions", Some(body));
    assert_eq!(made.status, 200, "{}", made.text());
    made.json()["url"].as_str().unwrap().to_owned()
}

/// Returns a link for a person with this role, whose name is the role's.
pub(crate) fn link(world: &World, role: &str) -> String {
    let made = command()
        .args([
            "link",
            "--role",
            role,
            "--for",
            &format!("{role}@example.com"),
            "--data",
        ])
        .arg(world.data())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");
    assert!(!said.contains("lt_"), "the link is on standard error, too");
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// Returns the attribute of the first element in a page that contains `mark`.
pub(crate) fn field<'p>(page: &'p str, mark: &str, name: &str) -> &'p str {
    let (_, after) = page.split_once(mark).unwrap_or_else(|| panic!("no {mark}"));
    attribute(after, name)
}

fn attribute<'p>(after: &'p str, name: &str) -> &'p str {
    let element = after.split('>').next().unwrap();
    let (_, value) = element.split_once(&format!("{name}=\"")).unwrap();
    value.split('"').next().unwrap()
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
