//! What a running Envoy has counted, and the doctor tells.

use super::*;
use crate::support::bootstrap::{at, hcm};
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
    // Envoy's dump shows what it was given last, not what is served.
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
