//! Tests of keys' users.

use super::*;

/// Returns the valid snapshot with users for two of its keys.
fn with_users(first: &str, second: &str) -> String {
    let mut json: Value = serde_json::from_str(VALID).unwrap();
    json["keys"][0]["annotations"] = json!({"user_id": first, "team": ["billing"]});
    json["keys"][2]["annotations"] = json!({"user_id": second});
    json.to_string()
}

fn users(snapshot: &Snapshot) -> Vec<Option<String>> {
    let digests: Vec<KeyDigest> = snapshot.keys().map(|(digest, _)| digest).collect();
    let user = |digest: &KeyDigest| snapshot.user_id(digest).map(str::to_owned);
    digests.iter().map(user).collect()
}

#[test]
fn users_are_carried_and_written_out_again() {
    let json = with_users("kp_1", "u|2@example.com");
    let expected = [
        Some("kp_1".to_owned()),
        None,
        Some("u|2@example.com".to_owned()),
    ];
    let read = Snapshot::from_json(json.as_bytes(), &Profile::stripe()).unwrap();
    assert_eq!(users(&read), expected);
    let bytes = pack(&json);
    for trust in [Trust::Nothing, Trust::Content] {
        let snapshot = open(&bytes, trust).unwrap();
        assert_eq!(users(&snapshot), expected);
        assert_eq!(snapshot.key_count(), 3);
        look_everywhere(&snapshot);
    }
    let unpacked = serde_json::to_value(
        Packed::from_bytes(&bytes)
            .unwrap()
            .unpack(&Profile::stripe())
            .unwrap(),
    )
    .unwrap();
    assert_eq!(
        unpacked["keys"][0]["annotations"],
        json!({"user_id": "kp_1"})
    );
    assert_eq!(unpacked["keys"][1]["annotations"], Value::Null);
    assert_eq!(pack(&unpacked.to_string()), bytes);
}

#[test]
fn keys_of_one_user_share_it() {
    let once = pack(&with_users("kp_1", "kp_1"));
    let occurrences = once.windows(4).filter(|window| window == b"kp_1").count();
    assert_eq!(occurrences, 1);
    let snapshot = open(&once, Trust::Nothing).unwrap();
    let kp_1 = Some("kp_1".to_owned());
    assert_eq!(users(&snapshot), [kp_1.clone(), None, kp_1]);
}

#[test]
fn what_is_no_users_id_is_nobodys_and_no_fault() {
    for odd in [
        json!(7),
        json!(null),
        json!(""),
        json!("a b"),
        json!("ä"),
        json!("a\u{7}"),
        json!("x".repeat(129)),
        json!("sk_test_FAKE-alice-0001"),
        json!("of sk_live_FAKE-alice-0001"),
        json!({"user_id": "kp_1"}),
        json!(["kp_1"]),
    ] {
        let mut json: Value = serde_json::from_str(VALID).unwrap();
        json["keys"][0]["annotations"] = json!({"user_id": odd});
        let read = Snapshot::from_json(json.to_string().as_bytes(), &Profile::stripe()).unwrap();
        assert_eq!(users(&read), [None, None, None], "{odd}");
        assert_eq!(pack(&json.to_string()), pack(VALID), "{odd}");
    }
}

#[test]
fn annotations_of_any_form_are_read() {
    for any in [
        json!("kp_1"),
        json!(["user_id"]),
        json!(7),
        json!(null),
        json!(true),
        json!(-2.5),
    ] {
        let mut json: Value = serde_json::from_str(VALID).unwrap();
        json["keys"][0]["annotations"] = any;
        let read = Snapshot::from_json(json.to_string().as_bytes(), &Profile::stripe()).unwrap();
        assert_eq!(users(&read), [None, None, None]);
    }
}

/// Returns the offset of a text in a file.
#[track_caller]
fn find(bytes: &[u8], text: &[u8]) -> usize {
    let mut windows = bytes.windows(text.len());
    windows.position(|window| window == text).unwrap()
}

#[test]
fn users_that_are_none_out_of_order_or_of_no_key_are_refused() {
    let bytes = pack(&with_users("kp_1", "kp_2"));
    let at = find(&bytes, b"kp_1kp_2");
    let refused = |bytes: Vec<u8>| open(&sealed(bytes), Trust::Nothing).unwrap_err();
    for (from, text, why) in [
        (
            at,
            &b"kp 1"[..],
            "users[0]: expected 1 to 128 printable ASCII characters without spaces or a key",
        ),
        (at, b"kp_3", "users[1]: expected rows in ascending order"),
        (
            at + 4,
            b"kp_1",
            "users[1]: expected rows in ascending order",
        ),
        (
            at,
            b"sk_test_",
            "users[1]: expected rows in ascending order",
        ),
    ] {
        let mut changed = bytes.clone();
        changed[from..from + text.len()].copy_from_slice(text);
        assert_eq!(refused(changed), why);
    }
    // The last byte of a row is the number of its user.
    let last = bytes.len() - 1;
    for (number, why) in [
        (0, "keys: expected a key for every user of the file"),
        (1, "keys: expected a key for every user of the file"),
        (3, "keys[2]: expected a user of the file"),
    ] {
        let mut changed = bytes.clone();
        changed[last] = number;
        assert_eq!(refused(changed), why);
    }
    // An invalid number refers to no user, even in an unchecked file.
    let mut changed = bytes.clone();
    changed[last] = 3;
    let snapshot = open(&changed, Trust::Content).unwrap();
    assert_eq!(users(&snapshot)[2], None);
}

#[test]
fn a_file_with_users_that_is_cut_off_is_refused() {
    let bytes = pack(&with_users("kp_1", "kp_2"));
    for end in 0..bytes.len() {
        let cut = sealed(bytes[..end].to_vec());
        for trust in [Trust::Nothing, Trust::Content] {
            assert!(open(&cut, trust).is_err(), "{end}");
        }
    }
}
