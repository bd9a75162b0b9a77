//! Follows feeds in a VM. Each VM follows them separately, by its timer and the answers to its
//! calls. What is loaded stays in the VM from push to push.

use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use super::abi;
use super::instance::Instance;
use super::memory;
use super::metrics::Metrics;
use super::shared_data::SharedData;
use super::timer;
use crate::configuration::Configuration;
use crate::feed::{Answer, Body, Surroundings};
use crate::filter::counter::Counter;
use crate::filter::followers::{Followed, Followers, Prepared};
use crate::filter::following::{FeedHost, Following};
use crate::filter::host::LogLevel;
use crate::filter::load;
use crate::filter::monitor::Monitor;
use crate::filter::plugin_id::PluginId;
use crate::filter::plugin_instances::Handle;
use crate::header_map;
use crate::snapshot::Snapshot;
use crate::usage;

thread_local! {
    static FOLLOWERS: RefCell<Followers> = const { RefCell::new(Followers::new()) };
}

/// Returns what the plugin's next instance serves first: see [`Followers::prepare`].
pub(super) fn prepare(plugin: &PluginId, configuration: Configuration) -> Prepared {
    FOLLOWERS.with_borrow_mut(|all| all.prepare(plugin, configuration, &mut Host { plugin }))
}

/// Follows the feed through `by` from now on.
pub(super) fn follow(by: &Instance, configuration: &Configuration, following: Following) {
    FOLLOWERS.with_borrow_mut(|all| all.follow(by.plugin(), by.id(), configuration, following));
}

/// Makes a lagging instance continue to follow what it serves.
pub(super) fn take_over(by: &Instance) {
    if let Some(serves) = by.configuration() {
        FOLLOWERS.with_borrow_mut(|all| all.take_over(by.plugin(), by.id(), &serves));
    }
}

/// Ends the calls of an instance that has ended.
pub(super) fn end(instance: &Instance) {
    FOLLOWERS.with_borrow_mut(|all| all.leave(instance.id()));
    sweep();
}

/// Ends the followers that no instance needs any more.
pub(super) fn sweep() {
    FOLLOWERS.with_borrow_mut(|all| all.retain(Instance::is_followed));
}

/// Returns in how many milliseconds the instance needs the next tick, or `None` if another one
/// follows its feed, or if it follows nothing.
pub(super) fn tick(instance: &Instance) -> Option<u64> {
    if let Some(serves) = instance.configuration() {
        let plugin = instance.plugin();
        FOLLOWERS.with_borrow_mut(|all| {
            let seed = instance.seed();
            all.take_up(plugin, instance.id(), &serves, seed, &mut Host { plugin });
        });
    }
    act(instance, |followed, host| Some(followed.tick(host)))
}

/// Handles the answer to a call.
pub(super) fn answered(
    instance: &Instance,
    token: u32,
    headers: usize,
    body: usize,
) -> Option<u64> {
    act(instance, |followed, host| {
        let map = if headers > 0 {
            abi::call_headers().ok()
        } else {
            None
        };
        let pairs = map.as_deref().and_then(header_map::pairs);
        let answer = pairs.as_deref().and_then(Answer::read);
        let mut body = CallBody(body);
        let answer = answer
            .as_ref()
            .map(|answer| -> (&Answer, &mut dyn Body) { (answer, &mut body) });
        followed.answered(token, answer, host)
    })
}

/// Runs `act` on the follower. The follower is removed from the list meanwhile, so that `act` may
/// read the list.
fn act(
    instance: &Instance,
    act: impl FnOnce(&mut Followed, &mut Host<'_>) -> Option<u64>,
) -> Option<u64> {
    let mut followed = FOLLOWERS.with_borrow_mut(|all| all.take(instance.id()))?;
    let plugin = instance.plugin();
    let next = act(&mut followed, &mut Host { plugin });
    FOLLOWERS.with_borrow_mut(|all| all.put(followed));
    if let Some(next) = next {
        timer::set_fastest(next);
    }
    next
}

/// The body of the answer that Envoy's current call is about.
struct CallBody(usize);

impl Body for CallBody {
    fn size(&self) -> usize {
        self.0
    }

    fn read(&mut self, start: usize, length: usize) -> Option<Box<[u8]>> {
        if length == 0 {
            return Some(Box::default());
        }
        let range = abi::call_body(start, length).ok()?;
        (range.len() == length).then_some(range)
    }
}

struct Host<'a> {
    plugin: &'a PluginId,
}

impl Surroundings for Host<'_> {
    fn now(&mut self) -> u64 {
        abi::now_milliseconds().unwrap_or(0)
    }

    fn random(&mut self) -> u32 {
        let bits = RandomState::new().build_hasher().finish();
        u32::try_from(bits >> 32).unwrap_or(0)
    }

    fn has_room(&mut self, bytes: usize) -> bool {
        memory::has_room(load::needed_for_packed(bytes))
    }
}

impl FeedHost for Host<'_> {
    fn call(&mut self, cluster: &str, headers: &[(String, String)], timeout: u64) -> Option<u32> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let timeout = Duration::from_millis(timeout);
        proxy_wasm::hostcalls::dispatch_http_call(
            cluster,
            headers.collect(),
            None,
            Vec::new(),
            timeout,
        )
        .ok()
    }

    fn serve(&mut self, snapshot: &Snapshot, follows: &dyn Fn(&Configuration) -> bool) {
        Instance::serve(self.plugin, snapshot, follows);
    }

    fn keep(&mut self, feed: &str, head: &[u8], is_newer: &dyn Fn(&[u8]) -> bool) {
        usage::update(&mut SharedData, &self.name(feed), |kept| {
            (!kept.is_some_and(is_newer)).then(|| head.to_vec())
        });
    }

    fn kept(&mut self, feed: &str) -> Option<Box<[u8]>> {
        let (head, _) = abi::shared_data(&self.name(feed)).ok().flatten()?;
        Some(head)
    }

    fn count(&mut self, counter: Counter, by: u64) {
        Metrics.count(counter, u32::try_from(by).unwrap_or(u32::MAX));
    }

    fn log(&mut self, level: LogLevel, line: &str) {
        abi::log(level, line);
    }

    fn node(&mut self) -> String {
        let names = ["node\0id", "xds\0node\0id"];
        let node = names
            .iter()
            .find_map(|name| abi::property(name).ok().flatten());
        let node = node.unwrap_or_default();
        String::from_utf8_lossy(&node).into_owned()
    }
}

impl Host<'_> {
    fn name(&self, feed: &str) -> String {
        format!("keyward.feed/{}/{feed}", self.plugin.label())
    }
}
