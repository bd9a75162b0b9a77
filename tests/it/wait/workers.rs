//! Every worker, with and without traffic.

use super::*;
use crate::support::Upstream;

#[test]
fn it_returns_without_any_request() {
    let envoy = Envoy::builder()
        .concurrency(3)
        .config(configuration(5, &[ALICE]).to_string())
        .start();
    serves(&envoy, 5);
    envoy.push(&configuration(6, &[BOB]).to_string());
    serves(&envoy, 6);
    is_behind(&envoy, 7, "`keyward` serves revision 6");
    // A revision that was overtaken counts as served.
    let said = wait_for(&envoy, 4, "1s");
    assert_eq!(said.code, Some(0));
    assert!(said.out.contains("serves revision 6"), "{}", said.out);
}

/// The promise itself: once it has returned, no older snapshot decides a request on any worker.
#[test]
fn the_next_request_on_every_worker_is_decided_by_the_new_one() {
    let envoy = Envoy::builder()
        .concurrency(2)
        .config(configuration(1, &[ALICE]).to_string())
        .start();
    let mut connections = envoy.worker_connections();
    for revision in 2..20 {
        let (new, old) = if revision % 2 == 0 {
            (BOB, ALICE)
        } else {
            (ALICE, BOB)
        };
        // Large enough that the workers do not finish immediately.
        let mut push = configuration(revision, &[new]);
        push["snapshot"]["keys"][0]["annotations"] = json!("x".repeat(4 << 20));
        envoy.push(&push.to_string());
        serves(&envoy, revision);
        for connection in &mut connections {
            assert_eq!(ask(connection, new).status, 200);
            assert_eq!(ask(connection, old).status, 401);
        }
    }
}

#[test]
fn it_waits_for_a_worker_that_kept_the_old_snapshot() {
    let _one = heavy();
    let envoy = Envoy::builder()
        .concurrency(2)
        .wasm(find::trap_door_wasm())
        .config(configuration(1, &[ALICE]).to_string())
        .start();
    serves(&envoy, 1);
    let mut connections = envoy.worker_connections();
    let hold = |connection: &mut Connection, mebibytes: u32| {
        let trap_door = [("x-keyward-trap-door", mebibytes.to_string())];
        connection.request("GET", "/", &trap_door, b"");
    };
    hold(&mut connections[1], 1010);
    assert_eq!(
        envoy.push_and_wait(&configuration(2, &[BOB]).to_string()),
        Push::Accepted
    );
    let why = "the workers of `keyward` serve different revisions";
    // The other worker has it, and so has the main thread. The worker that lacks it has received no
    // request.
    is_behind(&envoy, 2, why);
    // The gauge does not help either: the last VM to serve a snapshot has set it.
    assert_eq!(ask(&mut connections[1], ALICE).status, 200);
    assert_eq!(ask(&mut connections[0], BOB).status, 200);
    eventually("the gauge shows the new one", BOUND, || {
        (envoy.stat("wasmcustom.keyward_snapshot_revision") == 2).then_some(())
    });
    is_behind(
        &envoy,
        2,
        &format!("{why}; 1 workers could not load the configuration"),
    );

    hold(&mut connections[1], 0);
    envoy.push(&configuration(3, &[CAROL]).to_string());
    serves(&envoy, 3);
    for connection in &mut connections {
        assert_eq!(ask(connection, CAROL).status, 200);
        assert_eq!(ask(connection, ALICE).status, 401);
    }
}

#[test]
fn a_worker_that_envoy_skips_is_missing() {
    let envoy = Envoy::builder()
        .concurrency(2)
        .wasm(find::trap_door_wasm())
        .config(configuration(1, &[ALICE]).to_string())
        .start();
    serves(&envoy, 1);
    // Loads fail on workers that have received a request, which is one of the two.
    let mut connections = envoy.worker_connections();
    assert_eq!(ask(&mut connections[0], ALICE).status, 200);
    let mut push = configuration(2, &[ALICE]);
    push["snapshot"]["keys"][0]["annotations"] = json!("trap-door: fail on workers");
    assert_eq!(envoy.push_and_wait(&push.to_string()), Push::Accepted);
    let said = wait_for(&envoy, 2, "1s");
    assert_eq!(said.code, Some(1), "{}", said.out);
}

/// An open stream keeps its old snapshot's root context. `wait` does not wait for the stream to
/// end.
#[test]
fn open_streams_do_not_hold_it_up() {
    let upstream = Upstream::start();
    let envoy = Envoy::builder()
        .upstream(upstream.address())
        .concurrency(2)
        .config(configuration(1, &[ALICE]).to_string())
        .start();
    // A request whose body does not arrive.
    let mut open = Connection::open(envoy.address());
    let head = format!(
        "POST /v1/balance HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ALICE}\r\nContent-Length: 10\r\n\r\n"
    );
    open.send_raw(head.as_bytes()).unwrap();
    eventually("the request is decided", BOUND, || {
        (envoy.requests_total("allow", "key") == 1).then_some(())
    });
    for revision in 2..6 {
        envoy.push(&configuration(revision, &[BOB]).to_string());
        serves(&envoy, revision);
    }
    drop(open);
    serves(&envoy, 5);
}

#[test]
fn a_vm_that_failed_is_never_counted_as_served() {
    let envoy = Envoy::builder()
        .wasm(find::trap_door_wasm())
        .config(configuration(1, &[ALICE]).to_string())
        .start();
    serves(&envoy, 1);
    let trap_door = [("x-keyward-trap-door", "now")];
    Connection::open(envoy.address()).request("GET", "/", &trap_door, b"");
    envoy.push(&configuration(2, &[BOB]).to_string());
    eventually("the worker serves again", BOUND, || {
        (ask(&mut Connection::open(envoy.address()), BOB).status == 200).then_some(())
    });
    is_behind(&envoy, 2, "a VM has failed since this Envoy started");
}

#[test]
fn the_prometheus_page_says_the_same_with_tags_and_without() {
    for has_tags in [true, false] {
        let mut builder = Envoy::builder()
            .concurrency(2)
            .config(configuration(5, &[ALICE]).to_string());
        if !has_tags {
            builder = builder.edit(|bootstrap| {
                bootstrap.as_object_mut().unwrap().remove("stats_config");
            });
        }
        let envoy = builder.start();
        let page = url(&envoy) + "/stats/prometheus";
        let wait_for = |revision, timeout| {
            let said = wait(&[
                "--revision",
                revision,
                "--prometheus",
                &page,
                "--timeout",
                timeout,
                "--plugin",
                "keyward",
                "--json",
            ]);
            let value: Value = serde_json::from_str(&said.out).unwrap();
            (said.code, value)
        };
        let (code, value) = wait_for("5", "30s");
        assert_eq!((code, &value["served"]), (Some(0), &json!(true)), "{value}");
        let (code, value) = wait_for("6", "1s");
        assert_eq!(
            (code, &value["served"]),
            (Some(1), &json!(false)),
            "{value}"
        );
        assert_eq!(value["envoys"][0]["why"], "`keyward` serves revision 5");
    }
}

#[test]
fn all_named_envoys_have_to_serve_it() {
    let start = |revision| {
        Envoy::builder()
            .config(configuration(revision, &[ALICE]).to_string())
            .start()
    };
    let (first, second) = (start(5), start(4));
    let urls = [url(&first), url(&second)];
    let both = |timeout| {
        let mut arguments = vec!["--revision", "5", "--timeout", timeout];
        for url in &urls {
            arguments.extend(["--admin", url]);
        }
        wait(&arguments)
    };
    let said = both("1s");
    assert_eq!(said.code, Some(1));
    let lines: Vec<_> = said.out.lines().collect();
    assert_eq!(
        lines,
        [
            format!("{}: serves revision 5 on every worker", urls[0]),
            format!("{}: behind: `keyward` serves revision 4", urls[1]),
        ]
    );
    assert!(
        said.err.contains("revision 5 is not served by 1 of 2"),
        "{}",
        said.err
    );
    second.push(&configuration(5, &[ALICE]).to_string());
    assert_eq!(both("30s").code, Some(0));
}
