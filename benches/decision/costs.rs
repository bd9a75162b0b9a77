//! The cost of a whole decision, by the number of keys, the kind of the key and the outcome: from
//! the bytes of a header map, as Envoy passes it, to the text of the identity header and of the
//! filter state, or to the reply.

use std::cell::RefCell;
use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::rc::Rc;

use divan::black_box;
use keyward::configuration::Configuration;
use keyward::decision::{Decision, Environment, decide};
use keyward::header_map;
use keyward::reply::{Reply, RequestId};
use keyward::request::RequestHead;
use keyward::snapshot::packed::Trust;
use keyward::upstream::Handover;

use crate::overlay;
use crate::world::{Kind, TARGET, World, key, sdk_headers, unknown};

/// The number of keys used in turn. A processor's caches hold all of them.
const FEW: usize = 100;

/// The number of keys used in turn, if there are as many. Caches do not hold all of them.
const MANY: usize = 65_536;

/// A kind of key, the request with it, and the result.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) keys: u32,
    pub(crate) kind: Kind,
    pub(crate) outcome: &'static str,
    asked: Asked,
    /// Whether records that a feed's deltas changed are in front of the table.
    has_overlay: bool,
}

#[derive(Clone, Copy)]
struct Asked {
    method: &'static str,
    target: &'static str,
    with_context: bool,
    /// The number of the world's keys that are used in turn, or 0 for a key that is in no snapshot.
    in_turn: usize,
    is_allowed: bool,
}

impl Asked {
    const LIST: Self = Self {
        method: "GET",
        target: TARGET,
        with_context: false,
        in_turn: FEW,
        is_allowed: true,
    };

    /// Returns the case as a denied one, which is named after the reason.
    const fn denied(self) -> Self {
        Self {
            is_allowed: false,
            ..self
        }
    }

    const fn at(self, target: &'static str) -> Self {
        Self { target, ..self }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.name();
        write!(f, "{} keys, {kind}: {}", self.keys, self.outcome)
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns all cases with a snapshot of this size.
pub(crate) fn cases(keys: u32) -> Vec<Case> {
    let list = Asked::LIST;
    let in_context = Asked {
        with_context: true,
        ..list
    };
    let token = Asked {
        method: "POST",
        ..list.at("/v1/tokens")
    };
    let many = Asked {
        in_turn: MANY,
        ..list
    };
    let stranger = Asked {
        in_turn: 0,
        ..list.denied()
    };
    // Every set reads customers, and none writes them.
    let write = Asked {
        method: "POST",
        ..list.at("/v1/customers").denied()
    };
    let rows = [
        (Kind::Secret, "allowed", list),
        (Kind::Secret, "unknown_key", stranger),
        (Kind::Restricted, "allowed", list),
        (Kind::Restricted, "allowed, many in turn", many),
        (Kind::Restricted, "unknown_key", stranger),
        (Kind::Restricted, "insufficient_permission", write),
        (
            Kind::Restricted,
            "unknown_endpoint",
            list.at("/v1/nothing").denied(),
        ),
        (Kind::Publishable, "allowed", token),
        (Kind::Publishable, "unknown_key", stranger),
        (Kind::Publishable, "secret_key_required", list.denied()),
        (Kind::Organization, "allowed", in_context),
        (Kind::Organization, "unknown_key", stranger),
        (Kind::Organization, "missing_context", list.denied()),
    ];
    let case = |(kind, outcome, asked)| Case {
        keys,
        kind,
        outcome,
        asked,
        has_overlay: false,
    };
    let mut all = rows.map(case).to_vec();
    if keys >= 100_000 {
        let many = case((Kind::Restricted, overlay::OUTCOME, many));
        all.push(Case {
            has_overlay: true,
            ..many
        });
    }
    all
}

/// A case that can be decided repeatedly.
pub(crate) struct Ready {
    configuration: Rc<Configuration>,
    map: Vec<u8>,
    /// The position of the key in the map.
    place: usize,
    keys: Vec<String>,
    next: usize,
}

impl Case {
    pub(crate) fn ready(&self) -> Ready {
        let (world, asked) = (World::new(self.keys, self.kind), self.asked);
        let keys = match asked.in_turn {
            0 => vec![unknown(self.kind)],
            most => world.keys_of(self.kind, most),
        };
        let (map, place) = self.map(&world);
        let mut ready = Ready {
            configuration: self.configuration(),
            map,
            place,
            keys,
            next: 0,
        };
        for _ in 0..ready.keys.len() {
            let denied = ready.decide();
            assert_eq!(
                denied,
                (!asked.is_allowed).then_some(self.outcome),
                "{self}"
            );
        }
        ready
    }

    fn configuration(self) -> Rc<Configuration> {
        let plain = configuration(self.keys, self.kind);
        match self.has_overlay {
            true => Rc::new(overlay::before(&plain, self.keys)),
            false => plain,
        }
    }

    /// The header map with some key of this kind, and the place of the key.
    fn map(&self, world: &World) -> (Vec<u8>, usize) {
        let (asked, context) = (self.asked, world.context());
        let sent = sdk_headers(
            &key(self.kind, 0),
            asked.with_context.then_some(context.as_str()),
        );
        // As Envoy passes them: in lower case, after the pseudo-headers, and without hop-by-hop
        // headers.
        let sent = sent
            .into_iter()
            .filter(|(name, _)| !["Host", "Connection"].contains(name))
            .map(|(name, value)| (name.to_ascii_lowercase(), value));
        let pseudo = [
            (":authority", "127.0.0.1:10000"),
            (":path", asked.target),
            (":method", asked.method),
            (":scheme", "http"),
        ];
        let pseudo = pseudo.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let map = header_map::serialize(&pseudo.into_iter().chain(sent).collect::<Vec<_>>());
        let before = b"Bearer ";
        let windows = map.windows(before.len());
        let place = windows.clone().position(|window| window == before);
        let place = place.unwrap() + before.len();
        (map, place)
    }
}

/// Where what takes long to be made lies between one process and the next, if anywhere: under Valgrind, a million keys would take minutes.
pub(crate) fn kept(name: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("KEYWARD_BENCH_WORLDS")?);
    Some(folder.join(name))
}

fn packed(keys: u32, kind: Kind) -> Vec<u8> {
    let of = if keys == 1 { kind.name() } else { "mixed" };
    let file = kept(&format!("{keys}-{of}.packed"));
    if let Some(bytes) = file.as_ref().and_then(|file| fs::read(file).ok()) {
        return bytes;
    }
    let bytes = World::new(keys, kind).packed(1, None);
    if let Some(file) = file {
        fs::write(file, &bytes).unwrap();
    }
    bytes
}

type Made = (u32, Option<Kind>, Rc<Configuration>);

thread_local! {
    /// The last one, because it takes a while to make a million keys.
    static LAST: RefCell<Option<Made>> = const { RefCell::new(None) };
}

fn configuration(keys: u32, kind: Kind) -> Rc<Configuration> {
    let sole = (keys == 1).then_some(kind);
    LAST.with_borrow_mut(|last| match last {
        Some((of, with, made)) if (*of, *with) == (keys, sole) => Rc::clone(made),
        _ => {
            *last = None;
            let packed = packed(keys, kind);
            // As a worker loads it.
            let made =
                Configuration::from_packed(&mut packed.as_slice(), packed.len(), Trust::Content);
            let made = Rc::new(made.unwrap_or_else(|_| panic!("our own bytes are refused")));
            *last = Some((keys, sole, Rc::clone(&made)));
            made
        }
    })
}

struct Clock;

impl Environment for Clock {
    fn now(&self) -> Option<u64> {
        Some(1_795_200_000)
    }

    fn client_address(&self) -> Option<IpAddr> {
        None
    }
}

/// The number of decisions whose instructions Valgrind counts.
const COUNTED: u32 = 1_000;

/// Makes the decisions of the case with this name, for `scripts/bench/instructions.sh`, which
/// counts the instructions of `counted_decisions`, and for `scripts/bench/lines.sh`, which counts
/// the cache lines that `cold_decision` fetches.
pub(crate) fn count(name: &str, all: Vec<Case>) {
    let case = all.into_iter().find(|case| case.to_string() == name);
    let mut ready = case.unwrap().ready();
    if std::env::var_os("KEYWARD_BENCH_COLD").is_none() {
        return counted_decisions(&mut ready);
    }
    let mut others = vec![1_u8; OTHERS];
    for turn in 0..COLD {
        // As in Envoy, which processes another request between two decisions.
        for line in others.chunks_mut(64) {
            line[0] = line[0].wrapping_add(turn);
        }
        black_box(&mut others);
        cold_decision(&mut ready);
    }
}

/// The number of counted decisions with cold caches.
const COLD: u8 = 100;

/// Twice the last-level cache that `scripts/bench/lines.sh` simulates.
const OTHERS: usize = 4 << 20;

#[inline(never)]
fn cold_decision(ready: &mut Ready) {
    black_box(ready.decide());
}

#[inline(never)]
fn counted_decisions(ready: &mut Ready) {
    // From all over the keys: an overlay has the first of many, and the others pass through it.
    let step = (ready.turns() / COUNTED as usize).max(1);
    for _ in 0..COUNTED {
        black_box(ready.decide());
        ready.next += step - 1;
    }
}

impl Ready {
    /// Returns the number of decisions until every key has been used.
    pub(crate) fn turns(&self) -> usize {
        self.keys.len()
    }

    /// Decides on one request, and returns the deny reason, if any.
    pub(crate) fn decide(&mut self) -> Option<&'static str> {
        let key = &self.keys[self.next % self.keys.len()];
        self.next += 1;
        self.map[self.place..self.place + key.len()].copy_from_slice(key.as_bytes());
        let headers = header_map::pairs(black_box(&self.map)).unwrap();
        let configuration = black_box(&self.configuration);
        let request = RequestHead::read(
            configuration.profile(),
            configuration.identity_names(),
            headers,
            false,
        );
        match decide(configuration, &request, &Clock) {
            Decision::Allow(permit) => {
                let handover = Handover::new(configuration, &request, &permit);
                let changes = handover.each_change(|change| {
                    black_box(change);
                    Ok::<(), ()>(())
                });
                assert_eq!(changes, Ok(()));
                black_box(handover.state());
                None
            }
            Decision::Deny(denial) => {
                let reply = Reply::new(configuration, &denial, RequestId::new(black_box(7)));
                black_box(header_map::serialize(&reply.headers));
                black_box(denial.to_string());
                Some(denial.reason().name())
            }
        }
    }
}
