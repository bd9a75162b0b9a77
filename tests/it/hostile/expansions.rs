//! Expansions that only some upstream's parser finds. The test reads the queries that passed as
//! each real server would read them. None of these readings may find a field that the key may not
//! read.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::generous::decoded;
use super::{Gate, LIMITED, caller, shown};
use crate::support::upstream::Seen;
use keyward::digest::KeyDigest;

/// The field that the key may not read.
const SECRET: &str = "subscriptions";

/// Returns settings with Stripe's catalogue and a key that reads customers.
fn settings() -> Value {
    json!({"snapshot": {
        "format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1_795_194_529,
        "accounts": [{"id": "acct_1"}],
        "keys": [{
            "id": "mk_limited", "sha256": KeyDigest::of(LIMITED.as_bytes()).to_string(), "kind": "restricted", "livemode": false, "owner": "acct_1",
            "grants": {"customer": "read"},
        }],
    }})
}

/// How a server processes a query before it looks for `expand`.
#[derive(Clone, Copy)]
struct Habits {
    /// How often it decodes before it splits.
    early: u8,
    /// How often it decodes the parts.
    late: u8,
    semicolons: bool,
    name: Name,
}

/// How a server derives an array's name from a parameter's.
#[derive(Clone, Copy)]
enum Name {
    /// Django: `expand`, or literally `expand[]`.
    Literal,
    /// Rack: strips brackets around a name, and spaces before it.
    Rack,
    /// PHP: strips spaces before a name. A NUL ends the name, and a bracket begins an index.
    Php,
    /// qs: strips a question mark before the query. Brackets and dots begin an index.
    Qs,
    /// ASP.NET: ignores the case, and spaces on both sides.
    AspNet,
}

impl Habits {
    fn all() -> impl Iterator<Item = Self> {
        let names = [Name::Literal, Name::Rack, Name::Php, Name::Qs, Name::AspNet];
        let ways = (0..2).flat_map(|early| {
            (1..3).flat_map(move |late| [false, true].map(|semicolons| (early, late, semicolons)))
        });
        ways.flat_map(move |(early, late, semicolons)| {
            names.map(|name| Self {
                early,
                late,
                semicolons,
                name,
            })
        })
    }

    /// Returns the values of `expand` in a query.
    fn values(self, query: &[u8]) -> Vec<String> {
        let query = times(self.early, query);
        let pieces = query.split(|byte| *byte == b'&' || (self.semicolons && *byte == b';'));
        pieces
            .filter_map(|piece| {
                let mut parts = piece.splitn(2, |byte| *byte == b'=');
                let (name, value) = (parts.next()?, parts.next().unwrap_or_default());
                let text = |sent: &[u8]| {
                    let spaced: Vec<u8> = sent
                        .iter()
                        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
                        .collect();
                    String::from_utf8_lossy(&times(self.late, &spaced)).into_owned()
                };
                (self.name.of(&text(name)) == "expand").then(|| text(value))
            })
            .collect()
    }
}

fn times(count: u8, text: &[u8]) -> Vec<u8> {
    (0..count).fold(text.to_vec(), |text, _| decoded(&text))
}

impl Name {
    fn of(self, name: &str) -> String {
        match self {
            Self::Literal => {
                let index = name
                    .strip_prefix("expand[")
                    .and_then(|x| x.strip_suffix(']'));
                let is_index = index.is_some_and(|x| x.bytes().all(|byte| byte.is_ascii_digit()));
                if is_index { "expand" } else { name }.to_owned()
            }
            Self::Rack => {
                let name = name.trim_start_matches(' ');
                let name = name.trim_start_matches(['[', ']']);
                name.split(['[', ']']).next().unwrap().to_owned()
            }
            Self::Php => {
                let name = name.trim_start_matches(' ');
                let name = name.split('\0').next().unwrap();
                let name = name.split('[').next().unwrap();
                name.replace(['.', ' '], "_")
            }
            Self::Qs => {
                let name = name.strip_prefix('?').unwrap_or(name);
                name.split(['[', '.']).next().unwrap().to_owned()
            }
            Self::AspNet => {
                let name = name.trim().to_ascii_lowercase();
                name.split('[').next().unwrap().to_owned()
            }
        }
    }
}

/// Returns whether some server finds the field that the key may not read.
fn is_caught(target: &[u8]) -> bool {
    let Some(start) = target.iter().position(|byte| *byte == b'?') else {
        return false;
    };
    let query = &target[start + 1..];
    Habits::all().any(|habits| {
        let values = habits.values(query);
        // Reads values leniently as well: decoded once more, in any case, one of several.
        values.iter().any(|value| {
            let once_more = String::from_utf8_lossy(&decoded(value.as_bytes())).to_lowercase();
            once_more.contains(SECRET)
        })
    })
}

const NAMES: [&str; 41] = [
    "expand[]",
    "expand",
    "expand[0]",
    "expand[99]",
    "expand%5B%5D",
    "expand%5b0%5d",
    "%65%78%70%61%6e%64[]",
    "expan%64",
    "Expand[]",
    "EXPAND",
    "[expand][]",
    "[expand]",
    "]expand[]",
    "[[expand",
    "+expand[]",
    "%20expand[]",
    "%20%20expand",
    "%5Bexpand%5D",
    "%09expand[]",
    "expand+",
    "expand%20",
    "expand%00",
    "expand%00[]",
    "expand[",
    "expand]",
    "expand][]",
    "expand[][]",
    "expand[a]",
    "expand[a][b]",
    "expand[-1]",
    "expand.0",
    "expand%2e0",
    "expand%255B%255D",
    "%2565xpand[]",
    "%25%36%35xpand",
    "%c1%a5xpand[]",
    "%e0%81%a5xpand",
    "e%78pand%5B]",
    "?expand[]",
    "%3Fexpand",
    "expand;[]",
];

const VALUES: [&str; 9] = [
    "subscriptions",
    "subscriptions.data",
    "%73ubscriptions",
    "%2573ubscriptions",
    "SUBSCRIPTIONS",
    "default_source,subscriptions",
    "default_source%2Csubscriptions",
    "+subscriptions",
    "%c1%b3ubscriptions",
];

const FRAMES: [(&str, &str); 14] = [
    ("", ""),
    ("limit=3&", "&x"),
    ("expand[]=default_source&", ""),
    ("", "&expand[]=default_source"),
    ("x;", ""),
    ("x=1;", ""),
    (";", ";"),
    ("x=1%26", ""),
    ("x=1%3B", ""),
    ("x=1%3b+", ""),
    ("&&", "&"),
    ("x=1&+", ""),
    ("%26", ""),
    ("x=%2526", ""),
];

/// Returns every name with the first value, and every value under the first name, each in every
/// frame. Adds as many queries with changed bytes.
fn queries() -> Vec<Vec<u8>> {
    let pairs = NAMES
        .iter()
        .map(|name| (*name, VALUES[0]))
        .chain(VALUES.iter().map(|value| (NAMES[0], *value)));
    let mut all: Vec<Vec<u8>> = pairs
        .flat_map(|(name, value)| {
            FRAMES.map(|(before, behind)| format!("{before}{name}={value}{behind}").into_bytes())
        })
        .collect();
    // Numbers that are the same in every run.
    let mut state = 7_u32;
    let mut below = |count: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        usize::try_from(state >> 8).unwrap() % count
    };
    for query in all.clone() {
        let mut query = query;
        for _ in 0..1 + below(3) {
            let at = below(query.len());
            match below(4) {
                0 => query.insert(at, b"&;=%[].+?_0E"[below(12)]),
                1 => drop(query.remove(at)),
                2 => {
                    let escaped = format!("%{:02x}", query[at]);
                    query.splice(at..=at, escaped.into_bytes());
                }
                _ => query[at] = query[at].to_ascii_uppercase(),
            }
        }
        all.push(query);
    }
    all
}

#[test]
fn no_server_expands_what_the_key_may_not_read() {
    let gate = Gate::open(settings(), |builder| builder);
    for _ in gate.settings() {
        let mut caught = 0;
        let mut sent = 0;
        let mut passed = BTreeSet::new();
        for query in queries() {
            let target = [&b"/v1/customers/cus_1?"[..], &query].concat();
            caught += usize::from(is_caught(&target));
            sent += 1;
            let (answer, seen) = gate.seen_during(|| {
                let send = if sent % 3 == 0 {
                    Gate::http2
                } else {
                    Gate::http1
                };
                send(&gate, b"GET", &target, &caller(Some(LIMITED)), b"")
            });
            let status = answer.as_ref().map_or(0, |answer| answer.status);
            assert!(
                matches!(status, 0 | 200 | 400 | 403),
                "{status}: {}",
                shown(&target)
            );
            for seen in seen {
                let Seen { path, .. } = &seen;
                assert!(!is_caught(path), "{} came through", shown(path));
                passed.insert(query.clone());
            }
        }
        // If all requests were harmless, or all were rejected for the same reason, this would prove
        // nothing.
        assert!(caught * 2 > sent, "{caught} of {sent}");
        assert!(passed.len() > 10, "{passed:?}");
        for honest in [
            "",
            "limit=3",
            "expand[]=default_source",
            "expand%5B%5D=sources.data&expand[]=tax_ids",
            "created%5Bgte%5D=1&subscriptions=x&x[expand]=subscriptions",
            "query=expand+subscriptions",
        ] {
            let target = format!("/v1/customers/cus_1?{honest}");
            let answer = gate
                .http1(b"GET", target.as_bytes(), &caller(Some(LIMITED)), b"")
                .unwrap();
            assert_eq!(answer.status, 200, "{honest}: {}", answer.text());
        }
    }
    gate.assert_sound(gate.sent() / 2);
}

/// A model that finds no trick would prove nothing.
#[test]
fn the_servers_fall_for_the_tricks() {
    for query in [
        "expand[]=subscriptions",
        "[expand][]=subscriptions",
        "+expand=subscriptions",
        "expand%00x=subscriptions",
        "expand.0=subscriptions",
        "EXPAND=subscriptions",
        "x;expand=subscriptions",
        "x=1%26expand%5B%5D=subscriptions",
        "expand%255B%255D=subscriptions",
        "%c1%a5xpand=subscriptions",
        "expand=a,SUBSCRIPTIONS",
        "expand[]=%2573ubscriptions",
    ] {
        assert!(is_caught(format!("/x?{query}").as_bytes()), "{query}");
    }
    for query in [
        "",
        "expand[]=default_source",
        "x=subscriptions",
        "expanded=subscriptions",
        "x[expand]=subscriptions",
    ] {
        assert!(!is_caught(format!("/x?{query}").as_bytes()), "{query}");
    }
}
