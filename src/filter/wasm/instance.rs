//! The instances of this VM, each with what its root context and its streams keep of it.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::abi;
use super::metrics::Metrics;
use super::shared_data::SharedData;
use super::timer;
use crate::configuration::Configuration;
use crate::filter::followers::InstanceId;
use crate::filter::plugin_id::PluginId;
use crate::filter::plugin_instances::{Handle, PluginInstances};
use crate::filter::usage::Usage;
use crate::reply::Activity;
use crate::snapshot::{Revision, Snapshot};
use crate::usage::Event;

thread_local! {
    static INSTANCES: RefCell<PluginInstances<Instance>> = const { RefCell::new(PluginInstances::new()) };
}

/// An instance of a plugin, as long as anything keeps it.
#[derive(Clone)]
pub(super) struct Instance(Rc<Held>);

struct Held {
    plugin: PluginId,
    /// The revision of the snapshot that came with its settings, if it follows a feed.
    seed: Option<Revision>,
    usage: RefCell<Usage>,
}

impl Handle for Instance {
    fn plugin(&self) -> &PluginId {
        &self.0.plugin
    }

    fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    fn has_streams(&self) -> bool {
        // The list has one reference and the root context has one. All others belong to streams.
        Rc::strong_count(&self.0) > 2
    }

    fn wake(&self) {
        timer::wake();
    }
}

/// Returns the plugin that Envoy's current call is about.
pub(super) fn this_plugin() -> PluginId {
    let names = ["plugin_name", "plugin_root_id", "listener_direction"];
    PluginId::new(names.map(|name| abi::property(name).ok().flatten().unwrap_or_default()))
}

fn with_all<R>(act: impl FnOnce(&mut PluginInstances<Instance>) -> R) -> R {
    INSTANCES.with_borrow_mut(act)
}

impl Instance {
    fn new(plugin: PluginId, seed: Option<Revision>) -> Self {
        Self(Rc::new(Held {
            plugin,
            seed,
            usage: RefCell::default(),
        }))
    }

    /// Begins to serve a loaded configuration.
    pub(super) fn begin(
        plugin: PluginId,
        configuration: Arc<Configuration>,
        seed: Option<Revision>,
    ) -> Self {
        let own = Self::new(plugin, seed);
        with_all(|all| all.begin(own.clone(), configuration));
        own
    }

    /// Begins with what the plugin last served, or closed, and returns which.
    pub(super) fn begin_behind(plugin: PluginId) -> (Self, bool) {
        let own = Self::new(plugin, None);
        let is_closed = with_all(|all| all.begin_behind(own.clone()));
        (own, is_closed)
    }

    /// Returns what it serves.
    pub(super) fn configuration(&self) -> Option<Arc<Configuration>> {
        with_all(|all| all.configuration(self))
    }

    /// Returns what identifies it while it exists: its address.
    pub(super) fn id(&self) -> InstanceId {
        InstanceId(Rc::as_ptr(&self.0).addr())
    }

    /// Returns the revision of the snapshot that came with its settings, if it follows a feed.
    pub(super) fn seed(&self) -> Option<Revision> {
        self.0.seed
    }

    /// Returns whether an instance of the plugin follows that feed.
    pub(super) fn is_followed(plugin: &PluginId, feed: &str) -> bool {
        with_all(|all| all.is_followed(plugin, feed))
    }

    /// Serves another snapshot of a feed from now on.
    pub(super) fn serve(
        plugin: &PluginId,
        snapshot: &Snapshot,
        follows: &dyn Fn(&Configuration) -> bool,
    ) {
        with_all(|all| all.serve(plugin, snapshot, follows, &mut Metrics));
    }

    /// Returns the configuration that a request is decided by.
    pub(super) fn take_request(&self) -> Arc<Configuration> {
        with_all(|all| all.take_request(self, &mut Metrics))
    }

    /// Records that the timer has fired. Returns true if it must fire again.
    pub(super) fn tick(&self) -> bool {
        let is_back = with_all(|all| all.tick(self, &mut Metrics));
        let mut usage = self.0.usage.borrow_mut();
        usage.tick(&self.0.plugin, is_back, &mut SharedData)
    }

    /// Ends the root context together with its timer.
    pub(super) fn end(&self) {
        let mut usage = self.0.usage.borrow_mut();
        usage.end(&self.0.plugin, &mut SharedData);
        with_all(|all| all.end(self, &mut Metrics));
    }

    pub(super) fn count(&self, key: &str, event: Event) {
        let mut usage = self.0.usage.borrow_mut();
        usage.count(&self.0.plugin, key, event, &mut SharedData);
    }

    pub(super) fn count_nothing(&self) {
        self.0.usage.borrow_mut().count_nothing(&mut SharedData);
    }

    pub(super) fn activity(&self, key: &str) -> Activity {
        let usage = self.0.usage.borrow();
        usage.activity(&self.0.plugin, key, &mut SharedData)
    }
}

/// Drops the oldest snapshot that only open streams keep. Returns whether one existed.
pub(super) fn release_pinned() -> bool {
    let Some(pinned) = with_all(|all| all.pinned()).into_iter().next() else {
        return false;
    };
    with_all(|all| all.close(&pinned, &mut Metrics));
    true
}
