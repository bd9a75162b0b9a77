//! A wall clock that jumps forward and back while Envoy runs. Envoy is started with a library of a
//! few lines in front of libc, compiled here, that adds an offset to the wall clock only.
#![cfg(target_os = "linux")]

use super::*;
use crate::support::Push;
use crate::support::clock::Clock;
use crate::support::world::now;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// An Envoy with that clock.
fn builder(clock: &Clock) -> Builder {
    let [(preload, library), (name, offset)] = clock.environment();
    Envoy::builder()
        .environment(preload, library)
        .environment(name, offset)
}

/// Returns a snapshot with Bob's key, which is valid from an hour ago until an hour from now, and
/// with Alice's, which is always valid.
fn timed(revision: u64, now: u64) -> Value {
    let mut configuration = configuration(revision, &[ALICE, BOB]);
    configuration["max_snapshot_age"] = json!(DAY);
    configuration["snapshot"]["issued_at"] = json!(now);
    configuration["snapshot"]["keys"][1]["not_before"] = json!(now - 3_600);
    configuration["snapshot"]["keys"][1]["expires_at"] = json!(now + 3_600);
    configuration
}

fn reason(envoy: &Envoy, key: &str) -> Option<String> {
    let answer = ask(&mut Connection::open(envoy.address()), key);
    answer.header("x-keyward-denied").map(str::to_owned)
}

#[test]
fn a_clock_that_jumps_revives_no_key_and_comes_back() {
    for interlock in BOTH {
        let mut clock = Clock::new();
        let now = now();
        let builder = builder(&clock).config(timed(1, now).to_string());
        let envoy = with_interlock(builder, interlock).start();
        everywhere(&envoy, BOB, 200);
        let stranger = Watch::start(envoy.address(), STRANGER);
        let stale = Some("stale_snapshot");
        let jumps = [
            // A snapshot whose issue date is more than five minutes in the future counts as stale.
            (240, None, None),
            (2 * HOUR, None, Some("expired_key")),
            (HOUR - 60, None, None),
            (-240, None, None),
            (-HOUR, stale, stale),
            (2 * DAY, stale, stale),
            (-2 * DAY, stale, stale),
            (100 * YEAR, stale, stale),
            (-i64::try_from(now).unwrap() + 1, stale, stale),
        ];
        let mut denied = 0;
        for (offset, alice, bob) in jumps {
            clock.jump(offset);
            assert_eq!(reason(&envoy, ALICE).as_deref(), alice, "{offset}");
            assert_eq!(reason(&envoy, BOB).as_deref(), bob, "{offset}");
            assert!(reason(&envoy, STRANGER).is_some(), "{offset}");
            denied += u64::from(bob == stale) * 2;
            clock.jump(0);
            assert_eq!(status(&envoy, ALICE), 200, "back from {offset}");
            assert_eq!(status(&envoy, BOB), 200, "back from {offset}");
        }
        // Pushes still work while the clock is wrong, and the pushed key is valid or expired as its
        // dates say.
        clock.jump(2 * HOUR);
        assert_eq!(
            envoy.push_and_wait(&timed(2, now).to_string()),
            Push::Accepted
        );
        everywhere(&envoy, ALICE, 200);
        assert_eq!(reason(&envoy, BOB).as_deref(), Some("expired_key"));
        clock.jump(0);
        everywhere(&envoy, BOB, 200);

        let answers = stranger.stop();
        assert!(
            answers.keys().all(|status| matches!(status, 401 | 503)),
            "{answers:?}"
        );
        // The operator sees it, and the counters show the cause clearly.
        assert!(envoy.requests_total("deny", "stale_snapshot") >= denied);
        assert_eq!(envoy.requests_total("deny", "expired_key"), 2);
        if interlock {
            assert_eq!(envoy.stat("http.gateway.rbac.keyward_interlock.denied"), 0);
        }
    }
}

/// Checks that the library works. Otherwise the tests above would prove nothing.
#[test]
fn the_clock_moves_envoys_own_time() {
    let mut clock = Clock::new();
    clock.jump(10 * YEAR);
    let envoy = builder(&clock).start();
    assert_eq!(status(&envoy, ALICE), 503);
    let line = envoy.logged("the request", |line| line["response_code"] == 503);
    let year: u64 = line["start_time"].as_str().unwrap()[..4].parse().unwrap();
    assert!(year >= 2035, "{line}");
}
