//! All filter configurations of this process, and the one thread that has each of them called on Envoy's main thread:
//! every second, and soon after a request. Envoy has no timer for a filter.
//!
//! The thread is there while a configuration is, and joined when the last one goes: it never runs in a module that is
//! unloaded. It drops configurations as well: Envoy may destroy one on a worker, and freeing a million keys is not for a
//! worker to wait for.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use keyward::configuration::Configuration;
use keyward::snapshot::Revision;

use crate::abi::Scheduler;
use crate::boundary::caught;
use crate::census::{Census, Member, Members};

/// Between two rounds in which nothing happens.
const PERIOD: Duration = Duration::from_secs(1);

/// From the first request after a round to the next one: counts until then are reported together.
const SOON: Duration = Duration::from_millis(100);

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

static REGISTRY: Mutex<Option<Registry>> = Mutex::new(None);

#[derive(Default)]
struct Registry {
    members: Members,
    schedulers: Vec<(u64, Arc<Scheduler>)>,
    made: u64,
    /// The revision that each plugin served last.
    served: HashMap<Box<str>, Revision>,
    timer: Option<Timer>,
}

struct Timer {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    work: Mutex<Work>,
    is_there: Condvar,
}

#[derive(Default)]
struct Work {
    ends: bool,
    /// A request was counted.
    is_asked: bool,
    dropped: Vec<Arc<Configuration>>,
}

fn registry() -> MutexGuard<'static, Option<Registry>> {
    // What is changed while it is held is changed in whole steps.
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

fn work(shared: &Shared) -> MutexGuard<'_, Work> {
    shared.work.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A configuration's place among all. It leaves when it is dropped.
pub(crate) struct Place {
    number: u64,
    shared: Arc<Shared>,
}

/// Enters a configuration. `None` where the process has no thread for it.
pub(crate) fn enter(
    plugin: &str,
    configuration: &Configuration,
    scheduler: Scheduler,
) -> Option<Place> {
    let scheduler = Arc::new(scheduler);
    let mut guard = registry();
    let registry = guard.get_or_insert_default();
    let timer = match registry.timer.take() {
        Some(timer) => timer,
        None => start()?,
    };
    let shared = Arc::clone(&timer.shared);
    registry.timer = Some(timer);
    registry.made += 1;
    let number = registry.made;
    registry.members.enter(Member {
        number,
        plugin: plugin.into(),
        revision: configuration
            .snapshot()
            .map(keyward::snapshot::Snapshot::revision),
        only_reports: configuration.settings().role == keyward::configuration::Role::UsageReport,
        is_settled: false,
        seen: START.elapsed(),
    });
    registry.schedulers.push((number, Arc::clone(&scheduler)));
    drop(guard);
    // Its first round, once Envoy is through with what it does with it now.
    scheduler.commit();
    Some(Place { number, shared })
}

/// Reports that a plugin's push was rejected. Its remaining configurations report it.
pub(crate) fn refuse(plugin: &str, revision: Option<u64>) {
    let mut guard = registry();
    let registry = guard.get_or_insert_default();
    registry.members.refuse(plugin, revision);
    drop(guard);
    call_all();
}

/// Has every configuration called. A commit holds the configuration for a moment. Where Envoy gives
/// it up in that moment, the commit is its last owner and calls `config_destroy` on this very
/// thread, which asks for the registry. So nothing here is held during a commit.
fn call_all() {
    let schedulers: Vec<Arc<Scheduler>> = match &*registry() {
        Some(registry) => {
            let schedulers = registry.schedulers.iter();
            schedulers.map(|(_, it)| Arc::clone(it)).collect()
        }
        None => Vec::new(),
    };
    for scheduler in schedulers {
        scheduler.commit();
    }
}

/// What a round came to.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) is_first: bool,
    pub(crate) census: Census,
}

impl Place {
    /// One round: see [`Members::round`].
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

    /// Has all configurations called soon.
    pub(crate) fn ask(&self) {
        work(&self.shared).is_asked = true;
        self.shared.is_there.notify_one();
    }

    /// Has this configuration called at once.
    pub(crate) fn call(&self) {
        let own = match &*registry() {
            Some(registry) => {
                let mut schedulers = registry.schedulers.iter();
                let own = schedulers.find(|(number, _)| *number == self.number);
                own.map(|(_, scheduler)| Arc::clone(scheduler))
            }
            None => None,
        };
        if let Some(scheduler) = own {
            scheduler.commit();
        }
    }

    /// Leaves, and has `configuration` freed by the thread, or here if the thread has ended.
    pub(crate) fn leave(self, plugin: &str, configuration: Arc<Configuration>) {
        let mut guard = registry();
        let Some(registry) = &mut *guard else { return };
        registry.members.leave(self.number);
        if !registry.members.has(plugin) {
            registry.served.remove(plugin);
        }
        registry
            .schedulers
            .retain(|(number, _)| *number != self.number);
        let is_last = registry.members.is_empty();
        let timer = registry.timer.take_if(|_| is_last);
        if let Some(timer) = registry.timer.as_ref() {
            work(&timer.shared).dropped.push(configuration);
            timer.shared.is_there.notify_one();
        }
        drop(guard);
        if let Some(timer) = timer {
            work(&timer.shared).ends = true;
            timer.shared.is_there.notify_one();
            // It holds no lock that this thread has. Where it is this thread, it ends by itself.
            if timer.thread.thread().id() != std::thread::current().id() {
                let _ = timer.thread.join();
            }
        } else {
            // That an old one is gone is news for the others.
            call_all();
        }
    }
}

/// Whether a snapshot of a lower revision follows a higher one of the same plugin.
pub(crate) fn is_rollback(plugin: &str, revision: Revision) -> bool {
    let mut registry = registry();
    let served = &mut registry.get_or_insert_default().served;
    let before = served.insert(plugin.into(), revision);
    before.is_some_and(|before| revision < before)
}

fn start() -> Option<Timer> {
    let shared = Arc::new(Shared::default());
    let own = Arc::clone(&shared);
    let thread = std::thread::Builder::new()
        .name("keyward".to_owned())
        .spawn(move || while round(&own) {})
        .ok()?;
    Some(Timer { shared, thread })
}

/// Waits for a period or for work, and does it. False at the end.
fn round(shared: &Shared) -> bool {
    let is_idle = |work: &mut Work| !work.ends && !work.is_asked && work.dropped.is_empty();
    let guard = wait(shared, work(shared), PERIOD, is_idle);
    // Counts that come soon after are reported in the same round.
    let mut guard = match guard.is_asked {
        true => wait(shared, guard, SOON, |work| !work.ends),
        false => guard,
    };
    let dropped = std::mem::take(&mut guard.dropped);
    guard.is_asked = false;
    let ends = guard.ends;
    drop(guard);
    caught(|| drop(dropped));
    if !ends {
        caught(call_all);
    }
    !ends
}

fn wait<'a>(
    shared: &'a Shared,
    guard: MutexGuard<'a, Work>,
    most: Duration,
    is_waited: impl FnMut(&mut Work) -> bool,
) -> MutexGuard<'a, Work> {
    let waited = shared.is_there.wait_timeout_while(guard, most, is_waited);
    waited.unwrap_or_else(PoisonError::into_inner).0
}
