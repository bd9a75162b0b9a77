//! Tests that each kind of request has one verdict, and each verdict one entry.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::*;
use crate::decision::PermitKind;
use crate::digest::KeyDigest;
use crate::usage::Event;

const GOOD: &str = "sk_test_FAKE-good-0001";
const DELETED: &str = "sk_test_FAKE-deleted-1";

struct Here {
    is_local: bool,
}

impl Environment for Here {
    fn now(&self) -> Option<u64> {
        Some(1_795_200_000)
    }

    fn client_address(&self) -> Option<IpAddr> {
        None
    }

    fn is_local(&self) -> bool {
        self.is_local
    }
}

fn gateway() -> Value {
    let key = |id: &str, raw: &str, status: &str| {
        let digest = KeyDigest::of(raw.as_bytes()).to_string();
        json!({"id": id, "sha256": digest, "kind": "secret", "livemode": false, "owner": "acct_1", "status": status})
    };
    json!({"verify_path": "/verify", "snapshot": {
        "format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1_795_194_529,
        "endpoints": [
            {"method": "GET", "path": "/verify", "auth": "none"},
            {"method": "GET", "path": "/healthz", "auth": "none"},
        ],
        "accounts": [{"id": "acct_1"}],
        "keys": [key("mk_good", GOOD, "active"), key("mk_deleted", DELETED, "deleted")],
    }})
}

/// The counted outcome and key.
type Counted = Option<(Outcome, Option<(String, Event)>)>;

/// Returns the verdict's name, and what is counted for it.
fn judged(
    configuration: &Value,
    (method, path): (&str, &str),
    key: Option<&str>,
    is_local: bool,
) -> (String, Counted) {
    let configuration = Configuration::from_json(configuration.to_string().as_bytes()).unwrap();
    let authorization = key.map(|key| format!("Bearer {key}"));
    let authorization = authorization
        .as_deref()
        .map(|value| ("authorization", value));
    let headers = [(":method", method), (":path", path)];
    let head = RequestHead::read(
        configuration.profile(),
        configuration.identity_names(),
        headers
            .into_iter()
            .chain(authorization)
            .map(|(name, value)| (name.as_bytes(), value.as_bytes())),
        false,
    );
    let verdict = judge(&configuration, &head, &Here { is_local });
    let name = match &verdict {
        Verdict::Allow(permit) => permit.to_string(),
        Verdict::Deny(denial) => denial.to_string(),
        Verdict::Verify(verified) => verified.to_string(),
        Verdict::NotVerified(denial) => format!("not verified, {denial}"),
        Verdict::Report(part) => format!("report {part:?}"),
    };
    let entry = Entry::of(&verdict).map(|entry| {
        let event = entry.event().map(|(key, event)| (key.to_owned(), event));
        (entry.outcome(), event)
    });
    let name = name.split(" key=").next().unwrap();
    (name.trim_end_matches(" revision=7").to_owned(), entry)
}

#[test]
fn verifications_go_before_the_decision() {
    let all = gateway();
    let ask = |path, key| judged(&all, ("GET", path), key, true);
    let good = |event| Some(("mk_good".to_owned(), event));
    let gone = Some(("mk_deleted".to_owned(), Event::Denied));
    for (path, key, name, outcome, event) in [
        (
            "/v1/balance",
            Some(GOOD),
            "allow",
            Outcome::Allowed(PermitKind::Key),
            good(Event::Allowed),
        ),
        (
            "/healthz",
            Some(GOOD),
            "allow public",
            Outcome::Allowed(PermitKind::Public),
            None,
        ),
        (
            "/v1/balance",
            Some(DELETED),
            "deny deleted_key",
            Outcome::Denied(DenyReason::DeletedKey),
            gone.clone(),
        ),
        (
            "/v1/balance",
            None,
            "deny missing_credential",
            Outcome::Denied(DenyReason::MissingCredential),
            None,
        ),
        // Public for a decision.
        (
            "/verify",
            Some(GOOD),
            "verify",
            Outcome::Verified,
            good(Event::Verified),
        ),
        (
            "/verify",
            Some(DELETED),
            "not verified, deny deleted_key",
            Outcome::NotVerified(DenyReason::DeletedKey),
            gone,
        ),
        (
            "/verify",
            None,
            "not verified, deny missing_credential",
            Outcome::NotVerified(DenyReason::MissingCredential),
            None,
        ),
        // A gateway does not serve the report.
        (
            "/usage",
            Some("sk_test_FAKE-stranger-1"),
            "deny unknown_key",
            Outcome::Denied(DenyReason::UnknownKey),
            None,
        ),
    ] {
        assert_eq!(ask(path, key), (name.to_owned(), Some((outcome, event))));
    }
}

#[test]
fn a_pass_in_shadow_is_counted_as_one() {
    let mut all = gateway();
    all["enforcement"] = json!("shadow");
    let reason = DenyReason::DeletedKey;
    let counted = (
        Outcome::Allowed(PermitKind::Shadow(reason)),
        Some(("mk_deleted".to_owned(), Event::WouldDeny)),
    );
    assert_eq!(
        judged(&all, ("GET", "/v1/balance"), Some(DELETED), false).1,
        Some(counted)
    );
}

#[test]
fn a_filter_for_the_report_has_it_for_this_machine_and_nothing_else() {
    let report = json!({"role": "usage_report"});
    for (method, path, is_local, part) in [
        ("GET", "/usage", true, Some(0)),
        ("HEAD", "/usage?from=7", true, Some(7)),
        ("GET", "/usage", false, None),
        ("POST", "/usage", true, None),
        ("GET", "/usage?from=-1", true, None),
        ("GET", "/usage/", true, None),
        ("GET", "/verify", true, None),
    ] {
        let told = judged(&report, (method, path), Some(GOOD), is_local);
        assert_eq!(told, (format!("report {part:?}"), None), "{method} {path}");
    }
}

#[test]
fn a_permit_that_is_not_carried_out_is_a_denial_of_its_keys() {
    let all = Configuration::from_json(gateway().to_string().as_bytes()).unwrap();
    let authorization = format!("Bearer {GOOD}");
    let headers = [
        (":method", "GET"),
        (":path", "/v1/balance"),
        ("authorization", &*authorization),
    ];
    let head = RequestHead::read(
        all.profile(),
        all.identity_names(),
        headers.map(|(name, value)| (name.as_bytes(), value.as_bytes())),
        false,
    );
    let Verdict::Allow(permit) = judge(&all, &head, &Here { is_local: false }) else {
        panic!("it is denied");
    };
    let denial = Denial::not_carried_out(&all, permit.principal().key);
    assert_eq!(
        denial.to_string(),
        "deny host_failure key=\"mk_good\", kind=secret, livemode=?0, revision=7"
    );
    let entry = Entry::denied(&denial);
    assert_eq!(entry.outcome(), Outcome::Denied(DenyReason::HostFailure));
    assert_eq!(entry.event(), Some(("mk_good", Event::Denied)));
}
