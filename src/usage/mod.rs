//! Counts how often each key is used. Every VM counts, and from time to time adds its counts to
//! pages that all VMs of a process share. No decision depends on them: anyone who uses the VM's
//! name can write those pages, so their content is read like any text from outside.

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
pub(crate) use store::update;
use store::{index, page_name};

/// The number of pages among which the keys of a plugin are distributed.
const PAGES: usize = 256;

/// The outcome of a request with a known key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The request passed.
    Allowed,
    /// The request passed only in shadow.
    WouldDeny,
    /// The request did not pass.
    Denied,
    /// The request asked about the key, which was valid.
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

    /// Returns how often the key was accepted.
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

/// What is known about a key's use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyUsage {
    /// How often the key was used.
    pub counts: Counts,
    /// When the key was last accepted, in Unix seconds, or 0 for never.
    pub last_accepted: u64,
    /// When the key was last used, whatever the outcome, in Unix seconds.
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

/// Returns what is known about `key` in all VMs, except for what some of them have not shared yet.
pub fn shared<S: Store>(store: &mut S, plugin: &[u8], key: &str) -> Option<KeyUsage> {
    let plugin = index(store)?.position(plugin)?;
    let (page, _) = store.get(&page_name(plugin, pending::place_of(key).0))?;
    let page = Page::read(&page)?;
    page.find(key).map(|record| record.usage)
}

/// The maximum size of the pages that one call of [`share`] reads, in bytes. It leaves the rest to
/// the next call.
const MOST_BYTES: usize = 2 << 20;

/// How many calls of [`share`] are enough to share everything that a VM can have counted, if the
/// host accepts it.
pub const MOST_TIMES: usize = 64;

/// Adds the counts to the shared pages. Returns true if some are left for the next call.
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

/// The plugin that counts.
#[derive(Clone, Copy, Debug)]
pub struct Plugin<'a> {
    /// The id that distinguishes plugins.
    pub id: &'a [u8],
    /// The name that people see.
    pub label: &'a str,
}

/// Adds the counts of one page's keys to that page. Returns the size of the page, or `None` if
/// others were faster every time.
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
