//! The thread that leads a feed's gateways on, by the code of `keyward publish`. It keeps in memory what it read and wrote.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use anyhow::{Context, Result};
use keyward::snapshot::delta::Touched;
use keyward_files::feed::{
    Ahead, Changed, Content, FeedStore, Mirrors, Numbering, Published, Publisher, Request,
    Settings, Taken, When,
};
use keyward_files::key_file::SourceName;
use keyward_files::publish::Allowed;
use tokio::runtime::Handle;

use super::Manner;
use super::standing::Standing;
use crate::configuration::Group;
use crate::store::{Store, StoreError};

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

pub(super) struct Job {
    pub(super) json: Vec<u8>,
    /// If it is not the whole.
    pub(super) changed: Option<OfChanged>,
    pub(super) edition: Edition,
    pub(super) reply: Sender<Result<Reply>>,
}

/// What belongs to the changed records of a job.
pub(super) struct OfChanged {
    pub(super) touched: Touched,
    pub(super) since: u64,
    pub(super) keys: usize,
    pub(super) accounts: usize,
}

pub(super) enum Reply {
    Led(Led),
    /// The whole is needed, for this reason.
    Whole(&'static str),
}

/// Where the feed leads now.
pub(super) struct Led {
    pub(super) revision: u64,
    /// When the previous head was signed.
    pub(super) before: u64,
    /// Whether the next publication must be of the whole, which makes a new base.
    pub(super) is_base_due: bool,
}

/// The parts of the publisher's thread.
pub(super) struct Setup {
    pub(super) place: Box<dyn FeedStore + Send>,
    pub(super) settings: Settings,
    pub(super) source: SourceName,
    pub(super) store: Store,
    pub(super) handle: Handle,
    pub(super) manner: Manner,
    pub(super) group: Group,
    pub(super) standing: Arc<Standing>,
    pub(super) mirrors: Option<Arc<Mirrors>>,
}

/// Publishes each job, until no sender is left.
pub(super) fn run(setup: Setup, jobs: &Receiver<Job>) {
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
        if let (Ok(Reply::Led(_)), Some(mirrors)) = (&led, &mirrors) {
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
) -> Result<Reply> {
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
    let led = |published: Published, is_base_due| {
        if let Some(why) = &published.uncollected {
            tracing::warn!(why, "what no head names any more was not removed");
        }
        Reply::Led(Led {
            revision: published.revision,
            before: before.unwrap_or(published.issued_at),
            is_base_due,
        })
    };
    if let Some(of_changed) = &job.changed {
        let changed = Changed {
            content: &content,
            touched: &of_changed.touched,
            since: of_changed.since,
            keys: of_changed.keys,
            accounts: of_changed.accounts,
        };
        return Ok(match publisher.publish_changed(&changed, source, now)? {
            Taken::Led {
                published,
                is_base_due,
            } => led(published, is_base_due),
            Taken::Whole(why) => Reply::Whole(why),
        });
    }
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
    Ok(led(published, false))
}
