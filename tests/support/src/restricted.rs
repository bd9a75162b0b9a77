//! Any number of restricted keys, as an API with many customers has them.

use serde_json::{Value, json};

use crate::world::digest;

/// Returns a configuration like that of an API with many customers: ids of 24 letters and digits,
/// ten keys per account, fifty named sets of grants.
pub fn restricted(keys: usize) -> Value {
    const SETS: usize = 50;
    let accounts = keys.div_ceil(10);
    let account =
        |number: usize| json!({"id": id("acct_", 16, number), "parent": "org_0000000000000001"});
    let set = |number: usize| {
        let grants = json!({"customer": "read", "charge": "write", "balance": if number.is_multiple_of(2) { "read" } else { "write" }});
        (format!("set_{number:02}"), grants)
    };
    let key = |number: usize| {
        json!({"id": id("mk_", 24, number), "sha256": digest(&id("rk_test_FAKE", 24, number)), "kind": "restricted", "livemode": true,
            "owner": id("acct_", 16, number / 10), "grants": format!("set_{:02}", number % SETS)})
    };
    let organization = json!({"id": "org_0000000000000001"});
    let accounts: Vec<Value> = std::iter::once(organization)
        .chain((0..accounts).map(account))
        .collect();
    json!({"max_snapshot_age": 10_000_000_000_u64, "snapshot": {
        "format": "keyward.snapshot/v1", "revision": 1_795_194_529, "issued_at": 1_795_194_529,
        "accounts": accounts, "grant_sets": (0..SETS).map(set).collect::<serde_json::Map<_, _>>(),
        "keys": (0..keys).map(key).collect::<Vec<_>>()}})
}

/// Returns an id that looks random but is the same each time.
fn id(prefix: &str, length: usize, number: usize) -> String {
    const SYMBOLS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut state = number as u64;
    let mut text = prefix.to_owned();
    for _ in 0..length {
        // splitmix64
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        text.push(char::from(
            SYMBOLS[(mixed ^ (mixed >> 31)) as usize % SYMBOLS.len()],
        ));
    }
    text
}
