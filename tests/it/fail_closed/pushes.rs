//! Alternating good and bad configurations.

use super::*;
use crate::support::{Ecds, Push};

const REVISION: &str = "wasmcustom.keyward_snapshot_revision";

/// A key that a push contains by mistake in place of a digest.
const LEAKED: &str = "sk_live_FAKE-51-must-never-show";

#[test]
fn a_bad_push_between_good_ones_loses_nothing_and_shows_its_place_alone() {
    for interlock in BOTH {
        let start = configuration(5, &[ALICE]).to_string();
        let envoy = with_interlock(Envoy::builder().config(start), interlock).start();
        everywhere(&envoy, ALICE, 200);
        eventually("revision 5 is shown", BOUND, || {
            (envoy.stat(REVISION) == 5).then_some(())
        });

        for (number, (bad, place)) in bad_configurations().into_iter().enumerate() {
            assert_eq!(envoy.push_and_wait(&bad), Push::Rejected, "{place}");
            let logs = envoy.logs();
            assert!(
                logs.contains(&format!("keyward: configuration refused: {place}")),
                "{place}\n{logs}"
            );
            let rejected =
                envoy.stat("extension_config_discovery.http_filter.keyward.update_rejected");
            assert_eq!(rejected, number as u64 + 1);
            assert_eq!(status(&envoy, ALICE), 200);
            assert_eq!(status(&envoy, BOB), 401);
            assert_eq!(envoy.stat(REVISION), 5);
        }
        assert_eq!(
            envoy.push_and_wait(&configuration(6, &[BOB]).to_string()),
            Push::Accepted
        );
        everywhere(&envoy, BOB, 200);
        assert_eq!(status(&envoy, ALICE), 401);
        eventually("revision 6 is shown", BOUND, || {
            (envoy.stat(REVISION) == 6).then_some(())
        });

        let pages = [
            "/stats",
            "/stats/prometheus",
            "/config_dump?include_eds",
            "/clusters",
        ];
        for page in pages {
            assert!(!envoy.admin("GET", page).text().contains(LEAKED), "{page}");
        }
        assert!(!envoy.logs().contains(LEAKED));
        assert!(
            !envoy
                .access_log()
                .iter()
                .any(|line| line.to_string().contains(LEAKED))
        );
    }
}

/// Returns bad configurations, each with the place that the rejection names.
fn bad_configurations() -> Vec<(String, String)> {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut configuration = configuration(9, &[BOB]);
        change(&mut configuration["snapshot"]);
        configuration.to_string()
    };
    let cases = [
        (
            with(&|snapshot| snapshot["keys"][0]["sha256"] = json!(LEAKED)),
            "snapshot.keys[0].sha256: expected 64 hexadecimal digits",
        ),
        (
            with(&|snapshot| snapshot["keys"][0][LEAKED] = json!(1)),
            "snapshot.keys[0].*: unknown member, expected ",
        ),
        (
            with(&|snapshot| snapshot["keys"][0]["owner"] = json!(LEAKED)),
            "snapshot.keys[0].owner: expected the id of a listed account",
        ),
        (
            with(&|snapshot| snapshot["keys"][0]["kind"] = json!(LEAKED)),
            "snapshot.keys[0].kind: expected ",
        ),
        (
            with(&|snapshot| snapshot["keys"][0]["livemode"] = json!(LEAKED)),
            "snapshot.keys[0].livemode: expected a boolean",
        ),
        (
            with(&|snapshot| snapshot["keys"][0]["allowed_ips"] = json!([LEAKED])),
            "snapshot.keys[0].allowed_ips[0]: expected an address or CIDR range",
        ),
        (
            with(&|snapshot| snapshot["grant_sets"] = json!({LEAKED: {LEAKED: "read"}})),
            "snapshot.grant_sets.*",
        ),
        (
            format!("{{\"snapshot\": {LEAKED}}}"),
            "line 1 column 14: expected JSON",
        ),
        (LEAKED.to_owned(), "line 1 column 1: expected JSON"),
    ];
    cases.map(|(text, place)| (text, place.to_owned())).to_vec()
}

#[test]
fn a_lower_revision_is_taken_and_counted() {
    let start = configuration(5, &[ALICE]).to_string();
    let envoy = Envoy::builder().config(start).start();
    everywhere(&envoy, ALICE, 200);
    assert_eq!(
        envoy.push_and_wait(&configuration(3, &[BOB]).to_string()),
        Push::Accepted
    );
    everywhere(&envoy, BOB, 200);
    assert_eq!(status(&envoy, ALICE), 401);
    eventually("revision 3 is shown", BOUND, || {
        (envoy.stat(REVISION) == 3).then_some(())
    });
    assert_eq!(envoy.stat("wasmcustom.keyward_snapshot_rollbacks"), 1);
    assert_eq!(
        envoy.push_and_wait(&configuration(4, &[BOB]).to_string()),
        Push::Accepted
    );
    eventually("revision 4 is shown", BOUND, || {
        assert_eq!(status(&envoy, BOB), 200);
        (envoy.stat(REVISION) == 4).then_some(())
    });
    assert_eq!(envoy.stat("wasmcustom.keyward_snapshot_rollbacks"), 1);
}

#[test]
fn fifty_pushes_under_load_without_a_wrong_verdict_and_without_growth() {
    for interlock in BOTH {
        let start = configuration(1, &[ALICE, BOB]).to_string();
        let builder = Envoy::builder()
            .ecds(Ecds::Json)
            .concurrency(2)
            .config(start);
        let envoy = with_interlock(builder, interlock).start();
        let names = |envoy: &Envoy| envoy.stats("").into_keys().collect::<Vec<_>>();
        let vms = |envoy: &Envoy| envoy.stats("v8\\.active$|wasm_vm_count$");
        everywhere(&envoy, STRANGER, 401);
        let push = configuration(1, &[ALICE, CAROL]).to_string();
        assert_eq!(envoy.push_and_wait(&push), Push::Accepted);
        everywhere(&envoy, BOB, 401);
        everywhere(&envoy, ALICE, 200);
        eventually("the gauges are there", BOUND, || {
            (envoy.stat(REVISION) == 1).then_some(())
        });
        let before = (names(&envoy), vms(&envoy));

        let watched = [ALICE, STRANGER].map(|key| Watch::start(envoy.address(), key));
        for revision in 2..52 {
            let key = if revision % 2 == 0 { BOB } else { CAROL };
            let push = configuration(revision, &[ALICE, key]).to_string();
            assert_eq!(envoy.push_and_wait(&push), Push::Accepted);
        }
        everywhere(&envoy, CAROL, 200);
        everywhere(&envoy, BOB, 401);
        let [alice, stranger] = watched.map(Watch::stop);
        assert_eq!(alice.into_keys().collect::<Vec<_>>(), [200]);
        assert_eq!(stranger.into_keys().collect::<Vec<_>>(), [401]);
        eventually("the gauge shows the last", BOUND, || {
            (envoy.stat(REVISION) == 51).then_some(())
        });
        eventually("as many VMs as before", BOUND, || {
            (vms(&envoy) == before.1).then_some(())
        });
        assert_eq!(names(&envoy), before.0);
        assert_eq!(envoy.stat("wasmcustom.keyward_snapshot_rollbacks"), 0);
    }
}
