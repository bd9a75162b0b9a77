//! What polls show about the gateways. The server authenticates a poll before it comes here: its key names the one gateway that it speaks for.

use std::collections::BTreeMap;

use keyward_files::feed::serve::{Claim, Named};

use super::propagation;
use crate::configuration::Group;
use crate::gateway_name::is_gateway_name;

/// The most gateways that the server distinguishes, and the most VMs of each. All others count as one that never confirms anything.
pub(super) const MOST_GATEWAYS: usize = 10_000;
pub(super) const MOST_VMS: usize = 1_024;

/// The name of a VM that does not identify itself in a way that counts.
pub(super) const NAMELESS: &str = "";

/// How long after its last poll a VM counts as silent. Together with the longest time that a poll waits, this is less than a minute.
pub(super) const SILENT: u64 = 30;

/// How long a VM may continue after its head has reached its maximum age: its clock may be slow.
pub(crate) const SKEW: u64 = 300;

/// The sender of a poll, according to its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sender<'a> {
    /// The key's id.
    pub(crate) key: &'a str,
    /// When the key ends, if it does.
    pub(crate) ends: Option<u64>,
    /// The gateway that the key's label names.
    pub(crate) gateway: Option<&'a str>,
    pub(crate) group: Group,
}

/// A VM of a gateway.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Who {
    pub(crate) gateway: String,
    pub(crate) vm: String,
}

/// What the begin of a poll shows.
pub(super) struct Begun {
    pub(super) who: Who,
    /// The revision that a named VM of the key's own gateway says it serves, whatever it is.
    pub(super) claimed: Option<u64>,
    /// Whether the VM confirms something else than before.
    pub(super) is_news: bool,
}

/// Why a poll proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Doubt {
    /// The key names no gateway.
    NoLabel,
    /// The user agent is not that of a filter.
    NoFilter,
    /// The user agent names another gateway than the key.
    OtherGateway,
    /// The revision is above what is published.
    Above,
}

impl Doubt {
    pub(crate) const ALL: [Self; 4] = [
        Self::NoLabel,
        Self::NoFilter,
        Self::OtherGateway,
        Self::Above,
    ];

    /// Its name in a metric.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NoLabel => "no_label",
            Self::NoFilter => "no_filter",
            Self::OtherGateway => "other_gateway",
            Self::Above => "above",
        }
    }
}

/// One VM.
#[derive(Clone, Debug)]
pub(super) struct Vm {
    pub(super) group: Group,
    pub(super) leaves: u64,
    /// Until when the store knows it.
    pub(super) kept_until: u64,
    pub(super) confirmed: Option<u64>,
    pub(super) version: String,
    pub(super) state: String,
    /// The head that was current when the VM last reported that it cannot take one, and when that was.
    pub(super) refused: Option<(u64, u64)>,
    pub(super) last_poll: Option<u64>,
    /// Since when this server knows it.
    since: u64,
    pub(super) open: usize,
}

impl Vm {
    fn new(group: Group, since: u64) -> Self {
        Self {
            group,
            leaves: 0,
            kept_until: 0,
            confirmed: None,
            version: String::new(),
            state: String::new(),
            refused: None,
            last_poll: None,
            since,
            open: 0,
        }
    }

    /// Whether it has stopped polling. A VM that the store knows has time for a first poll of this server.
    pub(super) fn is_silent(&self, now: u64) -> bool {
        let last = self.last_poll.unwrap_or(self.since);
        self.open == 0 && last.saturating_add(SILENT) <= now
    }

    /// Whether it reports a problem.
    pub(super) fn is_refusing(&self) -> bool {
        !matches!(self.state.as_str(), "" | "ok" | "loading")
    }
}

/// Every gateway by its name.
#[derive(Debug, Default)]
pub(super) struct Polls {
    gateways: BTreeMap<String, BTreeMap<String, Vm>>,
    doubts: BTreeMap<Doubt, u64>,
    /// When the key of each gateway's newest poll ends, if it does.
    ends: BTreeMap<String, u64>,
}

impl Polls {
    /// A VM that the store knows, at the start of this server.
    pub(super) fn remember(&mut self, who: &Who, group: Group, until: u64, now: u64) {
        let vm = self.place(who).or_insert_with(|| Vm::new(group, now));
        vm.leaves = vm.leaves.max(until);
        vm.kept_until = vm.kept_until.max(until);
    }

    /// A poll begins. `served` is the current head.
    pub(super) fn begin(
        &mut self,
        sender: Sender<'_>,
        claim: Option<&Claim>,
        served: Option<Named>,
        now: u64,
    ) -> Begun {
        let (mut who, doubt) = identified(sender, claim);
        match sender.ends {
            Some(ends)
                if self.ends.len() < MOST_GATEWAYS || self.ends.contains_key(&who.gateway) =>
            {
                self.ends.insert(who.gateway.clone(), ends);
            }
            Some(_) => {}
            None => {
                self.ends.remove(&who.gateway);
            }
        }
        let revision = claim
            .and_then(|claim| claim.revision)
            .filter(|_| doubt.is_none());
        let served = served.map_or(0, |served| served.revision);
        let is_above = revision.is_some_and(|revision| revision > served);
        for doubt in doubt.into_iter().chain(is_above.then_some(Doubt::Above)) {
            let count = self.doubts.entry(doubt).or_default();
            *count = count.saturating_add(1);
        }
        let is_known = |who: &Who| {
            let vms = self.gateways.get(&who.gateway);
            vms.is_some_and(|vms| vms.contains_key(&who.vm))
        };
        if !is_known(&who) {
            let vms = self.gateways.get(&who.gateway).map(BTreeMap::len);
            if vms.is_some_and(|vms| vms >= MOST_VMS) {
                who.vm = NAMELESS.to_owned();
            }
            if vms.is_none() && self.gateways.len() >= MOST_GATEWAYS {
                who = Who {
                    gateway: NAMELESS.to_owned(),
                    vm: NAMELESS.to_owned(),
                };
            }
        }
        let is_nameless = who.vm == NAMELESS;
        let vm = self
            .place(&who)
            .or_insert_with(|| Vm::new(sender.group, now));
        vm.last_poll = Some(now);
        vm.open = vm.open.saturating_add(1);
        let confirmed = revision.filter(|revision| !is_above && !is_nameless && *revision > 0);
        let is_news = (vm.group, vm.confirmed) != (sender.group, confirmed);
        vm.group = sender.group;
        vm.confirmed = confirmed;
        if let Some(claim) = claim {
            vm.version.clone_from(&claim.version);
            vm.state.clone_from(&claim.state);
        }
        if vm.is_refusing() {
            let is_the_same = vm.refused.is_some_and(|(revision, _)| revision == served);
            if !is_the_same {
                vm.refused = Some((served, now));
            }
        } else {
            vm.refused = None;
        }
        Begun {
            claimed: revision.filter(|_| !is_nameless),
            is_news,
            who,
        }
    }

    /// A poll has ended, with or without an answer.
    pub(super) fn end(&mut self, who: &Who, now: u64) {
        if let Some(vm) = self.vm(who) {
            vm.open = vm.open.saturating_sub(1);
            vm.last_poll = Some(now);
        }
    }

    /// A VM may receive a head that is valid until `leaves`: the answer is under way.
    pub(super) fn may_receive(&mut self, who: &Who, leaves: u64) {
        if let Some(vm) = self.vm(who) {
            vm.leaves = vm.leaves.max(leaves);
        }
    }

    /// A VM receives a head that is valid until `leaves`. Returns until when the store must know the VM, if it does not yet.
    /// The time is longer than necessary, so that not every head causes a write.
    pub(super) fn hand(&mut self, who: &Who, group: Group, leaves: u64, slack: u64) -> Option<u64> {
        let vm = self.place(who).or_insert_with(|| Vm::new(group, 0));
        vm.leaves = vm.leaves.max(leaves);
        (vm.leaves > vm.kept_until).then(|| vm.leaves.saturating_add(slack))
    }

    /// The store knows the VM until that time.
    pub(super) fn kept(&mut self, who: &Who, until: u64) {
        if let Some(vm) = self.vm(who) {
            vm.kept_until = vm.kept_until.max(until);
        }
    }

    /// The VMs of a gateway that have stopped polling, and how many others there are.
    pub(super) fn silent(&self, gateway: &str, now: u64) -> (Vec<String>, usize) {
        let Some(vms) = self.gateways.get(gateway) else {
            return (Vec::new(), 0);
        };
        let silent = vms.iter().filter(|(_, vm)| vm.is_silent(now));
        let silent: Vec<String> = silent.map(|(name, _)| name.clone()).collect();
        let left = vms.len().saturating_sub(silent.len());
        (silent, left)
    }

    /// Removes VMs of a gateway, except those that poll again by now.
    pub(super) fn forget(&mut self, gateway: &str, gone: &[String], now: u64) {
        if let Some(vms) = self.gateways.get_mut(gateway) {
            vms.retain(|name, vm| !gone.contains(name) || !vm.is_silent(now));
            for name in gone {
                if let Some(vm) = vms.get_mut(name) {
                    // The store does not know it any more.
                    vm.kept_until = 0;
                }
            }
        }
        self.gateways.retain(|_, vms| !vms.is_empty());
    }

    /// Removes the VMs whose heads are too old and that have stopped polling.
    pub(super) fn tidy(&mut self, now: u64) {
        for vms in self.gateways.values_mut() {
            vms.retain(|_, vm| vm.leaves > now || !vm.is_silent(now));
        }
        self.gateways.retain(|_, vms| !vms.is_empty());
        self.ends.retain(|_, ends| *ends > now);
    }

    /// Whether another VM of this gateway, or another gateway, would exceed the limits.
    pub(super) fn is_full(&self, gateway: Option<&str>) -> bool {
        let vms = gateway.and_then(|name| self.gateways.get(name));
        self.gateways.len() >= MOST_GATEWAYS || vms.is_some_and(|vms| vms.len() >= MOST_VMS)
    }

    /// Every gateway with its VMs.
    pub(super) fn gateways(&self) -> &BTreeMap<String, BTreeMap<String, Vm>> {
        &self.gateways
    }

    /// The VMs of these groups, for a proof.
    pub(super) fn vms(
        &self,
        is_meant: impl Fn(Group) -> bool,
    ) -> impl Iterator<Item = propagation::Vm> {
        let all = self.gateways.values().flat_map(BTreeMap::values);
        all.filter(move |vm| is_meant(vm.group))
            .map(|vm| propagation::Vm {
                leaves: vm.leaves,
                confirmed: vm.confirmed,
            })
    }

    /// When the key of a gateway's newest poll ends, if it does.
    pub(super) fn key_ends(&self, gateway: &str) -> Option<u64> {
        self.ends.get(gateway).copied()
    }

    /// How many gateways have a key that ends until then.
    pub(super) fn keys_that_end(&self, until: u64) -> usize {
        self.ends.values().filter(|ends| **ends <= until).count()
    }

    /// How many polls proved nothing, and why.
    pub(super) fn doubts(&self, doubt: Doubt) -> u64 {
        self.doubts.get(&doubt).copied().unwrap_or_default()
    }

    fn vm(&mut self, who: &Who) -> Option<&mut Vm> {
        self.gateways.get_mut(&who.gateway)?.get_mut(&who.vm)
    }

    fn place(&mut self, who: &Who) -> std::collections::btree_map::Entry<'_, String, Vm> {
        let vms = self.gateways.entry(who.gateway.clone()).or_default();
        vms.entry(who.vm.clone())
    }
}

/// The VM that a poll speaks for: one of the key's gateway. In doubt it is a nameless VM, which confirms nothing: `everywhere` waits until its head is too old.
fn identified(sender: Sender<'_>, claim: Option<&Claim>) -> (Who, Option<Doubt>) {
    let named = sender.gateway.filter(|name| is_gateway_name(name));
    let doubt = match (named, claim) {
        (None, _) => Some(Doubt::NoLabel),
        (Some(_), None) => Some(Doubt::NoFilter),
        // A module does not know its Envoy's name, and claims none.
        (Some(name), Some(claim)) if claim.gateway != name && !claim.gateway.is_empty() => {
            Some(Doubt::OtherGateway)
        }
        (Some(_), Some(claim)) if !is_vm(&claim.vm) => Some(Doubt::NoFilter),
        (Some(_), Some(_)) => None,
    };
    let vm = claim.filter(|_| doubt.is_none()).map(|claim| &*claim.vm);
    let who = Who {
        gateway: named.unwrap_or(sender.key).to_owned(),
        vm: vm.unwrap_or(NAMELESS).to_owned(),
    };
    (who, doubt)
}

fn is_vm(vm: &str) -> bool {
    (1..=16).contains(&vm.len()) && vm.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests;
