//! Counters and gauges: Envoy keeps them together with the configuration that defined them.

use super::*;
use crate::fail_closed::everywhere;
use crate::support::{BOUND, Push, eventually};

#[test]
fn counters_go_on_over_pushes() {
    let envoy = builder()
        .concurrency(2)
        .config(configuration(1, &[ALICE]).to_string())
        .start();
    let mut asked = (0, 0);
    for revision in 2..6 {
        for _ in 0..10 {
            assert_eq!(both(&envoy), (401, 200));
            asked = (asked.0 + 1, asked.1 + 1);
        }
        // Without a wait: a configuration that ends reports what it has counted since its last
        // report.
        let push = configuration(revision, &[ALICE]).to_string();
        assert_eq!(envoy.push_and_wait(&push), Push::Accepted);
    }
    everywhere(&envoy, STRANGER, 401);
    let denied = envoy.requests_total("deny", "unknown_key");
    assert_eq!(envoy.requests_total("allow", "key"), asked.1);
    assert!(denied >= asked.0, "{denied}");
    let prometheus = envoy.prometheus();
    let line = format!(
        "envoy_keyward_requests_total{{decision=\"allow\",reason=\"key\"}} {}",
        asked.1
    );
    assert!(prometheus.contains(&line), "{prometheus}");
}

/// The old configuration decides streams that outlive a push, and those of a listener that is
/// drained. Their counts are not lost either.
#[test]
fn what_an_old_configuration_and_a_drained_listener_count_is_told() {
    let envoy = builder()
        .concurrency(2)
        .config(configuration(1, &[ALICE]).to_string())
        .start();
    let mut open = envoy.worker_connections();
    let mut asked = 0;
    let mut ask = |connections: &mut [Connection]| {
        for connection in connections {
            assert_eq!(crate::fail_closed::ask(connection, ALICE).status, 200);
            asked += 1;
        }
        asked
    };
    ask(&mut open);
    let push = configuration(2, &[ALICE]).to_string();
    assert_eq!(envoy.push_and_wait(&push), Push::Accepted);
    ask(&mut open);
    let drained = envoy.admin("POST", "/drain_listeners?graceful&skip_exit");
    assert_eq!(drained.status, 200);
    let total = ask(&mut open);
    assert_eq!(envoy.requests_total("allow", "key"), total);
    assert_eq!(envoy.requests().len(), 1);
}

/// A counter is reported within a second, and every second after that.
#[test]
fn a_counter_follows_without_being_asked() {
    let envoy = started();
    let name = "wasmcustom.decision=.=allow;.;reason=.=key;.;keyward_requests_total";
    for asked in 1..4 {
        assert_eq!(both(&envoy), (401, 200));
        eventually("the request is counted", BOUND, || {
            (envoy.stat(name) == asked).then_some(())
        });
    }
}

#[test]
fn what_is_served_is_shown_and_wait_believes_it() {
    let envoy = builder()
        .concurrency(2)
        .config(configuration(1, &[ALICE]).to_string())
        .start();
    let url = format!("http://{}", envoy.admin_address());
    let wait = |revision: &str| {
        let mut command = crate::support::command::command();
        let arguments = [
            "wait",
            "--admin",
            &url,
            "--revision",
            revision,
            "--timeout",
            "10s",
        ];
        let output = command.args(arguments).output().unwrap();
        (
            output.status.code(),
            String::from_utf8([output.stdout, output.stderr].concat()).unwrap(),
        )
    };
    let (code, said) = wait("1");
    assert_eq!(code, Some(0), "{said}");
    let push = configuration(2, &[ALICE]).to_string();
    assert_eq!(envoy.push_and_wait(&push), Push::Accepted);
    let (code, said) = wait("2");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        envoy.push_and_wait(r#"{"snapshot": {"revision": 3, "x": 1}}"#),
        Push::Rejected
    );
    let refused = "wasmcustom.plugin=.=keyward;.;keyward_snapshot_refused_revision";
    eventually("the refusal is shown", BOUND, || {
        (envoy.stat(refused) == 3).then_some(())
    });
    let (code, said) = wait("3");
    assert_ne!(code, Some(0), "{said}");
    assert!(said.contains("refused revision 3"), "{said}");
    let page = envoy.stats("^keyward\\.build_info");
    assert_eq!(page.values().sum::<u64>(), 1, "{page:?}");
}
