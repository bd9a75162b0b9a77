//! The gateways as people see them.

use std::collections::BTreeMap;

use super::polls::{NAMELESS, Vm};
use super::{Doubt, Fleet};
use crate::configuration::Group;
use crate::time;

/// The state of a gateway, the worst of its VMs first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum GatewayState {
    /// A VM cannot take what is published.
    Refused,
    /// A VM has stopped polling, and may still serve what it received.
    Silent,
    /// A VM serves a revision older than the newest.
    Behind,
    /// Every VM serves the newest revision.
    Serving,
}

impl GatewayState {
    pub(crate) const ALL: [Self; 4] = [Self::Refused, Self::Silent, Self::Behind, Self::Serving];

    /// The state's name in answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Silent => "silent",
            Self::Behind => "behind",
            Self::Serving => "serving",
        }
    }
}

/// A gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gateway {
    pub(crate) name: String,
    pub(crate) group: Group,
    pub(crate) state: GatewayState,
    /// The lowest revision that a VM serves; none if a VM has none, or proves none.
    pub(crate) revision: Option<u64>,
    /// The newest revision.
    pub(crate) wanted: Option<u64>,
    /// How many VMs serve the newest revision, and how many there are.
    pub(crate) serving: usize,
    pub(crate) all: usize,
    pub(crate) silent: usize,
    /// The report of a VM that cannot take a head: the word, the revision that was current, and since when.
    pub(crate) refused: Option<(String, u64, u64)>,
    pub(crate) versions: Vec<String>,
    pub(crate) last_poll: Option<u64>,
    /// The time from which the VMs that lack the newest revision deny by themselves.
    pub(crate) latest_by: Option<u64>,
    /// Whether some poll with its key came from a program that is not one of its VMs.
    pub(crate) has_nameless: bool,
    /// When the key of its newest poll ends, if it does.
    pub(crate) key_ends: Option<u64>,
}

impl Fleet {
    /// Every gateway that has polled, by its name.
    pub(crate) fn gateways(&self) -> Vec<Gateway> {
        let now = time::now();
        let mut polls = self.polls();
        polls.tidy(time::at_once());
        let all = polls.gateways().iter();
        let gateways = all.filter_map(|(name, vms)| {
            let key_ends = polls.key_ends(name);
            Some(Gateway {
                key_ends,
                ..self.gateway(name, vms, now)?
            })
        });
        gateways.collect()
    }

    fn gateway(&self, name: &str, vms: &BTreeMap<String, Vm>, now: u64) -> Option<Gateway> {
        let group = vms.values().next()?.group;
        let wanted = |group: Group| {
            let served = self.feed(group).and_then(|followed| followed.feed.head());
            served.map(|head| head.revision)
        };
        let serves = |vm: &&Vm| {
            let wanted = wanted(vm.group);
            vm.confirmed.is_some() && vm.confirmed >= wanted
        };
        let refused = vms.values().filter(|vm| !vm.is_silent(now));
        let refused = refused
            .filter_map(|vm| vm.refused.map(|(at, since)| (vm.state.clone(), at, since)))
            .max_by_key(|(_, _, since)| *since);
        let silent = vms.values().filter(|vm| vm.is_silent(now)).count();
        let serving = vms.values().filter(serves).count();
        let state = if refused.is_some() {
            GatewayState::Refused
        } else if silent > 0 {
            GatewayState::Silent
        } else if serving < vms.len() {
            GatewayState::Behind
        } else {
            GatewayState::Serving
        };
        let mut versions: Vec<String> = vms.values().map(|vm| vm.version.clone()).collect();
        versions.retain(|version| !version.is_empty());
        versions.sort();
        versions.dedup();
        let lowest = vms.values().map(|vm| vm.confirmed).min().flatten();
        let lacking = vms.values().filter(|vm| !serves(vm));
        Some(Gateway {
            name: name.to_owned(),
            group,
            state,
            revision: lowest,
            wanted: wanted(group),
            serving,
            all: vms.len(),
            silent,
            refused,
            versions,
            last_poll: vms.values().filter_map(|vm| vm.last_poll).max(),
            latest_by: lacking
                .map(|vm| vm.leaves)
                .max()
                .filter(|leaves| *leaves > 0),
            has_nameless: vms.contains_key(NAMELESS),
            key_ends: None,
        })
    }

    /// When the oldest served head was signed.
    pub(crate) fn oldest_head(&self) -> Option<u64> {
        let heads = self
            .feeds
            .iter()
            .filter_map(|followed| followed.feed.head());
        heads.map(|head| head.issued_at).min()
    }

    /// How many polling keys end within so many seconds.
    pub(crate) fn keys_that_end_within(&self, seconds: u64) -> usize {
        self.polls()
            .keys_that_end(time::now().saturating_add(seconds))
    }

    /// How many polls proved nothing, and why.
    pub(crate) fn doubts(&self) -> [(Doubt, u64); 4] {
        let polls = self.polls();
        Doubt::ALL.map(|doubt| (doubt, polls.doubts(doubt)))
    }
}
