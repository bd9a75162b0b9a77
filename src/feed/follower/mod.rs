//! Follows a feed: polls its head, verifies it, fetches what it names, and builds the next
//! snapshot. A follower does no I/O and reads no clock: it receives answers and the time, and
//! returns calls and snapshots.
//!
//! After a failure, it makes no call before the next tick that is due, and never in response to the
//! failed answer: otherwise, a source that fails immediately would be called in an endless loop.

mod heads;
mod objects;

use super::answer::{Answer, Body};
use super::backoff::Backoff;
use super::build::Build;
use super::download::Download;
use super::floor::Floor;
use super::head::Head;
use super::request::{Call, CallId, Object};
use super::surroundings::Surroundings;
use super::trouble::Trouble;
use crate::configuration::Feed;
use crate::profile::Profile;
use crate::signify::PublicKey;
use crate::snapshot::{Revision, Snapshot};
use crate::word::Word;

/// How much longer than its wait a call for the head may take, and how long after its timeout an
/// answer is given up, in milliseconds.
const GRACE: u64 = 10_000;

/// The maximum duration of a call for an object, in milliseconds.
const OBJECT_TIMEOUT: u64 = 30_000;

/// The pause for a source that answers at once although it was asked to wait.
const LEAST_PAUSE: u64 = 1000;

/// The period in which a needed base is loaded, at a random moment, so that a fleet does not load
/// it all at once.
const BASE_WITHIN: u64 = 30_000;

/// The same if nothing waits for the base, which only keeps the overlay small.
const COMPACTION_WITHIN: u64 = 600_000;

/// The maximum time between two ticks while there is nothing to do.
const IDLE_TICK: u64 = 1000;

/// An object of at most this many bytes is hashed and applied when its answer arrives, so that a
/// revocation does not wait for a tick.
const AT_ONCE: usize = 64 << 10;

/// The number of steps that build such an object: a snapshot has sixteen parts, some of them with a
/// block or two.
const STEPS_AT_ONCE: usize = 40;

/// The number of pieces that a tick hashes.
const PIECES_A_TICK: usize = 2;

/// What a follower returns.
#[derive(Debug)]
pub enum Output {
    /// A call to make. If it cannot be made, call [`Follower::failed`].
    Call(Call),
    /// A snapshot to serve from now on.
    Serve(Snapshot),
    /// The newest verified head, to be kept where a new VM finds it.
    Keep(Box<[u8]>),
    /// New trouble, with what is known about it.
    Trouble(Trouble, String),
    /// The same trouble again.
    Again(Trouble),
    /// The trouble is over.
    Recovered,
    /// An object was fetched and put together.
    Loaded {
        /// A whole snapshot, not what changed.
        is_base: bool,
        /// How many milliseconds passed since it was asked for.
        took: u64,
    },
}

enum State {
    /// There is nothing to do before `due`.
    Idle { due: u64 },
    /// A poll of the head is open.
    Asking {
        id: CallId,
        since: u64,
        /// Whether it was made in response to an answer.
        at_once: bool,
        until: u64,
    },
    /// An object is being fetched.
    Fetching {
        object: Object,
        download: Box<Download>,
        since: u64,
        until: u64,
    },
    /// An object has been fetched and is being applied.
    Building {
        object: Object,
        size: usize,
        since: u64,
        build: Build,
    },
}

/// A snapshot that a verified head led to.
struct Loaded {
    snapshot: Snapshot,
    line: Box<str>,
    /// The key that signed that head.
    key: PublicKey,
    /// The revision of the base under its overlay.
    base: Revision,
}

/// A verified head.
struct Target {
    head: Head,
    key: PublicKey,
    etag: Option<String>,
    /// The snapshot on the way to the head, and the revision of its base.
    work: Option<(Snapshot, Revision)>,
    /// Whether a delta led there. If so, a base may still repair wrong counts.
    by_delta: bool,
    /// Whether the server delays its answers.
    waits: bool,
    /// Whether the answer was due at once, because the head is not the one that the poll named.
    is_news: bool,
}

/// Follows a feed.
pub struct Follower {
    feed: Feed,
    floor: Floor,
    loaded: Option<Loaded>,
    target: Option<Target>,
    state: State,
    /// When to load a base for which nothing waits.
    base_due: Option<u64>,
    /// The entity tag of the loaded head.
    etag: Option<String>,
    /// Whether the server delayed its last answer, or would have.
    waits: bool,
    backoff: Backoff,
    trouble: Option<Trouble>,
    calls: u64,
}

impl Follower {
    /// Creates a follower without a snapshot. `seed` is the revision of a snapshot in the
    /// configuration: no head below it is accepted.
    #[must_use]
    pub fn new(feed: Feed, seed: Option<Revision>) -> Self {
        let mut floor = Floor::default();
        floor.set_least(feed.min_revision.max(seed));
        Self {
            feed,
            floor,
            loaded: None,
            target: None,
            state: State::Idle { due: 0 },
            base_due: None,
            etag: None,
            waits: false,
            backoff: Backoff::default(),
            trouble: None,
            calls: 0,
        }
    }

    /// Continues under other settings. What is loaded stays if the feed is the same, the key that
    /// signed it is still trusted, and its revision is not below the minimum. Open calls are
    /// forgotten.
    #[must_use]
    pub fn reconfigured(mut self, feed: Feed, seed: Option<Revision>) -> Self {
        let is_same = self.feed.name == feed.name;
        let least = feed.min_revision.max(seed);
        if is_same {
            self.floor.retain(&feed.public_keys);
        } else {
            self.floor = Floor::default();
        }
        self.floor.set_least(least);
        self.loaded = self.loaded.filter(|loaded| {
            is_same
                && feed.public_keys.contains(&loaded.key)
                && least.is_none_or(|least| loaded.snapshot.revision() >= least)
        });
        Self {
            target: None,
            state: State::Idle { due: 0 },
            base_due: None,
            etag: None,
            waits: false,
            backoff: Backoff::default(),
            trouble: None,
            feed,
            ..self
        }
    }

    /// Returns the snapshot that the last verified head led to.
    #[must_use]
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.loaded.as_ref().map(|loaded| &loaded.snapshot)
    }

    /// Returns the key that signed the head of this snapshot.
    #[must_use]
    pub fn signer(&self) -> Option<&PublicKey> {
        self.loaded.as_ref().map(|loaded| &loaded.key)
    }

    /// Returns the feed.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Returns what was verified, to restore or keep it.
    pub fn floor(&mut self) -> &mut Floor {
        &mut self.floor
    }

    /// Returns the state in one word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (self.trouble, &self.loaded) {
            (Some(trouble), _) => trouble.word(),
            (None, None) => "loading",
            (None, Some(_)) => "ok",
        }
    }

    /// Returns in how many milliseconds the next tick is needed, at most a second.
    #[must_use]
    pub fn next_tick(&self, now: u64) -> u64 {
        let until = |due: u64| due.saturating_sub(now).clamp(1, IDLE_TICK);
        match &self.state {
            State::Idle { due } => self
                .base_due
                .map_or(until(*due), |base| until(base.min(*due))),
            State::Asking { .. } => self.base_due.map_or(IDLE_TICK, until),
            State::Fetching { download, .. } if download.can_hash() => 1,
            State::Fetching { .. } => IDLE_TICK,
            State::Building { .. } => 1,
        }
    }

    /// Handles the passing of time.
    pub fn tick(&mut self, profile: &Profile, around: &mut dyn Surroundings) -> Vec<Output> {
        let mut out = Vec::new();
        let now = around.now();
        match &mut self.state {
            State::Idle { due } => {
                // If the clock was set back, this must not wait longer than the longest pause.
                *due = (*due).min(now.saturating_add(self.feed.longest_pause()));
                if *due <= now {
                    self.ask(now, false, &mut out);
                }
            }
            State::Asking { until, .. } | State::Fetching { until, .. } if *until <= now => {
                let lost = "an answer never came".to_owned();
                self.fail(Trouble::Unreachable, lost, around, &mut out);
            }
            State::Asking { .. } => {}
            State::Fetching { download, .. } => download.hash(PIECES_A_TICK),
            State::Building { .. } => {}
        }
        let is_idle = matches!(self.state, State::Idle { .. } | State::Asking { .. });
        if is_idle && self.base_due.is_some_and(|due| due <= now) {
            self.advance(around, &mut out);
        }
        let steps = match &self.state {
            State::Building { size, .. } if *size <= AT_ONCE => STEPS_AT_ONCE,
            State::Building { .. }
            | State::Idle { .. }
            | State::Asking { .. }
            | State::Fetching { .. } => 1,
        };
        self.go_on(steps, profile, around, &mut out);
        out
    }

    /// Handles the answer to a call, or `None` if the call failed.
    pub fn answered(
        &mut self,
        id: CallId,
        answer: Option<(&Answer, &mut dyn Body)>,
        profile: &Profile,
        around: &mut dyn Surroundings,
    ) -> Vec<Output> {
        let mut out = Vec::new();
        let asked = match &self.state {
            State::Asking {
                id: asked, since, ..
            } if *asked == id => Some(*since),
            State::Fetching { download, .. } if download.waits_for(id) => None,
            // The answer to a call that was given up.
            State::Idle { .. }
            | State::Asking { .. }
            | State::Fetching { .. }
            | State::Building { .. } => return out,
        };
        let Some((answer, body)) = answer else {
            let why = "a call failed".to_owned();
            self.fail(Trouble::Unreachable, why, around, &mut out);
            return out;
        };
        match asked {
            Some(since) => self.take_head(since, answer, body, around, &mut out),
            None => self.take_piece(id, answer, body, profile, around, &mut out),
        }
        out
    }

    /// Handles a call that could not be made.
    pub fn failed(&mut self, id: CallId, around: &mut dyn Surroundings) -> Vec<Output> {
        let mut out = Vec::new();
        let is_waited_for = match &self.state {
            State::Asking { id: asked, .. } => *asked == id,
            State::Fetching { download, .. } => download.waits_for(id),
            State::Idle { .. } | State::Building { .. } => false,
        };
        if is_waited_for {
            let why = "the cluster is not known, or has no host".to_owned();
            self.fail(Trouble::Unreachable, why, around, &mut out);
        }
        out
    }

    pub(super) fn id(&mut self) -> CallId {
        self.calls = self.calls.wrapping_add(1);
        CallId(self.calls)
    }

    pub(super) fn succeed(&mut self, out: &mut Vec<Output>) {
        self.backoff.succeed();
        if self.trouble.take().is_some() {
            out.push(Output::Recovered);
        }
    }

    /// Records a failure. The next attempt begins with the head, without an entity tag.
    pub(super) fn fail(
        &mut self,
        trouble: Trouble,
        why: String,
        around: &mut dyn Surroundings,
        out: &mut Vec<Output>,
    ) {
        out.push(if self.trouble.replace(trouble) == Some(trouble) {
            Output::Again(trouble)
        } else {
            Output::Trouble(trouble, why)
        });
        self.target = None;
        self.base_due = None;
        self.etag = None;
        // Two calls within a moment count as two: polling the head and requesting an object, or
        // polling again in response to an answer.
        let now = around.now();
        let is_first = match self.state {
            State::Asking { since, at_once, .. } => {
                !at_once || now.saturating_sub(since) >= LEAST_PAUSE
            }
            State::Idle { .. } | State::Fetching { .. } | State::Building { .. } => false,
        };
        let least = if is_first { 0 } else { LEAST_PAUSE };
        let pause = self.backoff.fail(around.random()).saturating_add(least);
        self.state = State::Idle {
            due: now.saturating_add(pause),
        };
    }
}

#[cfg(test)]
mod tests;
