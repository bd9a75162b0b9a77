//! When each key was last used, as the gateways' access logs say. A thread reads what is new in them; of each key one number is kept.

mod tail;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use keyward_files::access_log::{Record, Verdict};
use sha2::{Digest, Sha256};

use crate::logs::Requests;
use tail::Tail;

/// How often the logs are looked at.
const EVERY: Duration = Duration::from_secs(10);

/// The most keys that are counted: more than a server has, and about 100 MiB.
const MOST: usize = 4_000_000;

/// What is known of the use of keys.
#[derive(Debug, Default)]
pub(crate) struct Uses(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// By the first bytes of the digest of a key's id: the minute of the last request that passed or asked about it, since 1970.
    last: HashMap<u64, u32>,
    /// The time of the earliest request in the logs, Unix seconds.
    since: Option<u64>,
    /// Whether everything that there was at the start was read.
    is_read: bool,
    /// Whether there were more keys than this.
    is_full: bool,
}

/// Why it is not known which keys are unused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// The logs are still being read for the first time.
    Reading,
    /// The logs begin later, at that time if they have a request at all.
    Later(Option<u64>),
    /// The logs have too many keys.
    TooMany,
}

impl Uses {
    /// Follows the logs, if there are any, until the server ends.
    pub(crate) fn follow(requests: &Requests) -> std::io::Result<Arc<Self>> {
        let uses = Arc::new(Self::default());
        if !requests.has_files() {
            return Ok(uses);
        }
        let (of, requests) = (Arc::downgrade(&uses), requests.clone());
        thread::Builder::new()
            .name("keyward-uses".to_owned())
            .spawn(move || {
                let mut tail = Tail::default();
                while let Some(uses) = of.upgrade() {
                    uses.read(&mut tail, &requests);
                    drop(uses);
                    thread::sleep(EVERY);
                }
            })?;
        Ok(uses)
    }

    /// Reads what is new.
    fn read(&self, tail: &mut Tail, requests: &Requests) {
        let files = requests.files().unwrap_or_default();
        tail.read(&files, &mut |record| self.note(record));
        self.known().is_read = true;
    }

    fn note(&self, record: &Record<'_>) {
        let seconds = record.at / 1_000;
        let mut known = self.known();
        known.since = Some(known.since.map_or(seconds, |since| since.min(seconds)));
        let Some(state) = &record.state else { return };
        let is_use = match state.verdict {
            // A server that asks whether a key is good has a request with it.
            Verdict::Key | Verdict::Shadow(_) | Verdict::Verify => true,
            Verdict::Public | Verdict::Preflight | Verdict::Deny(_) => false,
        };
        let Some(key) = state.key.filter(|_| is_use) else {
            return;
        };
        let (place, minute) = (
            place(key.id),
            u32::try_from(seconds / 60).unwrap_or(u32::MAX),
        );
        let has_room = known.last.len() < MOST;
        match known.last.get_mut(&place) {
            Some(last) => *last = minute.max(*last),
            None if has_room => {
                known.last.insert(place, minute);
            }
            None => known.is_full = true,
        }
    }

    /// When a key was last used, Unix seconds, to the minute. Nothing where no log says.
    pub(crate) fn last(&self, id: &str) -> Option<u64> {
        let minute = self.known().last.get(&place(id)).copied();
        minute.map(|minute| u64::from(minute).saturating_mul(60))
    }

    /// Whether it is known of every key that it was not used since that time.
    pub(crate) fn reaches_back(&self, since: u64) -> Result<(), Unknown> {
        let known = self.known();
        if !known.is_read {
            return Err(Unknown::Reading);
        }
        if known.is_full {
            return Err(Unknown::TooMany);
        }
        match known.since {
            Some(first) if first <= since => Ok(()),
            first => Err(Unknown::Later(first)),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two keys of a million have the same place once in ten million servers.
fn place(id: &str) -> u64 {
    let digest: [u8; 32] = Sha256::digest(id.as_bytes()).into();
    let [a, b, c, d, e, f, g, h, ..] = digest;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests;
