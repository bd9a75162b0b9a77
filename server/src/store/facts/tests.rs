use std::cell::Cell;

use keyward::key::{KeyKind, Livemode};
use keyward::management::RecordChange;

use super::*;
use crate::store::tests::records::Records;
use crate::store::tests::{NOW, entry, wait};
use crate::store::{Origin, StoreError, Tx};

thread_local! {
    /// How often this thread asked whether a key had been read.
    pub(super) static ASKED: Cell<usize> = const { Cell::new(0) };
}

#[test]
fn the_list_of_keys_is_not_searched_for_each_of_them() {
    let mut records = Records::new();
    records.account("acct_1", None);
    let many = 2_000;
    let keys = (0..many).map(|number| {
        let (id, other) = (format!("mk_{number:05}"), number ^ 1);
        let digest = KeyDigest::of(id.as_bytes());
        let mut key = Key::new(&id, KeyKind::Restricted, Livemode::Live, "acct_1", digest);
        // Each two of them name each other.
        if number > other {
            key.replaces = Some(format!("mk_{other:05}"));
        } else {
            key.replaced_by = Some(format!("mk_{other:05}"));
        }
        RecordChange::AddKey {
            key: Box::new(key),
            beside: None,
        }
    });
    let changes: Vec<RecordChange> = keys.collect();
    let added = records.fixture.store.write(move |tx: &mut Tx<'_>| {
        let origin = Origin {
            source: "api",
            by: None,
            at: NOW,
        };
        let applied = tx.apply(&changes, &origin)?;
        for _ in applied.first..=applied.last {
            tx.record(entry("of_a_test"))?;
        }
        Ok::<_, StoreError>(())
    });
    wait(added).unwrap();
    // Without a limit: a busy machine may need more than the second that a read has.
    let read = records.fixture.store.read_all(move |reader| {
        let needs = Needs {
            keys_of: Some("acct_1".to_owned()),
            ..Needs::default()
        };
        ASKED.set(0);
        let facts = reader.facts(&Scope::everything(), &needs, NOW)?;
        Ok::<_, StoreError>((facts.keys.len(), ASKED.get()))
    });
    let (found, asked) = wait(read).unwrap();
    assert_eq!(found, many);
    // Once for each key and once for each link. A search of the list does not count as a
    // question, and would take a million steps.
    assert!((2 * many..=3 * many).contains(&asked), "{asked}");
}
