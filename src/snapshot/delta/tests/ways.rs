//! Tests of one delta for many states, in steps of any size, and of arbitrary bytes.

use super::*;

#[test]
fn a_delta_over_many_changes_applies_to_every_state_among_them_and_twice() {
    let first = start();
    let second = later(&first, |it| {
        it["keys"][0]["status"] = json!("deleted");
        it["accounts"][3]["status"] = json!("suspended");
        it["grant_sets"]["readers"] = json!({});
    });
    let third = later(&second, |it| {
        it["keys"][0].as_object_mut().unwrap().remove("status");
        it["accounts"][3]["status"] = json!("active");
        it["grant_sets"]["readers"] = json!({"alpha": "read"});
        it["keys"][2]["livemode"] = json!(false);
    });
    let mut touched = Touched::between(&snapshot(&first), &snapshot(&second));
    touched.add(Touched::between(&snapshot(&second), &snapshot(&third)));
    let delta = written(&first, &third, &touched);
    assert_eq!(Touched::of(&delta).keys, touched.keys);
    for state in [&first, &second] {
        let made = snapshot(state).apply(&delta, &profile()).unwrap();
        assert_same(&made, &third);
    }
    let made = snapshot(&first)
        .apply(&between(&first, &second), &profile())
        .unwrap();
    assert_same(&made.apply(&delta, &profile()).unwrap(), &third);
    // The delta leads to the third state, and does not apply to it.
    let there = snapshot(&third);
    assert!(there.apply(&delta, &profile()).is_err());
}

#[test]
fn a_base_without_keys_has_overlay_keys_and_a_stand_in() {
    let full = start();
    let mut empty = full.clone();
    empty["keys"] = json!([]);
    empty["empty"] = json!(true);
    let after = later(&empty, |it| {
        *it = full.clone();
        it["revision"] = json!(11);
    });
    assert!(snapshot(&empty).stand_in(&digest(9)).is_none());
    let made = applied(&empty, &after);
    assert!(made.stand_in(&digest(9)).is_some());
    let none = later(&after, |it| {
        it["keys"] = json!([]);
        it["empty"] = json!(true);
    });
    let made = made.apply(&between(&after, &none), &profile()).unwrap();
    assert_eq!((made.key_count(), made.changed_count()), (0, 0));
}

#[test]
fn it_is_applied_in_steps_of_any_size() {
    let start = start();
    let after = later(&start, |it| {
        let keys = it["keys"].as_array_mut().unwrap();
        keys.remove(0);
        for number in 10..40 {
            keys.push(key(
                &format!("mk_{number}"),
                number,
                "acct_1",
                json!("readers"),
            ));
        }
    });
    let delta = between(&start, &after);
    for size in [1, 7, 1000] {
        let mut applying = Applying::new(&snapshot(&start), delta.clone(), &profile()).unwrap();
        let mut steps = 1;
        while !applying.step(size).unwrap() {
            steps += 1;
        }
        assert_eq!(steps, 31_usize.div_ceil(size));
        assert_same(&applying.finish(), &after);
    }
}

#[test]
fn one_revoked_key_takes_little() {
    let start = start();
    let after = later(&start, |it| it["keys"][0]["status"] = json!("deleted"));
    let touched = Touched::between(&snapshot(&start), &snapshot(&after));
    let bytes = Delta::write(&packed(&after), &touched, Revision::new(10).unwrap()).unwrap();
    assert!(bytes.len() < 450, "{}", bytes.len());
    assert!(!Delta::read(&bytes).unwrap().records.has_contract());
}

#[test]
fn no_bytes_whatever_make_reading_panic() {
    let start = start();
    let after = later(&start, |it| {
        it["keys"].as_array_mut().unwrap().remove(0);
        it["accounts"]
            .as_array_mut()
            .unwrap()
            .push(json!({"id": "acct_8"}));
        it["grant_sets"]["readers"] = json!({});
    });
    let touched = Touched::between(&snapshot(&start), &snapshot(&after));
    let bytes = Delta::write(&packed(&after), &touched, Revision::new(10).unwrap()).unwrap();
    let base = snapshot(&start);
    for place in 0..bytes.len() {
        assert!(Delta::read(&bytes[..place]).is_err(), "cut at {place}");
        for change in [1, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[place] ^= change;
            if let Ok(delta) = Delta::read(&changed)
                && let Ok(made) = base.apply(&delta, &profile())
            {
                let _ = Touched::between(&made, &base);
                let _ = made.keys().count() + made.accounts().iter().count();
            }
        }
    }
    let longer = [&bytes[..], b"x"].concat();
    assert!(Delta::read(&longer).is_err());
}

#[test]
fn what_is_in_front_of_the_same_tables_is_found_as_among_other_tables() {
    let before = start();
    // One account is suspended, one moves, one goes with its key, one comes and gets a key.
    let after = later(&before, |state| {
        state["accounts"] = json!([
            {"id": "org_1"},
            {"id": "acct_1", "parent": "org_1", "status": "suspended"},
            {"id": "acct_2", "parent": "org_1"},
            {"id": "acct_4"},
        ]);
        state["keys"][2] = key("mk_d", 4, "acct_4", json!("writers"));
        state["keys"][0]["owner"] = json!("acct_4");
    });
    let changed = applied(&before, &after);
    // The tables of the first state, to which everything is taken back.
    let (first, second) = (snapshot(&before), snapshot(&after));
    assert!(changed.accounts().has_the_tables_of(first.accounts()));
    assert!(!second.accounts().has_the_tables_of(first.accounts()));
    let slow = Touched::between(&second, &first);
    assert_eq!(slow.accounts.len(), 4, "{slow:?}");
    assert_eq!(slow.keys.len(), 3, "{slow:?}");
    assert_eq!(Touched::between(&changed, &first), slow);
    assert_eq!(Touched::between(&first, &changed), slow);
    let keys = Touched {
        keys: [1, 2, 3, 4].map(digest).into(),
        ..Touched::default()
    };
    assert_eq!(keys.among(&changed, &first), slow);
    assert_eq!(Touched::between(&changed, &changed), Touched::default());
}
