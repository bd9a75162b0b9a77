//! The native module's hooks under a fake Envoy: whatever Envoy passes to them, a request that
//! passes was allowed by every means, and any other was answered exactly once. No reply and no log
//! line contains a key.

#[path = "../../../native/tests/fake/mod.rs"]
mod fake;

use std::sync::LazyLock;

use keyward::digest::KeyDigest;
use keyward_native as _;
use regex::bytes::Regex;
use serde_json::json;

use super::{RAW_KEY, pattern, take};
use fake::{Envoy, Faults, Filter, Flow, RawParts, Stream};

const SECRET: &str = "sk_test_FAKE-alice-0001";
const RESTRICTED: &str = "rk_test_FAKE-rosie-0002";

static STATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\A(?:allow|would_deny|deny|verify|unverified|not_verified|report)\b")
});

thread_local! {
    static WORLD: (Filter, Envoy) = world();
}

fn world() -> (Filter, Envoy) {
    let key = |id: &str, key: &str, kind: &str| json!({"id": id, "sha256": KeyDigest::of(key.as_bytes()).to_string(), "kind": kind, "livemode": false, "owner": "acct_1"});
    let mut restricted = key("mk_2", RESTRICTED, "restricted");
    restricted["grants"] = json!({"customer": "read"});
    restricted["allowed_ips"] = json!(["203.0.113.0/24"]);
    let configuration = json!({"verify_path": "/verify", "snapshot": {
        "format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1_795_194_529,
        "accounts": [{"id": "acct_1"}], "keys": [key("mk_1", SECRET, "secret"), restricted],
    }});
    let envoy = Envoy::start();
    let filter = envoy.push(configuration.to_string().as_bytes()).unwrap();
    filter.turn();
    (filter, envoy)
}

/// Three bytes set how Envoy behaves. Then each line is a header: its name, a NUL, and its value.
pub fn run(mut input: &[u8]) {
    let (how, parts, place) = (take(&mut input), take(&mut input), take(&mut input));
    let mut lines = input.split(|byte| *byte == b'\n');
    let source = lines.next().unwrap_or_default();
    let headers: Vec<(&[u8], &[u8])> = lines
        .filter_map(|line| {
            let end = line.iter().position(|byte| *byte == 0)?;
            Some((&line[..end], &line[end + 1..]))
        })
        .collect();
    let mut stream = Stream::new(&headers);
    stream.source = source.into();
    stream.faults = faults(how, parts, place, headers.len());
    WORLD.with(|(filter, envoy)| {
        let flow = filter.request_with(&mut stream, how & 1 == 0);
        assert_closed(&stream, flow);
        if place % 16 == 0 {
            filter.turn();
        }
        assert!(!RAW_KEY.is_match(envoy.log().as_bytes()));
    });
}

fn faults(how: u8, parts: u8, place: u8, count: usize) -> Faults {
    let length = |choice: u8| match choice % 8 {
        0..=3 => None,
        4 => Some(0),
        5 => Some(1),
        6 => Some((1 << 20) + 1),
        _ => Some(usize::MAX),
    };
    Faults {
        headers_size: match how >> 1 & 7 {
            1 => Some(0),
            2 => Some(count / 2),
            3 => Some(count + usize::from(place)),
            4 => Some(10_000),
            5 => Some(10_001),
            6 => Some(usize::MAX),
            _ => None,
        },
        get_headers: how & 16 != 0,
        add_header: how & 32 != 0,
        remove_header: how & 64 != 0,
        set_state: how & 128 != 0,
        attributes: place & 128 != 0,
        raw: (parts != 0).then(|| RawParts {
            name: length(parts),
            value: length(parts >> 3),
        }),
        worker: u32::from(place & 7),
    }
}

fn assert_closed(stream: &Stream, flow: Flow) {
    let faults = &stream.faults;
    let told = stream.told().unwrap_or_default();
    match flow {
        Flow::Continue => {
            assert!(
                stream.answers.is_empty() && stream.resets == 0,
                "answered, and let pass"
            );
            assert!(
                told.starts_with("allow ") || told.starts_with("would_deny "),
                "{told}"
            );
            assert!(!faults.get_headers && !faults.set_state);
        }
        Flow::Stop => {
            assert_eq!(stream.answers.len() + stream.resets, 1);
            assert!(!told.starts_with("allow"), "{told}");
        }
    }
    assert!(told.is_empty() || STATE.is_match(told.as_bytes()), "{told}");
    for answer in &stream.answers {
        assert!((200..600).contains(&answer.status));
        assert!(!RAW_KEY.is_match(answer.body.as_bytes()), "{}", answer.body);
        assert!(!RAW_KEY.is_match(answer.details.as_bytes()));
        for (name, value) in &answer.headers {
            assert!(!RAW_KEY.is_match(value.as_bytes()), "{name}: {value}");
        }
    }
}
