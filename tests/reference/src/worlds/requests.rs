//! Requests that are close to what a configuration lists.

use std::net::IpAddr;

use super::callers::{context, credential, header, query_credential, version};
use super::dice::Dice;
use super::expanding;
use super::naming;
use super::world::{NOW, World};
use crate::model::Request;

pub(super) type Header = (Vec<u8>, Vec<u8>);

pub fn roll(dice: &mut Dice, world: &World) -> Request {
    let now = match dice.below(12) {
        0..=7 => NOW,
        8..=10 => NOW - 2 + u64::try_from(dice.below(5)).unwrap(),
        _ => dice.of(&[0, NOW - 1000, NOW + 1000, u64::MAX, NOW - 301]),
    };
    let address = dice.of(&[
        Some("203.0.113.7"),
        Some("203.0.113.8"),
        Some("100.10.38.255"),
        Some("100.10.39.0"),
        Some("2001:db8:ffff::1"),
        Some("2001:db9::1"),
        Some("::ffff:10.255.0.1"),
        Some("10.255.0.1"),
        Some("::ffff:192.0.2.1"),
        Some("11.0.0.1"),
        None,
    ]);
    let address = address.map(|text| text.parse::<IpAddr>().unwrap());
    if dice.one_in(10) {
        return preflight(dice, world, now, address);
    }
    let (method, mut path) = place(dice, world);
    let mut headers = Vec::new();
    let key = if dice.one_in(6) {
        query_credential(dice, world, &mut path)
    } else {
        credential(dice, world, &mut headers)
    };
    if dice.one_in(60) {
        query_credential(dice, world, &mut path);
    }
    if dice.one_in(24) {
        naming::override_parameter(dice, &mut path);
    }
    version(dice, &mut headers);
    context(dice, world, key, &mut headers);
    naming::others(dice, world, &mut headers);
    if dice.one_in(4) {
        headers.reverse();
    }
    if dice.one_in(14) {
        under_v2(dice, &mut path, &mut headers);
    }
    Request {
        method,
        path,
        headers,
        has_body: dice.one_in(4),
        address,
        now,
    }
}

/// Turns the request into one to Stripe's second API, often with its account in the header that is
/// not read there.
fn under_v2(dice: &mut Dice, path: &mut Vec<u8>, headers: &mut [Header]) {
    *path = dice
        .pick(&[
            "/v2/core/events",
            "/v2/core/accounts/acct_1",
            "/V2/core/events",
            "/v1/../v2",
            "/%762/core",
            "/v20/core",
        ])
        .into();
    if !dice.one_in(4) {
        for (name, _) in headers {
            if name == b"stripe-context" {
                *name = b"stripe-account".to_vec();
            }
        }
    }
}

fn preflight(dice: &mut Dice, world: &World, now: u64, address: Option<IpAddr>) -> Request {
    let mut headers = vec![
        header("origin", "https://example.com"),
        header("access-control-request-method", "POST"),
    ];
    if dice.one_in(5) {
        headers.remove(dice.below(2));
    }
    match dice.below(8) {
        4 => headers.push(header(
            dice.pick(&[
                "stripe-version",
                "stripe_anything",
                "stripe.anything",
                "stripes.x",
                "content_length",
            ]),
            "",
        )),
        5 => {
            credential(dice, world, &mut headers);
        }
        6 => naming::others(dice, world, &mut headers),
        _ => {}
    }
    let mut path = place(dice, world).1;
    if dice.one_in(10) {
        naming::override_parameter(dice, &mut path);
    }
    if dice.one_in(3) {
        let length = dice.pick(&["0", "0", "0", "3", "00"]);
        headers.push(header("content-length", length));
    }
    Request {
        method: dice
            .pick(&["OPTIONS", "OPTIONS", "OPTIONS", "options", "GET"])
            .into(),
        path,
        headers,
        has_body: dice.one_in(4),
        address,
        now,
    }
}

/// Returns the method and the path of a row, or nearly.
fn place(dice: &mut Dice, world: &World) -> (Vec<u8>, Vec<u8>) {
    let (mut method, template) = match world.targets.as_slice() {
        [] => ("GET".to_owned(), "/v1/charges".to_owned()),
        targets => dice.of(targets),
    };
    if method == "GET" && dice.one_in(4) {
        method = "HEAD".to_owned();
    }
    if dice.one_in(10) {
        method = dice
            .pick(&[
                "GET", "POST", "OPTIONS", "TRACE", "CONNECT", "get", "DELETE", "PUT", "PATCH", "",
                "QUERY",
            ])
            .to_owned();
    }
    let values = [
        "x_1", "ch_1", "SEARCH", "search", "a%3Ab", "a:b", "...", "%20", "charges",
    ];
    let segments: Vec<&str> = template
        .split('/')
        .map(|segment| match segment {
            "{*rest}" => dice.pick(&["x", "x/y", "a/b/", "charges/search"]),
            other if other.starts_with('{') => dice.pick(&values),
            other => other,
        })
        .collect();
    let mut path = segments.join("/").into_bytes();
    if dice.one_in(5) {
        mangle(dice, &mut path);
    }
    match dice.below(6) {
        4 => path.extend(b"?limit=3&x=/../;"),
        5 => {
            path.push(b'?');
            path.extend(expanding::roll(dice, &method, &template));
        }
        _ => {}
    }
    (method.into_bytes(), path)
}

fn mangle(dice: &mut Dice, path: &mut Vec<u8>) {
    let at = dice.below(path.len().max(1));
    let insert = |path: &mut Vec<u8>, what: &[u8]| {
        path.splice(at..at, what.iter().copied());
    };
    match dice.below(14) {
        0 => path.push(b'/'),
        1 => {
            if let Some(byte) = path.get_mut(at) {
                *byte = if byte.is_ascii_lowercase() {
                    byte.to_ascii_uppercase()
                } else {
                    byte.to_ascii_lowercase()
                };
            }
        }
        2 => {
            if let Some(byte) = path.get(at).copied() {
                path.splice(at..=at, format!("%{byte:02X}").bytes());
            }
        }
        3 => insert(path, dice.of(&[&b"/./"[..], b"/../", b"//", b"/.", b"/"])),
        4 => insert(
            path,
            dice.of(&[
                &b"%2f"[..],
                b"%2E",
                b"%00",
                b"%7F",
                b"%80",
                b"%25",
                b"%3b",
                b"%20",
                b"%21",
            ]),
        ),
        5 => insert(path, dice.of(&[&b"%"[..], b"%4", b"%zz", b"%+1", b"%%"])),
        6 => insert(
            path,
            dice.of(&[
                &b";"[..],
                b"\\",
                b"#",
                b" ",
                b"\x7f",
                b"\xc3\xa4",
                b"\xff",
                b"\0",
                b"\t",
            ]),
        ),
        7 => path.extend_from_slice(b"/extra"),
        8 => {
            path.pop();
        }
        9 => path.clear(),
        10 => *path = b"*".to_vec(),
        11 => *path = b"http://host/v1/charges".to_vec(),
        12 => path.make_ascii_uppercase(),
        _ => insert(path, &[dice.byte()]),
    }
}
