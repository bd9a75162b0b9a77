//! `keyward push --watch` with the wrong key file: it holds the push back, ends the keys that must
//! end, and reports both.

use super::*;
use crate::fail_closed::everywhere;
use crate::monitoring::tool::Tools;

const KEYS: [&str; 5] = [
    ALICE,
    BOB,
    CAROL,
    "sk_test_FAKE-dave-0001",
    "sk_test_FAKE-erin-0001",
];

fn metric(desk: &Desk, name: &str) -> Option<u64> {
    let text = fs::read_to_string(desk.path("push.prom")).ok()?;
    let row = text.lines().find(|line| line.starts_with(name))?;
    row.rsplit(' ').next()?.parse().ok()
}

#[track_caller]
fn tells(desk: &Desk, name: &str, value: u64) {
    eventually(&format!("{name} is {value}"), BOUND, || {
        (metric(desk, name) == Some(value)).then_some(())
    });
}

/// Returns what a watcher writes for the textfile collector.
pub fn page() -> String {
    let desk = Desk::new();
    let ecds = desk.path("ecds.yaml");
    fs::copy(find::root().join("envoy/ecds/keyward.yaml"), &ecds).unwrap();
    let keys = desk.keys("", &KEYS);
    let prom = desk.path("push.prom");
    let metrics = ["--metrics-file", prom.to_str().unwrap()];
    let watcher = Watcher::start_with(&desk, &keys, &ecds, &metrics);
    eventually("it has written its metrics", BOUND, || {
        metric(&desk, "keyward_push_revision{").filter(|revision| *revision > 0)
    });
    watcher.stop_with("-TERM", 0);
    fs::read_to_string(prom).unwrap()
}

/// Returns a key file that lacks most records, and that ends one key and an account.
fn wrong() -> String {
    let mut text = key_file("", &[ALICE]).replace("mk_0\"", "mk_0\"\nstatus = \"deleted\"");
    text += "\n[[accounts]]\nid = \"acct_2\"\nstatus = \"suspended\"\n";
    text
}

fn right() -> String {
    let mut text = key_file("", &KEYS).replace(
        "mk_4\"\nkind = \"secret\"\nmode = \"test\"\nowner = \"acct_1\"",
        "mk_4\"\nkind = \"secret\"\nmode = \"test\"\nowner = \"acct_2\"",
    );
    text += "\n[[accounts]]\nid = \"acct_2\"\n";
    text
}

#[test]
fn a_watcher_holds_a_push_back_and_publishes_the_ends_in_it() {
    let envoy = Envoy::builder().concurrency(2).start();
    let desk = Desk::new();
    let keys = desk.path("keyward.toml");
    fs::write(&keys, right()).unwrap();
    let keys = keys.to_str().unwrap();
    let ecds = envoy.ecds_file();
    let prom = desk.path("push.prom");
    let metrics = ["--metrics-file", prom.to_str().unwrap()];
    let watcher = Watcher::start_with(&desk, keys, &ecds, &metrics);
    everywhere(&envoy, ALICE, 200);
    everywhere(&envoy, KEYS[4], 200);
    tells(&desk, "keyward_push_held_back{", 0);
    let first = metric(&desk, "keyward_push_revision{").unwrap();

    fs::write(keys, wrong()).unwrap();
    watcher.says("held back: 3 of 5 working keys are missing (+0 -5).");
    watcher.says("with the ends of 1 key and 1 account to ");
    tells(&desk, "keyward_push_held_back{", 1);
    tells(&desk, "keyward_push_missing_keys{", 3);
    tells(&desk, "keyward_push_missing_accounts{", 0);
    assert!(metric(&desk, "keyward_push_revision{").unwrap() > first);
    everywhere(&envoy, ALICE, 401);
    everywhere(&envoy, KEYS[4], 401);
    for key in &KEYS[1..4] {
        everywhere(&envoy, key, 200);
    }
    if let Some(tools) = Tools::find("promtool check metrics of the watcher") {
        let page = fs::read_to_string(desk.path("push.prom")).unwrap();
        assert_eq!(tools.check_metrics(&page), "");
    }

    // Another key ends while the push is held back.
    let more =
        key_file("", &[ALICE, BOB]).replace("mk_1\"", "mk_1\"\nexpires = 2026-01-01T00:00:00Z");
    fs::write(keys, more + "\n[[accounts]]\nid = \"acct_2\"\n").unwrap();
    everywhere(&envoy, BOB, 401);
    everywhere(&envoy, CAROL, 200);
    // Ended keys stay ended: a push that is held back revives nothing.
    assert_eq!(status(&envoy, ALICE), 401);

    // Once the file is corrected, the push resolves itself.
    fs::write(keys, right()).unwrap();
    tells(&desk, "keyward_push_held_back{", 0);
    tells(&desk, "keyward_push_missing_keys{", 0);
    for key in KEYS {
        everywhere(&envoy, key, 200);
    }
    fs::write(keys, wrong()).unwrap();
    tells(&desk, "keyward_push_held_back{", 1);
    let said = watcher.stop_with("-TERM", 1);
    assert!(
        said.ends_with(
            "keyward: stopped while a push was held back; what was pushed last stays where it is\n"
        ),
        "{said}"
    );
}

#[test]
fn a_push_by_hand_allows_what_is_held_back() {
    let desk = Desk::new();
    let ecds = desk.path("ecds.yaml");
    fs::copy(find::root().join("envoy/ecds/keyward.yaml"), &ecds).unwrap();
    let keys = desk.keys("max_snapshot_age = 4", &KEYS);
    let watcher = Watcher::start_with(&desk, &keys, &ecds, &[]);
    watcher.says("with 5 keys");
    desk.keys("max_snapshot_age = 4", &KEYS[..2]);
    watcher.says("held back: 3 of 5 working keys are missing");
    // Meanwhile the watcher keeps the snapshot fresh.
    let number = |name: &str| carried(&ecds)["snapshot"][name].as_u64().unwrap();
    let revision = number("revision");
    eventually("it is issued again", BOUND, || {
        (number("revision") > revision).then_some(())
    });
    assert_eq!(
        carried(&ecds)["snapshot"]["keys"].as_array().unwrap().len(),
        5
    );
    let by_hand = ["push", "--keys", &keys, "--ecds", ecds.to_str().unwrap()];
    let said = keyward(&[&by_hand[..], &["--allow-removals"]].concat());
    assert_eq!(said.code, Some(0), "{}", said.err);
    watcher.says("with 2 keys");
    assert_eq!(
        carried(&ecds)["snapshot"]["keys"].as_array().unwrap().len(),
        2
    );
    watcher.stop_with("-TERM", 0);
}

/// Otherwise two watchers on one target would take it from each other forever.
#[test]
fn a_watcher_does_not_begin_on_the_target_of_another_source_nor_go_on_with_it() {
    let desk = Desk::new();
    let ecds = desk.path("ecds.yaml");
    fs::copy(find::root().join("envoy/ecds/keyward.yaml"), &ecds).unwrap();
    let file = ecds.to_str().unwrap();
    let keys = desk.keys("max_snapshot_age = 4", &[ALICE]);
    let push = ["push", "--keys", &keys, "--ecds", file, "--source"];
    assert_eq!(keyward(&[&push[..], &["file:a"]].concat()).code, Some(0));
    let said = keyward(&[&push[..], &["file:b", "--watch"]].concat());
    assert_eq!(said.code, Some(4), "{}", said.err);
    assert!(
        said.err
            .contains("holds the keys of `file:a`, and this push is from `file:b`"),
        "{}",
        said.err
    );

    let options = ["--source", "file:b", "--take-over"];
    let watcher = Watcher::start_with(&desk, &keys, &ecds, &options);
    watcher.says("`file:b` took ");
    let taken = [&push[..], &["file:a", "--take-over"]].concat();
    assert_eq!(keyward(&taken).code, Some(0));
    let before = desk.text("ecds.yaml");
    watcher.says("not issued again: ");
    watcher.says("holds the keys of `file:a` now");
    desk.keys("max_snapshot_age = 4", &[ALICE, BOB]);
    watcher.says("not pushed: ");
    assert_eq!(desk.text("ecds.yaml"), before);
    watcher.stop_with("-TERM", 0);
}
