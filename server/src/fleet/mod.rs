//! The gateways that follow the feed, as far as polls with their keys show them: which gateways exist, what each VM serves, and whether a change is in force at all
//! of them.

mod known;
mod polls;
mod propagation;
mod seen;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use keyward_files::feed::serve::{Claim, Feed, Named};
use tokio::sync::watch;
use tokio::time::{sleep, timeout_at};

use crate::configuration::{self, Configuration, Group};
use crate::publish::{Manner, Publications, Published, Publisher, Standing, State};
use crate::store::{Store, StoreError};
use crate::time;
pub(crate) use known::Forgotten;
use polls::{Begun, Polls};
pub(crate) use polls::{Doubt, SKEW, Sender, Who};
use propagation::Question;
use propagation::Reach;
pub(crate) use seen::{Gateway, GatewayState};

/// A group's feed.
pub(crate) struct Followed {
    pub(crate) group: Group,
    pub(crate) feed: Arc<Feed>,
    publications: Arc<Publications>,
}

/// The gateways.
pub(crate) struct Fleet {
    store: Store,
    polls: Arc<Mutex<Polls>>,
    feeds: Vec<Followed>,
    published: watch::Receiver<State>,
    standing: Arc<Standing>,
    /// Notified of what a poll changes for a proof.
    confirmed: watch::Sender<()>,
    max_snapshot_age: u64,
    /// Whether there may be gateways that this server does not know: those of a cache or a mirror, or, while it accepts only ends, those of a store that is older than they are.
    has_unseen: bool,
    /// Whether there are gateways that watch a file. They do not report what they loaded.
    has_files: bool,
}

/// A poll that waits for its answer.
pub(crate) struct Polling {
    polls: Arc<Mutex<Polls>>,
    who: Who,
}

impl Drop for Polling {
    fn drop(&mut self) {
        locked(&self.polls).end(&self.who, time::now());
    }
}

/// How far a change has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Come {
    /// The change is in the store, and no gateway can have it.
    Committed,
    /// Gateways can have the change.
    Published {
        revision: u64,
        /// The time from which the gateways that lack it deny by themselves, if known.
        latest_by: Option<u64>,
    },
    /// Every VM that follows the feed has the change.
    Everywhere { revision: u64 },
}

impl Fleet {
    /// Opens the feeds, and reads the VMs that the store knows.
    pub(crate) async fn start(
        configuration: &Configuration,
        store: &Store,
        publisher: &Publisher,
        manner: Manner,
    ) -> Result<Self> {
        let settings = configuration.feed.as_ref();
        let open = |(group, publications): &(Group, Arc<Publications>)| {
            let folder = settings.map(|feed| feed.folder_of(*group));
            Ok(Followed {
                group: *group,
                feed: Feed::open(
                    &folder.unwrap_or_default(),
                    keyward_files::feed::serve::Settings::default(),
                )?,
                publications: Arc::clone(publications),
            })
        };
        let feeds: Result<Vec<Followed>> = publisher.publications().iter().map(open).collect();
        let mut polls = Polls::default();
        let started = time::now();
        let known: Result<_, StoreError> = store.read_all(|reader| reader.gateway_vms()).await;
        for vm in known? {
            let who = Who {
                gateway: vm.gateway,
                vm: vm.vm,
            };
            polls.remember(&who, vm.group, vm.until, started);
        }
        let is_edge = |target: &configuration::Target| target.group == Group::Edge;
        Ok(Self {
            store: store.clone(),
            polls: Arc::new(Mutex::new(polls)),
            feeds: feeds?,
            published: publisher.watch(),
            standing: Arc::clone(publisher.standing()),
            confirmed: watch::channel(()).0,
            max_snapshot_age: settings.map_or(0, |feed| feed.max_snapshot_age),
            has_unseen: settings.is_some_and(configuration::Feed::is_mirrored)
                || manner == Manner::Ends,
            has_files: configuration.publish.iter().any(is_edge),
        })
    }

    /// A group's feed, if there is one.
    pub(crate) fn feed(&self, group: Group) -> Option<&Followed> {
        self.feeds.iter().find(|followed| followed.group == group)
    }

    /// A poll of an authenticated key begins.
    pub(crate) fn poll(
        &self,
        sender: Sender<'_>,
        claim: Option<&Claim>,
        served: Option<Named>,
    ) -> (Polling, Who) {
        let mut polls = self.polls();
        if polls.is_full(sender.gateway) {
            polls.tidy(time::at_once());
        }
        let Begun {
            who,
            claimed,
            is_news,
        } = polls.begin(sender, claim, served, time::now());
        if let Some(head) = served {
            polls.may_receive(&who, self.leaves(head.issued_at));
        }
        drop(polls);
        if let Some(revision) = claimed {
            let vm = (&*who.gateway, &*who.vm);
            self.standing.asked(vm, sender.group, revision);
        }
        if is_news {
            self.confirmed.send_replace(());
        }
        let polling = Polling {
            polls: Arc::clone(&self.polls),
            who: who.clone(),
        };
        (polling, who)
    }

    /// Answers all waiting polls, because the server stops.
    pub(crate) fn stop(&self) {
        for followed in &self.feeds {
            followed.feed.stop();
        }
    }

    /// Returns how far a change has come.
    pub(crate) fn come(&self, change: u64) -> Come {
        if !self.is_written(change) {
            return Come::Committed;
        }
        let files = self.published.borrow().files.unwrap_or_default();
        let now = time::at_once();
        let polls = self.polls();
        let mut come: Option<(u64, Reach)> = None;
        for followed in &self.feeds {
            let Some(wanted) = followed.publications.wanted(change) else {
                return Come::Committed;
            };
            // A poll is answered with the head that is served, which may still be the one before.
            let served = followed.feed.head();
            if served.is_none_or(|head| head.revision < wanted.revision) {
                return Come::Committed;
            }
            let question = Question {
                wanted: wanted.revision,
                at_latest: self.leaves(wanted.last_without),
                has_unseen: self.has_unseen,
                now,
            };
            let of_group = polls.vms(|group| group == followed.group);
            let reach = propagation::reach(of_group, question);
            come = Some(match come {
                None => (wanted.revision, reach),
                Some((revision, other)) => (revision.max(wanted.revision), other.and(reach)),
            });
        }
        // VMs whose feed is not served any more, or cannot be opened, cannot confirm anything.
        let others = polls.vms(|group| self.feed(group).is_none());
        let never = Question {
            wanted: u64::MAX,
            at_latest: u64::MAX,
            has_unseen: false,
            now,
        };
        let others = propagation::reach(others, never);
        let come = come.map(|(revision, reach)| (revision, reach.and(others)));
        match come {
            // Files only: the server does not know what Envoy loaded from them.
            None => Come::Published {
                revision: files.revision,
                latest_by: None,
            },
            Some((revision, _)) if self.has_files => Come::Published {
                revision,
                latest_by: None,
            },
            Some((revision, Reach::Everywhere)) => Come::Everywhere { revision },
            Some((revision, Reach::Published { latest_by })) => Come::Published {
                revision,
                latest_by: Some(latest_by),
            },
        }
    }

    /// Whether all targets have a change whose gateways it is for: the feeds, and the files of the API's own gateways. Without feeds, all files count.
    fn is_written(&self, change: u64) -> bool {
        let State { feeds, files } = *self.published.borrow();
        let has = |of: Option<Published>| of.is_some_and(|published| published.through >= change);
        let counts_files = feeds.is_none() || self.has_files;
        (feeds.is_none() || has(feeds)) && (!counts_files || has(files))
    }

    /// Waits at most `longest` until a change is everywhere, or only published if the server can never prove more.
    pub(crate) async fn wait(&self, change: u64, longest: Duration) {
        /// Polls of one revision arrive together.
        const TOGETHER: Duration = Duration::from_millis(3);
        /// The head that is served follows the one that is published.
        const SOON: Duration = Duration::from_millis(10);
        let mut published = self.published.clone();
        let mut confirmed = self.confirmed.subscribe();
        let until = tokio::time::Instant::now().checked_add(longest);
        let Some(until) = until else { return };
        let reached = async {
            loop {
                published.borrow_and_update();
                confirmed.borrow_and_update();
                match self.come(change) {
                    Come::Everywhere { .. } => return,
                    Come::Published { .. } if !self.can_prove() => return,
                    Come::Committed if self.is_written(change) => {
                        sleep(SOON).await;
                        continue;
                    }
                    Come::Published { .. } | Come::Committed => {}
                }
                tokio::select! {
                    _ = published.changed() => {}
                    _ = confirmed.changed() => sleep(TOGETHER).await,
                    // A head also becomes too old without any event.
                    () = sleep(Duration::from_secs(1)) => {}
                }
            }
        };
        // The answer states whether the change got there.
        let _ = timeout_at(until, reached).await;
    }

    /// Whether the server can prove `everywhere` at all.
    fn can_prove(&self) -> bool {
        !self.feeds.is_empty() && !self.has_unseen && !self.has_files
    }

    /// The time from which no VM serves by a head that was signed at `issued_at`.
    fn leaves(&self, issued_at: u64) -> u64 {
        issued_at
            .saturating_add(self.max_snapshot_age)
            .saturating_add(polls::SKEW)
    }

    fn polls(&self) -> MutexGuard<'_, Polls> {
        locked(&self.polls)
    }
}

fn locked(polls: &Mutex<Polls>) -> MutexGuard<'_, Polls> {
    polls.lock().unwrap_or_else(PoisonError::into_inner)
}
