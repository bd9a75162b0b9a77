//! Requests that come near what a configuration lists.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::dice::Dice;
use super::expanding;
use super::naming;
use super::world::{NOW, VERSIONS, World};
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

/// The same request of Stripe's second API, often with its account in the header that is not read there.
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

pub(super) fn header(name: &str, value: &str) -> Header {
    (name.into(), value.into())
}

/// The method and the path: those of a row, or nearly.
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

/// Pushes an `Authorization` header, if any, and tells which key it is about.
fn credential(dice: &mut Dice, world: &World, headers: &mut Vec<Header>) -> Option<usize> {
    let chosen = (!world.keys.is_empty()).then(|| dice.below(world.keys.len()));
    let mut raw = chosen.map_or("sk_test_FAKE-none".to_owned(), |index| {
        world.keys[index].clone()
    });
    if dice.one_in(20) {
        raw = match dice.below(6) {
            0 => format!("{raw}x"),
            1 => raw.to_uppercase(),
            2 => raw.chars().skip(1).collect(),
            3 => "a".repeat(510 + dice.below(5)),
            4 => "hunter2".to_owned(),
            _ => format!("{raw},"),
        };
    }
    let basic = |text: String| format!("Basic {}", STANDARD.encode(text));
    let value = match dice.below(12) {
        0..=5 => format!("Bearer {raw}"),
        6 => format!("bEARER   {raw}"),
        7..=8 => basic(format!("{raw}:")),
        9 => basic(format!("{raw}:")).replace("Basic ", "bAsIc  "),
        10 if dice.one_in(2) => return None,
        10 => format!("Bearer {raw}"),
        _ => match dice.below(14) {
            0 => format!("Bearer\t{raw}"),
            1 => format!("Bearer {raw} "),
            2 => format!(" Bearer {raw}"),
            3 => format!("Bearer {raw}, Bearer {raw}"),
            4 => raw.clone(),
            5 => format!("Token {raw}"),
            6 => basic(format!("{raw}:password")),
            7 => basic(raw.clone()),
            8 => basic(format!("{raw}:")).trim_end_matches('=').to_owned(),
            9 => basic(format!("{raw}:")) + "=",
            10 => String::new(),
            11 => dice
                .pick(&["Bearer", "Bearer ", "Basic", "Basic Og==", "Basic w7w6"])
                .to_owned(),
            12 => format!("Bearer {raw}:"),
            _ => format!("Basic {raw}"),
        },
    };
    let mut value = value.into_bytes();
    if dice.one_in(40) {
        value.push(dice.of(b"\xff\x7f\0 ="));
    }
    headers.push((b"authorization".to_vec(), value.clone()));
    if dice.one_in(40) {
        headers.push((b"authorization".to_vec(), value));
    }
    chosen
}

/// A key in the query, and what may stand beside it.
fn query_credential(dice: &mut Dice, world: &World, path: &mut Vec<u8>) -> Option<usize> {
    let publishable: Vec<usize> = (0..world.keys.len())
        .filter(|index| of_key(world, *index)["kind"] == "publishable")
        .collect();
    let chosen = match publishable.as_slice() {
        [] => (!world.keys.is_empty()).then(|| dice.below(world.keys.len())),
        _ if dice.one_in(6) => Some(dice.below(world.keys.len())),
        some => Some(dice.of(some)),
    };
    let raw = chosen.map_or("pk_test_FAKE-none", |index| world.keys[index].as_str());
    path.push(if path.contains(&b'?') { b'&' } else { b'?' });
    let name = dice.pick(&[
        "key",
        "key",
        "key",
        "key",
        "k%65y",
        "KEY",
        "lookup_key",
        "key[]",
        "+key",
        "%256bey",
        "a;key",
    ]);
    let value = match dice.below(12) {
        0 => raw.replace('_', "%5F"),
        1 => raw.replace('_', "%255F"),
        2 => format!("{raw}+x"),
        3 => format!("{raw}%ff"),
        4 => format!("{raw}&key={raw}"),
        5 => format!("{raw}&key"),
        6 => "color".to_owned(),
        _ => raw.to_owned(),
    };
    path.extend(format!("{name}={value}").into_bytes());
    if dice.one_in(4) {
        let account = self::path(dice, world, chosen);
        let name = if dice.one_in(4) {
            naming::odd_name(dice, "stripe", "account")
        } else {
            "_stripe_account".to_owned()
        };
        path.extend(format!("&{name}={account}").into_bytes());
    }
    if dice.one_in(6) {
        let version = dice.pick(&["2026-10-28.endive", "2020-08-27", "2026%2D10-28", "", "x"]);
        path.extend(format!("&_stripe_version={version}").into_bytes());
    }
    chosen
}

fn is_organization(world: &World, key: Option<usize>) -> bool {
    key.is_some_and(|index| of_key(world, index)["kind"] == "organization")
}

fn of_key(world: &World, index: usize) -> &Value {
    &world.configuration["snapshot"]["keys"][index]
}

fn version(dice: &mut Dice, headers: &mut Vec<Header>) {
    let value = match dice.below(8) {
        0..=3 => VERSIONS[0],
        4 => return,
        5 => dice.pick(&VERSIONS),
        6 => return,
        7 if dice.one_in(2) => VERSIONS[0],
        _ => dice.pick(&[
            "2026-10-28",
            "2026-13-01",
            "2026-02-31",
            "2026-10-28.Endive",
            "",
            " 2020-08-27",
            "2020-08-27 ",
            "v1",
            "2026-10-28.endive,2026-10-28.endive",
            "2020-08-27;  a=v1",
            "2020-08-27;a=v1;b_2=v22",
            "2020-08-27;a=vv1",
            "2020-08-27;a=b=v1",
            "2020-08-27;",
            "2020-08-27.",
            "2020-08-27.a.b",
            "2020-8-27",
            "+020-08-27",
            "2020-08-00",
        ]),
    };
    headers.push(header("stripe-version", value));
    if dice.one_in(24) {
        headers.push(header(
            dice.pick(&[
                "stripe-version",
                "stripe_version",
                "stripe.version",
                "STRIPE-Version",
            ]),
            value,
        ));
    }
}

/// Pushes a context, an account header, or both.
fn context(dice: &mut Dice, world: &World, key: Option<usize>, headers: &mut Vec<Header>) {
    if dice.one_in(if is_organization(world, key) { 10 } else { 2 }) {
        return;
    }
    let mut value = path(dice, world, key);
    if dice.one_in(14) {
        value = match dice.below(12) {
            0 => String::new(),
            1 => format!("{value}/"),
            2 => format!("/{value}"),
            3 => format!(" {value}"),
            4 => format!("{value},{value}"),
            5 => value.replace('/', "//"),
            6 => vec!["acct_1"; 8 + dice.below(2)].join("/"),
            7 => format!("acct_{}", "z".repeat(58 + dice.below(3))),
            8 => value.replace("acct_", "Acct_"),
            9 => "acct_".to_owned(),
            10 => "acct_1%2facct_2".to_owned(),
            _ => format!("{value}."),
        };
    }
    let names = match dice.below(8) {
        0..=3 => &["stripe-context"][..],
        4 => &["stripe-account"],
        5 => &["stripe-context", "stripe-account"],
        6 => {
            headers.push(header("stripe-account", &path(dice, world, key)));
            &["stripe-context"]
        }
        _ if dice.one_in(4) => &["stripe-context", "stripe-context"],
        _ if dice.one_in(4) => &["stripe_context"],
        _ if dice.one_in(4) => &["stripe_account", "stripe-context"],
        _ if dice.one_in(4) => &["stripe.account"],
        _ => &["stripe-context"],
    };
    let mut bytes = value.into_bytes();
    if dice.one_in(30) {
        bytes.push(dice.of(&[b'\xff', b'\t', 0x80, b'.']));
    }
    for name in names {
        headers.push((name.as_bytes().to_vec(), bytes.clone()));
    }
}

/// A path of accounts: down from the key's owner, or nearly.
fn path(dice: &mut Dice, world: &World, key: Option<usize>) -> String {
    let none = Vec::new();
    let accounts = world.configuration["snapshot"]["accounts"]
        .as_array()
        .unwrap_or(&none);
    let ids: Vec<&str> = accounts
        .iter()
        .filter_map(|account| account["id"].as_str())
        .collect();
    let owner = key.map_or("acct_1", |index| {
        of_key(world, index)["owner"].as_str().unwrap()
    });
    let strangers = ["acct_unlisted", "acct_other", "org_zzz"];
    match dice.below(10) {
        7 => return owner.to_owned(),
        8 if !ids.is_empty() => return dice.pick(&ids).to_owned(),
        9 => {
            return dice
                .pick(&["org_1", "org_2", "org_zzz", "acct_unlisted", "acct_1/org_1"])
                .to_owned();
        }
        _ => {}
    }
    let mut steps: Vec<&str> = Vec::new();
    let mut here = owner;
    for _ in 0..1 + dice.below(3) {
        let below: Vec<&str> = accounts
            .iter()
            .filter(|account| account["parent"] == here)
            .filter_map(|account| account["id"].as_str())
            .collect();
        here = match below.as_slice() {
            [] if steps.is_empty() || dice.one_in(3) => dice.pick(&strangers[..2]),
            [] => break,
            _ if dice.one_in(8) => dice.pick(&strangers),
            below => dice.pick(below),
        };
        steps.push(here);
    }
    if dice.one_in(12) {
        steps.insert(0, owner);
    }
    steps.join("/")
}
