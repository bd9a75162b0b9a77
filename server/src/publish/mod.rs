//! From the store to the feeds that gateways follow, and to the files that Envoys watch. At most one publication of each is in flight; changes that arrive meanwhile go
//! into the next one.

mod feed;
mod folder;
mod group;
mod held;
mod lead;
mod mirrors;
mod opened;
mod publications;
mod pulse;
mod standing;
mod target;
mod worker;

use std::path::Path;
use std::sync::Arc;
#[cfg(test)]
use std::time::Duration;

use anyhow::Result;
use keyward::profile::Profile;
use keyward_files::feed::Mirrors;
use serde_json::Value;
use tokio::sync::{Notify, watch};
#[cfg(test)]
use tokio::time::timeout;

use crate::configuration::{self, Configuration, Group};
use crate::store::{Store, StoreError};
use crate::time;
use opened::Opened;
pub(crate) use publications::Publications;
pub(crate) use pulse::Pulse;
pub(crate) use standing::Standing;
use target::File;
pub(crate) use target::Held;
use worker::Worker;

/// How soon a change has to reach the gateways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Haste {
    /// Something ends.
    AtOnce,
    /// Something begins: changes that follow within a moment go with it.
    Soon,
}

/// The contents that a target receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// The snapshot of the store.
    Snapshot,
    /// The target's current contents, with every key ended that the store ends. This revives no key, though the store is older than the target.
    Ends,
}

/// The error for a target that is ahead of the store.
const RESTORED: &str = "and the store knows none that high: it is older than what gateways serve, such as a restored backup. Nothing is published, for keys that were revoked since would work again; `keyward-server resume` ends those keys in the store, and `serve --ends-only` takes ends until then";

/// The targets of snapshots.
#[derive(Clone, Copy)]
pub(crate) struct Targets<'a> {
    /// The files that Envoys watch.
    pub(crate) files: &'a [configuration::Target],
    /// The feeds that gateways follow.
    pub(crate) feed: Option<&'a configuration::Feed>,
}

impl<'a> Targets<'a> {
    pub(crate) fn of(configuration: &'a Configuration) -> Self {
        Self {
            files: &configuration.publish,
            feed: configuration.feed.as_ref(),
        }
    }

    /// Each group that has a feed.
    fn groups(self) -> impl Iterator<Item = (&'a configuration::Feed, Group)> {
        let feeds = self.feed.into_iter();
        feeds.flat_map(|feed| feed.groups.iter().map(move |group| (feed, *group)))
    }

    /// Sets aside the heads of feeds that are older than what gateways serve.
    pub(crate) fn set_aside(
        self,
        store_id: &str,
        above: Option<u64>,
        profile: &Profile,
    ) -> Result<()> {
        for (feed, group) in self.groups() {
            held::set_aside(feed, group, store_id, above, profile)?;
        }
        Ok(())
    }

    /// All records of this store that the targets contain.
    pub(crate) fn held(self, store_id: &str, profile: &Profile) -> Result<Vec<Held>> {
        let files = self
            .files
            .iter()
            .map(|target| target::held(target, store_id));
        let feeds = self
            .groups()
            .map(|(feed, group)| held::all(feed, group, store_id, profile));
        let mut all: Vec<Held> = files.collect::<Result<_>>()?;
        for held in feeds {
            all.extend(held?);
        }
        Ok(all)
    }
}

/// The publication that gateways can have by now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Published {
    /// The last change that is in it.
    pub(crate) through: u64,
    pub(crate) revision: u64,
}

/// The targets that are written together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Feeds,
    Files,
}

/// How far the targets of each kind have come, `None` without any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) feeds: Option<Published>,
    pub(crate) files: Option<Published>,
}

impl State {
    fn of(&mut self, kind: Kind) -> &mut Option<Published> {
        match kind {
            Kind::Feeds => &mut self.feeds,
            Kind::Files => &mut self.files,
        }
    }

    /// What all targets have.
    fn all(self) -> Published {
        let both = self.feeds.into_iter().chain(self.files);
        both.min_by_key(|published| published.through)
            .unwrap_or_default()
    }
}

/// The handle of the publisher.
pub(crate) struct Publisher {
    bells: Vec<Arc<Bells>>,
    state: watch::Receiver<State>,
    publications: Vec<(Group, Arc<Publications>)>,
    mirrors: Vec<Arc<Mirrors>>,
    standing: Arc<Standing>,
    pulses: Vec<Arc<Pulse>>,
}

#[derive(Default)]
struct Bells {
    at_once: Notify,
    soon: Notify,
}

impl Publisher {
    /// Checks the targets, publishes the contents of the store, and then runs by itself.
    pub(crate) async fn start(store: &Store, targets: Targets<'_>, manner: Manner) -> Result<Self> {
        let head = head(store).await?;
        let profile = profile(store).await?;
        let profile = profile.as_ref();
        let files = targets
            .files
            .iter()
            .map(|target| File::open(target, &head.store_id, head.revision, manner, profile));
        let mut places = Vec::new();
        for (feed, group) in targets.groups() {
            let all = opened::places(feed, group, manner)?;
            places.extend(all.into_iter().map(|place| (feed, group, place)));
        }
        let feeds = places
            .into_iter()
            .map(|(feed, group, place)| Opened::open(feed, group, place, &head, manner));
        let files: Vec<File> = opened(files, manner)?;
        let feeds: Vec<Opened> = opened(feeds, manner)?;
        let standing = Arc::new(standing(store, &head, &feeds, manner).await?);
        let start = |opened| feed::Feed::start(opened, store, &standing, manner, profile);
        let feeds: Vec<feed::Feed> = feeds.into_iter().map(start).collect::<Result<_>>()?;
        let mirrors = feeds.iter().filter_map(feed::Feed::mirrors).collect();
        let publications = feeds
            .iter()
            .filter(|feed| !feed.is_mirror())
            .map(|feed| (feed.group(), feed.publications()))
            .collect();
        let mut begun = State::default();
        let mut kinds = Vec::new();
        if !feeds.is_empty() {
            kinds.push((Kind::Feeds, feeds, Vec::new()));
        }
        // Without any target, each change counts as published.
        if kinds.is_empty() || !files.is_empty() {
            kinds.push((Kind::Files, Vec::new(), files));
        }
        for (kind, _, _) in &kinds {
            *begun.of(*kind) = Some(Published::default());
        }
        let (told, state) = watch::channel(begun);
        let worker = |(kind, feeds, files): (Kind, Vec<feed::Feed>, Vec<File>)| Worker {
            store: store.clone(),
            files: files.into(),
            feeds: feeds.into(),
            bells: Arc::default(),
            kind,
            told: told.clone(),
            manner,
            book: None,
            standing: Arc::clone(&standing),
            pulse: Arc::default(),
        };
        let workers: Vec<Worker> = kinds.into_iter().map(worker).collect();
        let publisher = Self {
            bells: workers.iter().map(|it| Arc::clone(&it.bells)).collect(),
            state,
            publications,
            mirrors,
            standing: Arc::clone(&standing),
            pulses: workers.iter().map(|it| Arc::clone(&it.pulse)).collect(),
        };
        if standing.has_more_to_ask() {
            // Gateways are asked first, and they ask only once this server serves.
            tokio::spawn(async move {
                standing.first().await;
                for worker in workers {
                    tokio::spawn(worker.run(Some(Haste::AtOnce)));
                }
            });
            return Ok(publisher);
        }
        // Changes that were not published before may include ends.
        let begin = |mut worker: Worker| async move {
            let begun = worker.publish(Haste::AtOnce).await;
            if let Err(error) = &begun {
                // Such as a full disk. The server still accepts ends, and publishes them as soon as that works.
                failed(error);
            }
            tokio::spawn(worker.run(begun.is_err().then_some(Haste::AtOnce)));
        };
        let begun: Vec<_> = workers.into_iter().map(begin).map(tokio::spawn).collect();
        for begun in begun {
            begun.await?;
        }
        Ok(publisher)
    }

    /// What gateways and mirrors show about the store.
    pub(crate) fn standing(&self) -> &Arc<Standing> {
        &self.standing
    }

    /// How publishing goes, for each kind of target.
    pub(crate) fn pulses(&self) -> &[Arc<Pulse>] {
        &self.pulses
    }

    /// How many mirrors do not hold what their feed holds.
    pub(crate) fn mirrors_behind(&self) -> u64 {
        let behind = self.mirrors.iter().map(|mirrors| mirrors.behind());
        behind.fold(0, u64::saturating_add)
    }

    /// Which revisions of the feeds contain which changes, by the groups of gateways that follow them.
    pub(crate) fn publications(&self) -> &[(Group, Arc<Publications>)] {
        &self.publications
    }

    /// Notifies of each publication.
    pub(crate) fn watch(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Reports that there is a change.
    pub(crate) fn wake(&self, haste: Haste) {
        for bells in &self.bells {
            match haste {
                Haste::AtOnce => bells.at_once.notify_one(),
                Haste::Soon => bells.soon.notify_one(),
            }
        }
    }

    /// The current publication, of the targets that are behind the others.
    pub(crate) fn state(&self) -> Published {
        self.state.borrow().all()
    }

    /// Waits until a change is published, at most that long.
    #[cfg(test)]
    pub(crate) async fn wait(&self, change: u64, longest: Duration) {
        let mut state = self.state.clone();
        let reached = state.wait_for(|state| state.all().through >= change);
        // The answer states whether the change got there.
        let _ = timeout(longest, reached).await;
    }
}

/// Writes the first snapshot of a new store.
pub(crate) async fn first(store: &Store, file: &Path, template: &Path) -> Result<()> {
    let head = head(store).await?;
    let profile = profile(store).await?;
    let file = File::make(file, template, &head.store_id, profile.as_ref())?;
    let (told, _state) = watch::channel(State::default());
    let mut worker = Worker {
        store: store.clone(),
        files: Arc::new([file]),
        feeds: Arc::new([]),
        bells: Arc::default(),
        kind: Kind::Files,
        told,
        manner: Manner::Snapshot,
        book: None,
        standing: Arc::new(Standing::without_feeds(store)),
        pulse: Arc::default(),
    };
    worker.publish(Haste::AtOnce).await
}

/// What gateways can know better than the store. Those of a server that accepts only ends are not asked: it brings nothing back.
async fn standing(
    store: &Store,
    head: &crate::store::Head,
    feeds: &[Opened],
    manner: Manner,
) -> Result<Standing> {
    if feeds.is_empty() || manner == Manner::Ends {
        return Ok(Standing::without_feeds(store));
    }
    let known: std::result::Result<_, StoreError> =
        store.read_all(|reader| reader.gateway_vms()).await;
    let known = known?;
    let given = feeds.iter().map(|feed| {
        let held = feed.held.unwrap_or_default();
        (feed.group, held.max(head.revision))
    });
    let has_published = feeds.iter().any(|feed| feed.held.is_some()) || !known.is_empty();
    Ok(Standing::new(
        store,
        given,
        known,
        has_published,
        time::now(),
    ))
}

/// The profile that keys are made by.
async fn profile(store: &Store) -> Result<Option<Value>> {
    let read: std::result::Result<_, StoreError> = store.read(|reader| reader.profile()).await;
    Ok(read?)
}

async fn head(store: &Store) -> Result<crate::store::Head> {
    let head: std::result::Result<_, StoreError> = store.read(|reader| reader.head()).await;
    Ok(head?)
}

/// The opened targets. For ends it skips those that cannot be opened, so that the others receive the ends.
fn opened<T>(targets: impl Iterator<Item = Result<T>>, manner: Manner) -> Result<Vec<T>> {
    match manner {
        Manner::Snapshot => targets.collect(),
        Manner::Ends => Ok(targets
            .filter_map(|target| target.inspect_err(failed).ok())
            .collect()),
    }
}

fn failed(error: &anyhow::Error) {
    tracing::error!(
        error = format!("{error:#}"),
        "the snapshot was not published"
    );
}

#[cfg(test)]
mod tests;
