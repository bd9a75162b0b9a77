//! A base with deltas decides like a base that was built from the same records. The naive reference
//! checks this for every change that a feed can make, and for every way that a gateway may follow
//! it.

use keyward::configuration::Configuration;
use keyward::profile::Profile;
use keyward::snapshot::Snapshot;
use keyward::snapshot::delta::{Delta, Touched};
use keyward::snapshot::packed::{Packed, Trust};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::agreement::check;
use crate::reference;
use keyward_reference::asking::{Shown, ask, builtin, without_aliases};
use keyward_reference::worlds::dice::Dice;
use keyward_reference::worlds::requests;
use keyward_reference::worlds::world::World;

/// The number of configurations in the long run, and the number that `make test` has time for.
const CASES: u32 = 300;
const FEW: u32 = 80;

/// The number of changes between two states, as far as the snapshot allows them.
const CHANGES: usize = 12;

#[test]
fn base_and_deltas_decide_as_a_base_of_the_same_records() {
    decide_alike(FEW, 250);
}

#[test]
fn over_many_cases_base_and_deltas_decide_as_a_base() {
    decide_alike(CASES, 1_000);
}

/// Checks this many configurations. At least `least` of their records must change.
fn decide_alike(cases: u32, least: usize) {
    let builtin = builtin();
    let changed = std::cell::Cell::new(0_usize);
    check(cases, |tape, tapes| {
        let world = World::roll(&mut Dice::new(tape));
        let json = world.configuration.to_string();
        let Ok(configuration) = Configuration::from_json(json.as_bytes()) else {
            return Ok(());
        };
        let profile = configuration.profile();
        if world.configuration["snapshot"].is_null() {
            return Ok(());
        }
        let Some(states) = states(&world.configuration["snapshot"], profile, tape) else {
            return Ok(());
        };
        let last = states.len() - 1;
        let expected_by = with(&world.configuration, &states[last]);
        let plain = without_aliases(&expected_by);
        let snapshots: Vec<Snapshot> = states.iter().map(|state| built(state, profile)).collect();
        for applied in ways(&states, &snapshots, profile) {
            prop_assert_eq!(
                Touched::between(&applied, &snapshots[last]),
                Touched::default()
            );
            prop_assert_eq!(applied.key_count(), snapshots[last].key_count());
            prop_assert_eq!(applied.accounts().len(), snapshots[last].accounts().len());
            changed.set(changed.get() + applied.changed_count());
            let issued_at = snapshots[last].issued_at();
            let followed = configuration.with_snapshot(Some(applied.reissued(issued_at)));
            for tape in tapes {
                let request = requests::roll(&mut Dice::new(tape), &world);
                let expected = reference::decide(&plain, &builtin, &request);
                let actual = ask(&followed, &request).0;
                prop_assert_eq!(
                    &actual,
                    &expected,
                    "\n{:#?}\n{}",
                    Shown(&request),
                    expected_by
                );
            }
        }
        Ok(())
    });
    assert!(
        changed.get() > least,
        "{} records were changed",
        changed.get()
    );
}

fn with(configuration: &Value, snapshot: &Value) -> Value {
    let mut configuration = configuration.clone();
    configuration["snapshot"] = snapshot.clone();
    configuration
}

fn packed(state: &Value, profile: &Profile) -> Option<Packed> {
    Packed::from_json(state.to_string().as_bytes(), profile).ok()
}

fn built(state: &Value, profile: &Profile) -> Snapshot {
    let packed = packed(state, profile).unwrap();
    packed.snapshot(profile, Trust::Nothing).unwrap()
}

/// Returns four states of one line, the last with the records of `target`.
fn states(target: &Value, profile: &Profile, tape: &[u32]) -> Option<Vec<Value>> {
    packed(target, profile)?;
    let mut dice = Changes { tape, at: 0 };
    let mut states = vec![target.clone()];
    for _ in 0..3 {
        let mut state = states.last()?.clone();
        for _ in 0..CHANGES {
            let mut other = state.clone();
            dice.change(&mut other);
            if packed(&other, profile).is_some() {
                state = other;
            }
        }
        states.push(state);
    }
    states.reverse();
    for (number, state) in (0_u64..).zip(&mut states) {
        state["revision"] = json!(100 + number);
    }
    Some(states)
}

/// Returns the snapshots at the end of each way from the first state to the last.
fn ways(states: &[Value], snapshots: &[Snapshot], profile: &Profile) -> Vec<Snapshot> {
    let last = states.len() - 1;
    let steps: Vec<Touched> = snapshots
        .windows(2)
        .map(|pair| Touched::between(&pair[0], &pair[1]))
        .collect();
    // A delta from one state to another touches everything that any step between them touched.
    let delta = |from: usize, to: usize| {
        let mut touched = Touched::default();
        for step in &steps[from..to] {
            touched.add(step.clone());
        }
        let after = packed(&states[to], profile).unwrap();
        let bytes = Delta::write(&after, &touched, snapshots[from].revision()).unwrap();
        let delta = Delta::read(&bytes).unwrap();
        let read = Touched::of(&delta);
        assert!(read.keys == touched.keys && read.contract == touched.contract);
        delta
    };
    let follow = |way: &[(usize, usize)]| {
        let mut at = snapshots[way[0].0].clone();
        for (from, to) in way {
            at = at.apply(&delta(*from, *to), profile).unwrap();
        }
        at
    };
    let mut made = vec![
        follow(&[(0, 1), (1, 2), (2, last)]),
        follow(&[(0, last)]),
        follow(&[(0, 2), (1, last)]),
    ];
    // A delta over many changes, applied to states between them: to built ones, and to ones that
    // deltas led to.
    let all = delta(0, last);
    for (at, snapshot) in snapshots.iter().enumerate().take(last).skip(1) {
        made.push(snapshot.apply(&all, profile).unwrap());
        made.push(follow(&[(0, at)]).apply(&all, profile).unwrap());
    }
    made
}

/// Numbers from a tape, and the changes that they encode.
struct Changes<'t> {
    tape: &'t [u32],
    at: usize,
}

impl Changes<'_> {
    fn below(&mut self, count: usize) -> usize {
        self.at = self.at.wrapping_add(7);
        let number = self.tape[self.at % self.tape.len()];
        let mixed = (u64::from(number) ^ (self.at as u64)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        usize::try_from(mixed >> 33).unwrap() % count.max(1)
    }

    fn change(&mut self, state: &mut Value) {
        let count = |state: &Value, name: &str| state[name].as_array().map_or(0, Vec::len);
        let (keys, accounts) = (count(state, "keys"), count(state, "accounts"));
        let endpoints = count(state, "endpoints");
        match self.below(12) {
            0 if keys > 1 => {
                let at = self.below(keys);
                state["keys"].as_array_mut().unwrap().remove(at);
            }
            1 if keys > 0 => {
                let at = self.below(keys);
                let is_deleted = state["keys"][at]["status"] == "deleted";
                let status = if is_deleted { "active" } else { "deleted" };
                state["keys"][at]["status"] = json!(status);
            }
            2 if keys > 0 => {
                let at = self.below(keys);
                let live = state["keys"][at]["livemode"] == true;
                state["keys"][at]["livemode"] = json!(!live);
            }
            3 if keys > 0 && accounts > 0 => {
                let (at, of) = (self.below(keys), self.below(accounts));
                state["keys"][at]["owner"] = state["accounts"][of]["id"].clone();
            }
            4 if keys > 0 => {
                let (at, of) = (self.below(keys), self.below(keys));
                let grants = state["keys"][of].get("grants").cloned();
                match grants {
                    Some(grants) => state["keys"][at]["grants"] = grants,
                    None => {
                        state["keys"][at].as_object_mut().unwrap().remove("grants");
                    }
                }
            }
            5 if accounts > 0 => {
                let at = self.below(accounts);
                let is_suspended = state["accounts"][at]["status"] == "suspended";
                let status = if is_suspended { "active" } else { "suspended" };
                state["accounts"][at]["status"] = json!(status);
            }
            6 if accounts > 0 => {
                let at = self.below(accounts);
                let any = state["accounts"][at]["children"] == "any";
                state["accounts"][at]["children"] = json!(if any { "listed" } else { "any" });
            }
            7 if accounts > 1 => {
                let (at, of) = (self.below(accounts), self.below(accounts));
                state["accounts"][at]["parent"] = state["accounts"][of]["id"].clone();
            }
            8 if accounts > 1 => {
                let at = self.below(accounts);
                state["accounts"].as_array_mut().unwrap().remove(at);
            }
            9 => {
                let at = self.below(8);
                if let Some(sets) = state["grant_sets"].as_object_mut()
                    && let Some(set) = sets.values_mut().nth(at)
                {
                    *set = json!({});
                }
            }
            10 if endpoints > 0 => {
                let at = self.below(endpoints);
                state["endpoints"].as_array_mut().unwrap().remove(at);
            }
            _ if endpoints > 1 => {
                let (at, of) = (self.below(endpoints), self.below(endpoints));
                state["endpoints"].as_array_mut().unwrap().swap(at, of);
            }
            _ => {}
        }
    }
}
