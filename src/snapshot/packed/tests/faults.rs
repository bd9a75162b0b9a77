//! Tests of every refusal of a packed snapshot, in its exact words. All files are sealed: their
//! checksums are right.

use super::*;
use crate::snapshot::packed::layout::{HEADER, Header};

/// The offset of each part of a file.
struct Parts {
    account_ids: usize,
    accounts: usize,
    grants: usize,
    ips: usize,
    terms: usize,
    times: usize,
    other_ids: usize,
    buckets: usize,
    keys: usize,
    row: usize,
}

fn parts(bytes: &[u8]) -> Parts {
    let counts = Header::read(&bytes[..HEADER]).unwrap().counts;
    let mut at = HEADER;
    let mut next = |length: u32| {
        let start = at;
        at += usize::try_from(length).unwrap();
        start
    };
    next(counts.head_bytes);
    let account_ids = next(counts.accounts * 4) + usize::try_from(counts.accounts).unwrap() * 4;
    next(counts.account_id_bytes);
    let accounts = next(counts.accounts * 5);
    next(counts.grant_sets * 4);
    let grants = next(counts.grant_bytes);
    next(counts.ip_lists * 4);
    let ips = next(counts.ip_bytes);
    let terms = next(counts.terms * 13);
    let times = next(counts.times * 16);
    next(counts.other_ids * 4);
    let other_ids = next(counts.other_id_bytes);
    let buckets = next(8);
    let keys = next(0);
    let rows = usize::try_from(counts.keys).unwrap();
    Parts {
        account_ids,
        accounts,
        grants,
        ips,
        terms,
        times,
        other_ids,
        buckets,
        keys,
        row: (bytes.len() - keys) / rows,
    }
}

/// Changes a packed [`VALID`] with an id of another form in it, and asserts the refusal.
#[track_caller]
fn assert_refused(change: impl Fn(&mut [u8], &Parts), expected: &str) {
    let other = VALID.replace("\"mk_2\"", "\"another-id.of.another_form\"");
    let mut bytes = pack(&other);
    let parts = parts(&bytes);
    change(&mut bytes, &parts);
    let bytes = sealed(bytes);
    assert_eq!(
        open(&bytes, Trust::Nothing).err().as_deref(),
        Some(expected)
    );
    // A worker would trust it as already checked, and must still come to no harm.
    if let Ok(snapshot) = open(&bytes, Trust::Content) {
        look_everywhere(&snapshot);
    }
}

#[test]
fn a_row_is_a_key_in_its_place() {
    let set = |row: usize, column: usize, value: u8| {
        move |bytes: &mut [u8], parts: &Parts| bytes[parts.keys + row * parts.row + column] = value
    };
    let (id, other, owner, terms, times) = (32, 36, 37, 38, 39);
    let digest = |from: usize, to: usize| {
        move |bytes: &mut [u8], parts: &Parts| {
            let start = parts.keys + from * parts.row;
            bytes.copy_within(start..start + 32, parts.keys + to * parts.row);
        }
    };
    assert_refused(digest(2, 0), "keys[1]: expected rows in ascending order");
    assert_refused(digest(0, 1), "keys[1].sha256: duplicate digest");
    assert_refused(
        |bytes, parts| {
            let (first, third) = (parts.keys + id, parts.keys + 2 * parts.row + id);
            bytes.copy_within(first..first + 4, third);
        },
        "keys[2].id: duplicate id",
    );
    let no_id = "keys[0].id: expected an id of 1 to 64 letters, digits, `_`, `.` or `-`";
    assert_refused(set(0, id, 0xff), no_id);
    assert_refused(set(0, id + 1, 0xf0), no_id);
    assert_refused(set(1, other, 2), "keys[1].id: expected an id of the file");
    assert_refused(set(2, other, 1), "keys[2].id: duplicate id");
    assert_refused(
        |bytes, parts| {
            set(1, id, b'a')(bytes, parts);
            set(1, other, 0)(bytes, parts);
        },
        "keys: expected a key for every id of the file",
    );
    assert_refused(
        set(0, owner, 3),
        "keys[0].owner: expected the id of a listed account",
    );
    assert_refused(
        set(0, owner, 2),
        "keys[0].owner: expected an account, not an organization",
    );
    assert_refused(set(1, owner, 0), "keys[1].owner: expected an organization");
    assert_refused(set(0, terms, 3), "keys[0]: expected terms of the file");
    assert_refused(set(0, times, 2), "keys[0]: expected times of the file");
    for bucket in [0, 4] {
        assert_refused(
            |bytes, parts| bytes[parts.buckets + bucket] += 1,
            "keys: expected buckets that begin where their keys do",
        );
    }
}

#[test]
fn what_rows_refer_to_is_whole() {
    let ascending = "end in ascending order";
    let terms = |column: usize, value: u8| {
        move |bytes: &mut [u8], parts: &Parts| bytes[parts.terms + column] = value
    };
    let none = |column: usize| {
        move |bytes: &mut [u8], parts: &Parts| {
            bytes[parts.terms + column..][..4].copy_from_slice(&[0xff; 4])
        }
    };
    assert_refused(terms(0, 0x21), "terms[0]: expected known flags");
    assert_refused(
        terms(1, 7),
        "terms[0].grants: expected a grant set of the file",
    );
    assert_refused(
        terms(5, 7),
        "terms[0].connect_grants: expected a grant set of the file",
    );
    assert_refused(none(1), "terms[0].grants: a restricted key needs grants");
    assert_refused(
        terms(0, 2),
        "terms[0].grants: a publishable key has no grants",
    );
    assert_refused(
        terms(9, 1),
        "terms[0].allowed_ips: expected a list of the file",
    );
    assert_refused(
        |bytes, parts| bytes[parts.ips + 1] = 33,
        "allowed_ips[0]: expected addresses or CIDR ranges",
    );
    assert_refused(
        |bytes, parts| bytes[parts.ips - 4] -= 1,
        &format!("allowed_ips: expected lists that {ascending}"),
    );
    assert_refused(
        |bytes, parts| bytes[parts.times..][..16].fill(0xff),
        "times[0]: expected a time",
    );
    assert_refused(
        |bytes, parts| bytes[parts.times + 13] = 1,
        "times[0].expires_at: expected Unix seconds, not milliseconds",
    );
    assert_refused(
        |bytes, parts| bytes[parts.other_ids] = b' ',
        "other_ids[0]: expected an id of 1 to 64 letters, digits, `_`, `.` or `-`",
    );
    assert_refused(
        |bytes, parts| bytes[parts.other_ids - 4] -= 1,
        &format!("other_ids: expected ids that {ascending}"),
    );
    let set = "grant_sets[0]: expected permissions that the file names, each once, and levels";
    assert_refused(|bytes, parts| bytes[parts.grants] = 9, set);
    assert_refused(|bytes, parts| bytes[parts.grants + 2] = 2, set);
    assert_refused(
        |bytes, parts| bytes[parts.grants] = bytes[parts.grants + 3],
        set,
    );
    assert_refused(
        |bytes, parts| bytes[parts.grants - 4] = 8,
        &format!("grant_sets: expected sets that {ascending}"),
    );
}

#[test]
fn accounts_are_a_forest_in_order() {
    let id = "accounts[0].id: expected an account's or organization's id with its prefix";
    assert_refused(|bytes, parts| bytes[parts.account_ids] = b'b', id);
    assert_refused(|bytes, parts| bytes[parts.account_ids - 4] = 1, id);
    assert_refused(
        |bytes, parts| bytes[parts.account_ids + 5] = b'7',
        "accounts[1]: expected rows in ascending order",
    );
    assert_refused(
        |bytes, parts| bytes[parts.account_ids + 5] = b'2',
        "accounts[1].id: duplicate id",
    );
    assert_refused(
        |bytes, parts| bytes[parts.accounts + 4] = 0,
        "accounts[0]: expected flags that fit the accounts",
    );
    assert_refused(
        |bytes, parts| bytes[parts.accounts] = 1,
        "accounts[0].parent: an account is among its own ancestors",
    );
    assert_refused(
        |bytes, parts| bytes[parts.accounts] = 3,
        "accounts[0].parent: expected the id of a listed account",
    );
}

/// Replaces a text in the head's JSON with one of the same length, and asserts the refusal.
#[track_caller]
fn assert_head_refused(from: &str, to: &str, expected: &str) {
    assert_refused(
        |bytes, _| {
            let found = bytes
                .windows(from.len())
                .position(|part| part == from.as_bytes());
            let at = found.unwrap_or_else(|| panic!("`{from}` stands in the head"));
            bytes[at..][..from.len()].copy_from_slice(to.as_bytes());
        },
        expected,
    );
}

#[test]
fn the_head_is_checked_like_any_json() {
    assert_head_refused(
        "shot/v1",
        "shot/v2",
        "format: expected `keyward.snapshot/v1`",
    );
    assert_head_refused(
        "\"revision\"",
        "\"Revision\"",
        "*: unknown member, expected one of `format`, `revision`, `issued_at`, `api_versions`, `catalogue`, `endpoints`, `empty`, `permissions`, `grant_sets`, `key_ids`",
    );
    assert_head_refused(
        "\"customer\"",
        "\"customes\"",
        "permissions[2]: expected the name of a known permission",
    );
    assert_head_refused(
        "\"customer\"",
        "\"charge\"  ",
        "permissions: duplicate member",
    );
    assert_head_refused(
        "helpdesk",
        "help/esk",
        "grant_sets[0]: expected an id of 1 to 64 letters, digits, `_`, `.` or `-`",
    );
    assert_head_refused(
        "\"empty\":false",
        "\"empty\":true ",
        "keys: expected keys, or none together with `\"empty\": true`",
    );
    let key_ids = "\"grant_sets\":[\"helpdesk\"],\"key_ids\":{\"prefix\":\"\",\"length\":4";
    let too_long = "\"key_ids\":{\"prefix\":\"\",\"length\":65";
    assert_head_refused(
        key_ids,
        &format!("{too_long:<width$}", width = key_ids.len()),
        "key_ids: expected a coding of ids",
    );
    assert_head_refused(
        "\"length\":4",
        "\"length\":9",
        "expected as many bytes as the header counts",
    );
    assert_head_refused("{\"format", "[\"format", "expected an object");
    assert_head_refused("{\"format", "{?format", "line 1 column 2: expected JSON");
}

#[test]
fn another_version_or_file_is_refused() {
    assert_refused(
        |bytes, _| bytes[16] = 3,
        "expected version 1 of the packed form",
    );
    assert_refused(|bytes, _| bytes[0] = 0, "expected a packed snapshot");
    let mut bytes = pack(VALID);
    bytes[8] ^= 1;
    let refusal = open(&bytes, Trust::Nothing).unwrap_err();
    assert_eq!(refusal, "the checksum is another");
    assert!(is_packed(&bytes) && !is_packed(VALID.as_bytes()));
}

#[test]
fn no_id_begins_as_a_key_does() {
    const NAME: &str = "expected a name, and not what begins as a key does";
    assert_refused(
        |bytes, parts| bytes[parts.other_ids..][..8].copy_from_slice(b"sk_test_"),
        &format!("other_ids[0]: {NAME}"),
    );
    let like = VALID.replace("\"mk_", "\"mk_test_");
    let mut bytes = pack(&like);
    let prefix = b"\"prefix\":\"mk_test_\"";
    let at = bytes.windows(prefix.len()).position(|part| part == prefix);
    bytes[at.unwrap() + 10] = b's';
    let refusal = open(&sealed(bytes), Trust::Nothing).unwrap_err();
    assert_eq!(refusal, format!("keys[0].id: {NAME}"));
}
