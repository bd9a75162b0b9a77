//! What one VM has counted but not shared yet.

use super::{Counts, Event, PAGES};

/// The maximum number of keys per page. Counts of other keys wait until these are shared.
const MOST_KEYS: usize = 64;

/// Counts by key, for at most 16,384 keys.
#[derive(Default)]
pub struct Pending {
    /// One unsorted list for each page. Empty until the first key is counted.
    pages: Vec<Page>,
    keys: usize,
    /// Requests that could neither be counted nor shared.
    dropped: u64,
}

#[derive(Default)]
struct Page {
    /// Hashes of the keys, so that nearly all keys can be distinguished by a number.
    hashes: Vec<u64>,
    entries: Vec<(Box<str>, Counts)>,
}

/// Returns a key's page and its hash: FNV-1a.
pub(super) fn place_of(key: &str) -> (usize, u64) {
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    // The lowest bits of this hash are its weakest.
    let place = usize::try_from(hash >> 32).unwrap_or(0) % PAGES;
    (place, hash)
}

impl Pending {
    /// Counts a request. Returns `false` if no space is left. In that case, call [`super::share`]
    /// first.
    pub fn count(&mut self, key: &str, event: Event) -> bool {
        if self.pages.is_empty() {
            self.pages.resize_with(PAGES, Page::default);
        }
        let (place, hash) = place_of(key);
        let Some(page) = self.pages.get_mut(place) else {
            return false;
        };
        let is_full = page.entries.len() >= MOST_KEYS;
        let mut known = page.hashes.iter().zip(&mut page.entries);
        let counts = known
            .find(|(known, (name, _))| **known == hash && **name == *key)
            .map(|(_, (_, counts))| counts);
        match counts {
            Some(counts) => counts.count(event),
            None if is_full => return false,
            None => {
                let mut counts = Counts::default();
                counts.count(event);
                page.hashes.push(hash);
                page.entries.push((key.into(), counts));
                self.keys += 1;
            }
        }
        true
    }

    /// Drops a request, because no space is left and nothing can be shared.
    pub fn give_up(&mut self) {
        self.dropped = self.dropped.saturating_add(1);
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Returns the counts for `key`.
    #[must_use]
    pub fn of(&self, key: &str) -> Counts {
        let (place, _) = place_of(key);
        let mut entries = self.entries(place).iter();
        entries
            .find(|(name, _)| **name == *key)
            .map(|(_, counts)| *counts)
            .unwrap_or_default()
    }

    /// Returns whether nothing is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys == 0
    }

    /// Returns the pages that have counts.
    pub(super) fn places(&self) -> Vec<usize> {
        let pages = self.pages.iter().enumerate();
        pages
            .filter(|(_, page)| !page.entries.is_empty())
            .map(|(place, _)| place)
            .collect()
    }

    pub(super) fn entries(&self, place: usize) -> &[(Box<str>, Counts)] {
        self.pages.get(place).map_or(&[], |page| &page.entries)
    }

    pub(super) fn clear(&mut self, place: usize) {
        if let Some(page) = self.pages.get_mut(place) {
            self.keys = self.keys.saturating_sub(page.entries.len());
            // A used key tends to be used again, so the memory stays allocated.
            page.hashes.clear();
            page.entries.clear();
            self.dropped = 0;
        }
    }
}
