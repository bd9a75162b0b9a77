//! Gateways at every revision that a feed had since they were started.

use std::collections::BTreeMap;

use super::*;
use keyward::snapshot::Revision;
use keyward::snapshot::delta::Delta;

pub(super) struct Followers {
    pub(super) states: Vec<Snapshot>,
}

impl Followers {
    pub(super) fn new(world: &World) -> Self {
        Self {
            states: vec![world.present().snapshot],
        }
    }

    /// The newest one follows the head, and stays in the list as it was.
    #[track_caller]
    pub(super) fn advance(&mut self, world: &World) {
        let newest = self.states.last().unwrap().clone();
        let reached = reached(world, &[newest]);
        self.states.extend(reached);
    }

    /// Asserts that each of them gets by deltas to this state.
    #[track_caller]
    pub(super) fn all_reach(&self, world: &World, meant: &Value) {
        let meant = content(meant);
        for (from, state) in self.states.iter().zip(reached(world, &self.states)) {
            let differs = Touched::between(&state, meant.snapshot());
            assert!(differs.is_empty(), "{:?}: {differs:?}", from.revision());
        }
    }
}

#[track_caller]
fn reached(world: &World, from: &[Snapshot]) -> Vec<Snapshot> {
    let keys = [public(1)];
    let reader = reader(&world.store, &world.profile, &keys);
    let (head, _, _) = reader.head().unwrap().unwrap();
    let mut deltas: BTreeMap<(Revision, Revision), Delta> = BTreeMap::new();
    let mut all = Vec::new();
    for state in from {
        let mut state = state.clone();
        loop {
            match head.way(Some(state.revision())) {
                Way::There => break,
                Way::Base(_) => panic!("only a base leads on from {:?}", state.revision()),
                Way::Delta(entry) => {
                    let delta = deltas
                        .entry((entry.from, entry.to))
                        .or_insert_with(|| reader.delta(entry).unwrap());
                    state = state.apply(delta, &world.profile).unwrap();
                }
            }
        }
        all.push(state);
    }
    all
}
