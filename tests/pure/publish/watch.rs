use std::fs::{self, File};
use std::process::{Child, Command};

use crate::support::publishing::{Press, revoke};
use crate::support::restricted::restricted;
use crate::support::wait::{BOUND, eventually};

/// A running `publish --watch`.
struct Watcher<'a> {
    press: &'a Press,
    child: Child,
}

impl<'a> Watcher<'a> {
    fn start(press: &'a Press, more: &[&str]) -> Self {
        let out = File::create(press.path("watch.log")).unwrap();
        let more = [&["--watch", "--metrics-file", "feed.prom"], more].concat();
        let child = press
            .command(&press.arguments(&more))
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        Self { press, child }
    }

    fn said(&self) -> String {
        fs::read_to_string(self.press.path("watch.log")).unwrap()
    }

    #[track_caller]
    fn metric(&self, name: &str, is_right: impl Fn(u64) -> bool) {
        let row = format!("keyward_publish_{name}{{feed=\"prod\"}} ");
        eventually(&format!("{name}: {}", self.said()), BOUND, || {
            let text = fs::read_to_string(self.press.path("feed.prom")).ok()?;
            let value = text.lines().find_map(|line| line.strip_prefix(&row))?;
            is_right(value.parse().unwrap()).then_some(())
        });
    }

    #[track_caller]
    fn stop(mut self, code: i32) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("/bin/kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        let status = eventually("the watcher ends", BOUND, || self.child.try_wait().unwrap());
        assert_eq!(status.code(), Some(code), "{}", self.said());
    }
}

impl Drop for Watcher<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_watcher_publishes_changes_holds_back_mistakes_and_keeps_the_head_young() {
    let press = Press::new("watch");
    let mut state = restricted(50);
    press.write(&state);
    let watcher = Watcher::start(&press, &["--begin", "--max-snapshot-age", "4s"]);
    eventually("the feed is begun", BOUND, || {
        press.path("feed/head").exists().then_some(())
    });
    revoke(&mut state, 3);
    press.write(&state);
    eventually("the change is published", BOUND, || {
        press.holds(&state).then_some(())
    });
    // Every second, which is a quarter of the age that gateways accept.
    let signed = press.present().head.issued_at;
    eventually("the head is signed again", BOUND, || {
        (press.present().head.issued_at > signed).then_some(())
    });
    // A source that cannot be read changes nothing.
    fs::write(press.path("keyward.json"), "{").unwrap();
    watcher.metric("failing", |value| value == 1);
    assert!(press.holds(&state));
    // An incomplete source ends the keys that it ends, and removes none.
    let mut half = state.clone();
    revoke(&mut half, 4);
    half["snapshot"]["keys"]
        .as_array_mut()
        .unwrap()
        .truncate(20);
    press.write(&half);
    watcher.metric("held_back", |value| value == 1);
    revoke(&mut state, 4);
    assert!(press.holds(&state), "{}", watcher.said());
    assert!(
        watcher
            .said()
            .contains("held back: feed: 30 of 49 working keys are missing"),
        "{}",
        watcher.said()
    );
    press.write(&state);
    watcher.metric("held_back", |value| value == 0);
    watcher.metric("deadline_timestamp_seconds", |value| value > signed);
    watcher.stop(0);
}

#[test]
fn a_watcher_of_another_source_does_not_begin() {
    let press = Press::new("watch-other");
    press.write(&restricted(10));
    press.published(&["--begin"]);
    let mut arguments = press.arguments(&["--watch"]);
    arguments[4] = "file:other";
    let said = press.run(&arguments);
    assert_eq!(said.code, Some(4));
    assert!(
        said.err.contains("holds the keys of `file:test`"),
        "{}",
        said.err
    );
}
