//! A key's whole life through a running Envoy: every step takes effect with one push, and
//! `keyward wait` reports when.

use std::time::Duration;

use super::Desk;
use crate::support::{Envoy, eventually};
use crate::wait::serves;

struct Gateway<'a> {
    desk: &'a Desk,
    envoy: Envoy,
}

impl Gateway<'_> {
    /// Pushes the key file and returns once `wait` reports that every worker serves it. The next
    /// request succeeds on the first try.
    #[track_caller]
    fn push(&self) {
        let ecds = self.envoy.ecds_file();
        let said = self.desk.good(&["push", "--ecds", ecds.to_str().unwrap()]);
        let revision = said.strip_prefix("pushed revision ").unwrap();
        let (revision, _) = revision.split_once(' ').unwrap();
        serves(&self.envoy, revision.parse().unwrap());
    }

    /// Returns `allowed`, or the reason.
    fn asked(&self, key: &str) -> String {
        let bearer = format!("Bearer {key}");
        let response = self
            .envoy
            .get("/v1/customers", &[("authorization", bearer.as_str())]);
        match response.status {
            200 => "allowed".to_owned(),
            _ => response.header("x-keyward-denied").unwrap().to_owned(),
        }
    }

    #[track_caller]
    fn assert_asked(&self, key: &str, expected: &str) {
        assert_eq!(self.asked(key), expected);
    }
}

#[test]
fn a_key_lives_from_its_making_to_its_end() {
    let desk = Desk::new("life");
    let envoy = Envoy::builder().concurrency(2).start();
    let gateway = Gateway { desk: &desk, envoy };

    let create = ["keys", "create", "--owner", "acct_1", "--name", "Billing"];
    let (id, value) = desk.made(&[&create[..], &["--grant", "customer=read"]].concat());
    gateway.assert_asked(&value, "no_snapshot");
    gateway.push();
    gateway.assert_asked(&value, "allowed");

    desk.good(&["keys", "edit", &id, "--revoke", "customer"]);
    gateway.assert_asked(&value, "allowed");
    gateway.push();
    gateway.assert_asked(&value, "insufficient_permission");
    desk.good(&["keys", "edit", &id, "--grant", "category:core=write"]);
    gateway.push();
    gateway.assert_asked(&value, "allowed");

    desk.good(&[
        "keys",
        "limit-ip",
        &id,
        "set",
        "203.0.113.7 198.51.100.0/24",
    ]);
    gateway.push();
    gateway.assert_asked(&value, "ip_not_allowed");
    desk.good(&["keys", "limit-ip", &id, "add", "127.0.0.0/8"]);
    gateway.push();
    gateway.assert_asked(&value, "allowed");

    let (new_id, new_value) = desk.made(&["keys", "rotate", &id, "--keep-for", "1d"]);
    gateway.push();
    gateway.assert_asked(&value, "allowed");
    gateway.assert_asked(&new_value, "allowed");

    desk.good(&["keys", "expire", &id, "--in", "2s"]);
    gateway.push();
    eventually("the old key ends", Duration::from_secs(10), || {
        let answer = gateway.asked(&value);
        assert!(["allowed", "expired_key"].contains(&&*answer), "{answer}");
        (answer == "expired_key").then_some(())
    });
    gateway.assert_asked(&new_value, "allowed");

    desk.good(&["keys", "delete", &new_id, "--yes"]);
    gateway.push();
    gateway.assert_asked(&new_value, "deleted_key");
    desk.good(&["keys", "delete", &id, "--yes", "--purge"]);
    gateway.push();
    gateway.assert_asked(&value, "unknown_key");

    let shown = desk.good(&["keys", "show", &new_id]);
    for did in ["keys rotate", "keys delete", "ann@test"] {
        assert!(shown.contains(did), "{did}: {shown}");
    }
    desk.good(&["keys", "list", "--all"]);
    desk.good(&["accounts", "tree"]);
    desk.assert_kept_nowhere(&[gateway.envoy.directory()]);
}

#[test]
fn a_live_key_made_of_a_tested_one_may_do_the_same() {
    let desk = Desk::new("live");
    let envoy = Envoy::builder().start();
    let gateway = Gateway { desk: &desk, envoy };
    let (id, test) = desk.made(&[
        "keys",
        "create",
        "--owner",
        "acct_1",
        "--grant",
        "customer=read",
        "--expires",
        "1h",
    ]);
    let (live_id, live) = desk.made(&["keys", "duplicate", &id, "--live"]);
    assert!(test.starts_with("rk_test_") && live.starts_with("rk_live_"));
    gateway.push();
    gateway.assert_asked(&test, "allowed");
    gateway.assert_asked(&live, "allowed");
    let (old, new) = (
        desk.json(&["keys", "show", &id]),
        desk.json(&["keys", "show", &live_id]),
    );
    assert_eq!(old["grants"], new["grants"]);
    assert_eq!(
        (&new["mode"], &new["expires"]),
        (&"live".into(), &serde_json::Value::Null)
    );
}

#[test]
fn a_key_from_elsewhere_works_once_it_is_taken_in() {
    let desk = Desk::new("import");
    let envoy = Envoy::builder().start();
    let gateway = Gateway { desk: &desk, envoy };
    let value = "rk_live_FAKE-from-elsewhere-0001";
    desk.keep(value);
    let import = [
        "keys",
        "import",
        "--owner",
        "acct_1",
        "--grant",
        "customer=read",
    ];
    let said = desk.run_with(&import, &format!("{value}\n"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    gateway.push();
    gateway.assert_asked(value, "allowed");
    let prefix = desk.refused_with(4, &import, "rk_live_");
    assert!(
        prefix.contains("nothing follows the key's prefix"),
        "{prefix}"
    );
    let again = desk.refused_with(4, &import, value);
    assert!(again.contains("is there already, as `mk_"), "{again}");
    desk.assert_kept_nowhere(&[gateway.envoy.directory()]);
}
