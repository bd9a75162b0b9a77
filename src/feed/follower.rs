//! Follows a feed: asks for its head, verifies it, fetches what it names, and puts the next snapshot together. It does no I/O and knows no clock: answers and time
//! come in, calls and snapshots go out.
//!
//! After a failure nothing is asked before the next tick that is due, never from the answer that failed: a source that refuses at once would be asked without end.

use super::answer::{Answer, Body};
use super::backoff::{Backoff, between};
use super::build::Build;
use super::download::{Download, Fault, Pieces};
use super::floor::{Floor, Refused};
use super::head::{Head, HeadFault, LARGEST_HEAD, PACKED, Way};
use super::request::{Call, CallId, Object, Wanted};
use super::surroundings::Surroundings;
use super::trouble::Trouble;
use crate::configuration::Feed;
use crate::profile::Profile;
use crate::signify::PublicKey;
use crate::snapshot::delta::MOST_CHANGED;
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

/// Steps in which such an object is put together: a snapshot has sixteen parts, and some of them a block or two.
const STEPS_AT_ONCE: usize = 40;

/// Pieces that are hashed in one tick.
const PIECES_A_TICK: usize = 2;

/// What comes out.
#[derive(Debug)]
pub enum Output {
    /// A call to make. If it cannot be made, [`Follower::failed`] is told.
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
    /// A base was loaded, of so many bytes.
    Base(usize),
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
        until: u64,
    },
    /// An object is there.
    Building {
        object: Object,
        size: usize,
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
    /// Whether a delta brought it there: then a base may still mend what does not add up.
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

    /// What was verified, for whoever restores or keeps it.
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

    /// An answer came, or what stands in its place: `None` for a call that failed.
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

    fn id(&mut self) -> CallId {
        self.calls = self.calls.wrapping_add(1);
        CallId(self.calls)
    }

    fn ask(&mut self, now: u64, out: &mut Vec<Output>) {
        let id = self.id();
        let known = self.etag.clone();
        let wait = if known.is_some() { self.feed.wait } else { 0 };
        let timeout = wait.saturating_mul(1000).saturating_add(GRACE);
        self.state = State::Asking {
            id,
            since: now,
            until: now.saturating_add(timeout).saturating_add(GRACE),
        };
        let wanted = Wanted::Head { known, wait };
        out.push(Output::Call(Call {
            id,
            wanted,
            timeout,
        }));
    }

    fn take_head(
        &mut self,
        since: u64,
        answer: &Answer,
        body: &mut dyn Body,
        around: &mut dyn Surroundings,
        out: &mut Vec<Output>,
    ) {
        match answer.status() {
            304 if self.etag.is_some() => {
                self.succeed(out);
                self.rest(since, answer.waits(), false, around, out);
            }
            200 => match self.open(answer, body, around) {
                Ok(bytes) => {
                    if let Some(bytes) = bytes {
                        out.push(Output::Keep(bytes));
                    }
                    self.state = State::Idle { due: since };
                    self.advance(around, out);
                }
                Err((trouble, why)) => self.fail(trouble, why, around, out),
            },
            status => {
                let why = format!("the head was answered with status {status}");
                // Envoy makes up such answers where it reaches nobody.
                let trouble = match status {
                    502..=504 => Trouble::Unreachable,
                    _ => Trouble::Answer,
                };
                self.fail(trouble, why, around, out);
            }
        }
    }

    /// Verifies and judges a head, and makes it the target. Its bytes, where it is another than before.
    fn open(
        &mut self,
        answer: &Answer,
        body: &mut dyn Body,
        around: &mut dyn Surroundings,
    ) -> Result<Option<Box<[u8]>>, (Trouble, String)> {
        if answer.is_encoded() {
            return Err((Trouble::Answer, "the head came compressed".to_owned()));
        }
        let size = body.size();
        if size > LARGEST_HEAD {
            return Err((Trouble::Head, HeadFault::TooLarge.to_string()));
        }
        let bytes = body.read(0, size);
        let bytes =
            bytes.ok_or_else(|| (Trouble::Memory, "the head was not handed over".into()))?;
        let opened = Head::open(&bytes, &self.feed.public_keys, &self.feed.name);
        let (head, key) =
            opened.map_err(|fault| (trouble_of(&fault), format!("the head: {fault}")))?;
        if head.packed != PACKED {
            let why = format!("the head names objects of layout {}", head.packed);
            return Err((Trouble::Unsupported, why));
        }
        self.floor
            .judge(&head, &bytes, around.now() / 1000)
            .map_err(|refused| {
                let trouble = match refused {
                    Refused::Rollback | Refused::Replaced => Trouble::Rollback,
                    Refused::Ahead => Trouble::Ahead,
                };
                (
                    trouble,
                    format!("the head of revision {}: {refused}", head.revision.number()),
                )
            })?;
        let is_new = self.floor.newest_bytes() != Some(&*bytes);
        let key = key.clone();
        self.floor.raise(&key, &head, &bytes);
        let loaded = self.loaded.as_ref();
        let work = loaded.filter(|loaded| loaded.line == head.line);
        self.target = Some(Target {
            work: work.map(|loaded| (loaded.snapshot.clone(), loaded.base)),
            by_delta: true,
            head,
            key,
            etag: answer.etag().map(str::to_owned),
            waits: answer.waits(),
            is_new,
        });
        Ok(is_new.then_some(bytes))
    }

    /// The next step to the target.
    fn advance(&mut self, around: &mut dyn Surroundings, out: &mut Vec<Output>) {
        let now = around.now();
        let is_due = self.base_due.is_some_and(|due| due <= now);
        if is_due {
            self.base_due = None;
        }
        let Some(target) = &mut self.target else {
            return;
        };
        // A base that is due replaces what is there, though there may be a way without it.
        let newest = target.head.base.revision;
        let is_older = |(_, base): &(Snapshot, Revision)| *base < newest;
        if is_due && target.work.as_ref().is_some_and(is_older) {
            target.work = None;
        }
        let mine = target
            .work
            .as_ref()
            .map(|(snapshot, _)| snapshot.revision());
        let (object, size) = match target.head.way(mine) {
            Way::There => return self.arrive(around, out),
            Way::Delta(delta) => (Object::Delta(delta.sha256), delta.size),
            Way::Base(base) => {
                let same_line = target.work.is_some();
                if same_line && !base.urgent && !is_due {
                    let pause = between(0, BASE_WITHIN, around.random());
                    let due = *self.base_due.get_or_insert(now.saturating_add(pause));
                    self.etag.clone_from(&target.etag);
                    let waits = target.waits;
                    if due > now {
                        return self.rest(now, waits, true, around, out);
                    }
                }
                target.work = None;
                target.by_delta = false;
                self.base_due = None;
                (Object::Base(base.sha256), base.size)
            }
        };
        let Ok(size) = usize::try_from(size) else {
            return;
        };
        if !around.has_room(size) {
            let why = format!("there is no memory for an object of {size} bytes");
            return self.fail(Trouble::Memory, why, around, out);
        }
        self.state = State::Fetching {
            object,
            download: Box::new(Download::new(object, size)),
            until: now,
        };
        self.fetch(now, out);
    }

    /// Asks for as many pieces as may be under way.
    fn fetch(&mut self, now: u64, out: &mut Vec<Output>) {
        loop {
            let id = self.id();
            let State::Fetching {
                download, until, ..
            } = &mut self.state
            else {
                return;
            };
            let Some(wanted) = download.next(id) else {
                return;
            };
            let timeout = OBJECT_TIMEOUT;
            *until = now.saturating_add(timeout).saturating_add(GRACE);
            out.push(Output::Call(Call {
                id,
                wanted,
                timeout,
            }));
        }
    }

    fn take_piece(
        &mut self,
        id: CallId,
        answer: &Answer,
        body: &mut dyn Body,
        profile: &Profile,
        around: &mut dyn Surroundings,
        out: &mut Vec<Output>,
    ) {
        let State::Fetching { download, .. } = &mut self.state else {
            return;
        };
        if let Err(fault) = download.take(id, answer, body) {
            let why = format!("an object was answered with status {}", answer.status());
            return self.fail(trouble(fault, answer.status()), why, around, out);
        }
        let is_small = download.size() <= AT_ONCE;
        if is_small {
            download.hash(1);
        }
        self.fetch(around.now(), out);
        if is_small {
            self.go_on(STEPS_AT_ONCE, profile, around, out);
        }
    }

    /// Takes at most so many steps with what is there.
    fn go_on(
        &mut self,
        steps: usize,
        profile: &Profile,
        around: &mut dyn Surroundings,
        out: &mut Vec<Output>,
    ) {
        for _ in 0..steps {
            let outcome = match &mut self.state {
                State::Idle { .. } | State::Asking { .. } => return,
                State::Fetching { download, .. } if !download.is_whole() => return,
                State::Fetching { .. } => self.begin_build(profile),
                State::Building { build, .. } => match build.step() {
                    Ok(false) => Ok(()),
                    Ok(true) => self.finish_build(profile, out),
                    Err(refusal) => {
                        Err((Trouble::Object, format!("an object is refused: {refusal}")))
                    }
                },
            };
            match outcome {
                Ok(()) => {}
                Err((trouble, why)) => return self.refuse_object(trouble, why, around, out),
            }
            if matches!(self.state, State::Idle { .. }) {
                return self.advance(around, out);
            }
        }
    }

    fn begin_build(&mut self, profile: &Profile) -> Result<(), (Trouble, String)> {
        let before = State::Idle { due: 0 };
        let State::Fetching {
            object, download, ..
        } = std::mem::replace(&mut self.state, before)
        else {
            return Ok(());
        };
        let size = download.size();
        let pieces: Pieces = download.finish().map_err(|fault| {
            (
                trouble(fault, 200),
                "the hash of an object is another".to_owned(),
            )
        })?;
        let work = self.target.as_ref().and_then(|target| target.work.as_ref());
        let build = Build::begin(object, pieces, work.map(|(snapshot, _)| snapshot), profile);
        let build = build
            .map_err(|refusal| (Trouble::Object, format!("an object is refused: {refusal}")))?;
        self.state = State::Building {
            object,
            size,
            build,
        };
        Ok(())
    }

    fn finish_build(
        &mut self,
        profile: &Profile,
        out: &mut Vec<Output>,
    ) -> Result<(), (Trouble, String)> {
        let before = State::Idle { due: 0 };
        let State::Building {
            object,
            size,
            build,
        } = std::mem::replace(&mut self.state, before)
        else {
            return Ok(());
        };
        let snapshot = build
            .finish(profile)
            .map_err(|refusal| (Trouble::Object, format!("an object is refused: {refusal}")))?;
        let Some(target) = &mut self.target else {
            return Ok(());
        };
        let base = match object {
            Object::Base(_) => {
                if snapshot.revision() != target.head.base.revision {
                    let why = "a base is of another revision than the head says".to_owned();
                    return Err((Trouble::Object, why));
                }
                out.push(Output::Base(size));
                snapshot.revision()
            }
            Object::Delta(_) => {
                target.by_delta = true;
                let base = target.work.as_ref().map(|(_, base)| *base);
                base.unwrap_or(snapshot.revision())
            }
        };
        target.work = Some((snapshot, base));
        Ok(())
    }

    /// An object is not what it should be. A delta that does not fit leaves the base as a way.
    fn refuse_object(
        &mut self,
        trouble: Trouble,
        why: String,
        around: &mut dyn Surroundings,
        out: &mut Vec<Output>,
    ) {
        let is_tried = self.loaded.as_ref().zip(self.target.as_ref());
        let had_deltas_only = is_tried.is_some_and(|(loaded, target)| {
            target.by_delta
                && target
                    .work
                    .as_ref()
                    .is_some_and(|(_, base)| *base == loaded.base)
        });
        self.fail(trouble, why, around, out);
        if had_deltas_only && trouble == Trouble::Object {
            // The next attempt begins with the base.
            self.distrust();
        }
    }

    /// What is loaded goes on, and the next head is reached from its base.
    fn distrust(&mut self) {
        if let Some(loaded) = &mut self.loaded {
            loaded.line = Box::default();
        }
    }

    /// The work is at the head's revision.
    fn arrive(&mut self, around: &mut dyn Surroundings, out: &mut Vec<Output>) {
        let Some(target) = self.target.take() else {
            return;
        };
        let Target {
            head,
            key,
            etag,
            work,
            by_delta,
            waits,
            is_new,
        } = target;
        let Some((snapshot, base)) = work else {
            return;
        };
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let counts = (
            count(snapshot.key_count()),
            count(snapshot.accounts().len()),
        );
        if counts != (head.keys, head.accounts) {
            let why = format!(
                "the head of revision {} counts {} keys and {} accounts, and its objects have {} and {}",
                head.revision.number(),
                head.keys,
                head.accounts,
                counts.0,
                counts.1
            );
            if by_delta && head.base.revision <= head.revision {
                self.distrust();
            }
            return self.fail(Trouble::Counts, why, around, out);
        }
        let snapshot = snapshot.reissued(head.issued_at);
        let is_other = self.loaded.as_ref().is_none_or(|loaded| {
            loaded.snapshot.revision() != snapshot.revision()
                || loaded.snapshot.issued_at() != snapshot.issued_at()
                || loaded.line != head.line
        });
        self.succeed(out);
        self.etag = etag.clone();
        let grown = snapshot.changed_count() > MOST_CHANGED / 2 && head.base.revision > base;
        if grown && self.base_due.is_none() {
            let pause = between(0, COMPACTION_WITHIN, around.random());
            self.base_due = Some(around.now().saturating_add(pause));
        }
        if is_other {
            out.push(Output::Serve(snapshot.clone()));
        }
        self.loaded = Some(Loaded {
            snapshot: snapshot.clone(),
            line: head.line.clone(),
            key: key.clone(),
            base,
        });
        if self.base_due.is_some() {
            self.target = Some(Target {
                work: Some((snapshot, base)),
                by_delta: true,
                head,
                key,
                etag,
                waits,
                is_new: false,
            });
        }
        let since = match &self.state {
            State::Idle { due } => *due,
            State::Asking { since, .. } => *since,
            State::Fetching { .. } | State::Building { .. } => 0,
        };
        self.rest(since, waits, is_new, around, out);
    }

    /// Nothing more is to be done with this head.
    fn rest(
        &mut self,
        since: u64,
        waits: bool,
        is_new: bool,
        around: &mut dyn Surroundings,
        out: &mut Vec<Output>,
    ) {
        let now = around.now();
        let waited = now.saturating_sub(since) >= LEAST_PAUSE;
        if waits && (is_new || waited) {
            return self.ask(now, out);
        }
        let pause = if waits {
            LEAST_PAUSE
        } else {
            let interval = self.feed.interval.saturating_mul(1000);
            between(interval * 4 / 5, interval * 6 / 5, around.random())
        };
        self.state = State::Idle {
            due: now.saturating_add(pause),
        };
    }

    fn succeed(&mut self, out: &mut Vec<Output>) {
        self.backoff.succeed();
        if self.trouble.take().is_some() {
            out.push(Output::Recovered);
        }
    }

    /// The next attempt begins with the head, whatever the server calls it.
    fn fail(
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

fn trouble_of(fault: &HeadFault) -> Trouble {
    match fault {
        HeadFault::Signature(_) => Trouble::Signature,
        HeadFault::Format => Trouble::Unsupported,
        HeadFault::TooLarge | HeadFault::Grammar(_) => Trouble::Head,
        HeadFault::OtherFeed => Trouble::OtherFeed,
    }
}

fn trouble(fault: Fault, status: u16) -> Trouble {
    match fault {
        Fault::Missing => Trouble::Missing,
        Fault::Answer if matches!(status, 502..=504) => Trouble::Unreachable,
        Fault::Answer => Trouble::Answer,
        Fault::Memory => Trouble::Memory,
        Fault::Hash => Trouble::Hash,
    }
}

#[cfg(test)]
mod tests;
