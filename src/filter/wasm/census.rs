//! How many VMs serve which revision, told so that nobody can be misled. Envoy's gauges are one per process, and what one VM sets another overwrites:
//! so every VM adds its own share to sums, and takes it back when it changes. Where the count is that of all threads, and both sums are those of one
//! revision, every thread serves that revision; a thread that has not loaded it yet, or could not, is missing from them.
//!
//! A share is told from a timer, never from `on_configure`: the trial load ends before its timer could fire, so it is in no sum.

use std::cell::RefCell;
use std::collections::HashMap;

use super::metrics;
use super::tenure::PluginId;
use crate::snapshot::Revision;

thread_local! {
    static SHARES: RefCell<HashMap<PluginId, Share>> = RefCell::new(HashMap::new());
}

/// What this VM has added for one plugin.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Share {
    vms: i64,
    revision: i64,
    fingerprint: i64,
}

impl Share {
    /// A VM without a snapshot counts, and adds nothing to the sums.
    fn of(revision: Option<Revision>) -> Self {
        let signed = |number: u64| i64::try_from(number).unwrap_or(0);
        Self {
            vms: 1,
            revision: revision.map_or(0, |revision| signed(revision.number())),
            fingerprint: revision.map_or(0, |revision| signed(revision.fingerprint())),
        }
    }
}

/// Tells what this VM serves for `plugin`.
pub(super) fn serves(plugin: &PluginId, revision: Option<Revision>) {
    change(plugin, Some(Share::of(revision)));
}

/// Takes the plugin's share back: this VM no longer has it.
pub(super) fn leaves(plugin: &PluginId) {
    change(plugin, None);
}

fn change(plugin: &PluginId, after: Option<Share>) {
    let before = SHARES.with_borrow_mut(|shares| match after {
        Some(share) => shares.insert(plugin.clone(), share),
        None => shares.remove(plugin),
    });
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let sums = [
        ("keyward_snapshot_vms", after.vms - before.vms),
        (
            "keyward_snapshot_vms_revision_sum",
            after.revision - before.revision,
        ),
        (
            "keyward_snapshot_vms_fingerprint_sum",
            after.fingerprint - before.fingerprint,
        ),
    ];
    for (name, difference) in sums {
        if difference != 0 {
            metrics::add_of_plugin(plugin, name, difference);
        }
    }
}

/// Says that the push of `revision`, if it could be read, is refused. The trial load says so itself: nobody else ever loads that push.
pub(super) fn refuses(plugin: &PluginId, revision: Option<u64>) {
    metrics::set_of_plugin(
        plugin,
        "keyward_snapshot_refused_revision",
        revision.unwrap_or(0),
    );
    metrics::set_of_plugin(plugin, "keyward_snapshot_push_refused", 1);
}

/// Says that the push which this VM has just tried is not refused.
pub(super) fn accepts(plugin: &PluginId) {
    metrics::set_of_plugin(plugin, "keyward_snapshot_push_refused", 0);
    metrics::set_of_plugin(plugin, "keyward_snapshot_refused_revision", 0);
}
