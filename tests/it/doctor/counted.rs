//! Counters of a running Envoy that the doctor reports.

use super::*;
use crate::support::bootstrap::{at, hcm};
use crate::support::upstream::{Reply, Upstream};
use crate::support::{BOUND, Push, eventually};

#[test]
fn what_the_interlock_denied() {
    let disabled = json!({"keyward": {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true}});
    let envoy = builder()
        .edit(|all| {
            at(hcm(all), "/route_config/virtual_hosts/0/routes/0")["typed_per_filter_config"] =
                disabled
        })
        .start();
    Diagnosis::of(&envoy, &[]).assert_found(&[("FAIL", "routes")]);
    assert_eq!(
        envoy
            .get("/v1/balance", crate::support::http::NO_HEADERS)
            .status,
        403
    );
    eventually("the interlock's denial is counted", BOUND, || {
        (envoy.stat("http.gateway.rbac.keyward_interlock.denied") == 1).then_some(())
    });
    Diagnosis::of(&envoy, &[]).assert_found(&[("FAIL", "routes"), ("FAIL", "stats")]);
}

#[test]
fn refused_pushes() {
    let envoy = builder().start();
    assert_eq!(envoy.push_and_wait("{"), Push::Rejected);
    let diagnosis = Diagnosis::of(&envoy, &[]);
    // Envoy's dump shows the last configuration that it received, not the one that it serves.
    diagnosis.assert_found(&[("warn", "configuration"), ("warn", "stats")]);
    assert!(
        diagnosis.text.contains("1 pushes were refused"),
        "{}",
        diagnosis.text
    );
    assert_eq!(
        envoy.push_and_wait(&configuration().to_string()),
        Push::Accepted
    );
    Diagnosis::of(&envoy, &[]).assert_found(&[("warn", "stats")]);
}

/// Returns the diagnosis of a real Envoy's pages, with a change to each.
fn diagnosis(
    envoy: &Envoy,
    change: impl Fn(&str, String) -> Reply + Send + Sync + 'static,
) -> Diagnosis {
    let pages = ["/config_dump", "/stats?usedonly", "/logging"].map(|path| {
        let method = if path == "/logging" { "POST" } else { "GET" };
        (path, envoy.admin(method, path).text().to_owned())
    });
    let admin = Upstream::answering(move |seen| {
        let path = std::str::from_utf8(&seen.path).unwrap();
        let (_, page) = pages.iter().find(|(of, _)| *of == path).unwrap();
        change(path, page.clone())
    });
    let url = format!("http://{}", admin.address());
    Diagnosis::read(&keyward(&["doctor", "--admin", &url], b""))
}

fn page(text: String) -> Reply {
    Reply {
        status: 200,
        headers: Vec::new(),
        body: text.into_bytes(),
    }
}

#[test]
fn workers_without_a_vm() {
    let envoy = builder().concurrency(2).start();
    Diagnosis::of(&envoy, &[]).assert_found(&[]);
    let stat = "wasmcustom.plugin=.=keyward;.;keyward_snapshot_vms";
    assert_eq!((envoy.stat("server.concurrency"), envoy.stat(stat)), (2, 3));
    let replaced = |from: &'static str, to: &'static str| {
        diagnosis(&envoy, move |_, text| page(text.replace(from, to)))
    };
    replaced("nothing", "else").assert_found(&[]);
    let found = replaced("keyward_snapshot_vms: 3", "keyward_snapshot_vms: 2");
    found.assert_found(&[("FAIL", "workers")]);
    assert!(
        found.text.contains("1 threads have no VM"),
        "{}",
        found.text
    );
    replaced("server.concurrency: 2", "server.concurrency: 3").assert_found(&[("FAIL", "workers")]);
    let none = replaced(
        "keyward;.;keyward_snapshot_vms",
        "another;.;keyward_snapshot_vms",
    );
    none.assert_found(&[("FAIL", "workers")]);
    assert!(none.text.contains("3 threads have no VM"), "{}", none.text);
    replaced("server.concurrency", "server.something").assert_found(&[("warn", "workers")]);
}

/// V8 reserves about 9 GB for each VM. With two workers, this limit leaves room for all VMs except
/// one.
#[test]
fn a_limit_on_address_space_that_leaves_a_worker_without_a_vm() {
    let envoy = builder().concurrency(2).address_space(36_000_000).start();
    let stat = "wasmcustom.plugin=.=keyward;.;keyward_snapshot_vms";
    eventually("all VMs have reported", BOUND, || {
        (envoy.stat(stat) == 2).then_some(())
    });
    Diagnosis::of(&envoy, &[]).assert_found(&[("FAIL", "workers")]);
}

#[test]
fn an_admin_interface_that_does_not_say_its_log_levels() {
    let envoy = builder().start();
    let stat = "wasmcustom.plugin=.=keyward;.;keyward_snapshot_vms";
    eventually(
        "the worker and the main thread have reported",
        BOUND,
        || (envoy.stat(stat) == 2).then_some(()),
    );
    let silent = diagnosis(&envoy, |path, text| match path {
        "/logging" => Reply {
            status: 403,
            headers: Vec::new(),
            body: Vec::new(),
        },
        _ => page(text),
    });
    silent.assert_found(&[("warn", "log-level")]);
}
