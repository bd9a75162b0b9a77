//! Follows feeds, with one follower for each plugin of the process and feed, while a configuration
//! of the plugin follows that feed. Two listeners may have one plugin name by mistake, and streams
//! keep an old configuration: neither may be left on a snapshot that no longer changes. Every
//! configuration of the plugin that trusts the feed serves the result. All calls go through one
//! configuration: the newest of the plugin that Envoy has kept.
//!
//! Envoy may destroy a configuration on a worker, and would end its calls there while the main
//! thread handles their answers. So the calls of the old configuration are ended as soon as a new
//! one is created, which happens on the main thread and before Envoy releases the old one.

mod calls;
mod host;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyward::configuration::Configuration;
use keyward::feed::{Answer, Body};
use keyward::filter::following::Following;
use keyward::profile::Profile;
use keyward::snapshot::Snapshot;

use crate::abi::{Buffer, Caller, Config, Header};
use crate::fault::Fault;
use crate::metrics::Metrics;
use crate::registry;
use crate::serving::Serving;
use calls::Calls;
use host::Host;

static FOLLOWED: Mutex<Vec<Followed>> = Mutex::new(Vec::new());

/// The newest verified heads, by plugin and feed, while the process runs.
static KEPT: Mutex<BTreeMap<String, Box<[u8]>>> = Mutex::new(BTreeMap::new());

/// A feed that a plugin follows.
struct Followed {
    plugin: Box<str>,
    /// The configuration whose settings the follower has: the newest that follows the feed.
    settings: u64,
    serving: Arc<Serving>,
    /// The configuration through which it makes calls, or `None` until one does.
    by: Option<By>,
    following: Following,
}

/// A configuration through which calls are made.
struct By {
    number: u64,
    caller: Caller,
    calls: Calls,
}

/// What a hook on Envoy's main thread knows about its configuration.
pub(crate) struct Own<'a> {
    pub(crate) number: u64,
    pub(crate) plugin: &'a str,
    pub(crate) caller: &'a Caller,
    pub(crate) config: &'a Config<'a>,
    pub(crate) metrics: &'a Metrics,
    /// The number of Envoy's threads.
    pub(crate) threads: u64,
}

fn followed() -> MutexGuard<'static, Vec<Followed>> {
    // Valid after a panic as well, because every change under this lock is complete in itself.
    FOLLOWED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the plugin's followers that `is_meant` selects out of the list.
fn take(plugin: &str, is_meant: impl Fn(&Followed) -> bool) -> Vec<Followed> {
    let is_taken = |own: &mut Followed| *own.plugin == *plugin && is_meant(own);
    followed().extract_if(.., is_taken).collect()
}

/// Returns what a plugin serves first after a push: the snapshot of its feed, or its seed if the
/// settings allow that, or nothing.
pub(crate) fn first(plugin: &str, pushed: &Configuration) -> Configuration {
    let all = followed();
    let mut own = all.iter().filter(|followed| *followed.plugin == *plugin);
    let offered = own.find_map(|own| own.following.offered(pushed));
    let feed = pushed.settings().feed.as_ref();
    match offered {
        Some(snapshot) => pushed.with_snapshot(Some(snapshot.clone())),
        None if feed.is_some_and(|feed| feed.serve_seed) => pushed.clone(),
        None => pushed.with_snapshot(None),
    }
}

/// Ends the calls of the plugin's other configurations. A new one was created, so Envoy may release
/// the others from now on.
pub(crate) fn pause(plugin: &str) {
    let mut all = take(plugin, |_| true);
    all.iter_mut().for_each(Followed::end_calls);
    followed().extend(all);
}

/// Removes the plugin's followers.
pub(crate) fn give_up(plugin: &str) {
    take(plugin, |_| true)
        .iter_mut()
        .for_each(Followed::end_calls);
}

/// Removes a configuration together with its calls.
pub(crate) fn leave(number: u64, plugin: &str, is_last: bool) {
    for own in followed().iter_mut() {
        own.by.take_if(|by| by.number == number);
    }
    drop(take(plugin, |_| is_last));
}

/// Runs a turn of the plugin's followers. Returns in how many milliseconds they need the next, or
/// `None` if there are none, or if their calls go through another configuration.
pub(crate) fn turn(own: &Own<'_>) -> Option<u64> {
    if !registry::is_newest(own.plugin, own.number) {
        return None;
    }
    let sources = registry::following(own.plugin);
    let is_left = |taken: &Followed| !sources.iter().any(|(_, serving)| taken.is_of(serving));
    take(own.plugin, is_left)
        .iter_mut()
        .for_each(Followed::end_calls);
    let turns = sources
        .into_iter()
        .filter_map(|(settings, serving)| turn_of(own, settings, serving));
    turns.min()
}

/// Runs a turn of the follower of one feed, with the settings of that configuration.
fn turn_of(own: &Own<'_>, settings: u64, serving: Arc<Serving>) -> Option<u64> {
    let feed = serving.feed()?.clone();
    let taken = take(own.plugin, |taken| taken.is_of(&serving)).pop();
    let is_own = |taken: &Followed| {
        let is_by = taken.by.as_ref().is_some_and(|by| by.number == own.number);
        is_by && taken.settings == settings
    };
    let mut taken = match taken {
        Some(taken) if is_own(&taken) => taken,
        other => {
            let before = other.map(|mut other| {
                other.end_calls();
                other.following
            });
            let mut calls = Calls::default();
            let mut host = Host {
                own,
                serving: &serving,
                calls: &mut calls,
            };
            let following = Following::begin(before, feed, serving.seed(), &mut host);
            Followed {
                plugin: own.plugin.into(),
                settings,
                serving,
                by: Some(By {
                    number: own.number,
                    caller: own.caller.clone(),
                    calls,
                }),
                following,
            }
        }
    };
    let given_up = taken.give_up();
    let next = taken.act(own, |following, profile, host| {
        for token in given_up {
            following.answered(token, None, profile, host);
        }
        Some(following.tick(profile, host))
    });
    followed().push(taken);
    next
}

impl Followed {
    /// Returns whether it follows the feed of that configuration.
    fn is_of(&self, serving: &Serving) -> bool {
        let name = &self.following.feed().name;
        serving.feed().is_some_and(|feed| feed.name == *name)
    }

    /// Ends all calls, and forgets their purpose. Hooks for these calls then find nothing.
    fn end_calls(&mut self) {
        if let Some(By { caller, calls, .. }) = self.by.take() {
            for call in calls.open() {
                caller.end(call);
            }
        }
    }

    /// Ends the calls that nothing needs any more, and returns the follower's numbers for them.
    fn give_up(&mut self) -> Vec<u32> {
        let Some(By { caller, calls, .. }) = &mut self.by else {
            return Vec::new();
        };
        let given_up = calls.given_up().into_iter();
        given_up
            .filter_map(|call| {
                caller.end(call);
                calls.end(call).map(|ended| ended.token)
            })
            .collect()
    }

    fn act(
        &mut self,
        own: &Own<'_>,
        act: impl FnOnce(&mut Following, &Profile, &mut Host<'_, '_>) -> Option<u64>,
    ) -> Option<u64> {
        let by = self.by.as_mut()?;
        let mut host = Host {
            own,
            serving: &self.serving,
            calls: &mut by.calls,
        };
        act(
            &mut self.following,
            self.serving.as_pushed().profile(),
            &mut host,
        )
    }
}

impl By {
    /// Returns whether it made that call of that configuration.
    fn made(&self, number: u64, call: u64) -> bool {
        self.number == number && self.calls.has(call)
    }
}

fn with_calls<R>(number: u64, call: u64, with: impl FnOnce(&mut Calls) -> R) -> Option<R> {
    let mut all = followed();
    let mut by = all.iter_mut().filter_map(|own| own.by.as_mut());
    let by = by.find(|by| by.made(number, call))?;
    Some(with(&mut by.calls))
}

/// Takes the headers of an answer.
pub(crate) fn on_headers(number: u64, call: u64, headers: Result<&[Header<'_>], Fault>) {
    with_calls(number, call, |calls| calls.take_headers(call, headers));
}

/// Takes more of an answer's body. Returns true if the call must end in the next turn.
pub(crate) fn on_data(number: u64, call: u64, chunks: Result<&[Buffer<'_>], Fault>) -> bool {
    with_calls(number, call, |calls| calls.take_data(call, chunks)).unwrap_or(false)
}

/// Handles a complete answer or a failed call. Returns in how many milliseconds the follower needs
/// its next turn.
pub(crate) fn on_end(own: &Own<'_>, call: u64, is_whole: bool) -> Option<u64> {
    let mut taken = {
        let mut all = followed();
        let made = |by: &By| by.made(own.number, call);
        let is_it = |taken: &Followed| taken.by.as_ref().is_some_and(made);
        let place = all.iter().position(is_it)?;
        all.swap_remove(place)
    };
    let ended = taken.by.as_mut().and_then(|by| by.calls.end(call));
    let next = ended.and_then(|ended| {
        taken.act(own, |following, profile, host| {
            let mut body = &*ended.body;
            let answer = ended.answer.filter(|_| is_whole);
            let answer = answer
                .as_ref()
                .map(|answer| -> (&Answer, &mut dyn Body) { (answer, &mut body) });
            following.answered(ended.token, answer, profile, host)
        })
    });
    followed().push(taken);
    next
}

fn kept() -> MutexGuard<'static, BTreeMap<String, Box<[u8]>>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reports to Envoy and to watchers what is served from now on.
fn announce(own: &Own<'_>, serving: &Serving, snapshot: &Snapshot) {
    let max_age = serving.as_pushed().settings().max_snapshot_age;
    own.metrics.announce(own.config, Some(snapshot), max_age);
    if registry::is_rollback(own.plugin, snapshot.revision()) {
        own.metrics.count_rollback(own.config);
    }
    let census = registry::census(own.plugin, own.threads);
    own.metrics.tell(own.config, own.plugin, &census);
}
