//! The objects of a head: how a follower fetches and applies them, and compares the result with the
//! head's counts.

use super::{
    AT_ONCE, BASE_WITHIN, COMPACTION_WITHIN, Follower, GRACE, Loaded, OBJECT_TIMEOUT, Output,
    STEPS_AT_ONCE, State, Target,
};
use crate::feed::answer::{Answer, Body};
use crate::feed::backoff::between;
use crate::feed::build::Build;
use crate::feed::download::{Download, Fault, Pieces};
use crate::feed::head::Way;
use crate::feed::request::{Call, CallId, Object};
use crate::feed::surroundings::Surroundings;
use crate::feed::trouble::Trouble;
use crate::profile::Profile;
use crate::refusal::Refusal;
use crate::snapshot::delta::MOST_CHANGED;
use crate::snapshot::{Revision, Snapshot};

impl Follower {
    /// Takes the next step towards the target.
    pub(super) fn advance(&mut self, around: &mut dyn Surroundings, out: &mut Vec<Output>) {
        let now = around.now();
        let is_due = self.base_due.is_some_and(|due| due <= now);
        if is_due {
            self.base_due = None;
        }
        let Some(target) = &mut self.target else {
            return;
        };
        // A base that is due replaces the snapshot, even if deltas could lead to the target.
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
                    let (waits, is_news) = (target.waits, target.is_news);
                    if due > now {
                        return self.rest(now, waits, is_news, around, out);
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
            since: now,
            until: now,
        };
        self.fetch(now, out);
    }

    /// Requests as many pieces as may be open.
    pub(super) fn fetch(&mut self, now: u64, out: &mut Vec<Output>) {
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

    pub(super) fn take_piece(
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

    /// Takes at most this many steps with what has arrived.
    pub(super) fn go_on(
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
                    Ok(true) => self.finish_build(profile, around.now(), out),
                    Err(refusal) => Err(refused(&refusal)),
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

    pub(super) fn begin_build(&mut self, profile: &Profile) -> Result<(), (Trouble, String)> {
        let before = State::Idle { due: 0 };
        let State::Fetching {
            object,
            download,
            since,
            ..
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
        let build = build.map_err(|refusal| refused(&refusal))?;
        self.state = State::Building {
            object,
            size,
            since,
            build,
        };
        Ok(())
    }

    pub(super) fn finish_build(
        &mut self,
        profile: &Profile,
        now: u64,
        out: &mut Vec<Output>,
    ) -> Result<(), (Trouble, String)> {
        let before = State::Idle { due: 0 };
        let State::Building {
            object,
            since,
            build,
            ..
        } = std::mem::replace(&mut self.state, before)
        else {
            return Ok(());
        };
        let snapshot = build.finish(profile).map_err(|refusal| refused(&refusal))?;
        let Some(target) = &mut self.target else {
            return Ok(());
        };
        let base = match object {
            Object::Base(_) => {
                if snapshot.revision() != target.head.base.revision {
                    let why = "a base is of another revision than the head says".to_owned();
                    return Err((Trouble::Object, why));
                }
                snapshot.revision()
            }
            Object::Delta(_) => {
                target.by_delta = true;
                let base = target.work.as_ref().map(|(_, base)| *base);
                base.unwrap_or(snapshot.revision())
            }
        };
        target.work = Some((snapshot, base));
        out.push(Output::Loaded {
            is_base: matches!(object, Object::Base(_)),
            took: now.saturating_sub(since),
        });
        Ok(())
    }

    /// Rejects an object. If a delta does not fit, the base remains as a way.
    pub(super) fn refuse_object(
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

    /// Keeps the loaded snapshot in use, but makes the next head start from its base.
    pub(super) fn distrust(&mut self) {
        if let Some(loaded) = &mut self.loaded {
            loaded.line = Box::default();
        }
    }

    /// Finishes when the head's revision is reached.
    pub(super) fn arrive(&mut self, around: &mut dyn Surroundings, out: &mut Vec<Output>) {
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
            is_news,
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
        let changed = snapshot.changed_count();
        if changed > MOST_CHANGED / 2 && head.base.revision > base {
            // Near the limit there is less time: a delta above it is refused.
            let within = match changed > MOST_CHANGED / 4 * 3 {
                true => BASE_WITHIN,
                false => COMPACTION_WITHIN,
            };
            let latest = around.now().saturating_add(within);
            if self.base_due.is_none_or(|due| due > latest) {
                let pause = between(0, within, around.random());
                self.base_due = Some(around.now().saturating_add(pause));
            }
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
                is_news: false,
            });
        }
        let since = match &self.state {
            State::Idle { due } => *due,
            State::Asking { since, .. } => *since,
            State::Fetching { .. } | State::Building { .. } => 0,
        };
        self.rest(since, waits, is_news, around, out);
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

fn refused(refusal: &Refusal) -> (Trouble, String) {
    (Trouble::Object, format!("an object is refused: {refusal}"))
}
