//! `keyward push --watch` next to a real Envoy that denies everyone once its snapshot is a few
//! seconds old.

use std::time::{Duration, Instant};

use super::*;

/// Asserts that the key passes for this long.
#[track_caller]
fn passes_for(envoy: &Envoy, key: &str, time: Duration, watcher: &Watcher) {
    let start = Instant::now();
    while start.elapsed() < time {
        assert_eq!(
            status(envoy, key),
            200,
            "{}\n{}",
            watcher.said(),
            envoy.logs()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn it_follows_the_keys_survives_a_broken_file_and_lets_nothing_grow_old() {
    let envoy = Envoy::builder().concurrency(2).start();
    let desk = Desk::new();
    let settings = "max_snapshot_age = 6";
    let keys = desk.keys(settings, &[ALICE]);
    let ecds = envoy.ecds_file();
    let watcher = Watcher::start(&desk, &keys, &ecds);
    let passes = |key: &'static str| {
        eventually(&format!("`{key}` passes"), BOUND, || {
            (status(&envoy, key) == 200).then_some(())
        });
    };
    passes(ALICE);
    // Longer than a snapshot may live, while the file does not change.
    passes_for(&envoy, ALICE, Duration::from_secs(8), &watcher);
    assert!(
        watcher.said().matches("pushed revision").count() >= 3,
        "{}",
        watcher.said()
    );

    desk.keys(settings, &[BOB]);
    passes(BOB);
    assert_eq!(status(&envoy, ALICE), 401);

    // A typo: the last good configuration stays in use, and is issued again.
    fs::write(
        &keys,
        key_file(settings, &[CAROL]).replace("acct_1", "acct 1"),
    )
    .unwrap();
    watcher.says("not pushed: ");
    passes_for(&envoy, BOB, Duration::from_secs(8), &watcher);
    fs::remove_file(&keys).unwrap();
    watcher.says("there is no key file");
    passes_for(&envoy, BOB, Duration::from_secs(1), &watcher);
    desk.keys(settings, &[CAROL]);
    passes(CAROL);
    assert_eq!(status(&envoy, BOB), 401);
    watcher.stop("-TERM");
}
