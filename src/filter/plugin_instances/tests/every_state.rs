//! Tests every state that a plugin can reach in a VM by seven events, with at most three instances
//! at a time, and what must be true in each. Without that limit there are about 44,000 states. The
//! same is true in all of them, but that takes too long for a test.

use std::collections::{BTreeSet, VecDeque};

use super::*;

/// After this many events, every combination has occurred.
const LONGEST: usize = 7;

/// An event in a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// An instance begins with a snapshot. The fewer instances there are, the higher its revision.
    Begin,
    Behind,
    /// The following events happen to the instance at this place.
    Request(usize),
    Tick(usize),
    Close(usize),
    End(usize),
}

/// An instance's state, the revision that it serves, and the first instance that serves the same
/// configuration.
type Shown = (u8, u8, u8, Option<u64>, usize);

fn shown(own: &PluginInstance<Held>, all: &[PluginInstance<Held>]) -> Shown {
    let turn = match own.turn {
        Turn::Waiting => 0,
        Turn::Serving => 1,
        Turn::Replaced => 2,
        Turn::Shared => 3,
    };
    let lag = match own.lag {
        Lag::None => 0,
        Lag::Behind => 1,
        Lag::Counted => 2,
    };
    let standing = match own.standing {
        Standing::Trial => 0,
        Standing::Settled => 1,
        Standing::Old => 2,
        Standing::Back(true) => 3,
        Standing::Back(false) => 4,
    };
    let mut first = all.iter();
    let first = first.position(|other| Arc::ptr_eq(&other.serves, &own.serves));
    (turn, lag, standing, revision(&own.serves), first.unwrap())
}

/// A VM after some events.
#[derive(Clone, Default)]
struct Led {
    vm: Vm,
    held: Vec<Held>,
    /// For each instance, the revision that it was given or took over, until it was closed.
    expected: Vec<Option<u64>>,
    /// Whether an instance was closed since the last report to the census.
    is_closed: bool,
}

impl Led {
    fn meet(&mut self, event: Event) {
        match event {
            Event::Begin => {
                let revision = 3 - u64::try_from(self.held.len()).unwrap();
                self.held.push(self.vm.begin(revision));
                self.expected.push(Some(revision));
            }
            Event::Behind => {
                let expected = self.clear_predecessor();
                self.held.push(self.vm.begin_behind());
                self.expected.push(expected);
            }
            Event::Request(at) => {
                self.lose_turns(at);
                let (turn, _, standing, ..) = self.state()[at];
                self.is_closed &= !(standing == 0 && turn != 1) && standing != 2;
                assert_eq!(self.vm.request(&self.held[at]), self.expected[at]);
            }
            Event::Tick(at) => {
                self.is_closed = false;
                let again = self.vm.tick(&self.held[at]);
                assert_eq!(again, matches!(self.state()[at].2, 3 | 4));
            }
            Event::Close(at) => {
                let held = &self.held[at];
                self.vm.with(|all, watch| all.close(held, watch));
                self.expected[at] = None;
                self.is_closed = true;
            }
            Event::End(at) => {
                self.is_closed = false;
                self.vm.end(&self.held.remove(at));
                self.expected.remove(at);
            }
        }
    }

    /// Returns what an instance takes over that begins without its configuration: what the only
    /// instance serves that received the last request, unless another one waits or shares with
    /// something else.
    fn clear_predecessor(&self) -> Option<u64> {
        let state = self.state();
        let in_turn = |turn| move |own: &&Shown| own.0 == turn;
        let serving = state.iter().find(in_turn(1))?;
        let is_shared = state.iter().any(|own| own.0 == 3);
        let mut waiting = state.iter().filter(in_turn(0));
        let is_clear = !is_shared && waiting.all(|own| own.4 == serving.4);
        serving.3.filter(|_| is_clear)
    }

    /// Expects an instance that lags to deny requests after another has received one.
    fn lose_turns(&mut self, taken: usize) {
        for (at, own) in self.state().into_iter().enumerate() {
            if at != taken && own.0 == 1 && own.1 != 0 {
                self.expected[at] = None;
                self.is_closed = true;
            }
        }
    }

    fn state(&self) -> Vec<Shown> {
        self.vm
            .with(|all, _| all.all.iter().map(|own| shown(own, &all.all)).collect())
    }

    fn check(&self, events: &[Event]) {
        let state = self.state();
        let of = |turn, standing| {
            let is =
                |own: &&Shown| (own.0 == turn || turn == 9) && (own.2 == standing || standing == 9);
            state.iter().filter(is).count()
        };
        assert!(of(1, 9) <= 1, "two serve: {events:?}");
        assert!(of(9, 1) <= 1, "two are settled: {events:?}");
        let served: Vec<_> = state.iter().map(|own| own.3).collect();
        assert_eq!(served, self.expected, "{events:?}");
        let counted = state.iter().filter(|own| own.1 == 2).count();
        assert_eq!(
            self.vm.gauge(Gauge::WorkersBehind),
            i64::try_from(counted).unwrap(),
            "{events:?}"
        );
        if self.is_closed {
            return;
        }
        let back = state.iter().filter(|own| own.2 >= 3).map(|own| own.3).min();
        let newest = state.iter().rev().find(|own| matches!(own.2, 1 | 2));
        let told = back.or(newest.map(|own| own.3));
        let revision = told.flatten().unwrap_or(0);
        assert_eq!(
            self.vm.census(),
            (i64::from(told.is_some()), revision.try_into().unwrap()),
            "{events:?}"
        );
    }
}

/// Returns the events that may happen next.
fn next(led: &Led) -> Vec<Event> {
    let mut next = Vec::new();
    for (at, own) in led.state().iter().enumerate() {
        next.extend([Event::Request(at), Event::Tick(at), Event::End(at)]);
        // Only a replaced instance is closed.
        next.extend((own.0 == 2).then_some(Event::Close(at)));
    }
    if led.held.len() < 3 {
        next.extend([Event::Begin, Event::Behind]);
    }
    next
}

/// Returns whether an instance can have this turn, lag and status at the same time. The other 30 of
/// 60 combinations are unreachable. A waiting instance was never counted, and is not back. An
/// instance that received a request has left its trial. If it lags, it is counted until another
/// takes its turn, which closes it.
fn is_reachable((turn, lag, standing): (u8, u8, u8)) -> bool {
    match turn {
        0 => lag != 2 && standing <= 2,
        1 | 3 => lag != 1 && standing >= 1,
        _ => lag != 2 && standing >= 1,
    }
}

#[test]
fn in_every_state_each_serves_its_own_and_the_gauges_say_so() {
    let mut seen: BTreeSet<Vec<Shown>> = BTreeSet::new();
    let mut ways: VecDeque<(Led, Vec<Event>)> = VecDeque::from([(Led::default(), Vec::new())]);
    while let Some((led, way)) = ways.pop_front() {
        for event in next(&led) {
            let way: Vec<Event> = way.iter().copied().chain([event]).collect();
            let mut led = led.clone();
            led.meet(event);
            led.check(&way);
            if seen.insert(led.state()) && way.len() < LONGEST {
                ways.push_back((led, way));
            }
        }
    }
    let found: BTreeSet<_> = seen
        .iter()
        .flatten()
        .map(|own| (own.0, own.1, own.2))
        .collect();
    let all =
        (0..4).flat_map(|turn| (0..3).flat_map(move |lag| (0..5).map(move |at| (turn, lag, at))));
    assert_eq!(found, all.filter(|own| is_reachable(*own)).collect());
    assert_eq!(found.len(), 30);
}
