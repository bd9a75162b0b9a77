//! Whether the store is what it was when the server stopped. A disk that was restored as a whole, store and feed together, shows nothing of that itself: only gateways
//! know, by the revision that they serve, and mirrors. Until they were asked, revisions rise by one and not to the time, so that a gateway which serves a higher
//! revision rejects what an older store publishes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::configuration::Group;
use crate::store::{Store, StoredVm};

/// How long the first publication waits for a VM of each gateway that the store knows. A change that is made meanwhile waits as well.
const FIRST: Duration = Duration::from_secs(5);

/// How long polls are compared with the store at least, and at most: a gateway that was cut off may never ask.
const LEAST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(600);

/// What gateways and mirrors show about the store.
pub(crate) struct Standing {
    store: Store,
    started: Instant,
    /// The highest revision that a head of each feed has, or had.
    given: Vec<(Group, AtomicU64)>,
    /// The VMs that have not asked since the start, and the time from which they serve nothing.
    awaited: Mutex<BTreeMap<(String, String), u64>>,
    is_compared: Mutex<bool>,
    /// Notified when a VM has asked.
    asked: Notify,
    /// Why the store is older than what gateways serve, if it is.
    restored: watch::Sender<Option<String>>,
    /// The gateways that have not polled since the start, if the first publication waits for them.
    unheard: Mutex<BTreeSet<String>>,
    has_more_to_ask: bool,
}

impl Standing {
    /// Of a server whose feeds hold these revisions, and whose store knows these VMs. Without a head there is nothing that a gateway can have.
    pub(super) fn new(
        store: &Store,
        given: impl Iterator<Item = (Group, u64)>,
        known: Vec<StoredVm>,
        has_published: bool,
        now: u64,
    ) -> Self {
        // A nameless one proves nothing, ever.
        let named: Vec<StoredVm> = known.into_iter().filter(|vm| !vm.vm.is_empty()).collect();
        let has_more_to_ask = !named.is_empty();
        let valid: Vec<StoredVm> = named.into_iter().filter(|vm| vm.until > now).collect();
        let unheard = valid.iter().map(|vm| vm.gateway.clone()).collect();
        let awaited = valid
            .into_iter()
            .map(|vm| ((vm.gateway, vm.vm), vm.until))
            .collect();
        Self {
            store: store.clone(),
            started: Instant::now(),
            given: given
                .map(|(group, revision)| (group, AtomicU64::new(revision)))
                .collect(),
            awaited: Mutex::new(awaited),
            is_compared: Mutex::new(!has_published),
            asked: Notify::new(),
            restored: watch::channel(None).0,
            unheard: Mutex::new(unheard),
            has_more_to_ask,
        }
    }

    /// For a server without feeds, or one that accepts only ends.
    pub(super) fn without_feeds(store: &Store) -> Self {
        Self::new(store, std::iter::empty(), Vec::new(), false, 0)
    }

    /// A head with this revision is about to be written.
    pub(super) fn give(&self, group: Group, revision: u64) {
        for (_, given) in self.given.iter().filter(|(of, _)| *of == group) {
            given.fetch_max(revision, Ordering::SeqCst);
        }
    }

    /// A VM of a gateway asked, by the gateway's own key, and says that it serves this revision.
    pub(crate) fn asked(&self, (gateway, vm): (&str, &str), group: Group, revision: u64) {
        if self.is_compared() {
            return;
        }
        self.awaited().remove(&(gateway.to_owned(), vm.to_owned()));
        self.unheard().remove(gateway);
        self.asked.notify_one();
        let given = self.given.iter().find(|(of, _)| *of == group);
        let given = given.map(|(_, given)| given.load(Ordering::SeqCst));
        if let Some(given) = given
            && revision > given
        {
            self.is_behind(&format!(
                "gateway `{gateway}` serves revision {revision}, and this server has published none above {given}"
            ));
        }
    }

    /// The operator says that these VMs are gone.
    pub(crate) fn forget(&self, gateway: &str, vms: &[String]) {
        self.awaited()
            .retain(|(of, vm), _| of != gateway || !vms.contains(vm));
        self.unheard().remove(gateway);
        self.asked.notify_one();
    }

    /// The store is older than what gateways serve: nothing is published from now on, and nothing added, until `resume`.
    pub(super) fn is_behind(&self, why: &str) {
        let is_first = self.restored.send_if_modified(|held| {
            let is_first = held.is_none();
            held.get_or_insert_with(|| why.to_owned());
            is_first
        });
        if is_first {
            self.store.take_ends_only();
            tracing::error!(
                why,
                "the store is older than what gateways serve, such as a restored disk: nothing is published, because keys that were revoked since would work again. Stop the server and run `keyward-server resume`"
            );
        }
    }

    /// Why nothing is published, if so.
    pub(crate) fn restored(&self) -> Option<String> {
        self.restored.borrow().clone()
    }

    /// Whether gateways were asked, so that revisions may rise to the time.
    pub(super) fn is_compared(&self) -> bool {
        let mut is_compared = self
            .is_compared
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !*is_compared {
            let (since, now) = (self.started.elapsed(), crate::time::now());
            let have_all_asked = || {
                let mut awaited = self.awaited();
                awaited.retain(|_, until| *until > now);
                awaited.is_empty()
            };
            *is_compared = since >= LONGEST || (since >= LEAST && have_all_asked());
        }
        *is_compared
    }

    /// Whether the first publication waits for gateways.
    pub(super) fn has_more_to_ask(&self) -> bool {
        self.has_more_to_ask && !self.is_compared()
    }

    /// Waits until a VM of every gateway that the store knows has asked, or for a moment.
    pub(super) async fn first(&self) {
        if !self.has_more_to_ask() {
            return;
        }
        let is_known_by_name = !self.unheard().is_empty();
        let all = async {
            while self.restored().is_none() && !(is_known_by_name && self.unheard().is_empty()) {
                self.asked.notified().await;
            }
        };
        // A gateway that is cut off holds nothing back for longer.
        let _ = timeout(FIRST, all).await;
    }

    fn unheard(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.unheard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn awaited(&self) -> MutexGuard<'_, BTreeMap<(String, String), u64>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
