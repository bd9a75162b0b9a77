//! Follows a feed: asks for its head, verifies it, fetches what it names, and puts the next snapshot together. It does no I/O and knows no clock: answers and time
//! come in, calls and snapshots go out.
//!
//! After a failure nothing is asked before the next tick that is due, never from the answer that failed: a source that refuses at once would be asked without end.

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

/// How much longer than it may wait a call for the head may take; and how long after its time-out an answer is given up.
const GRACE: u64 = 10_000;

/// How long a call for an object may take.
const OBJECT_TIMEOUT: u64 = 30_000;

/// A source that answers at once although it was asked to wait is asked once a second.
const LEAST_PAUSE: u64 = 1000;

/// What is known to change, and needs a base: a random moment in this time, so that a fleet does not come at once.
const BASE_WITHIN: u64 = 30_000;

/// The same where nothing waits for it: the base is only newer than the overlay should be large.
const COMPACTION_WITHIN: u64 = 600_000;

/// How long a tick may be away while nothing is to be done.
const IDLE_TICK: u64 = 1000;

/// An object of at most so many bytes is hashed and applied where its answer comes in: a revocation waits for no tick.
const AT_ONCE: usize = 64 << 10;

/// Steps that put such an object together: a snapshot has sixteen parts, and some of them a block or two.
const STEPS_AT_ONCE: usize = 40;

/// Pieces that are hashed in one tick.
const PIECES_A_TICK: usize = 2;

/// What comes out.
#[derive(Debug)]
pub enum Output {
    /// A call to make. If it cannot be made, call [`Follower::failed`].
    Call(Call),
    /// A snapshot to serve from now on.
    Serve(Snapshot),
    /// The newest verified head: to be kept where a new VM finds it.
    Keep(Box<[u8]>),
    /// Trouble that was not there before; with what is known of it.
    Trouble(Trouble, String),
    /// The same trouble once more.
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
    /// Nothing is under way.
    Idle { due: u64 },
    /// The head was asked for.
    Asking { id: CallId, since: u64, until: u64 },
    /// An object is on its way.
    Fetching {
        object: Object,
        download: Box<Download>,
        since: u64,
        until: u64,
    },
    /// An object is there.
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
    /// Who signed that head.
    key: PublicKey,
    /// The revision of the base below its overlay.
    base: Revision,
}

/// A head that was verified.
struct Target {
    head: Head,
    key: PublicKey,
    etag: Option<String>,
    /// The snapshot on the way to it, and the base below that.
    work: Option<(Snapshot, Revision)>,
    /// Whether a delta brought it there: then a base may still fix what does not add up.
    by_delta: bool,
    /// Whether the server holds answers back.
    waits: bool,
    /// Whether the head is another than the last one.
    is_new: bool,
}

/// Follows one feed.
pub struct Follower {
    feed: Feed,
    floor: Floor,
    loaded: Option<Loaded>,
    target: Option<Target>,
    state: State,
    /// When a base is to be loaded that nothing waits for.
    base_due: Option<u64>,
    /// What the server calls the head that is loaded.
    etag: Option<String>,
    backoff: Backoff,
    trouble: Option<Trouble>,
    calls: u64,
}

impl Follower {
    /// Begins with nothing. `seed` is the revision of a snapshot in the configuration: no head below it is taken.
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
            backoff: Backoff::default(),
            trouble: None,
            calls: 0,
        }
    }

    /// Goes on under other settings. What is loaded stays if the feed is the same, the key that signed it is still trusted, and its revision is not below the least.
    /// Calls that are under way are forgotten.
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
            backoff: Backoff::default(),
            trouble: None,
            feed,
            ..self
        }
    }

    /// The snapshot that the last verified head led to.
    #[must_use]
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.loaded.as_ref().map(|loaded| &loaded.snapshot)
    }

    /// Who signed the head that led to it.
    #[must_use]
    pub fn signer(&self) -> Option<&PublicKey> {
        self.loaded.as_ref().map(|loaded| &loaded.key)
    }

    /// What it follows.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// What was verified, for anyone who restores or keeps it.
    pub fn floor(&mut self) -> &mut Floor {
        &mut self.floor
    }

    /// In one word how it is.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (self.trouble, &self.loaded) {
            (Some(trouble), _) => trouble.word(),
            (None, None) => "loading",
            (None, Some(_)) => "ok",
        }
    }

    /// In how many milliseconds it wants the next tick, at most a second.
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

    /// Time has passed.
    pub fn tick(&mut self, profile: &Profile, around: &mut dyn Surroundings) -> Vec<Output> {
        let mut out = Vec::new();
        let now = around.now();
        match &mut self.state {
            State::Idle { due } => {
                // A clock that was put back must not stop it for longer than the longest pause.
                *due = (*due).min(now.saturating_add(self.feed.longest_pause()));
                if *due <= now {
                    self.ask(now, &mut out);
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

    /// An answer came, or what is in its place: `None` for a call that failed.
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
            // Of a call that was given up.
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

    /// A call could not be made.
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

    /// The next attempt begins with the head, whatever the server calls it.
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
        // The head was asked for a moment ago, and so was an object: that is two calls.
        let least = if matches!(self.state, State::Asking { .. }) {
            0
        } else {
            LEAST_PAUSE
        };
        let pause = self.backoff.fail(around.random()).saturating_add(least);
        self.state = State::Idle {
            due: around.now().saturating_add(pause),
        };
    }
}

#[cfg(test)]
mod tests;
