//! Pushes that Envoy rejects, and Envoys that do not answer.

use std::net::TcpListener;
use std::time::Instant;

use super::*;
use crate::fail_closed::plugin::Plugin;

#[test]
fn a_refused_push_ends_the_wait_at_once() {
    let envoy = Envoy::builder()
        .concurrency(2)
        .config(configuration(5, &[ALICE]).to_string())
        .start();
    serves(&envoy, 5);
    let mut bad = configuration(6, &[BOB]);
    bad["snapshot"]["keys"][0]["owner"] = json!("acct_9");
    let before = Instant::now();
    envoy.push(&bad.to_string());
    let said = wait_for(&envoy, 6, "30s");
    assert_eq!(said.code, Some(1), "{}", said.out);
    let expected = format!(
        "{}: refused: `keyward` refused revision 6; Envoy's log has the place, after `configuration refused`\n",
        url(&envoy)
    );
    assert_eq!(said.out, expected);
    assert!(before.elapsed() < Duration::from_secs(20));
    // The rejection of 6 implies nothing about 7, neither before 7 is pushed nor after.
    is_behind(
        &envoy,
        7,
        "serves revision 5; the last push there was refused",
    );
    envoy.push(&configuration(7, &[BOB]).to_string());
    serves(&envoy, 7);
    let stranger = ask(&mut Connection::open(envoy.address()), STRANGER);
    assert_eq!(stranger.status, 401);
}

#[test]
fn what_cannot_be_read_is_no_success() {
    let envoy = Envoy::builder()
        .config(configuration(5, &[ALICE]).to_string())
        .start();
    serves(&envoy, 5);
    envoy.push_file(b"{");
    is_behind(&envoy, 6, "serves revision 5");
    envoy.push("{");
    is_behind(&envoy, 6, "the last push there was refused");
}

#[test]
fn an_envoy_without_a_snapshot_serves_nothing() {
    let envoy = Envoy::builder().start();
    is_behind(&envoy, 1, "`keyward` has no snapshot");
}

#[test]
fn nobody_there_is_no_success() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let url = format!("http://127.0.0.1:{}", port.unwrap().port());
    let said = wait(&["--revision", "1", "--admin", &url, "--timeout", "0s"]);
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("does not answer"), "{}", said.out);
    let nowhere = wait(&["--revision", "1"]);
    assert_eq!(nowhere.code, Some(4));
    assert!(
        nowhere.err.contains("name the Envoys to wait for"),
        "{}",
        nowhere.err
    );
    let nothing = wait(&["--revision", "0", "--admin", &url]);
    assert_eq!(nothing.code, Some(2), "{}", nothing.err);
}

#[test]
fn several_keywards_in_one_process_are_told_apart() {
    let left = Plugin::new("left", "left", "keyward");
    let right = Plugin::new("right", "right", "keyward");
    left.push(&configuration(5, &[ALICE]).to_string());
    right.push(&configuration(3, &[BOB]).to_string());
    let builder = right.on_its_own_listener(Envoy::builder().concurrency(2), "right");
    let envoy = left.in_place_of_keyward(builder).start();
    let url = url(&envoy);
    let wait_for = |revision: &str, plugin: &str, timeout: &str| {
        let admin = ["--revision", revision, "--admin", &url];
        let rest = ["--plugin", plugin, "--timeout", timeout];
        wait(&[admin, rest].concat()).code
    };
    assert_eq!(wait_for("5", "left", "30s"), Some(0));
    assert_eq!(wait_for("3", "right", "30s"), Some(0));
    assert_eq!(wait_for("5", "right", "1s"), Some(1));
    // Without a name, it waits for all of them.
    is_behind(&envoy, 5, "`right/keyward` serves revision 3");
    right.push(&configuration(5, &[BOB]).to_string());
    serves(&envoy, 5);
}
