//! How often each key is used. Counted in every VM, and from time to time added to pages that all VMs of a process share. Nothing is ever decided by it:
//! anyone who shares the VM's name can write those pages, so what they hold is read as text from outside is.

mod local;
mod page;
mod pending;
mod report;
mod store;

#[cfg(test)]
mod tests;

pub use local::is_local;
pub use pending::Pending;
pub use report::report;
pub use store::Store;

use page::Page;
use store::{index, page_name, update};

/// Among so many pages the keys of one plugin are spread.
const PAGES: usize = 256;

/// What became of a request with a known key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It passed.
    Allowed,
    /// It passed only in shadow.
    WouldDeny,
    /// It did not pass.
    Denied,
    /// It asked about the key, and the key was good.
    Verified,
}

/// How often a key was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that passed.
    pub allowed: u64,
    /// Requests that passed only in shadow.
    pub would_deny: u64,
    /// Requests that did not pass.
    pub denied: u64,
    /// Verifications.
    pub verified: u64,
}

impl Counts {
    fn count(&mut self, event: Event) {
        let count = match event {
            Event::Allowed => &mut self.allowed,
            Event::WouldDeny => &mut self.would_deny,
            Event::Denied => &mut self.denied,
            Event::Verified => &mut self.verified,
        };
        *count = count.saturating_add(1);
    }

    fn add(&mut self, other: Self) {
        let Self {
            allowed,
            would_deny,
            denied,
            verified,
        } = other;
        self.allowed = self.allowed.saturating_add(allowed);
        self.would_deny = self.would_deny.saturating_add(would_deny);
        self.denied = self.denied.saturating_add(denied);
        self.verified = self.verified.saturating_add(verified);
    }

    /// How often the key was accepted.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.allowed.saturating_add(self.verified)
    }

    fn total(&self) -> u64 {
        self.accepted()
            .saturating_add(self.would_deny)
            .saturating_add(self.denied)
    }
}

/// What is known of one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyUsage {
    /// How often it was used.
    pub counts: Counts,
    /// When it was last accepted, Unix seconds; 0 for never.
    pub last_accepted: u64,
    /// When it was last seen, whatever became of it, Unix seconds.
    pub last_seen: u64,
}

impl KeyUsage {
    fn add(&mut self, counts: Counts, now: u64) {
        self.counts.add(counts);
        self.last_seen = self.last_seen.max(now);
        if counts.accepted() > 0 {
            self.last_accepted = self.last_accepted.max(now);
        }
    }
}

/// What is known of `key` in all VMs, but for what some of them have not shared yet.
pub fn shared<S: Store>(store: &mut S, plugin: &[u8], key: &str) -> Option<KeyUsage> {
    let plugin = index(store)?.position(plugin)?;
    let (page, _) = store.get(&page_name(plugin, pending::place_of(key).0))?;
    let page = Page::read(&page)?;
    page.find(key).map(|record| record.usage)
}

/// The most bytes of pages that one call of [`share`] reads before it leaves the rest to the next.
const MOST_BYTES: usize = 2 << 20;

/// So many calls of [`share`] share everything that one VM can have counted, if the host accepts it.
pub const MOST_TIMES: usize = 64;

/// Adds what was counted to the shared pages. True where some is left for the next time.
pub fn share<S: Store>(
    pending: &mut Pending,
    store: &mut S,
    plugin: &Plugin<'_>,
    now: u64,
) -> bool {
    let Some(number) = store::register(store, plugin, now) else {
        return false;
    };
    let mut read = 0;
    for place in pending.places() {
        if read > MOST_BYTES {
            return true;
        }
        match share_page(pending, store, (number, place), now) {
            Some(bytes) => read += bytes,
            None => return true,
        }
    }
    false
}

/// Who counts.
#[derive(Clone, Copy, Debug)]
pub struct Plugin<'a> {
    /// By which plugins are distinguished.
    pub id: &'a [u8],
    /// By which people distinguish them .
    pub label: &'a str,
}

/// Adds what was counted of one page's keys to that page. The size of the page, or `None` where others were faster time and again.
fn share_page<S: Store>(
    pending: &mut Pending,
    store: &mut S,
    (plugin, place): (usize, usize),
    now: u64,
) -> Option<usize> {
    let (entries, dropped) = (pending.entries(place), pending.dropped());
    let size = update(store, &page_name(plugin, place), |before| {
        let mut page = before.and_then(Page::read).unwrap_or_default();
        for (key, counts) in entries {
            page.add(key, *counts, now);
        }
        page.lost = page.lost.saturating_add(dropped);
        page.shrink();
        Some(page.bytes())
    })?;
    pending.clear(place);
    Some(size)
}
