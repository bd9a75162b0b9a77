mod counts;
mod lists;
mod queue;
pub(crate) mod records;
pub(in crate::store) mod secrecy;
mod strangers;
mod together;

use super::*;
pub(crate) use together::all;

use serde_json::json;

use crate::store::activity::{Actor, Broken, Entry};

pub(crate) const NOW: u64 = 1_795_168_800;

pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) fn options() -> Options {
    Options {
        now: NOW,
        ballast: 4_096,
        ends_only: false,
    }
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("data"), "store1", &options()).unwrap();
        Self { store, folder }
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn reopened(self) -> Self {
        let Self { store, folder } = self;
        drop(store);
        let store = Store::open(&folder.path().join("data"), &options()).unwrap();
        Self { store, folder }
    }
}

pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap()
        .block_on(future)
}

pub(crate) fn entry(kind: &str) -> Entry {
    Entry {
        at: NOW,
        kind: kind.to_owned(),
        group: "api_key".to_owned(),
        context: Some("acct_1".to_owned()),
        root: Some("acct_1".to_owned()),
        livemode: Some(true),
        object: Some(("api_key".to_owned(), "mk_1".to_owned())),
        actor: Actor::system(),
        session: None,
        address: None,
        request_id: None,
        body: json!({"b": 1, "a": "ü"}),
    }
}

async fn record(store: &Store, kind: &'static str) -> u64 {
    let written = store.write(move |tx| -> Result<u64> { Ok(tx.record(entry(kind))?.sequence) });
    written.await.unwrap()
}

#[test]
fn changes_are_numbered_without_gaps_in_the_order_of_their_commits() {
    let fixture = Fixture::new();
    wait(async {
        let tasks: Vec<_> = (0..300)
            .map(|_| {
                let store = fixture.store.clone();
                tokio::spawn(async move { record(&store, "api_key_created").await })
            })
            .collect();
        let mut numbers = Vec::new();
        for task in tasks {
            numbers.push(task.await.unwrap());
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=300).collect::<Vec<u64>>());
    });
    let fixture = fixture.reopened();
    wait(async {
        let read = fixture.store.read(|reader| {
            let verified = reader.verify_activity(None)?.unwrap();
            Ok::<_, StoreError>((reader.head()?, verified))
        });
        let (head, verified) = read.await.unwrap();
        assert_eq!((head.sequence, head.sha256), (300, verified.sha256));
    });
}

#[test]
fn a_refused_change_takes_back_itself_only() {
    let fixture = Fixture::new();
    wait(async {
        let one = record(&fixture.store, "one");
        let refused = fixture.store.write(|tx| -> Result<()> {
            tx.record(entry("refused"))?;
            Err(StoreError::Conflict("a rule".to_owned()))
        });
        let two = record(&fixture.store, "two");
        let (one, refused, two) = tokio::join!(one, refused, two);
        assert_eq!((one, two), (1, 2));
        assert_eq!(refused, Err(StoreError::Conflict("a rule".to_owned())));
        let rows = fixture
            .store
            .read(|reader| reader.activity_after(&Scope::everything(), 0, 10))
            .await
            .unwrap();
        let kinds: Vec<&str> = rows.iter().map(|row| row.entry.kind.as_str()).collect();
        assert_eq!(kinds, ["one", "two"]);
    });
}

#[test]
fn of_changes_that_are_committed_together_only_the_refused_one_is_taken_back() {
    let fixture = Fixture::new();
    let (go, wanted) = std::sync::mpsc::channel::<()>();
    let wanted = std::sync::Mutex::new(wanted);
    wait(async {
        // It holds the writer until all of the others wait, which are then one group.
        let first = fixture.store.write(move |tx| -> Result<u64> {
            let _ = wanted.lock().unwrap().recv_timeout(Duration::from_secs(30));
            Ok(tx.record(entry("first"))?.sequence)
        });
        let refused = |kind: &'static str| {
            fixture.store.write(move |tx| -> Result<()> {
                tx.record(entry(kind))?;
                Err(StoreError::Conflict(kind.to_owned()))
            })
        };
        let (first, one, no, two, never, three, ()) = tokio::join!(
            first,
            record(&fixture.store, "one"),
            refused("no"),
            record(&fixture.store, "two"),
            refused("never"),
            record(&fixture.store, "three"),
            async move { go.send(()).unwrap() },
        );
        assert_eq!((first, one, two, three), (Ok(1), 2, 3, 4));
        assert_eq!(no, Err(StoreError::Conflict("no".to_owned())));
        assert_eq!(never, Err(StoreError::Conflict("never".to_owned())));
        let verified = fixture.store.read(|reader| reader.verify_activity(None));
        assert_eq!(verified.await.unwrap().unwrap().sequence, 4);
    });
}

#[test]
fn a_change_that_panics_takes_nothing_with_it() {
    let fixture = Fixture::new();
    wait(async {
        let panicked = fixture
            .store
            .write(|tx| -> Result<()> {
                tx.record(entry("panicked"))?;
                panic!("of the test")
            })
            .await;
        assert_eq!(
            panicked,
            Err(StoreError::Unavailable("the change panicked".to_owned()))
        );
        assert_eq!(record(&fixture.store, "one").await, 1);
    });
}

#[test]
fn activity_is_only_ever_added_to() {
    let fixture = Fixture::new();
    wait(record(&fixture.store, "one"));
    let connection = rusqlite::Connection::open(database_in(&fixture.path())).unwrap();
    for sql in [
        "UPDATE activity SET type = 'other'",
        "DELETE FROM activity",
        "INSERT OR REPLACE INTO activity SELECT * FROM activity",
    ] {
        let refused = connection.execute(sql, []).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "activity is only ever added to",
            "{sql}"
        );
    }
}

#[test]
fn a_row_that_was_tampered_with_is_named() {
    let fixture = Fixture::new();
    for kind in ["one", "two", "three"] {
        wait(record(&fixture.store, kind));
    }
    let connection = rusqlite::Connection::open(database_in(&fixture.path())).unwrap();
    connection
        .execute_batch(
            "DROP TRIGGER activity_is_never_changed; UPDATE activity SET actor_id = 'mallory' WHERE seq = 2",
        )
        .unwrap();
    let found = wait(fixture.store.read(|reader| reader.verify_activity(None)));
    let broken = Broken {
        sequence: 2,
        what: "it is not what was written",
    };
    assert_eq!(found, Ok(Err(broken)));
}

#[test]
fn an_export_is_verified_line_by_line() {
    let fixture = Fixture::new();
    for kind in ["one", "two", "three"] {
        wait(record(&fixture.store, kind));
    }
    let read = fixture
        .store
        .read(|reader| reader.activity_after(&Scope::everything(), 0, 10));
    let rows = wait(read).unwrap();
    let lines: Vec<String> = rows.iter().map(activity::Row::line).collect();
    let verify = |lines: &[String]| {
        let text = lines.join("\n");
        activity::verify_lines(text.as_bytes(), None).unwrap()
    };
    assert_eq!(verify(&lines).unwrap().sha256, rows[2].sha256);
    let broken = |lines: &[String]| verify(lines).unwrap_err().to_string();
    let changed = lines[1].replace("two", "too");
    assert_eq!(
        broken(&[lines[0].clone(), changed, lines[2].clone()]),
        "row 2: it is not what was written"
    );
    assert_eq!(
        broken(&[lines[0].clone(), lines[2].clone()]),
        "row 3: the row before it is missing, or it occurs twice"
    );
    let noted = activity::Verified {
        sequence: 3,
        sha256: rows[2].sha256,
    };
    let cut = activity::verify_lines(lines[0].as_bytes(), Some(&noted)).unwrap();
    assert_eq!(
        cut.unwrap_err().to_string(),
        "row 2: the chain ends before the row that was noted"
    );
}

#[test]
fn a_row_that_was_read_is_the_row_that_was_written() {
    let fixture = Fixture::new();
    wait(record(&fixture.store, "one"));
    let read = fixture
        .store
        .read(|reader| reader.activity_after(&Scope::owner("acct_1"), 0, 10));
    let rows = wait(read).unwrap();
    assert_eq!(rows[0].entry, entry("one"));
    assert_eq!(
        (rows[0].id.len(), rows[0].id.starts_with("al_")),
        (19, true)
    );
}

#[test]
fn activity_is_read_under_a_scope() {
    let fixture = Fixture::new();
    wait(record(&fixture.store, "one"));
    let seen = |scope: Scope| {
        let read = fixture
            .store
            .read(move |reader| reader.activity_after(&scope, 0, 10));
        wait(read).unwrap().len()
    };
    assert_eq!(seen(Scope::owner("acct_1")), 1);
    assert_eq!(seen(Scope::tree("acct_1")), 1);
    assert_eq!(seen(Scope::owner("acct_1").test_only()), 0);
    assert_eq!(seen(Scope::owner("acct_2")), 0);
}

#[test]
fn an_answer_is_remembered_with_its_change_and_for_its_request() {
    let fixture = Fixture::new();
    let fingerprint = [7; 32];
    let ask = |fingerprint: [u8; 32], now: u64| {
        wait(
            fixture
                .store
                .write(move |tx| tx.remembered("mk_1", "key-1", &fingerprint, now)),
        )
        .unwrap()
    };
    let keep = |is_kept: bool| {
        wait(fixture.store.write(move |tx| {
            let answer = Answer {
                principal: "mk_1",
                key: "key-1",
                fingerprint: &fingerprint,
                status: 200,
                body: "{}",
                object_id: Some("mk_2"),
                at: NOW,
            };
            let remembered = tx.remember(&answer)?;
            if is_kept {
                Ok(remembered)
            } else {
                Err(StoreError::Conflict("a rule".to_owned()))
            }
        }))
    };
    keep(false).unwrap_err();
    assert_eq!(ask(fingerprint, NOW), Remembered::New);
    assert_eq!(keep(true), Ok(true));
    let same = Remembered::Same {
        status: 200,
        body: "{}".to_owned(),
        object_id: Some("mk_2".to_owned()),
    };
    assert_eq!(ask(fingerprint, NOW), same);
    assert_eq!(ask([8; 32], NOW), Remembered::Other);
    assert_eq!(ask(fingerprint, NOW + 31 * 86_400), Remembered::New);
}

#[test]
fn a_read_that_takes_too_long_is_ended() {
    let fixture = Fixture::new();
    let endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    let read = fixture.store.read(move |reader| -> Result<i64> {
        Ok(reader
            .connection()
            .query_row(endless, [], |row| row.get(0))?)
    });
    assert_eq!(wait(read), Err(StoreError::TooSlow));
}

#[test]
fn a_reader_writes_nothing() {
    let fixture = Fixture::new();
    let write = fixture.store.read(|reader| -> Result<usize> {
        Ok(reader.connection().execute("DELETE FROM head", [])?)
    });
    assert!(matches!(wait(write), Err(StoreError::Unavailable(_))));
}

#[test]
fn revisions_rise_whatever_the_clock_says() {
    let fixture = Fixture::new();
    let take = |now: u64| wait(fixture.store.write(move |tx| tx.next_revision(now))).unwrap();
    assert_eq!(take(NOW), NOW);
    assert_eq!(take(NOW - 100), NOW + 1);
    assert_eq!(take(NOW + 50), NOW + 50);
}

#[test]
fn a_principal_has_so_many_answers_and_others_have_their_own() {
    let fixture = Fixture::new();
    let kept = wait(fixture.store.write(|tx| -> Result<(bool, bool, bool)> {
        let keep = |tx: &mut Tx<'_>, principal: &str, key: &str, at: u64| {
            tx.remember(&Answer {
                principal,
                key,
                fingerprint: &[7; 32],
                status: 200,
                body: "{}",
                object_id: None,
                at,
            })
        };
        for number in 0..10_000 {
            assert!(keep(tx, "mk_1", &format!("key-{number}"), NOW)?);
        }
        let one_more = keep(tx, "mk_1", "one more", NOW)?;
        let another = keep(tx, "mk_2", "one more", NOW)?;
        let later = keep(tx, "mk_1", "key-7", NOW + 31 * 86_400)?;
        Ok((one_more, another, later))
    }));
    assert_eq!(kept, Ok((false, true, true)));
    assert_eq!(
        wait(fixture.store.read_all(|reader| reader.check())),
        Ok(Vec::new())
    );
}
