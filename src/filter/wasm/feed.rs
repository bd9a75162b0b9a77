//! Follows feeds in a VM. Each VM follows them separately, by its timer and the answers to its
//! calls. What is loaded stays in the VM from push to push.

use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use super::abi;
use super::instance::Instance;
use super::memory;
use super::metrics::Metrics;
use super::timer;
use crate::configuration::Configuration;
use crate::feed::{Answer, Body, Surroundings};
use crate::filter::counter::Counter;
use crate::filter::following::{FeedHost, Following};
use crate::filter::host::LogLevel;
use crate::filter::load;
use crate::filter::monitor::Monitor;
use crate::filter::plugin_id::PluginId;
use crate::filter::plugin_instances::Handle;
use crate::header_map;
use crate::snapshot::Snapshot;

thread_local! {
    static FOLLOWED: RefCell<Vec<Followed>> = const { RefCell::new(Vec::new()) };
}

/// A plugin that follows a feed.
struct Followed {
    plugin: PluginId,
    /// The instance whose timer and calls the follower uses: the newest. `None` if that has ended
    /// and no other has replaced it yet.
    by: Option<Instance>,
    /// The configuration whose profile is used to read snapshots.
    configuration: Configuration,
    following: Following,
}

impl Followed {
    fn is_by(&self, instance: &Instance) -> bool {
        self.by.as_ref().is_some_and(|by| by.is(instance))
    }
}

/// Returns the configuration to serve first: with the snapshot that the feed led to before this
/// push, or with its seed, or without a snapshot. If a plugin follows no feed, its configuration is
/// unchanged.
pub(super) fn prepare(
    plugin: &PluginId,
    configuration: Configuration,
) -> (Configuration, Option<Following>) {
    let before = take(plugin);
    let Some(feed) = configuration.settings().feed.clone() else {
        return (configuration, None);
    };
    let seed = configuration.snapshot().map(Snapshot::revision);
    let serves_seed = feed.serve_seed;
    let mut host = Host { plugin };
    let following = Following::begin(before, feed, seed, &mut host);
    let configuration = match following.snapshot() {
        Some(loaded) => configuration.with_snapshot(Some(loaded.clone())),
        None if serves_seed => configuration,
        None => configuration.with_snapshot(None),
    };
    (configuration, Some(following))
}

fn take(plugin: &PluginId) -> Option<Following> {
    FOLLOWED.with_borrow_mut(|all| {
        let place = all.iter().position(|followed| followed.plugin == *plugin)?;
        Some(all.swap_remove(place).following)
    })
}

/// Follows the feed through `by` from now on.
pub(super) fn follow(by: &Instance, configuration: Configuration, following: Following) {
    let plugin = by.plugin().clone();
    FOLLOWED.with_borrow_mut(|all| {
        all.push(Followed {
            plugin,
            by: Some(by.clone()),
            configuration,
            following,
        });
    });
}

/// Makes a lagging instance continue to follow what the plugin followed before.
pub(super) fn take_over(by: &Instance) {
    FOLLOWED.with_borrow_mut(|all| {
        for followed in all.iter_mut() {
            if followed.plugin == *by.plugin() {
                followed.by = Some(by.clone());
            }
        }
    });
}

/// Ends an instance. Its follower ends as well, unless there is another instance of its plugin: if
/// exactly the same bytes are pushed again, Envoy reuses an old instance without configuring it.
pub(super) fn end(instance: &Instance) {
    let is_last = instance.is_last();
    FOLLOWED.with_borrow_mut(|all| {
        all.retain_mut(|followed| {
            if !followed.is_by(instance) {
                return true;
            }
            followed.by = None;
            !is_last
        });
    });
}

/// Continues what an ended instance has followed, with the settings of this one.
fn take_up(instance: &Instance) {
    let Some(configuration) = instance.configuration() else {
        return;
    };
    let Some(feed) = configuration.settings().feed.clone() else {
        return;
    };
    let plugin = instance.plugin();
    let left = FOLLOWED.with_borrow_mut(|all| {
        let is_left = |followed: &Followed| followed.by.is_none() && followed.plugin == *plugin;
        let place = all.iter().position(is_left)?;
        Some(all.swap_remove(place).following)
    });
    if let Some(left) = left {
        let following = Following::begin(Some(left), feed, None, &mut Host { plugin });
        follow(instance, configuration.with_snapshot(None), following);
    }
}

/// Returns in how many milliseconds the instance needs the next tick, or `None` if it follows
/// nothing. A replaced instance follows nothing, even if its streams continue.
pub(super) fn tick(instance: &Instance) -> Option<u64> {
    take_up(instance);
    act(instance, |followed, host| {
        Some(
            followed
                .following
                .tick(followed.configuration.profile(), host),
        )
    })
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
        followed
            .following
            .answered(token, answer, followed.configuration.profile(), host)
    })
}

/// Runs `act` on the follower. The follower is removed from the list meanwhile, so that `act` may
/// read the list.
fn act(
    instance: &Instance,
    act: impl FnOnce(&mut Followed, &mut Host<'_>) -> Option<u64>,
) -> Option<u64> {
    let mut followed = FOLLOWED.with_borrow_mut(|all| {
        let place = all.iter().position(|followed| followed.is_by(instance))?;
        Some(all.swap_remove(place))
    })?;
    let plugin = followed.plugin.clone();
    let next = act(&mut followed, &mut Host { plugin: &plugin });
    FOLLOWED.with_borrow_mut(|all| all.push(followed));
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

    fn keep(&mut self, feed: &str, head: &[u8]) {
        let name = self.name(feed);
        let version = abi::shared_data(&name)
            .ok()
            .flatten()
            .map_or(0, |(_, version)| version);
        let _ = abi::set_shared_data(&name, head, version);
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
