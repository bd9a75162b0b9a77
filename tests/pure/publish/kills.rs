//! Publishers that are killed, and two at once, as processes.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::publishing::{Press, revoke};
use crate::support::restricted::restricted;

/// Returns the number of kills. `make soak` sets more.
fn rounds() -> usize {
    let asked = std::env::var("KEYWARD_PUBLISH_KILLS").ok();
    asked.map_or(20, |text| text.parse().unwrap())
}

#[test]
fn a_killed_publisher_leaves_a_feed_that_gateways_and_the_next_one_can_use() {
    const KEYS: usize = 1_000;
    let press = Press::new("kills");
    let mut state = restricted(KEYS);
    press.write(&state);
    press.published(&["--begin"]);
    // How long a whole publication takes, so that kills happen at all its moments.
    revoke(&mut state, 0);
    press.write(&state);
    let begun = Instant::now();
    press.published(&[]);
    let whole = begun.elapsed();
    let mut held = state.clone();
    let (mut old, mut new) = (0, 0);
    for round in 0..rounds() {
        revoke(&mut state, 1 + round % (KEYS - 1));
        state["snapshot"]["keys"][KEYS - 1]["expires_at"] =
            (4_000_000_000_u64 + round as u64).into();
        press.write(&state);
        let more: &[&str] = match round % 3 {
            0 => &["--new-base"],
            _ => &[],
        };
        let mut child = press
            .command(&press.arguments(more))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let part = u32::try_from(round % 10).unwrap() + 1;
        std::thread::sleep(whole * part / 10 + Duration::from_micros(u64::from(part) * 37));
        let _ = child.kill();
        child.wait().unwrap();
        // Complete, and one of the two.
        match press.holds(&state) {
            true => {
                new += 1;
                held = state.clone();
            }
            false => {
                old += 1;
                assert!(press.holds(&held), "round {round}");
            }
        }
    }
    println!(
        "killed {} times: {old} left the old state, {new} the new one",
        rounds()
    );
    press.published(&[]);
    assert!(press.holds(&state));
}

#[test]
fn two_publishers_at_once_lose_nothing() {
    let press = Press::new("two");
    let mut state = restricted(200);
    press.write(&state);
    press.published(&["--begin"]);
    for round in 0..5 {
        revoke(&mut state, round);
        press.write(&state);
        let both: Vec<_> = (0..2)
            .map(|_| {
                let mut command = press.command(&press.arguments(&[]));
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
                command.spawn().unwrap()
            })
            .collect();
        for one in both {
            let output = one.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(0), "{said}");
        }
        assert!(press.holds(&state), "round {round}");
    }
}
