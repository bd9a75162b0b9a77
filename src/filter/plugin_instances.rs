//! The instances of every plugin in a VM, and what each serves, from one push to the next.
//!
//! A worker has a plugin's old and new instance for a while, and an old one as long as one of its
//! streams is open. If exactly the same bytes are pushed again, Envoy may even reuse an old
//! instance without configuring it. And two plugins may have the same name in a VM by mistake. So
//! each instance serves its own configuration, and takes over another's only if it is certain that
//! both belong to the same plugin.

use std::sync::Arc;

use super::census::Share;
use super::counter::Counter;
use super::monitor::{self, Gauge, Monitor};
use super::plugin_id::PluginId;
use super::plugin_instance::{Lag, PluginInstance, Standing, Turn};
use crate::configuration::Configuration;
use crate::snapshot::{Revision, Snapshot};

/// A host's handle of an instance: its root context and its streams keep it.
pub trait Handle: Clone {
    /// Returns the plugin that the instance belongs to.
    fn plugin(&self) -> &PluginId;

    /// Returns whether both belong to the same instance.
    fn is(&self, other: &Self) -> bool;

    /// Returns whether any stream keeps the instance.
    fn has_streams(&self) -> bool;

    /// Schedules a call of [`PluginInstances::tick`] for the instance, once, in a second. A running
    /// timer starts again.
    fn wake(&self);
}

/// All instances, in the order they began.
#[derive(Clone)]
pub struct PluginInstances<H> {
    all: Vec<PluginInstance<H>>,
    plugins: Vec<Plugin>,
    is_introduced: bool,
}

/// What is kept about a plugin while it has an instance.
#[derive(Clone)]
struct Plugin {
    id: PluginId,
    /// The revision that the plugin last served.
    served: Option<Revision>,
    share: Share,
}

impl<H: Handle> PluginInstances<H> {
    /// Creates an empty list.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "a static takes a constant, which a default is not"
    )]
    pub const fn new() -> Self {
        Self {
            all: Vec::new(),
            plugins: Vec::new(),
            is_introduced: false,
        }
    }

    /// Begins to serve a loaded configuration.
    pub fn begin(&mut self, handle: H, configuration: Arc<Configuration>) {
        self.enter(handle, configuration, Lag::None);
    }

    /// Begins without the configuration, which could not be loaded: with what the plugin last
    /// served if that is certain, and closed otherwise. Returns true if it is closed.
    pub fn begin_behind(&mut self, handle: H) -> bool {
        let predecessor = self.predecessor(handle.plugin());
        let serves = predecessor.unwrap_or_else(|| Arc::new(Configuration::closed()));
        let is_closed = serves.snapshot().is_none();
        self.enter(handle, serves, Lag::Behind);
        is_closed
    }

    fn enter(&mut self, handle: H, serves: Arc<Configuration>, lag: Lag) {
        let id = handle.plugin();
        if !self.plugins.iter().any(|plugin| plugin.id == *id) {
            self.plugins.push(Plugin {
                id: id.clone(),
                served: None,
                share: Share::default(),
            });
        }
        self.all.push(PluginInstance {
            handle,
            serves,
            turn: Turn::Waiting,
            lag,
            standing: Standing::Trial,
        });
    }

    /// Returns what an instance serves, if the instance still exists.
    pub fn configuration(&mut self, handle: &H) -> Option<Arc<Configuration>> {
        self.find(handle).map(|own| Arc::clone(&own.serves))
    }

    /// Returns whether an instance of the plugin follows that feed.
    pub fn is_followed(&mut self, plugin: &PluginId, feed: &str) -> bool {
        self.of(plugin).any(|own| own.follows(feed))
    }

    /// Serves another snapshot of a feed from now on, in every instance of the plugin whose
    /// configuration `follows` the feed. This includes replaced instances, because Envoy may reuse
    /// them without configuring them.
    pub fn serve<M: Monitor>(
        &mut self,
        plugin: &PluginId,
        snapshot: &Snapshot,
        follows: impl Fn(&Configuration) -> bool,
        monitor: &mut M,
    ) {
        let mut serving = None;
        for own in self.of(plugin).filter(|own| follows(&own.serves)) {
            let next = own.serves.with_snapshot(Some(snapshot.clone()));
            own.serves = Arc::new(next);
            if own.turn == Turn::Serving {
                serving = Some(own.handle.clone());
            }
        }
        if let Some(serving) = serving {
            self.announce(&serving, monitor);
        }
        self.tell(plugin, monitor);
    }

    /// Returns the configuration that a request is decided by. An instance that has ended serves
    /// nothing.
    pub fn take_request<M: Monitor>(&mut self, handle: &H, monitor: &mut M) -> Arc<Configuration> {
        let Some(own) = self.find(handle) else {
            return Arc::new(Configuration::closed());
        };
        if own.turn != Turn::Serving {
            self.take_turn(handle, monitor);
        }
        let Some(own) = self.find(handle) else {
            return Arc::new(Configuration::closed());
        };
        let serves = Arc::clone(&own.serves);
        if own.standing.take() {
            handle.wake();
            self.tell(handle.plugin(), monitor);
        }
        serves
    }

    /// Records that the timer has fired. Returns true if it must fire again in a second. An instance
    /// that serves a feed needs its timer even if a newer one follows the feed: when that ends, and
    /// Envoy has made this one current again, its next request may be far away.
    pub fn tick<M: Monitor>(&mut self, handle: &H, monitor: &mut M) -> bool {
        let Some(own) = self.find(handle) else {
            return false;
        };
        let settles = own.standing.tick();
        let again = own.standing.is_back() || own.serves.settings().feed.is_some();
        if settles {
            self.put_older_ones_behind(handle);
        }
        self.tell(handle.plugin(), monitor);
        again
    }

    /// Ends an instance: the plugin was replaced or removed, and its last stream has ended.
    pub fn end<M: Monitor>(&mut self, handle: &H, monitor: &mut M) {
        self.close(handle, monitor);
        self.all.retain(|other| !other.handle.is(handle));
        let plugin = handle.plugin();
        self.tell(plugin, monitor);
        if self.of(plugin).next().is_none() {
            self.plugins.retain(|known| known.id != *plugin);
        }
    }

    /// Returns old instances that only open streams keep, the oldest first. They can be
    /// [closed](Self::close) with a single loss: if exactly the same bytes are pushed again while
    /// such a stream is open, Envoy reuses the old instance, which then denies requests.
    #[must_use]
    pub fn pinned(&self) -> Vec<H> {
        self.all
            .iter()
            .filter(|own| own.turn == Turn::Replaced && own.handle.has_streams())
            .filter(|own| !own.is_closed())
            .map(|own| own.handle.clone())
            .collect()
    }

    /// Removes what an instance serves. It denies everything from now on.
    pub fn close<M: Monitor>(&mut self, handle: &H, monitor: &mut M) {
        if let Some(own) = self.find(handle) {
            close(own, monitor);
        }
    }

    fn take_turn<M: Monitor>(&mut self, handle: &H, monitor: &mut M) {
        for other in self.of(handle.plugin()) {
            // It does not serve what it was given, so it must not come back with that.
            if other.turn.lose() && other.lag != Lag::None {
                close(other, monitor);
            }
        }
        let Some(own) = self.find(handle) else {
            return;
        };
        if !own.turn.take() {
            return;
        }
        if own.lag.begin() {
            monitor.add(Gauge::WorkersBehind, None, 1);
        }
        // The first request proves as much as the timer does.
        if own.standing == Standing::Trial {
            self.tick(handle, monitor);
        }
        self.announce(handle, monitor);
    }

    /// Reports what is served from now on.
    fn announce<M: Monitor>(&mut self, handle: &H, monitor: &mut M) {
        let Some(serves) = self.find(handle).map(|own| Arc::clone(&own.serves)) else {
            return;
        };
        let Some(snapshot) = serves.snapshot() else {
            return;
        };
        let revision = snapshot.revision();
        let of_plugin = self
            .plugins
            .iter_mut()
            .find(|known| known.id == *handle.plugin());
        let before = of_plugin.and_then(|known| known.served.replace(revision));
        if before.is_some_and(|before| revision < before) {
            monitor.count(Counter::Rollbacks, 1);
        }
        monitor::announce(monitor, snapshot, serves.settings().max_snapshot_age);
        if !std::mem::replace(&mut self.is_introduced, true) {
            monitor::introduce(monitor);
        }
    }

    fn put_older_ones_behind(&mut self, handle: &H) {
        let is_settled = |other: &&mut PluginInstance<H>| other.standing == Standing::Settled;
        let mut settled = self.of(handle.plugin()).filter(is_settled).peekable();
        while let Some(other) = settled.next() {
            if settled.peek().is_some() {
                other.standing = Standing::Old;
            }
        }
    }

    /// Reports to the census what this VM serves for `plugin`: the newest revision that has
    /// settled, or a lower one that still receives requests.
    fn tell<M: Monitor>(&mut self, plugin: &PluginId, monitor: &mut M) {
        let mut newest: Option<Option<Revision>> = None;
        let mut back: Option<Option<Revision>> = None;
        for own in self.of(plugin) {
            match own.standing {
                Standing::Trial => {}
                _ if own.only_reports() => {}
                Standing::Settled | Standing::Old => newest = Some(own.revision()),
                Standing::Back(_) => {
                    let revision = own.revision();
                    back = Some(back.map_or(revision, |other| other.min(revision)));
                }
            }
        }
        let share = back.or(newest).map(Share::of).unwrap_or_default();
        if let Some(known) = self.plugins.iter_mut().find(|known| known.id == *plugin) {
            known.share.change(share, plugin, monitor);
        }
    }

    /// Returns what `plugin` serves now, if that is clear. If two plugins have the same name, the
    /// owner is unknown, and it is better to deny than to serve another plugin's keys.
    fn predecessor(&mut self, plugin: &PluginId) -> Option<Arc<Configuration>> {
        let mut serving = None;
        let mut waiting: Vec<Arc<Configuration>> = Vec::new();
        let mut is_shared = false;
        for own in self.of(plugin) {
            match own.turn {
                Turn::Serving => serving = Some(Arc::clone(&own.serves)),
                Turn::Waiting => waiting.push(Arc::clone(&own.serves)),
                Turn::Shared => is_shared = true,
                Turn::Replaced => {}
            }
        }
        // A waiting instance may be a newer one, or another plugin's.
        let is_clear = |serves: &Arc<Configuration>| {
            !is_shared && waiting.iter().all(|other| Arc::ptr_eq(other, serves))
        };
        serving.filter(is_clear)
    }

    /// Finds an instance. Searches the newest first, because nearly all requests are for it.
    fn find(&mut self, handle: &H) -> Option<&mut PluginInstance<H>> {
        self.all.iter_mut().rev().find(|own| own.handle.is(handle))
    }

    fn of<'a>(
        &'a mut self,
        plugin: &'a PluginId,
    ) -> impl Iterator<Item = &'a mut PluginInstance<H>> {
        self.all
            .iter_mut()
            .filter(move |own| own.handle.plugin() == plugin)
    }
}

fn close<H, M: Monitor>(own: &mut PluginInstance<H>, monitor: &mut M) {
    own.serves = Arc::new(Configuration::closed());
    if own.lag.close() {
        monitor.add(Gauge::WorkersBehind, None, -1);
    }
}

#[cfg(test)]
mod tests;
