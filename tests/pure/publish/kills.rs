//! Publishers that are killed, and two at the same time, as processes.

use std::process::Stdio;

use crate::support::publishing::{Press, kills, revoke};
use crate::support::restricted::restricted;

#[test]
fn a_killed_publisher_leaves_a_feed_that_gateways_and_the_next_one_can_use() {
    let keys = kills::keys().max(1_000);
    let press = Press::new("kills");
    kills::killed(&press, restricted(keys), keys, &[], |_, _| {});
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
