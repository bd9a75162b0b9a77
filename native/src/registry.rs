//! All filter configurations of this process, and the thread that calls them. The thread exists
//! while there is a configuration, and is joined when the last one goes away, so it never runs in a
//! module that was unloaded.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use keyward::configuration::{Configuration, Role};
use keyward::snapshot::{Revision, Snapshot};

use crate::abi::Scheduler;
use crate::census::{Census, Member, Members};
use crate::serving::Serving;
use crate::timer::{ROUND, Tasks, Timer};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

static REGISTRY: Mutex<Option<Registry>> = Mutex::new(None);

#[derive(Default)]
struct Registry {
    members: Members,
    entries: Vec<Entry>,
    made: u64,
    /// The revision that each plugin last served.
    served: HashMap<Box<str>, Revision>,
    timer: Option<Timer>,
}

/// A configuration, as others can reach it.
struct Entry {
    number: u64,
    plugin: Box<str>,
    scheduler: Arc<Scheduler>,
    serving: Arc<Serving>,
}

fn registry() -> MutexGuard<'static, Option<Registry>> {
    // Valid after a panic as well, because every change under this lock is complete in itself.
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A configuration's place in the registry.
pub(crate) struct Place {
    number: u64,
    scheduler: Arc<Scheduler>,
    tasks: Arc<Tasks>,
}

/// Adds a configuration. Returns `None` if the process has no thread for it.
pub(crate) fn enter(plugin: &str, serving: &Arc<Serving>, scheduler: Scheduler) -> Option<Place> {
    let scheduler = Arc::new(scheduler);
    let only_reports = serving.as_pushed().settings().role == Role::UsageReport;
    let mut guard = registry();
    let registry = guard.get_or_insert_default();
    let timer = match registry.timer.take() {
        Some(timer) => timer,
        None => Timer::start(call_all)?,
    };
    let tasks = Arc::clone(timer.tasks());
    registry.timer = Some(timer);
    registry.made += 1;
    let number = registry.made;
    registry.members.enter(Member {
        number,
        plugin: plugin.into(),
        revision: serving.now().snapshot().map(Snapshot::revision),
        only_reports,
        is_settled: false,
        seen: START.elapsed(),
    });
    registry.entries.push(Entry {
        number,
        plugin: plugin.into(),
        scheduler: Arc::clone(&scheduler),
        serving: Arc::clone(serving),
    });
    drop(guard);
    // Its first round, after Envoy has finished creating it.
    scheduler.commit(ROUND);
    Some(Place {
        number,
        scheduler,
        tasks,
    })
}

/// Records that a plugin's push was rejected. The plugin's remaining configurations report it.
pub(crate) fn refuse(plugin: &str, revision: Option<u64>) {
    let mut guard = registry();
    let registry = guard.get_or_insert_default();
    registry.members.refuse(plugin, revision);
    drop(guard);
    call_all();
}

/// Schedules a call of every configuration. A commit keeps the configuration alive for a moment. If
/// Envoy releases it in that moment, the commit is its last owner and calls `config_destroy` on
/// this same thread, which locks the registry. So no lock is held here during a commit.
fn call_all() {
    let schedulers: Vec<Arc<Scheduler>> = match &*registry() {
        Some(registry) => {
            let entries = registry.entries.iter();
            entries.map(|entry| Arc::clone(&entry.scheduler)).collect()
        }
        None => Vec::new(),
    };
    for scheduler in schedulers {
        scheduler.commit(ROUND);
    }
}

/// The result of a round.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) is_first: bool,
    pub(crate) census: Census,
}

impl Place {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Runs a round: see [`Members::round`].
    pub(crate) fn round(&self, plugin: &str, has_served: bool, threads: u64) -> Round {
        let mut registry = registry();
        let registry = registry.get_or_insert_default();
        let now = START.elapsed();
        let is_first = registry.members.round(self.number, has_served, now);
        Round {
            is_first,
            census: registry.members.census(plugin, threads, now),
        }
    }

    /// Schedules a call of all configurations soon.
    pub(crate) fn ask(&self) {
        self.tasks.ask();
    }

    /// Schedules a call of this configuration now.
    pub(crate) fn call(&self) {
        self.scheduler.commit(ROUND);
    }

    /// Schedules a call of this configuration's followers in this many milliseconds.
    pub(crate) fn wake(&self, milliseconds: u64) {
        let scheduler = Arc::clone(&self.scheduler);
        self.tasks.wake(self.number, scheduler, milliseconds);
    }

    /// Leaves the registry. The thread frees `parts`, or if the thread has ended, this does. Calls
    /// `left` before the other configurations are informed, with whether this was the plugin's last
    /// one.
    pub(crate) fn leave(
        self,
        plugin: &str,
        parts: Vec<Arc<Configuration>>,
        left: impl FnOnce(bool),
    ) {
        let mut guard = registry();
        let Some(registry) = &mut *guard else { return };
        registry.members.leave(self.number);
        let is_last_of_plugin = !registry.members.has(plugin);
        if is_last_of_plugin {
            registry.served.remove(plugin);
        }
        registry.entries.retain(|entry| entry.number != self.number);
        let is_last = registry.members.is_empty();
        let timer = registry.timer.take_if(|_| is_last);
        drop(guard);
        self.tasks.forget(self.number);
        left(is_last_of_plugin);
        self.tasks.discard(parts);
        match timer {
            Some(timer) => timer.end(),
            // The others report that an old configuration is gone.
            None => call_all(),
        }
    }
}

/// Serves a snapshot of the plugin's feed in every configuration for which `follows` returns true.
pub(crate) fn serve(plugin: &str, snapshot: &Snapshot, follows: &dyn Fn(&Configuration) -> bool) {
    let mut guard = registry();
    let Some(registry) = &mut *guard else { return };
    let mut dropped = Vec::new();
    for entry in &registry.entries {
        if *entry.plugin == *plugin && follows(entry.serving.as_pushed()) {
            dropped.extend(entry.serving.serve(snapshot));
            let revision = snapshot.revision();
            registry.members.serve(entry.number, revision);
        }
    }
    if let Some(timer) = &registry.timer {
        timer.tasks().discard(dropped);
    }
}

/// Returns what the configurations of a plugin follow: for each feed, the newest configuration that
/// Envoy has kept, with its number.
pub(crate) fn following(plugin: &str) -> Vec<(u64, Arc<Serving>)> {
    let guard = registry();
    let Some(registry) = &*guard else {
        return Vec::new();
    };
    let mut found: Vec<(u64, Arc<Serving>)> = Vec::new();
    for entry in registry.entries.iter().rev() {
        let Some(feed) = entry.serving.feed() else {
            continue;
        };
        let is_known = |(_, known): &(u64, Arc<Serving>)| {
            known.feed().is_some_and(|known| known.name == feed.name)
        };
        if *entry.plugin == *plugin
            && registry.members.is_kept(entry.number)
            && !found.iter().any(is_known)
        {
            found.push((entry.number, Arc::clone(&entry.serving)));
        }
    }
    found
}

/// Returns whether it is the newest of its plugin that Envoy has kept.
pub(crate) fn is_newest(plugin: &str, number: u64) -> bool {
    registry()
        .as_ref()
        .is_some_and(|registry| registry.members.is_newest(plugin, number))
}

/// Returns what is known about a plugin in an Envoy with this many threads.
pub(crate) fn census(plugin: &str, threads: u64) -> Census {
    let registry = registry();
    let members = registry.as_ref().map(|registry| &registry.members);
    members.map_or_else(Census::default, |members| {
        members.census(plugin, threads, START.elapsed())
    })
}

/// Returns whether a snapshot with a lower revision follows a higher one of the same plugin.
pub(crate) fn is_rollback(plugin: &str, revision: Revision) -> bool {
    let mut registry = registry();
    let served = &mut registry.get_or_insert_default().served;
    let before = served.insert(plugin.into(), revision);
    before.is_some_and(|before| revision < before)
}
