//! What is promised of the server's store, and of the console's pages over it, measured on this machine's disk: lines of `what`,
//! `bound`, `measured` and whether it holds, as `scripts/bench/table.py` reads them, into the file
//! that `KEYWARD_BENCH_OUT` names. `QUICK=1` takes 50,000 keys instead of a million.

#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark may fail loudly"
)]

mod entry;
mod fill;
mod moved;
mod pages;
mod strangers;
mod work;

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use keyward_server::store::lists::{From, KeyFilter, KeyState, Page};
use keyward_server::store::{Options, Scope, Store, StoreError};

use entry::NOW;
use fill::Filled;
use work::{Times, create};

fn main() {
    let is_quick = std::env::var_os("QUICK").is_some();
    let keys: u64 = if is_quick { 50_000 } else { 1_000_000 };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let folder = tempfile::tempdir_in(work::disk()).unwrap();
    let data = folder.path().join("data");
    let mut lines = Lines::default();

    let store = Store::create(&data, "bench", &Options::at(NOW)).unwrap();
    runtime.block_on(fill::accounts(&store));
    lines.creations(&runtime, &store, "", 2_000.0);
    let filled = runtime.block_on(fill::keys(&store, keys));
    drop(store);

    let began = Instant::now();
    let store = Store::open(&data, &Options::at(NOW)).unwrap();
    runtime.block_on(async {
        let read = store.read(|reader| reader.head());
        let head: Result<_, StoreError> = read.await;
        head.unwrap();
    });
    lines.at_most(
        "opening the store",
        keys,
        Duration::from_secs(1),
        began.elapsed(),
    );
    lines.creations(&runtime, &store, &at(keys), 1_000.0);
    lines.pages(&runtime, &store, keys, &filled);
    lines.lookups(&runtime, &store, keys, &filled);
    let began = Instant::now();
    let keys_read = runtime.block_on(work::read_all(&store));
    assert!(keys_read >= keys, "{keys_read} of {keys}");
    lines.at_most(
        "reading every key, as a server does at its start",
        keys,
        Duration::from_secs(8),
        began.elapsed(),
    );

    let exported = runtime.block_on(moved::export(&store, &folder.path().join("keys.toml")));
    let bound = Duration::from_secs(20);
    lines.at_most("exporting every key as a key file", keys, bound, exported);

    drop(store);
    let console = lines.console(folder.path(), &data, keys, &filled);
    let imported = moved::import(&console, keys);
    let bound = Duration::from_secs(120);
    lines.at_most(
        "importing as many digests again, 1,000 in a request,",
        keys,
        bound,
        imported,
    );

    match std::env::var_os("KEYWARD_BENCH_OUT") {
        Some(path) => std::fs::write(path, lines.text).unwrap(),
        None => print!("{}", lines.text),
    }
}

/// Returns ` at 1,000,000 keys`.
fn at(keys: u64) -> String {
    format!(" at {},000 keys", keys / 1_000).replace("1000,000", "1,000,000")
}

#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    fn line(&mut self, what: &str, bound: &str, measured: &str, holds: bool) {
        let holds = if holds { "yes" } else { "no" };
        writeln!(self.text, "store: {what}\t{bound}\t{measured}\t{holds}").unwrap();
    }

    fn at_most(&mut self, what: &str, keys: u64, bound: Duration, measured: Duration) {
        let what = format!("{what}{}", at(keys));
        let (bound_shown, shown) = (format!("{bound:?}"), format!("{measured:.1?}"));
        self.line(&what, &bound_shown, &shown, measured <= bound);
    }

    fn creations(
        &mut self,
        runtime: &tokio::runtime::Runtime,
        store: &Store,
        at: &str,
        per_second: f64,
    ) {
        if at.is_empty() {
            let times = runtime.block_on(work::clients(store, 1, 500));
            let (p50, p99) = (times.quantile(0.5), times.quantile(0.99));
            self.line(
                "creating a key, 1 client, on the disk",
                "p50 3 ms, p99 15 ms",
                &format!("p50 {p50:.2?}, p99 {p99:.2?}"),
                p50 <= Duration::from_millis(3) && p99 <= Duration::from_millis(15),
            );
        }
        let began = Instant::now();
        let times = runtime.block_on(work::clients(store, 32, 200));
        let rate = times.count() as f64 / began.elapsed().as_secs_f64();
        let p99 = times.quantile(0.99);
        self.line(
            &format!("creating keys, 32 clients{at}"),
            &format!("{per_second}/s, p99 60 ms"),
            &format!("{rate:.0}/s, p99 {p99:.1?}"),
            rate >= per_second && p99 <= Duration::from_millis(60),
        );
    }

    fn pages(
        &mut self,
        runtime: &tokio::runtime::Runtime,
        store: &Store,
        keys: u64,
        filled: &Filled,
    ) {
        let owner = || filled.owners.first().cloned();
        let filters = [
            ("no filter", KeyFilter::default()),
            (
                "by owner",
                KeyFilter {
                    owner: owner(),
                    ..KeyFilter::default()
                },
            ),
            (
                "by label",
                KeyFilter {
                    label: Some(("team".to_owned(), Some("team-7".to_owned()))),
                    ..KeyFilter::default()
                },
            ),
            (
                "by maker",
                KeyFilter {
                    created_by: Some("maker-3".to_owned()),
                    ..KeyFilter::default()
                },
            ),
            (
                "by a word of the name",
                KeyFilter {
                    query: Some("word-77".to_owned()),
                    ..KeyFilter::default()
                },
            ),
            (
                "by the last four",
                KeyFilter {
                    query: Some(filled.end.clone()),
                    ..KeyFilter::default()
                },
            ),
            (
                "active ones",
                KeyFilter {
                    states: Some((vec![KeyState::Active], NOW)),
                    ..KeyFilter::default()
                },
            ),
        ];
        let bound = Duration::from_millis(15);
        for (name, filter) in filters {
            let times = runtime.block_on(pages(store, &filter));
            let p99 = times.quantile(0.99);
            self.at_most(&format!("page of 100 keys, {name}, p99"), keys, bound, p99);
        }
    }

    /// The console's list, by the whole server.
    fn console(
        &mut self,
        folder: &Path,
        data: &Path,
        keys: u64,
        filled: &Filled,
    ) -> pages::Console {
        let console = pages::Console::start(folder, data);
        self.strangers(&console, keys);
        for (name, path) in pages::lists(filled) {
            assert!(
                console.rows(&path) > 0,
                "{name}: an empty page says nothing"
            );
            let times = console.walk(&path);
            let (p50, p99) = (times.quantile(0.5), times.quantile(0.99));
            let bound = Duration::from_millis(60);
            self.line(
                &format!(
                    "first byte of the console's page of 50 keys, {name}, p99{}",
                    at(keys)
                ),
                &format!("{bound:?}"),
                &format!("{p99:.1?} (p50 {p50:.1?})"),
                p99 <= bound,
            );
        }
        console
    }

    /// Whether the time of an answer tells "not yours" from "not there".
    fn strangers(&mut self, console: &pages::Console, keys: u64) {
        let mut tenant = strangers::Tenant::start(console);
        for question in &strangers::QUESTIONS {
            let [theirs, nobodys, again] = tenant.compare(question);
            let median = |times: &Times| times.quantile(0.5).as_secs_f64();
            let ratio = median(&theirs) / median(&nobodys);
            let noise = median(&again) / median(&nobodys);
            self.line(
                &format!(
                    "asking for {} of another tenant, in times of one that does not exist, medians in turn{}",
                    question.name,
                    at(keys)
                ),
                "0.95 to 1.05",
                &format!(
                    "{ratio:.3} ({:.1?}; the same question twice: {noise:.3})",
                    theirs.quantile(0.5)
                ),
                (0.95..=1.05).contains(&ratio),
            );
        }
    }

    fn lookups(
        &mut self,
        runtime: &tokio::runtime::Runtime,
        store: &Store,
        keys: u64,
        filled: &Filled,
    ) {
        let mut times = Times::default();
        for digest in filled.digests.iter().cycle().take(1_000) {
            let digest = *digest;
            let began = Instant::now();
            let found = runtime.block_on(
                store.read(move |reader| reader.key_of_digest(&Scope::everything(), &digest)),
            );
            let found: Result<_, StoreError> = found;
            assert!(found.unwrap().is_some());
            times.push(began.elapsed());
        }
        let p99 = times.quantile(0.99);
        self.at_most(
            "looking a digest up, p99",
            keys,
            Duration::from_millis(5),
            p99,
        );
    }
}

/// Reads the first page and those after it, repeatedly.
async fn pages(store: &Store, filter: &KeyFilter) -> Times {
    let mut times = Times::default();
    let mut from = From::Newest;
    for _ in 0..200 {
        let filter = filter.clone();
        let page = Page { from, limit: 100 };
        let began = Instant::now();
        let listed = store
            .read(move |reader| reader.keys(&Scope::everything(), &filter, page))
            .await;
        let listed: Result<_, StoreError> = listed;
        times.push(began.elapsed());
        let last = listed.unwrap().records.pop();
        from = last.map_or(From::Newest, |last| From::OlderThan(last.sequence));
    }
    times
}

/// Creates this many keys, one after the other.
async fn client(store: Store, number: u64, count: u64) -> Vec<Duration> {
    let mut times = Vec::new();
    for index in 0..count {
        let began = Instant::now();
        create(&store, number, index).await;
        times.push(began.elapsed());
    }
    times
}
