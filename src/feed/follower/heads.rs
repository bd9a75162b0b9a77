//! The head: how a follower polls, verifies and judges it.

use super::{Follower, GRACE, LEAST_PAUSE, Output, State, Target};
use crate::feed::answer::{Answer, Body};
use crate::feed::backoff::between;
use crate::feed::floor::Refused;
use crate::feed::head::{Head, HeadFault, LARGEST_HEAD, PACKED};
use crate::feed::request::{Call, Wanted};
use crate::feed::surroundings::Surroundings;
use crate::feed::trouble::Trouble;

impl Follower {
    /// Polls the head. `at_once` means in response to an answer, and not to a tick.
    pub(super) fn ask(&mut self, now: u64, at_once: bool, out: &mut Vec<Output>) {
        let id = self.id();
        let known = self.etag.clone();
        let wait = self.feed.wait;
        // Whoever knows no head is answered without a delay.
        let delay = if known.is_some() { wait } else { 0 };
        let timeout = delay.saturating_mul(1000).saturating_add(GRACE);
        self.state = State::Asking {
            id,
            since: now,
            at_once,
            until: now.saturating_add(timeout).saturating_add(GRACE),
        };
        let wanted = Wanted::Head { known, wait };
        out.push(Output::Call(Call {
            id,
            wanted,
            timeout,
        }));
    }

    pub(super) fn take_head(
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
                // Envoy generates such answers if it cannot reach the server.
                let trouble = match status {
                    502..=504 => Trouble::Unreachable,
                    _ => Trouble::Answer,
                };
                self.fail(trouble, why, around, out);
            }
        }
    }

    /// Verifies and judges a head, and makes it the target. Returns its bytes if it differs from
    /// the last head.
    pub(super) fn open(
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
        // The server answered at once because it should: the poll named another head, or
        // none, and the next poll names this one.
        let is_news = is_new || (self.etag.is_none() && answer.etag().is_some());
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
            is_news,
        });
        Ok(is_new.then_some(bytes))
    }

    /// Polls again or schedules the next poll, because this head needs nothing more. `is_news`
    /// means that the answer was due at once.
    pub(super) fn rest(
        &mut self,
        since: u64,
        waits: bool,
        is_news: bool,
        around: &mut dyn Surroundings,
        out: &mut Vec<Output>,
    ) {
        let now = around.now();
        let waited = now.saturating_sub(since) >= LEAST_PAUSE;
        let has_waited = std::mem::replace(&mut self.waits, waits);
        if waits && (is_news || waited) {
            return self.ask(now, true, out);
        }
        let interval = self.feed.interval.saturating_mul(1000);
        let pause = match (waits, has_waited) {
            (true, _) => LEAST_PAUSE,
            // A server that is about to stop answers early. Another one may be there already.
            (false, true) => between(LEAST_PAUSE, 2 * LEAST_PAUSE, around.random()),
            (false, false) => between(interval * 4 / 5, interval * 6 / 5, around.random()),
        };
        self.state = State::Idle {
            due: now.saturating_add(pause),
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
