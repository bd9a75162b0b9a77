//! An Envoy that is drained, or replaced by a new one that takes over its sockets.

use std::fs::{self, File};
use std::net::TcpListener;
use std::process::Command;

use super::*;
use crate::support::bootstrap::at;
use crate::support::process::Guarded;
use crate::support::{Host, Push, Upstream, find};

/// Asserts what strangers and Alice may see while an Envoy shuts down: their verdict, or a closed
/// connection.
#[track_caller]
fn assert_sound(answers: [BTreeMap<u16, u64>; 2]) {
    let [alice, stranger] = answers;
    assert!(
        alice.keys().all(|status| matches!(status, 0 | 200)),
        "{alice:?}"
    );
    assert!(
        stranger.keys().all(|status| matches!(status, 0 | 401)),
        "{stranger:?}"
    );
    assert!(alice.contains_key(&200) && stranger.contains_key(&401));
}

#[test]
fn a_drained_envoy_decides_as_before_until_it_is_gone() {
    for interlock in BOTH {
        let builder = Envoy::builder().config(configuration(1, &[ALICE]).to_string());
        let envoy = with_interlock(builder, interlock).start();
        everywhere(&envoy, ALICE, 200);
        let mut open = Connection::open(envoy.address());
        assert_eq!(ask(&mut open, ALICE).status, 200);
        let watched = [ALICE, STRANGER].map(|key| Watch::start(envoy.address(), key));

        // Fails the health checks, and restores them: connections are drained, and nothing is lost.
        assert_eq!(envoy.admin("POST", "/healthcheck/fail").status, 200);
        assert_eq!(
            envoy.push_and_wait(&configuration(2, &[ALICE]).to_string()),
            Push::Accepted
        );
        for _ in 0..50 {
            assert_eq!(status(&envoy, ALICE), 200);
            assert_eq!(status(&envoy, STRANGER), 401);
        }
        assert_eq!(envoy.admin("POST", "/healthcheck/ok").status, 200);
        for _ in 0..50 {
            assert_eq!(status(&envoy, ALICE), 200);
        }
        let answers = watched.map(Watch::stop);
        assert_eq!(answers[0].keys().collect::<Vec<_>>(), [&200]);
        assert_eq!(answers[1].keys().collect::<Vec<_>>(), [&401]);

        // Listeners close, but keyward still judges requests on open connections, also by what is
        // pushed then.
        let mut stranger = Connection::open(envoy.address());
        assert_eq!(ask(&mut stranger, STRANGER).status, 401);
        let mut alice = Connection::open(envoy.address());
        assert_eq!(ask(&mut alice, ALICE).status, 200);
        envoy.admin("POST", "/drain_listeners?graceful&skip_exit");
        let mut judged = 0;
        for _ in 0..20 {
            let authorization = [("authorization", format!("Bearer {STRANGER}"))];
            match stranger.try_request("GET", "/v1/balance", &authorization, b"") {
                Ok(answer) => {
                    assert_eq!(answer.status, 401);
                    judged += 1;
                }
                Err(_) => break,
            }
        }
        assert!(judged > 0);
        if interlock {
            assert_eq!(envoy.stat("http.gateway.rbac.keyward_interlock.denied"), 0);
        }
    }
}

/// A port that was free a moment ago: a new Envoy takes over a socket by its address.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Starts the second epoch next to the first, from the same files.
pub fn second_epoch(first: &Envoy) -> Guarded {
    let directory = first.directory();
    let base_id = fs::read_to_string(directory.join("base-id")).unwrap();
    let mut command = Command::new(find::envoy());
    command
        .current_dir(directory)
        .args([
            "-c",
            "bootstrap.json",
            "--admin-address-path",
            "admin-2.txt",
        ])
        .args(["--base-id", base_id.trim(), "--restart-epoch", "1"])
        .args(["--drain-time-s", "1", "--parent-shutdown-time-s", "2"])
        .args(["--concurrency", "1", "--log-level", "warn"])
        .stdout(File::create(directory.join("access-2.log")).unwrap())
        .stderr(File::create(directory.join("envoy-2.log")).unwrap());
    Guarded::spawn(&mut command).unwrap()
}

#[test]
fn a_hot_restart_lets_nobody_in_between() {
    for interlock in BOTH {
        let upstream = Upstream::start();
        let port = free_port();
        let builder = Envoy::builder()
            .config(configuration(1, &[ALICE]).to_string())
            .upstream(upstream.address())
            .arguments(&["--base-id-path", "base-id"])
            .arguments(&["--drain-time-s", "1", "--parent-shutdown-time-s", "2"])
            .edit(move |all| {
                *at(
                    all,
                    "/static_resources/listeners/0/address/socket_address/port_value",
                ) = json!(port);
            });
        let mut first = with_interlock(builder, interlock).start();
        eventually("Alice is known", BOUND, || {
            (status(&first, ALICE) == 200).then_some(())
        });
        let watched = [ALICE, STRANGER].map(|key| Watch::start(first.address(), key));
        let mut second = second_epoch(&first);
        eventually("the first Envoy is gone", BOUND, || {
            let log = first.directory().join("envoy-2.log");
            assert!(!second.has_ended(), "{:?}", fs::read_to_string(log));
            first.has_ended().then_some(())
        });
        // Only the second Envoy, from the file that the first one got.
        for _ in 0..50 {
            assert_eq!(status(&first, ALICE), 200);
            assert_eq!(status(&first, STRANGER), 401);
        }
        assert_sound(watched.map(Watch::stop));
        let admin = fs::read_to_string(first.directory().join("admin-2.txt")).unwrap();
        let stats = crate::support::http::get(admin.trim().parse().unwrap(), "/stats");
        let denied = "http.gateway.rbac.keyward_interlock.denied: ";
        assert_eq!(stats.text().contains(&format!("{denied}0\n")), interlock);
        assert!(stats.text().contains("server.hot_restart_epoch: 1"));
        // It accepts pushes.
        let aside = first.directory().join("keyward.json");
        let text = fs::read_to_string(first.ecds_file()).unwrap();
        let pushed = configuration(2, &[BOB]).to_string();
        let mut file: Value = serde_json::from_str(&text).unwrap();
        file["version_info"] = json!("2");
        *at(&mut file, Host::chosen().configuration()) = json!(pushed);
        fs::write(&aside, file.to_string()).unwrap();
        fs::rename(aside, first.ecds_file()).unwrap();
        eventually("the push is served", BOUND, || {
            (status(&first, BOB) == 200).then_some(())
        });
        assert_eq!(status(&first, ALICE), 401);
    }
}
