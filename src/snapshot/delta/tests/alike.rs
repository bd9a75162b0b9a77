//! What differs is found among rows that two tables spell in different ways, as a comparison of
//! every record finds it.

use proptest::prelude::*;

use super::*;

const KEYS: u8 = 24;

/// A key by the numbers of its properties, or none.
type Chosen = Option<[u8; 8]>;

/// How many values each property has.
const VALUES: [u8; 8] = [4, 3, 2, 3, 3, 3, 8, 2];

/// A key that comes before all others, so that what it refers to is numbered first.
const FIRST: u8 = 173;

fn chosen() -> impl Strategy<Value = Chosen> {
    // Few different values, so that many rows refer to the same things.
    let some = VALUES.map(|count| 0..count);
    prop::option::weighted(0.9, some)
}

/// Returns the state of these keys. `accounts` and `sets` say which of them there are besides those
/// that keys use, so that the others get other numbers.
fn state(keys: &[Chosen], accounts: u8, sets: u8) -> Value {
    let mut state = start();
    let more = (0..3).filter(|bit| accounts & (1 << bit) != 0);
    let ids = (0..4).map(|number| format!("acct_{number}b"));
    let ids = ids.chain(more.map(|number| format!("acct_{number}a")));
    state["accounts"] = ids.map(|id| json!({"id": id})).collect();
    if accounts & 8 != 0 {
        state["accounts"][2]["status"] = json!("suspended");
    }
    if accounts & 16 != 0 {
        state["accounts"][1]["parent"] = json!("acct_0b");
    }
    if sets & 1 != 0 {
        state["grant_sets"]["a-first"] = json!({"beta": "read"});
    }
    if sets & 2 != 0 {
        state["grant_sets"]["readers"] = json!({"beta": "read"});
    }
    let prefix = if sets & 4 != 0 { "mk_a" } else { "mk_b" };
    let listed = (0_u8..).zip(keys).filter_map(|(number, key)| {
        let [owner, grants, mode, times, ips, user, id, status] = (*key)?;
        let id = match id {
            0 => format!("quite-another-form-of-an-id-and-a-long-one-{number}"),
            _ => format!("{prefix}{:04}", u32::from(number) * 8 + u32::from(id / 7)),
        };
        let grants = [json!("readers"), json!("writers"), json!({"beta": "write"})]
            [usize::from(grants)]
        .clone();
        let mut key = super::key(&id, number + 1, &format!("acct_{owner}b"), grants);
        key["livemode"] = json!(mode == 0);
        match times {
            0 => {}
            1 => key["expires_at"] = json!(1_900_000_000),
            _ => key["not_before"] = json!(1_900_000_000),
        }
        if ips > 0 {
            key["allowed_ips"] = json!([format!("10.{ips}.0.0/16")]);
        }
        if user > 0 {
            key["annotations"] = json!({"user_id": format!("user-{user}")});
        }
        if status > 0 {
            key["status"] = json!("deleted");
        }
        Some(key)
    });
    let mut listed: Vec<Value> = listed.collect();
    if sets & 8 != 0 {
        let mut first = super::key("mk_first", FIRST, "acct_3b", json!({"alpha": "write"}));
        first["not_before"] = json!(1);
        first["expires_at"] = json!(1_700_000_000);
        first["allowed_ips"] = json!(["10.9.0.0/16"]);
        first["annotations"] = json!({"user_id": "user-0"});
        listed.insert(0, first);
    }
    if listed.is_empty() {
        state["empty"] = json!(true);
    }
    state["keys"] = listed.into();
    state
}

/// Compares every record without what is known of rows.
fn slow(before: &Snapshot, after: &Snapshot) -> Touched {
    let all = Touched {
        keys: (1..=KEYS).chain([FIRST]).map(digest).collect(),
        ..Touched::default()
    };
    all.among(before, after)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_known_of_rows_hides_no_difference(
        first in prop::collection::vec(chosen(), usize::from(KEYS)),
        replaced in prop::collection::vec((0..usize::from(KEYS), chosen()), 0..4),
        changed in prop::collection::vec((0..usize::from(KEYS), 0..8_usize, any::<u8>()), 0..12),
        accounts in any::<(u8, u8)>(),
        sets in any::<(u8, u8)>(),
    ) {
        let mut second = first.clone();
        for (place, key) in replaced {
            second[place] = key;
        }
        for (place, property, value) in changed {
            if let Some(key) = &mut second[place] {
                key[property] = value % VALUES[property];
            }
        }
        let before = state(&first, accounts.0, sets.0);
        let after = later(&state(&second, accounts.1, sets.1), |_| {});
        let (old, new) = (snapshot(&before), snapshot(&after));
        let differs = slow(&old, &new);
        prop_assert_eq!(&Touched::between(&old, &new), &differs);
        prop_assert_eq!(&Touched::between(&new, &old), &differs);
        // What is in front of the same tables differs from them as other tables do.
        let changed = old.apply(&written(&before, &after, &differs), &profile()).unwrap();
        prop_assert_eq!(Touched::between(&changed, &new), Touched::default());
        prop_assert_eq!(&Touched::between(&changed, &old), &differs);
        prop_assert_eq!(&Touched::between(&old, &changed), &differs);
    }
}

#[test]
fn one_number_in_two_tables_is_not_one_meaning() {
    // Times, addresses, users.
    for property in [3, 4, 5] {
        let mut keys: Vec<Chosen> = vec![Some([0, 0, 0, 0, 0, 0, 1, 0]); usize::from(KEYS)];
        let mut set = |place: usize, value| keys[place].as_mut().unwrap()[property] = value;
        (0..10).for_each(|place| set(place, 1));
        (10..20).for_each(|place| set(place, 2));
        let before = snapshot(&state(&keys, 0, 0));
        // The key whose row comes last has the value whose number the other one had.
        keys[19].as_mut().unwrap()[property] = 1;
        let after = snapshot(&state(&keys, 0, 8));
        let differs = Touched::between(&before, &after);
        let expected = [digest(20), digest(FIRST)];
        assert_eq!(differs.keys, expected.into(), "{property}");
        assert_eq!(differs, slow(&before, &after));
    }
}

#[test]
fn equal_bytes_of_ids_with_other_beginnings_are_other_ids() {
    let mut keys: Vec<Chosen> = vec![Some([0, 0, 0, 0, 0, 0, 1, 0]); usize::from(KEYS)];
    // The key whose row comes first keeps its id, which no row spells.
    keys[6].as_mut().unwrap()[6] = 0;
    let before = snapshot(&state(&keys, 0, 0));
    let after = snapshot(&state(&keys, 0, 4));
    let differs = Touched::between(&before, &after);
    assert_eq!(differs.len(), usize::from(KEYS) - 1);
    assert_eq!(differs, slow(&before, &after));
}

#[test]
fn digests_come_from_all_over_the_table() {
    let keys: Vec<Chosen> = vec![Some([0; 8]); usize::from(KEYS)];
    let table = snapshot(&state(&keys, 0, 0));
    let all: Vec<KeyDigest> = table.keys().map(|(digest, _)| digest).collect();
    let some = |least| table.digests_all_over(least).collect::<Vec<_>>();
    assert_eq!(some(24), all);
    assert_eq!(some(1_000), all);
    assert_eq!(some(13), all);
    assert_eq!(some(6), all.iter().copied().step_by(4).collect::<Vec<_>>());
    assert_eq!(some(0), all);
}
