//! The queue of changes: who waits, who goes first, and what a refused change costs the others.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use super::*;

/// A change that holds the writer until the test lets it go. It says when it holds it, and whether it was let go.
fn holding(
    store: &Store,
) -> (
    mpsc::Sender<()>,
    Arc<AtomicBool>,
    impl Future<Output = Result<bool>> + use<'_>,
) {
    let (go, wanted) = mpsc::channel::<()>();
    let wanted = Mutex::new(wanted);
    let holds = Arc::new(AtomicBool::new(false));
    let begun = Arc::clone(&holds);
    let held = store.write(move |_| -> Result<bool> {
        begun.store(true, Ordering::SeqCst);
        let waited = wanted.lock().unwrap().recv_timeout(Duration::from_secs(30));
        Ok(waited.is_ok())
    });
    (go, holds, held)
}

/// One thread, which a blocking call would stop.
fn on_one_thread<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(future)
}

/// Lets so many additions and then an end wait until the writer is let go. Returns whether it was let
/// go, and the numbers of the additions and of the end.
async fn in_line(store: &Store, count: usize) -> (Result<bool>, Vec<u64>, u64) {
    let (go, holds, held) = holding(store);
    let additions: Vec<_> = (0..count)
        .map(|_| record(store, "api_key_created"))
        .collect();
    let end = store.end(|tx| -> Result<u64> { Ok(tx.record(entry("api_key_expired"))?.sequence) });
    let others = async {
        // A writer that wakes up late would take some of them together with what holds it.
        while !holds.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        tokio::join!(all(additions), end, async { go.send(()).unwrap() })
    };
    let (is_let_go, (additions, end, ())) = tokio::join!(held, others);
    (is_let_go, additions, end.unwrap())
}

#[test]
fn an_end_goes_before_all_additions_that_wait() {
    let fixture = Fixture::new();
    let (is_let_go, additions, end) = wait(in_line(&fixture.store, 100));
    assert_eq!((is_let_go, end), (Ok(true), 1));
    assert_eq!(additions, (2..=101).collect::<Vec<u64>>());
}

#[test]
fn a_full_queue_stops_neither_other_work_nor_an_end() {
    let fixture = Fixture::new();
    // The writer takes 64 of them at most while it is held, and 1,024 have a place.
    let (is_let_go, additions, end) = on_one_thread(in_line(&fixture.store, 1_500));
    assert_eq!(is_let_go, Ok(true), "this thread was stopped");
    assert_eq!(additions.len(), 1_500);
    assert!(end <= 65, "the end waited for the others");
}

#[test]
fn reads_that_wait_for_a_place_stop_no_other_work() {
    let fixture = Fixture::new();
    on_one_thread(async {
        let (go, wanted) = mpsc::channel::<()>();
        let wanted = Arc::new(Mutex::new(wanted));
        let held: Vec<_> = (0..4)
            .map(|_| {
                let wanted = Arc::clone(&wanted);
                fixture.store.read(move |_| -> Result<bool> {
                    let waited = wanted.lock().unwrap().recv_timeout(Duration::from_secs(30));
                    Ok(waited.is_ok())
                })
            })
            .collect();
        let others: Vec<_> = (0..1_500)
            .map(|_| {
                fixture
                    .store
                    .read(|reader| Ok::<_, StoreError>(reader.head()?.sequence))
            })
            .collect();
        let (held, others, ()) = tokio::join!(all(held), all(others), async {
            (0..4).for_each(|_| go.send(()).unwrap());
        });
        assert_eq!(held, [Ok(true), Ok(true), Ok(true), Ok(true)]);
        assert_eq!(others.len(), 1_500);
    });
}

#[test]
fn a_change_that_is_refused_before_it_writes_costs_the_others_nothing() {
    let fixture = Fixture::new();
    wait(async {
        let (go, _, held) = holding(&fixture.store);
        let runs = Arc::new(AtomicUsize::new(0));
        let good: Vec<_> = (0..10)
            .map(|_| {
                let runs = Arc::clone(&runs);
                fixture.store.write(move |tx| -> Result<u64> {
                    runs.fetch_add(1, Ordering::SeqCst);
                    Ok(tx.record(entry("api_key_created"))?.sequence)
                })
            })
            .collect();
        let refused: Vec<_> = (0..10)
            .map(|_| {
                fixture.store.write(|tx| -> Result<()> {
                    tx.read().head()?;
                    Err(StoreError::Conflict("a rule".to_owned()))
                })
            })
            .collect();
        let (_, good, refused, ()) = tokio::join!(held, all(good), all(refused), async {
            go.send(()).unwrap()
        });
        assert!(good.iter().all(std::result::Result::is_ok));
        assert!(refused.iter().all(std::result::Result::is_err));
        assert_eq!(runs.load(Ordering::SeqCst), 10, "each runs once");
    });
}

#[test]
fn whoever_watches_learns_of_each_change() {
    let fixture = Fixture::new();
    wait(async {
        let mut changes = fixture.store.changes();
        assert_eq!(*changes.borrow_and_update(), 0);
        record(&fixture.store, "api_key_created").await;
        assert!(changes.has_changed().unwrap(), "before the answer");
        assert_eq!(*changes.borrow_and_update(), 1);
        let refused = fixture
            .store
            .write(|_| -> Result<()> { Err(StoreError::Conflict("a rule".to_owned())) });
        refused.await.unwrap_err();
        record(&fixture.store, "api_key_created").await;
        changes.changed().await.unwrap();
        assert_eq!(*changes.borrow_and_update(), 2);
    });
}
