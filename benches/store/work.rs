//! One creation as the server does it, and the time that many of them take.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use keyward::key::{KeyKind, Livemode};
use keyward::management::{
    Ceiling, Command, Context, CreateKey, Details, End, Grant, Limits, NewGrants, NoRandomness,
    Randomness, Value, decide, needs,
};
use keyward::permission::AccessLevel;
use keyward_server::store::lists::KeyFilter;
use keyward_server::store::{Answer, Origin, Scope, Store, StoreError};

use crate::entry::{NOW, entry};

/// Returns the folder for the store: on a disk, which `/tmp` need not be.
pub(crate) fn disk() -> PathBuf {
    std::env::var_os("KEYWARD_BENCH_DISK").map_or_else(std::env::temp_dir, PathBuf::from)
}

/// Measured durations.
#[derive(Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn quantile(&self, part: f64) -> Duration {
        let mut times = self.0.clone();
        times.sort_unstable();
        let index = (times.len() as f64 * part) as usize;
        *times.get(index.min(times.len() - 1)).unwrap()
    }
}

/// Bytes that no two keys share.
struct Counter(u64);

static NEXT: AtomicU64 = AtomicU64::new(1);

impl Randomness for Counter {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        for byte in bytes {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = ((mixed ^ (mixed >> 27)) >> 40) as u8;
        }
        Ok(())
    }
}

/// Runs this many clients at the same time, each creating this many keys.
pub(crate) async fn clients(store: &Store, clients: u64, count: u64) -> Times {
    let tasks: Vec<_> = (0..clients)
        .map(|number| tokio::spawn(crate::client(store.clone(), number, count)))
        .collect();
    let mut times = Times::default();
    for task in tasks {
        for time in task.await.unwrap() {
            times.push(time);
        }
    }
    times
}

/// Creates a key: reads what it needs, decides, writes the records and the activity, and keeps the
/// answer.
pub(crate) async fn create(store: &Store, client: u64, index: u64) {
    let seed = NEXT
        .fetch_add(1, Ordering::Relaxed)
        .wrapping_mul(0x1000_0001);
    let command = Command::CreateKey(CreateKey {
        owner: format!("acct_{}", client % 8),
        kind: Some(KeyKind::Restricted),
        mode: Livemode::Live,
        value: Value::Minted,
        id: None,
        grants: NewGrants {
            set: None,
            grants: vec![Grant::new("charge", Some(AccessLevel::Write))],
        },
        connect_grants: NewGrants::default(),
        details: Details {
            name: Some(format!("Key {index} of client {client}")),
            expires: End::Never,
            ..Details::default()
        },
    });
    let key = format!("{client}-{seed}");
    let created: Result<(), StoreError> = store
        .write(move |tx| {
            let scope = Scope::everything();
            let fingerprint = [7; 32];
            tx.remembered("mk_client", &key, &fingerprint, NOW)?;
            let facts = tx.facts(&scope, &needs(&command), NOW)?;
            let context = Context {
                now: NOW,
                actor: "mk_client",
                ceiling: &Ceiling::none(),
                limits: &Limits::none(),
                randomness: &mut Counter(seed),
            };
            let decision = decide(&command, &facts, context).unwrap();
            let origin = Origin {
                source: "api",
                by: Some("mk_client"),
                at: NOW,
            };
            tx.apply(decision.changes(), &origin)?;
            tx.record(entry(decision.key().unwrap_or_default()))?;
            tx.remember(&Answer {
                principal: "mk_client",
                key: &key,
                fingerprint: &fingerprint,
                status: 200,
                body: "{}",
                object_id: decision.key(),
                at: NOW,
            })?;
            Ok(())
        })
        .await;
    created.unwrap();
}

/// How many keys there are, each read once.
pub(crate) async fn read_all(store: &Store) -> u64 {
    let counted: Result<u64, StoreError> = store
        .read_all(|reader| {
            let mut count = 0;
            reader.each_key(&Scope::everything(), &KeyFilter::default(), |_| {
                count += 1;
                Ok(())
            })?;
            Ok(count)
        })
        .await;
    counted.unwrap()
}
