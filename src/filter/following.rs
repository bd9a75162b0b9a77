//! Follows a feed for a plugin: carries out what a follower asks for, on any host.

use super::counter::Counter;
use super::host::LogLevel;
use crate::configuration::{Configuration, Feed};
use crate::feed::{Answer, Body, CallId, Follower, Output, Surroundings};
use crate::profile::Profile;
use crate::snapshot::{Revision, Snapshot};

/// What a host does for a follower.
pub trait FeedHost: Surroundings {
    /// Makes a call to a cluster. Returns the number that identifies its answer, or `None` if it
    /// cannot be made.
    fn call(&mut self, cluster: &str, headers: &[(String, String)], timeout: u64) -> Option<u32>;

    /// Serves a snapshot from now on, in each configuration that `follows` selects.
    fn serve(&mut self, snapshot: &Snapshot, follows: &dyn Fn(&Configuration) -> bool);

    /// Keeps the newest verified head of a feed where a new VM of this plugin finds it, unless
    /// `is_newer` returns true for the head that is there.
    fn keep(&mut self, feed: &str, head: &[u8], is_newer: &dyn Fn(&[u8]) -> bool);

    /// Returns the head that was kept, whichever program wrote it.
    fn kept(&mut self, feed: &str) -> Option<Box<[u8]>>;

    /// Adds to a counter.
    fn count(&mut self, counter: Counter, by: u64);

    /// Writes a log line.
    fn log(&mut self, level: LogLevel, line: &str);

    /// Returns Envoy's name for itself, which the operator chose.
    fn node(&mut self) -> String;
}

/// A follower, with its open calls.
pub struct Following {
    follower: Follower,
    calls: Vec<(u32, CallId)>,
    /// Distinguishes this follower from others on the same node.
    vm: u32,
}

/// The maximum length of a node's name in requests.
const LONGEST_NODE: usize = 128;

impl Following {
    /// Begins to follow a feed. `before` is what the plugin has followed until now.
    pub fn begin<H: FeedHost>(
        before: Option<Self>,
        feed: Feed,
        seed: Option<Revision>,
        host: &mut H,
    ) -> Self {
        if let Some(before) = before {
            return Self {
                follower: before.follower.reconfigured(feed, seed),
                calls: Vec::new(),
                vm: before.vm,
            };
        }
        let kept = host.kept(&feed.name);
        let (name, keys) = (feed.name.clone(), feed.public_keys.clone());
        let mut follower = Follower::new(feed, seed);
        if let Some(kept) = kept {
            // Anyone may have written it, so it counts only if its signature is valid.
            let _ = follower.floor().restore(&kept, &keys, &name);
        }
        Self {
            follower,
            calls: Vec::new(),
            vm: host.random(),
        }
    }

    /// Returns the feed.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        self.follower.feed()
    }

    /// Returns the snapshot that the last verified head led to.
    #[must_use]
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.follower.snapshot()
    }

    /// Returns this snapshot if a configuration may serve it from its push on: the configuration
    /// follows the feed, trusts the signer, and names no higher revision.
    #[must_use]
    pub fn offered(&self, to: &Configuration) -> Option<&Snapshot> {
        let seed = to.snapshot().map(Snapshot::revision);
        self.snapshot().filter(|snapshot| {
            follows(to, &self.follower, snapshot)
                && seed.is_none_or(|seed| snapshot.revision() >= seed)
        })
    }

    /// Handles the passing of time. Returns in how many milliseconds the next tick is needed.
    pub fn tick<H: FeedHost>(&mut self, profile: &Profile, host: &mut H) -> u64 {
        let outputs = self.follower.tick(profile, host);
        self.carry_out(outputs, host);
        self.follower.next_tick(host.now())
    }

    /// Handles the answer to a call, or `None` if the call failed. Returns in how many milliseconds
    /// the next tick is needed, or `None` if the call is not this follower's.
    pub fn answered<H: FeedHost>(
        &mut self,
        token: u32,
        answer: Option<(&Answer, &mut dyn Body)>,
        profile: &Profile,
        host: &mut H,
    ) -> Option<u64> {
        let place = self.calls.iter().position(|(of, _)| *of == token)?;
        let (_, id) = self.calls.swap_remove(place);
        if let Some((_, body)) = &answer {
            host.count(Counter::FeedBytes, wide(body.size()));
        }
        let outputs = self.follower.answered(id, answer, profile, host);
        self.carry_out(outputs, host);
        Some(self.follower.next_tick(host.now()))
    }

    fn carry_out<H: FeedHost>(&mut self, outputs: Vec<Output>, host: &mut H) {
        let name = self.feed().name.clone();
        for output in outputs {
            match output {
                Output::Call(call) => {
                    let agent = self.agent(host);
                    let feed = self.follower.feed();
                    let headers = call.wanted.headers(&feed.authority, &feed.path, &agent);
                    match host.call(&feed.cluster, &headers, call.timeout) {
                        Some(token) => self.calls.push((token, call.id)),
                        None => {
                            // This makes no call, because calls wait for a tick.
                            let outputs = self.follower.failed(call.id, host);
                            self.carry_out(outputs, host);
                        }
                    }
                }
                Output::Serve(snapshot) => {
                    let follower = &self.follower;
                    host.serve(&snapshot, &|configuration| {
                        follows(configuration, follower, &snapshot)
                    });
                }
                Output::Keep(head) => {
                    // Another VM may have been shown a newer one.
                    let keys = self.feed().public_keys.clone();
                    let floor = self.follower.floor();
                    let is_newer = |kept: &[u8]| floor.is_below(kept, &keys, &name);
                    host.keep(&name, &head, &is_newer);
                }
                Output::Trouble(trouble, why) => {
                    let goes_on = match self.follower.snapshot() {
                        Some(_) => "the last good snapshot goes on until it is too old",
                        None => "everything is denied that no verified head allows",
                    };
                    let line = format!("keyward: feed `{name}`: {why}; {goes_on}");
                    host.log(LogLevel::Error, &line);
                    host.count(Counter::FeedTroubles(trouble), 1);
                }
                Output::Again(trouble) => host.count(Counter::FeedTroubles(trouble), 1),
                Output::Recovered => {
                    let line = format!("keyward: feed `{name}`: it is followed again");
                    host.log(LogLevel::Info, &line);
                }
                Output::Loaded { is_base, took } => {
                    if is_base {
                        host.count(Counter::FeedBases, 1);
                    }
                    host.count(Counter::FeedLoads, 1);
                    host.count(Counter::FeedLoadTime, took);
                }
            }
        }
    }

    /// Returns the user agent, which identifies the follower in a source's log. It is not verified.
    fn agent<H: FeedHost>(&self, host: &mut H) -> String {
        let plain =
            |char: &char| char.is_ascii_graphic() && !matches!(char, '(' | ')' | ';' | '\\');
        let node: String = host
            .node()
            .chars()
            .filter(plain)
            .take(LONGEST_NODE)
            .collect();
        let revision = self.follower.snapshot();
        let revision = revision.map_or(0, |snapshot| snapshot.revision().number());
        format!(
            "keyward/{} (gw={node}; vm={:08x}; rev={revision}; state={})",
            env!("CARGO_PKG_VERSION"),
            self.vm,
            self.follower.word()
        )
    }
}

fn wide(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// Whether a configuration serves what the follower was led to.
fn follows(configuration: &Configuration, follower: &Follower, snapshot: &Snapshot) -> bool {
    let feed = configuration.settings().feed.as_ref();
    feed.is_some_and(|feed| {
        let trusts = |key| feed.public_keys.contains(key);
        feed.name == follower.feed().name
            && follower.signer().is_some_and(trusts)
            && feed
                .min_revision
                .is_none_or(|least| snapshot.revision() >= least)
    })
}

#[cfg(test)]
pub(super) mod tests;
