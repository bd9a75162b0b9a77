//! The crash harness. Clients create, rotate and end keys with idempotency keys against a store in
//! a separate process, which the harness kills at a random moment. Then an oracle in this process
//! opens the store and compares it with the acknowledged requests. Kills leave the page cache, so
//! this does not test a loss of power: for that, the store reads its settings back at start.

mod client;
mod oracle;
mod process;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use client::{Client, Sent};
use oracle::Violation;
use process::Process;

/// The number of clients that use the store at the same time.
const CLIENTS: usize = 8;
/// The number of rounds that use one store. With more, every check of it would take longer.
const ROUNDS_OF_A_STORE: usize = 20;

/// Numbers that look random. A failure names their seed.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn of_the_clock() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the seed is different each time")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Self(u64::try_from(now.as_nanos() & u128::from(u64::MAX)).unwrap())
    }

    /// Returns a number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) % bound
    }
}

/// Kills the store in `folder` once, and returns the faults afterwards. `sent` contains all
/// requests so far.
fn round(
    folder: &Path,
    number: usize,
    is_early: bool,
    dice: &mut Dice,
    sent: &mut Vec<Sent>,
) -> Vec<Violation> {
    let mut process = Process::start(folder, is_early);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let seed = dice.below(u64::MAX);
            Client::start(process.connect(), format!("{number}-{client}"), Dice(seed))
        })
        .collect();
    std::thread::sleep(Duration::from_micros(5_000 + dice.below(250_000)));
    process.kill();
    for client in clients {
        sent.extend(client.ended());
    }
    oracle::judge(folder, sent)
}

fn rounds(count: usize, is_early: bool) -> Vec<Violation> {
    let mut dice = Dice::of_the_clock();
    let seed = dice.0;
    let mut done = 0;
    let mut acknowledged = 0;
    while done < count {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("data");
        process::make(&folder);
        let mut sent = Vec::new();
        for number in 0..ROUNDS_OF_A_STORE.min(count - done) {
            let violations = round(&folder, number, is_early, &mut dice, &mut sent);
            if !violations.is_empty() {
                println!("seed {seed}, round {number}: {violations:?}");
                return violations;
            }
            done += 1;
        }
        acknowledged += sent.iter().filter(|sent| sent.answer.is_some()).count();
        crate::store::tests::secrecy::assert_no_value_in(
            temporary.path(),
            sent.iter().filter_map(Sent::value),
        );
    }
    assert!(
        acknowledged > count,
        "{acknowledged} changes in {count} rounds are too few"
    );
    println!("{count} kills, {acknowledged} acknowledged changes");
    Vec::new()
}

#[test]
fn a_killed_store_keeps_what_it_acknowledged() {
    assert_eq!(rounds(3, false), []);
}

/// Runs twenty rounds, or the number in `KEYWARD_CRASH_ROUNDS`.
#[test]
fn many_kills_lose_nothing() {
    let rounds_wanted = std::env::var("KEYWARD_CRASH_ROUNDS");
    let rounds_wanted = rounds_wanted.map_or(20, |text| text.parse().unwrap());
    assert_eq!(rounds(rounds_wanted, false), []);
}

#[test]
fn a_store_that_acknowledges_before_it_commits_is_caught() {
    let violations = rounds(60, true);
    assert!(
        violations
            .iter()
            .any(|violation| matches!(violation, Violation::Lost { .. })),
        "{violations:?}"
    );
}

/// Not a test: the program of [`Process`].
#[test]
#[ignore = "the store that is killed"]
fn child() {
    process::serve();
}
