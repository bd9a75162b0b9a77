//! A feed that gateways follow, written by the code of `keyward publish`. The publisher has a separate thread, and keeps in memory what it read and wrote.

use std::cell::Cell;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use keyward::profile::Profile;
use keyward::signify::PublicKey;
use keyward::snapshot::Snapshot as Loaded;
use keyward_files::feed::{Content, Folder, KeySource, Publisher, Reader, Request, Settings};
use keyward_files::key_file::SourceName;
use keyward_files::publish::Allowed;
use serde::Serialize;
use serde_json::Value;
use tokio::runtime::Handle;

use super::publications::Publications;
use super::target::{Held, source};
use super::{Manner, RESTORED};
use crate::configuration::{self, Group};
use crate::store::{Snapshot, Store, StoreError};

/// How long objects stay after the last head that named them.
const RETAIN: u64 = 86_400;

/// A feed as a target.
pub(super) struct Feed {
    group: Group,
    reissue: Duration,
    jobs: Sender<Job>,
    publications: Arc<Publications>,
    /// The profile that the keys were made by.
    profile: Option<Value>,
}

struct Job {
    json: Vec<u8>,
    /// The revision reserved for this job.
    revision: u64,
    now: u64,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<&'a Value>,
    snapshot: Snapshot<'a>,
}

/// The parts of the publisher's thread.
struct Setup {
    folder: Folder,
    settings: Settings,
    source: SourceName,
    store: Store,
    handle: Handle,
    manner: Manner,
}

impl Feed {
    /// Opens a feed, or creates the folder for it. Refuses a head of another source, and one that is ahead of the store.
    pub(super) fn open(
        feed: &configuration::Feed,
        group: Group,
        store: &Store,
        head: &crate::store::Head,
        manner: Manner,
        profile: Option<&Value>,
    ) -> Result<Self> {
        let path = feed.folder_of(group);
        make(&path)?;
        let folder = Folder::open(&path)?;
        let settings = Settings {
            feed: feed.name_of(group),
            key: KeySource::parse(&feed.signing_key).read()?,
            trusted: feed.trusted()?,
            retain: RETAIN.max(feed.max_snapshot_age.saturating_mul(2)),
            cache: None,
            verify_all: false,
        };
        let source = source(&head.store_id)?;
        let keys = keys(&settings)?;
        let found = Reader {
            store: &folder,
            feed: &settings.feed,
            keys: &keys,
            profile: &Profile::stripe(),
            cache: None,
        }
        .head()?;
        if let Some((found, _, _)) = found {
            let (shown, held) = (path.display(), found.revision.number());
            if *found.source != *source.to_string() {
                bail!(
                    "the feed in `{shown}` is of `{}`, and this store is `{source}`; name another folder",
                    found.source
                );
            }
            if held > head.revision && manner == Manner::Snapshot {
                bail!("the feed in `{shown}` holds revision {held}, {RESTORED}");
            }
        }
        let (jobs, received) = channel();
        let setup = Setup {
            folder,
            settings,
            source,
            store: store.clone(),
            handle: Handle::current(),
            manner,
        };
        std::thread::Builder::new()
            .name("keyward-feed".to_owned())
            .spawn(move || run(setup, &received))?;
        Ok(Self {
            group,
            reissue: Duration::from_secs((feed.max_snapshot_age / 4).max(1)),
            jobs,
            publications: Arc::default(),
            profile: profile.cloned(),
        })
    }

    pub(super) fn group(&self) -> Group {
        self.group
    }

    /// The interval after which it signs its head again: a head that is not renewed ages, and gateways deny.
    pub(super) fn reissue(&self) -> Duration {
        self.reissue
    }

    pub(super) fn publications(&self) -> Arc<Publications> {
        Arc::clone(&self.publications)
    }

    /// Makes the feed lead to a snapshot, and waits until it does.
    pub(super) fn write(
        &self,
        snapshot: Snapshot<'_>,
        revision: u64,
        now: u64,
        through: u64,
    ) -> Result<()> {
        let (reply, led) = channel();
        let job = Job {
            json: serde_json::to_vec(&Whole {
                profile: self.profile.as_ref(),
                snapshot,
            })?,
            revision,
            now,
            reply,
        };
        let gone = "the feed's publisher is gone";
        self.jobs.send(job).ok().context(gone)?;
        let led = led.recv().context(gone)??;
        self.publications.note(led.revision, through, led.before);
        Ok(())
    }
}

/// Publishes each job, until no sender is left.
fn run(setup: Setup, jobs: &Receiver<Job>) {
    let Setup {
        folder,
        settings,
        source,
        store,
        handle,
        manner,
    } = setup;
    let noted = Cell::new(0);
    // The store must know every revision that a gateway can have: otherwise it would take itself for a restored one.
    let note = |revision: u64| -> Result<()> {
        if revision > noted.get() {
            let raised: Result<(), StoreError> =
                handle.block_on(store.end(move |tx| tx.raise_revision(revision)));
            raised.context("the revision cannot be noted")?;
            noted.set(revision);
        }
        Ok(())
    };
    let Ok(publisher) = Publisher::new(&folder, settings) else {
        return;
    };
    let mut publisher = match manner {
        Manner::Snapshot => publisher.noting(Box::new(note)),
        // A restored store keeps its lower revision: otherwise a later start would lead gateways back.
        Manner::Ends => publisher,
    };
    for job in jobs {
        noted.set(job.revision);
        let led = lead(&mut publisher, &job, &source, manner);
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
        above: Some(job.revision.saturating_sub(1)),
        ..Request::default()
    };
    let published = match manner {
        Manner::Snapshot => publisher.publish(&content, &request, job.now)?,
        Manner::Ends => match publisher.publish_ends(&content, &request, job.now)? {
            Some(published) => published,
            None => publisher.renew(content.profile(), job.now)?,
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

/// The verified records of this store that a feed contains.
pub(crate) fn held(
    feed: &configuration::Feed,
    group: Group,
    store_id: &str,
    profile: &Profile,
) -> Result<Option<Held>> {
    let path = feed.folder_of(group);
    if !path.exists() {
        return Ok(None);
    }
    let folder = Folder::open(&path)?;
    let key = KeySource::parse(&feed.signing_key).read()?;
    let own = PublicKey::from_line(&key.public_key()).context("the signing key")?;
    let keys: Vec<PublicKey> = [vec![own], feed.trusted()?].concat();
    let found = Reader {
        store: &folder,
        feed: &feed.name_of(group),
        keys: &keys,
        profile,
        cache: None,
    }
    .read(None)?;
    let Some(present) = found else {
        return Ok(None);
    };
    let source = source(store_id)?;
    if *present.head.source != *source.to_string() {
        bail!("`{}` does not hold keys of `{source}`", path.display());
    }
    let snapshot: Loaded = present.snapshot;
    Ok(Some(Held {
        revision: present.head.revision.number(),
        snapshot,
    }))
}

/// The keys whose heads it builds on: the server's key, and others while keys rotate.
fn keys(settings: &Settings) -> Result<Vec<PublicKey>> {
    let own = PublicKey::from_line(&settings.key.public_key());
    let own = own.context("the signing key has no public half that gateways take")?;
    Ok([vec![own], settings.trusted.clone()].concat())
}

/// The folder contains digests, accounts and grants, so only the server's user can read it, unless the operator made it otherwise.
fn make(path: &Path) -> Result<()> {
    let failure = || format!("`{}` cannot be made", path.display());
    let mut folder = std::fs::DirBuilder::new();
    folder.recursive(true).mode(0o700);
    folder.create(path).with_context(failure)
}
