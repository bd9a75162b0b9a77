//! A publisher that is killed again and again, as a process.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Press, revoke};

/// How many kills there are; `make soak` asks for more.
pub fn rounds() -> usize {
    let asked = std::env::var("KEYWARD_PUBLISH_KILLS").ok();
    asked.map_or(20, |text| text.parse().unwrap())
}

/// How many keys a state needs, so that every publisher ends one that no other did, and the last
/// one is left.
pub fn keys() -> usize {
    rounds() + 2
}

/// Publishes `state`, which has so many keys, and then kills publishers. Each of them ends one more
/// key, in order, and changes the last one, which never ends. Calls `each` after every kill with the
/// number of the round, and how many keys the feed has ended by then. Returns how many the last
/// publisher, which lives, has ended.
pub fn killed(
    press: &Press,
    mut state: Value,
    keys: usize,
    more: &[&str],
    mut each: impl FnMut(usize, usize),
) -> usize {
    assert!(keys >= self::keys(), "{keys}");
    let begin = [&["--begin"], more].concat();
    press.write(&state);
    press.published(&begin);
    // How long a whole one takes, so that kills fall all over it.
    revoke(&mut state, 0);
    press.write(&state);
    let begun = Instant::now();
    press.published(more);
    let mut whole = begun.elapsed();
    let mut held = state.clone();
    let (mut old, mut new, mut ended) = (0, 0, 1);
    for round in 0..rounds() {
        let next = 1 + round;
        revoke(&mut state, next);
        state["snapshot"]["keys"][keys - 1]["expires_at"] =
            (4_000_000_000_u64 + round as u64).into();
        press.write(&state);
        let options: &[&str] = match round % 3 {
            0 => &["--new-base"],
            _ => &[],
        };
        let mut child = press
            .command(&press.arguments(&[options, more].concat()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let part = u32::try_from(round % 10).unwrap() + 1;
        std::thread::sleep(whole * part / 10 + Duration::from_micros(u64::from(part) * 37));
        let _ = child.kill();
        child.wait().unwrap();
        // Whole, and one of the two. A machine that has got busier or quieter needs another time.
        let is_new = press.holds(&state);
        match (part, is_new) {
            (9.., false) => whole = whole * 11 / 10,
            (..=4, true) => whole = whole * 10 / 11,
            _ => {}
        }
        match is_new {
            true => {
                new += 1;
                held = state.clone();
                ended = next + 1;
            }
            false => {
                old += 1;
                assert!(press.holds(&held), "round {round}");
            }
        }
        each(round, ended);
        if round % 100 == 99 {
            println!("{} kills, {ended} keys ended", round + 1);
        }
    }
    println!(
        "killed {} times: {old} left the old state, {new} the new one",
        rounds()
    );
    press.published(more);
    assert!(press.holds(&state));
    rounds() + 1
}
