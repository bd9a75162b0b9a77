//! Tests that a decision asks for the clock and the address only if a rule needs them, and works
//! without them.

use super::*;

#[track_caller]
fn assert_asked(case: &Case, now: u32, address: u32) {
    assert_eq!(case.decide().asked, (now, address), "clock, address");
}

#[test]
fn nothing_is_asked_for_a_key_without_limits() {
    for key in [
        Key::Secret,
        Key::Restricted,
        Key::Publishable,
        Key::Organization,
    ] {
        assert_asked(&Case::of(key), 0, 0);
    }
    assert_asked(&Case::bare(), 0, 0);
    assert_asked(&Case::bare().at("GET", "/healthz"), 0, 0);
}

#[test]
fn the_clock_is_asked_for_the_snapshots_age_and_the_keys_time() {
    let secret = || Case::of(Key::Secret);
    assert_asked(&secret().set("max_snapshot_age", json!(1000)), 1, 0);
    assert_asked(
        &secret().set_key(Key::Secret, "not_before", json!(NOW)),
        1,
        0,
    );
    assert_asked(
        &secret().set_key(Key::Secret, "expires_at", json!(NOW + 1)),
        1,
        0,
    );
    let both = secret().set_key(Key::Secret, "not_before", json!(NOW));
    assert_asked(
        &both.set_key(Key::Secret, "expires_at", json!(NOW + 1)),
        1,
        0,
    );
    let deleted = secret().set_key(Key::Secret, "status", json!("deleted"));
    assert_asked(
        &deleted.set_key(Key::Secret, "expires_at", json!(NOW)),
        0,
        0,
    );
    // The times of another key do not matter.
    assert_asked(
        &secret().set_key(Key::Alone, "expires_at", json!(NOW)),
        0,
        0,
    );
}

#[test]
fn the_address_is_asked_for_where_a_live_key_is_bound_to_some() {
    let bound =
        || Case::of(Key::Secret).set_key(Key::Secret, "allowed_ips", json!(["203.0.113.7"]));
    assert_asked(&bound(), 0, 1);
    assert_asked(
        &bound().set_key(Key::Secret, "status", json!("deleted")),
        0,
        0,
    );
    assert_asked(
        &Case::of(Key::Secret).set_key(Key::Secret, "allowed_ips", json!([])),
        0,
        0,
    );
}

#[test]
fn without_a_clock_the_snapshot_is_stale_and_the_key_expired() {
    let mut case = Case::of(Key::Secret);
    case.now = None;
    case.assert_passes();
    case.clone()
        .set("max_snapshot_age", json!(1_000_000))
        .assert_denied(DenyReason::StaleSnapshot);
    for member in ["not_before", "expires_at"] {
        case.clone()
            .set_key(Key::Secret, member, json!(NOW))
            .assert_denied(DenyReason::ExpiredKey);
    }
}

#[test]
fn without_an_address_no_range_holds_it() {
    let mut case =
        Case::of(Key::Secret).set_key(Key::Secret, "allowed_ips", json!(["0.0.0.0/0", "::/0"]));
    case.assert_passes();
    case.address = None;
    case.assert_denied(DenyReason::IpNotAllowed);
}

#[test]
fn times_are_exact_to_the_second() {
    let at = |now: u64, member: &str, time: u64| Case {
        now: Some(now),
        ..Case::of(Key::Secret).set_key(Key::Secret, member, json!(time))
    };
    at(NOW - 1, "expires_at", NOW).assert_passes();
    at(NOW, "expires_at", NOW).assert_denied(DenyReason::ExpiredKey);
    at(NOW - 1, "not_before", NOW).assert_denied(DenyReason::InactiveKey);
    at(NOW, "not_before", NOW).assert_passes();
    let aged = |now: u64| Case {
        now: Some(now),
        ..Case::of(Key::Secret).set("max_snapshot_age", json!(100))
    };
    let issued = NOW - 100;
    aged(issued + 100).assert_passes();
    aged(issued + 101).assert_denied(DenyReason::StaleSnapshot);
    aged(issued - 300).assert_passes();
    aged(issued - 301).assert_denied(DenyReason::StaleSnapshot);
    aged(0).assert_denied(DenyReason::StaleSnapshot);
    aged(u64::MAX).assert_denied(DenyReason::StaleSnapshot);
    aged(0)
        .set("max_snapshot_age", json!(99_999_999_999_u64))
        .assert_denied(DenyReason::StaleSnapshot);
}

#[test]
fn a_verification_asks_for_both_once_whatever_becomes_of_it() {
    let secret = || Case::of(Key::Secret);
    let bound = |ips: &str| secret().set_key(Key::Secret, "allowed_ips", json!([ips]));
    let deleted = secret().set_key(Key::Secret, "status", json!("deleted"));
    let mut stranger = secret();
    stranger.headers[0].1 = "Bearer sk_test_FAKE-stranger".to_owned();
    let elsewhere = bound("203.0.113.99");
    let suspended = secret().set_account("acct_platform", "status", json!("suspended"));
    let cases = [
        (secret(), None),
        (stranger, Some(DenyReason::UnknownKey)),
        (Case::bare(), Some(DenyReason::MissingCredential)),
        (deleted.clone(), Some(DenyReason::DeletedKey)),
        // Several rules fail: the first determines the answer, but the others are checked.
        (
            deleted
                .set_key(Key::Secret, "expires_at", json!(NOW))
                .set_key(Key::Secret, "allowed_ips", json!(["203.0.113.99"])),
            Some(DenyReason::DeletedKey),
        ),
        (
            secret().set_key(Key::Secret, "expires_at", json!(NOW)),
            Some(DenyReason::ExpiredKey),
        ),
        (
            secret().set_key(Key::Secret, "not_before", json!(NOW + 1)),
            Some(DenyReason::InactiveKey),
        ),
        (suspended, Some(DenyReason::SuspendedAccount)),
        (elsewhere, Some(DenyReason::IpNotAllowed)),
        (
            secret().set("max_snapshot_age", json!(1)),
            Some(DenyReason::StaleSnapshot),
        ),
    ];
    for (case, reason) in cases {
        let case = case
            .set("verify_path", json!("/verify"))
            .at("GET", "/verify");
        let (told, asked) = case.asked(|configuration, head, surroundings| {
            match verify(configuration, head, surroundings).unwrap() {
                Verification::Valid(verified) => (None, verified.to_string()),
                Verification::Refused(denial) => (Some(denial.reason()), denial.to_string()),
            }
        });
        assert_eq!((told.0, asked), (reason, (1, 1)), "{}", told.1);
        // The reply says nothing about the stand-in for an unknown key.
        let is_known = reason.is_none_or(|reason| (4..=6).contains(&reason.rule()));
        assert_eq!(told.1.contains("key="), is_known, "{}", told.1);
    }
}
