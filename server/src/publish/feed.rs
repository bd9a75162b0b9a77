//! A feed that gateways follow. Its publisher gets only what has changed since the last publication, and the whole where that does not do.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use keyward_files::feed::{Changed, Mirrors};
use keyward_files::key_file::Issue;
use serde::Serialize;
use serde_json::Value;
use tokio::runtime::Handle;

use super::lead::{Edition, Job, Led, OfChanged, Reply, Setup, run};
use super::opened::Opened;
use super::publications::Publications;
use super::standing::Standing;
use super::{Manner, mirrors};
use crate::configuration::Group;
use crate::store::{Changes, Records, Snapshot, Store};

/// A feed as a target.
pub(super) struct Feed {
    group: Group,
    reissue: Duration,
    jobs: Sender<Job>,
    publications: Arc<Publications>,
    mirrors: Option<Arc<Mirrors>>,
    is_mirror: bool,
    manner: Manner,
    /// The profile that the keys were made by.
    profile: Option<Value>,
    /// Where the last publication led, if changes since then can be published by themselves.
    last: Mutex<Option<Last>>,
}

/// How a publication went.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    /// Whether it was of the whole, and not only of what had changed.
    pub(super) is_whole: bool,
    /// Whether another one should follow soon, of the whole.
    pub(super) wants_whole: bool,
}

impl Written {
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            is_whole: self.is_whole || other.is_whole,
            wants_whole: self.wants_whole || other.wants_whole,
        }
    }
}

/// A publication that the next one builds on.
#[derive(Clone, Copy)]
struct Last {
    through: u64,
    revision: u64,
}

#[derive(Serialize)]
struct Whole<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a Value>,
    snapshot: Snapshot<'a>,
}

impl Feed {
    /// Starts the thread that publishes to it, and those of its mirrors.
    pub(super) fn start(
        opened: Opened,
        store: &Store,
        standing: &Arc<Standing>,
        manner: Manner,
        profile: Option<&Value>,
    ) -> Result<Self> {
        let Opened {
            group,
            store: place,
            settings,
            source,
            original,
            mirrors,
            reissue,
            held: _,
            is_mirror,
        } = opened;
        let mirrors = match mirrors.is_empty() {
            true => None,
            false => Some(Arc::new(mirrors::start(&original, &mirrors, standing)?)),
        };
        let (jobs, received) = channel();
        let setup = Setup {
            place,
            settings,
            source,
            store: store.clone(),
            handle: Handle::current(),
            manner,
            group,
            standing: Arc::clone(standing),
            mirrors: mirrors.clone(),
        };
        std::thread::Builder::new()
            .name("keyward-feed".to_owned())
            .spawn(move || run(setup, &received))?;
        Ok(Self {
            group,
            reissue,
            jobs,
            publications: Arc::default(),
            mirrors,
            is_mirror,
            manner,
            profile: profile.cloned(),
            last: Mutex::default(),
        })
    }

    pub(super) fn group(&self) -> Group {
        self.group
    }

    /// Whether it is a mirror that accepts ends. No poll is answered from it.
    pub(super) fn is_mirror(&self) -> bool {
        self.is_mirror
    }

    /// The interval after which it signs its head again: a head that is not renewed ages, and gateways deny.
    pub(super) fn reissue(&self) -> Duration {
        self.reissue
    }

    pub(super) fn publications(&self) -> Arc<Publications> {
        Arc::clone(&self.publications)
    }

    /// Its mirrors, if it has any.
    pub(super) fn mirrors(&self) -> Option<Arc<Mirrors>> {
        self.mirrors.clone()
    }

    /// Makes the feed lead to the records, and waits until it does.
    pub(super) fn write(
        &self,
        records: &Records,
        changes: &Changes,
        issue: &Issue,
        edition: Edition,
    ) -> Result<Written> {
        let last = self.last().take();
        let last = last.filter(|last| last.through == changes.since);
        // Without a change, the head is only renewed. Then there is time to look at all of it.
        let is_renewal = changes.since == records.through();
        if let Some(last) = last
            && !is_renewal
            && changes.touched.len() <= Changed::MOST
            && let Some(part) = records.part(changes)
        {
            let (keys, accounts) = records.counts();
            let of_changed = OfChanged {
                touched: changes.touched.clone(),
                since: last.revision,
                keys,
                accounts,
            };
            let snapshot = self.group.snapshot(records, issue).only(&part);
            match self.lead(snapshot, Some(of_changed), edition)? {
                Reply::Led(led) => return Ok(self.has_led(&led, edition, false)),
                Reply::Whole(why) => tracing::info!(why, "the whole snapshot is published"),
            }
        }
        let snapshot = self.group.snapshot(records, issue);
        let led = match self.lead(snapshot, None, edition)? {
            Reply::Led(led) => led,
            Reply::Whole(why) => bail!("{why}; please report this"),
        };
        if let Some(last) = last
            && is_renewal
            && last.revision != led.revision
        {
            tracing::error!(
                before = last.revision,
                now = led.revision,
                "the feed did not lead to what the store has, and does now; please report this"
            );
        }
        Ok(self.has_led(&led, edition, true))
    }

    fn has_led(&self, led: &Led, edition: Edition, is_whole: bool) -> Written {
        self.publications
            .note(led.revision, edition.through, led.before);
        let is_next_whole = led.is_base_due || self.manner == Manner::Ends;
        *self.last() = (!is_next_whole).then_some(Last {
            through: edition.through,
            revision: led.revision,
        });
        Written {
            is_whole,
            wants_whole: led.is_base_due,
        }
    }

    fn lead(
        &self,
        snapshot: Snapshot<'_>,
        changed: Option<OfChanged>,
        edition: Edition,
    ) -> Result<Reply> {
        let (reply, led) = channel();
        let job = Job {
            json: serde_json::to_vec(&Whole {
                profile: self.profile.as_ref(),
                snapshot,
            })?,
            changed,
            edition,
            reply,
        };
        let gone = "the feed's publisher is gone";
        self.jobs.send(job).ok().context(gone)?;
        led.recv().context(gone)?
    }

    fn last(&self) -> MutexGuard<'_, Option<Last>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
