//! What a caller presents: credentials in headers and in the query, versions and contexts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::dice::Dice;
use super::naming;
use super::requests::Header;
use super::world::{VERSIONS, World};

/// Pushes an `Authorization` header, if any, and returns which key it is about.
pub(super) fn credential(
    dice: &mut Dice,
    world: &World,
    headers: &mut Vec<Header>,
) -> Option<usize> {
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
    // Sent by itself, in place of `Authorization` or next to it.
    if dice.one_in(5) {
        let name = dice.pick(&[
            "x-api-key",
            "x-api-key",
            "x-api-key",
            "acme-key",
            "x_api_key",
            "x-api.key",
            "api-key",
        ]);
        let mut own = if dice.one_in(12) {
            value.clone()
        } else {
            raw.clone()
        }
        .into_bytes();
        if dice.one_in(20) {
            own = dice
                .pick(&["", " ", "sk_test_", "a b", "a,b"])
                .as_bytes()
                .to_vec();
        }
        headers.push((name.as_bytes().to_vec(), own.clone()));
        if dice.one_in(20) {
            headers.push((b"acme-key".to_vec(), own));
        }
        if !dice.one_in(6) {
            return chosen;
        }
    }
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

/// Adds a key to the query, and parameters that may be next to it.
pub(super) fn query_credential(
    dice: &mut Dice,
    world: &World,
    path: &mut Vec<u8>,
) -> Option<usize> {
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

pub(super) fn is_organization(world: &World, key: Option<usize>) -> bool {
    key.is_some_and(|index| of_key(world, index)["kind"] == "organization")
}

pub(super) fn of_key(world: &World, index: usize) -> &Value {
    &world.configuration["snapshot"]["keys"][index]
}

pub(super) fn version(dice: &mut Dice, headers: &mut Vec<Header>) {
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
pub(super) fn context(
    dice: &mut Dice,
    world: &World,
    key: Option<usize>,
    headers: &mut Vec<Header>,
) {
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

pub(super) fn header(name: &str, value: &str) -> Header {
    (name.into(), value.into())
}

/// Returns a path of accounts: down from the key's owner, or nearly.
pub(super) fn path(dice: &mut Dice, world: &World, key: Option<usize>) -> String {
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
