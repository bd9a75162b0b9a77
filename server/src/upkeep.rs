//! What the store forgets as time passes, once an hour.

use std::time::Duration;

use tokio::time::sleep;

use crate::store::{Store, StoreError};
use crate::time;

/// How often.
const EVERY: Duration = Duration::from_secs(3_600);

/// How long a session stays in the store after its end, in seconds: 30 days. Its row has a name, a mail address and an IP address.
pub(crate) const SESSIONS_STAY: u64 = 30 * 86_400;

/// Runs until the server ends.
pub(crate) fn start(store: &Store) {
    let store = store.clone();
    tokio::spawn(async move {
        loop {
            match forget(&store, time::now()).await {
                Ok(0) => {}
                Ok(sessions) => tracing::info!(sessions, "sessions were forgotten"),
                // On a full disk, and with `--ends-only`, they stay for longer.
                Err(error) => tracing::warn!(%error, "sessions that are over were not forgotten"),
            }
            sleep(EVERY).await;
        }
    });
}

/// Removes the sessions that are over for long enough. Changes that wait come in between. How many.
async fn forget(store: &Store, now: u64) -> Result<usize, StoreError> {
    let before = now.saturating_sub(SESSIONS_STAY);
    let mut all = 0_usize;
    loop {
        let is_any: Result<bool, StoreError> = store
            .read(move |reader| reader.has_sessions_before(before))
            .await;
        if !is_any? {
            return Ok(all);
        }
        let removed: Result<usize, StoreError> =
            store.write(move |tx| tx.tidy_sessions(before)).await;
        all = all.saturating_add(removed?);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::lists::{From, Page};
    use crate::store::tests::{Fixture, NOW, wait};
    use crate::store::{Opening, Scope, SessionKind, StoredSession, Tx};

    fn session(number: u64, made: u64) -> StoredSession {
        StoredSession {
            id: format!("cs_{number:05}"),
            kind: SessionKind::Console,
            account: None,
            role: Some("viewer".to_owned()),
            actor: json!({"id": "ann"}),
            made_by: "local:uid=0".to_owned(),
            parent: None,
            made,
            link_until: made + 300,
            opened: None,
            last_seen: None,
            until: None,
            ended: None,
            address: None,
            return_url: None,
            features: None,
        }
    }

    fn link(number: u64) -> [u8; 32] {
        let mut link = [0; 32];
        link[..8].copy_from_slice(&number.to_be_bytes());
        link
    }

    fn add(fixture: &Fixture, all: Vec<StoredSession>) {
        let written = fixture.store.write(move |tx: &mut Tx<'_>| {
            for (number, one) in (1..).zip(&all) {
                tx.add_session(one, &link(number))?;
            }
            Ok::<_, StoreError>(())
        });
        wait(written).unwrap();
    }

    fn ids(fixture: &Fixture) -> Vec<String> {
        let read = fixture.store.read(|reader| {
            let mut left = Vec::new();
            for number in 0..10_000 {
                let id = format!("cs_{number:05}");
                left.extend(reader.session(&Scope::everything(), &id)?.map(|one| one.id));
            }
            Ok::<_, StoreError>(left)
        });
        wait(read).unwrap()
    }

    #[test]
    fn what_is_over_for_thirty_days_is_forgotten_and_nothing_else() {
        let fixture = Fixture::new();
        let long_ago = NOW - SESSIONS_STAY - 1_000;
        add(
            &fixture,
            vec![
                session(1, long_ago),
                session(2, long_ago),
                session(3, long_ago),
                session(4, NOW - SESSIONS_STAY - 299),
                session(5, NOW - 10),
            ],
        );
        let changed = fixture.store.write(move |tx: &mut Tx<'_>| {
            for (number, until) in [(2, NOW + 10), (3, NOW + 10)] {
                let opening = Opening {
                    link: &link(number),
                    cookie: &link(100 + number),
                    now: long_ago,
                    until,
                    address: None,
                };
                assert!(tx.open_session(&opening)?.is_some());
            }
            // The third was revoked at once, and would otherwise still be open.
            tx.end_session("cs_00003", long_ago).map(|_| ())
        });
        wait::<Result<(), StoreError>>(changed).unwrap();
        assert_eq!(wait(forget(&fixture.store, NOW)).unwrap(), 2);
        assert_eq!(ids(&fixture), ["cs_00002", "cs_00004", "cs_00005"]);
        assert_eq!(wait(forget(&fixture.store, NOW + 300)).unwrap(), 1);
        assert_eq!(ids(&fixture), ["cs_00002", "cs_00005"]);
    }

    #[test]
    fn more_than_one_transaction_removes_are_all_forgotten() {
        let fixture = Fixture::new();
        let all = (1..=2_500).map(|number| session(number, 1_000 + number));
        add(&fixture, all.collect());
        assert_eq!(wait(forget(&fixture.store, NOW)).unwrap(), 2_500);
        assert!(ids(&fixture).is_empty());
    }

    #[test]
    fn a_list_of_sessions_has_pages_in_both_directions() {
        let fixture = Fixture::new();
        // Many have the same second and differ only by their ids.
        let all = (1..=250).map(|number| session(number, NOW - number / 100));
        add(&fixture, all.collect());
        let page = |from| {
            let page = Page { from, limit: 60 };
            let read = fixture.store.read(move |reader| {
                reader.sessions(
                    &Scope::everything(),
                    SessionKind::Console,
                    NOW,
                    page.clone(),
                )
            });
            wait::<Result<_, StoreError>>(read).unwrap()
        };
        let (mut older, mut from, mut sizes) = (Vec::new(), From::Newest, Vec::new());
        let last = loop {
            let listed = page(from);
            sizes.push(listed.records.len());
            let (first, last) = (listed.records.first(), listed.records.last());
            let (first, last) = (first.unwrap().at(), last.unwrap().at());
            older.extend(listed.records.into_iter().map(|one| one.id));
            if !listed.has_older {
                break first;
            }
            from = From::OlderThan(last);
        };
        assert_eq!(sizes, [60, 60, 60, 60, 10]);
        let mut distinct = older.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), 250);
        let before = page(From::NewerThan(last));
        let ids: Vec<String> = before.records.iter().map(|one| one.id.clone()).collect();
        assert_eq!(ids, older[180..240]);
        assert!(before.has_newer && before.has_older);
    }
}
