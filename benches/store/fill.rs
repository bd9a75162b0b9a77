//! Makes many keys quickly: thousands in a transaction, with all their records.

use std::collections::BTreeMap;

use keyward::digest::KeyDigest;
use keyward::key::{KeyKind, Livemode};
use keyward::management::{Account, AccountSettings, Granted, Key, KeyGrants, RecordChange};
use keyward::permission::AccessLevel;
use keyward_server::store::{Origin, Store, StoreError};

use crate::entry::{NOW, entry};

/// The number of keys in a transaction.
const BATCH: u64 = 5_000;

/// What was made.
pub(crate) struct Filled {
    /// Some of the accounts.
    pub(crate) owners: Vec<String>,
    /// Some of the digests.
    pub(crate) digests: Vec<KeyDigest>,
    /// The last four characters of some key.
    pub(crate) end: String,
}

/// Makes eight accounts.
pub(crate) async fn accounts(store: &Store) {
    let changes = (0..8)
        .map(|number| RecordChange::AddAccount {
            account: Account::new(&format!("acct_{number}")),
            settings: AccountSettings::default(),
        })
        .collect();
    write(store, changes).await;
}

/// Makes this many keys, for the eight accounts in turn.
pub(crate) async fn keys(store: &Store, count: u64) -> Filled {
    for first in (0..count).step_by(BATCH as usize) {
        let last = count.min(first + BATCH);
        let changes = (first..last)
            .map(|number| RecordChange::AddKey {
                key: Box::new(key(number)),
                beside: None,
            })
            .collect();
        write(store, changes).await;
    }
    Filled {
        owners: (0..8).map(|number| format!("acct_{number}")).collect(),
        digests: (0..count)
            .step_by((count / 1_000) as usize)
            .map(|number| key(number).digest)
            .collect(),
        end: end(count / 2),
    }
}

fn end(number: u64) -> String {
    format!("{:04x}", number.wrapping_mul(2_654_435_761) % 65_536)
}

fn key(number: u64) -> Key {
    let digest = KeyDigest::of(format!("FAKE-{number}").as_bytes());
    let permission = match number % 3 {
        0 => "charge",
        1 => "customer",
        _ => "balance",
    };
    let granted = Granted::from([(permission.to_owned(), AccessLevel::Write)]);
    Key {
        name: Some(format!("Key {number} word-{}", number % 1_000)),
        labels: BTreeMap::from([("team".to_owned(), format!("team-{}", number % 100))]),
        created: Some(NOW),
        created_by: Some(format!("maker-{}", number % 50)),
        grants: Some(KeyGrants::Inline(granted)),
        last4: Some(end(number)),
        ..Key::new(
            &format!("mk_{number:016}"),
            KeyKind::Restricted,
            Livemode::Live,
            &format!("acct_{}", number % 8),
            digest,
        )
    }
}

async fn write(store: &Store, changes: Vec<RecordChange>) {
    let written: Result<(), StoreError> = store
        .write(move |tx| {
            let origin = Origin {
                source: "import",
                by: None,
                at: NOW,
            };
            let applied = tx.apply(&changes, &origin)?;
            for _ in applied.first..=applied.last {
                tx.record(entry("mk_of_the_fill"))?;
            }
            Ok(())
        })
        .await;
    written.unwrap();
}
