//! What a follower needs from Envoy and from this process.

use std::hash::{BuildHasher, Hasher, RandomState};

use keyward::configuration::{Configuration, LARGEST};
use keyward::feed::Surroundings;
use keyward::filter::counter::Counter;
use keyward::filter::following::FeedHost;
use keyward::filter::host::LogLevel;
use keyward::filter::load;
use keyward::snapshot::Snapshot;

use super::calls::Calls;
use super::{Own, announce, kept};
use crate::abi::{ERROR, INFO, log};
use crate::clock;
use crate::node;
use crate::registry;
use crate::serving::Serving;

/// The surroundings during one hook.
pub(super) struct Host<'a, 'b> {
    pub(super) own: &'a Own<'a>,
    /// The configuration whose settings the follower has.
    pub(super) serving: &'a Serving,
    pub(super) calls: &'b mut Calls,
}

impl Surroundings for Host<'_, '_> {
    fn now(&mut self) -> u64 {
        clock::milliseconds().unwrap_or(0)
    }

    fn random(&mut self) -> u32 {
        let bits = RandomState::new().build_hasher().finish();
        u32::try_from(bits >> 32).unwrap_or(0)
    }

    /// Returns whether a load fits into memory. A process has no limit unless one was set, so a
    /// load begins only if all its memory is available.
    fn has_room(&mut self, bytes: usize) -> bool {
        let needed = load::needed_for_packed(bytes);
        bytes <= LARGEST && Vec::<u8>::new().try_reserve_exact(needed).is_ok()
    }
}

impl FeedHost for Host<'_, '_> {
    fn call(&mut self, cluster: &str, headers: &[(String, String)], timeout: u64) -> Option<u32> {
        let call = self.own.caller.start(cluster, headers, timeout)?;
        Some(self.calls.begin(call))
    }

    fn serve(&mut self, snapshot: &Snapshot, follows: &dyn Fn(&Configuration) -> bool) {
        registry::serve(self.own.plugin, snapshot, follows);
        announce(self.own, self.serving, snapshot);
    }

    fn keep(&mut self, feed: &str, head: &[u8], is_newer: &dyn Fn(&[u8]) -> bool) {
        let (name, mut kept) = (self.name(feed), kept());
        if !kept.get(&name).is_some_and(|kept| is_newer(kept)) {
            kept.insert(name, head.into());
        }
    }

    fn kept(&mut self, feed: &str) -> Option<Box<[u8]>> {
        kept().get(&self.name(feed)).cloned()
    }

    fn count(&mut self, counter: Counter, by: u64) {
        self.own.metrics.count(self.own.config, counter, by);
    }

    fn log(&mut self, level: LogLevel, line: &str) {
        let level = match level {
            LogLevel::Info => INFO,
            LogLevel::Error => ERROR,
        };
        log(level, line);
    }

    fn node(&mut self) -> String {
        node::name().to_owned()
    }
}

impl Host<'_, '_> {
    fn name(&self, feed: &str) -> String {
        format!("{}/{feed}", self.own.plugin)
    }
}
