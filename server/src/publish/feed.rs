//! A feed that gateways follow, written by the code of `keyward publish`. The publisher has a separate thread, and keeps in memory what it read and wrote.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use anyhow::{Context, Result};
use keyward_files::feed::{
    Ahead, Content, FeedStore, Mirrors, Numbering, Publisher, Request, Settings, When,
};
use keyward_files::key_file::SourceName;
use keyward_files::publish::Allowed;
use serde::Serialize;
use tokio::runtime::Handle;

use super::opened::Opened;
use super::publications::Publications;
use super::standing::Standing;
use super::{Manner, mirrors};
use crate::configuration::Group;
use crate::store::{Snapshot, Store, StoreError};

/// A feed as a target.
pub(super) struct Feed {
    group: Group,
    reissue: Duration,
    jobs: Sender<Job>,
    publications: Arc<Publications>,
    mirrors: Option<Arc<Mirrors>>,
    is_mirror: bool,
}

/// The revision, the time and the range of changes of one publication.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edition {
    /// The revision that is reserved for it.
    pub(super) revision: u64,
    pub(super) now: u64,
    /// The last change that is in it.
    pub(super) through: u64,
    pub(super) numbering: Numbering,
    pub(super) ahead: Ahead,
}

struct Job {
    json: Vec<u8>,
    edition: Edition,
    reply: Sender<Result<Led>>,
}

/// Where the feed leads now.
struct Led {
    revision: u64,
    /// When the previous head was signed.
    before: u64,
}

#[derive(Serialize)]
struct Whole<'a> {
    snapshot: Snapshot<'a>,
}

/// The parts of the publisher's thread.
struct Setup {
    place: Box<dyn FeedStore + Send>,
    settings: Settings,
    source: SourceName,
    store: Store,
    handle: Handle,
    manner: Manner,
    group: Group,
    standing: Arc<Standing>,
    mirrors: Option<Arc<Mirrors>>,
}

impl Feed {
    /// Starts the thread that publishes to it, and those of its mirrors.
    pub(super) fn start(
        opened: Opened,
        store: &Store,
        standing: &Arc<Standing>,
        manner: Manner,
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

    /// Makes the feed lead to a snapshot, and waits until it does.
    pub(super) fn write(&self, snapshot: Snapshot<'_>, edition: Edition) -> Result<()> {
        let (reply, led) = channel();
        let job = Job {
            json: serde_json::to_vec(&Whole { snapshot })?,
            edition,
            reply,
        };
        let gone = "the feed's publisher is gone";
        self.jobs.send(job).ok().context(gone)?;
        let led = led.recv().context(gone)??;
        self.publications
            .note(led.revision, edition.through, led.before);
        Ok(())
    }
}

/// Publishes each job, until no sender is left.
fn run(setup: Setup, jobs: &Receiver<Job>) {
    let Setup {
        place,
        settings,
        source,
        store,
        handle,
        manner,
        group,
        standing,
        mirrors,
    } = setup;
    let noted = Cell::new(0);
    // The store must know every revision that a gateway can have: otherwise it would take itself for a restored one.
    let note = |revision: u64| -> Result<()> {
        standing.give(group, revision);
        if revision > noted.get() {
            let raised: Result<(), StoreError> =
                handle.block_on(store.end(move |tx| tx.raise_revision(revision)));
            raised.context("the revision cannot be noted")?;
            noted.set(revision);
        }
        Ok(())
    };
    let Ok(publisher) = Publisher::new(&*place, settings) else {
        return;
    };
    let mut publisher = match manner {
        Manner::Snapshot => publisher.noting(Box::new(note)),
        // A restored store keeps its lower revision: otherwise a later start would lead gateways back.
        Manner::Ends => publisher,
    };
    for job in jobs {
        noted.set(job.edition.revision);
        let led = lead(&mut publisher, &job, &source, manner);
        if let (Ok(_), Some(mirrors)) = (&led, &mirrors) {
            mirrors.wake();
        }
        // After the server stops, no caller waits for the reply.
        let _ = job.reply.send(led);
    }
}

fn lead(
    publisher: &mut Publisher<'_>,
    job: &Job,
    source: &SourceName,
    manner: Manner,
) -> Result<Led> {
    let Edition {
        revision,
        now,
        numbering,
        ahead,
        ..
    } = job.edition;
    let least = match manner {
        Manner::Snapshot => revision,
        // It is the one that the store has, which is older than the target.
        Manner::Ends => 0,
    };
    publisher.number(When {
        numbering,
        least,
        ahead,
    });
    let content = Content::of_configuration("the new snapshot", &job.json)?;
    let before = publisher.read(content.profile())?;
    let before = before.map(|present| present.head.issued_at);
    let request = Request {
        source: Some(source.clone()),
        allowed: Allowed {
            take_over: false,
            // Missing keys were purged: the store is the truth.
            removals: true,
        },
        begin: before.is_none(),
        above: Some(revision.saturating_sub(1)),
        ..Request::default()
    };
    let published = match manner {
        Manner::Snapshot => publisher.publish(&content, &request, now)?,
        Manner::Ends => match publisher.publish_ends(&content, &request, now)? {
            Some(published) => published,
            None => publisher.renew(content.profile(), now)?,
        },
    };
    if let Some(why) = &published.uncollected {
        tracing::warn!(why, "what no head names any more was not removed");
    }
    Ok(Led {
        revision: published.revision,
        before: before.unwrap_or(published.issued_at),
    })
}
