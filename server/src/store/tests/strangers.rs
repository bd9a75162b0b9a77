//! The work of an answer does not show a tenant whether another tenant has something or no one has it: the steps of SQLite's machine are counted, of
//! questions about records of another tenant that has thousands, and of the same about none.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keyward::digest::KeyDigest;
use keyward::key::{KeyKind, Livemode};
use keyward::management::{Key, KeyNeed, Links, Needs, RecordChange};

use super::records::Records;
use super::*;
use crate::store::api_cache::ApiCache;
use crate::store::lists::{AccountFilter, ActivityFilter, From as Begin, KeyFilter, Page};

/// As many keys has the other tenant, all with the same word, label, maker and end.
const MANY: u64 = 3_000;

/// As many keys has the tenant that asks.
const OWN: u64 = 20;

/// As many more steps as a row takes that is found and is not the tenant's, and for each of its own keys a look into the index of words, which is shorter for
/// a word that no key has. It does not grow with what others have: three thousand keys that fit would take 15,000.
const MORE: u64 = 60 + OWN * 12;

fn key(owner: &str, number: u64, word: &str) -> RecordChange {
    let id = format!("mk_{word}{number:06}");
    RecordChange::AddKey {
        key: Box::new(Key {
            name: Some(format!("{word} worker")),
            labels: [("team".to_owned(), word.to_owned())].into(),
            created_by: Some(format!("maker-{word}")),
            last4: Some("Zz9z".to_owned()).filter(|_| word == "acme"),
            ..Key::new(
                &id,
                KeyKind::Restricted,
                Livemode::Test,
                owner,
                KeyDigest::of(id.as_bytes()),
            )
        }),
        beside: None,
    }
}

/// Two tenants: `acct_own` with a few keys, and `acct_acme` with many.
fn two_tenants() -> Records {
    let mut records = Records::new();
    records.account("acct_own", None);
    records.account("acct_acme", None);
    let changes: Vec<RecordChange> = (0..MANY)
        .map(|number| key("acct_acme", number, "acme"))
        .chain((0..OWN).map(|number| key("acct_own", number, "own")))
        .collect();
    let written = records.fixture.store.write(move |tx| -> Result<()> {
        let origin = Origin {
            source: "import",
            by: None,
            at: NOW,
        };
        let applied = tx.apply(&changes, &origin)?;
        for number in applied.first..=applied.last {
            tx.record(Entry {
                object: Some(("api_key".to_owned(), format!("mk_acme{number:06}"))),
                root: Some("acct_acme".to_owned()),
                context: Some("acct_acme".to_owned()),
                ..entry("of_the_fill")
            })?;
        }
        Ok(())
    });
    wait(written).unwrap();
    records
}

/// A separate connection that counts its steps.
struct Counted {
    connection: rusqlite::Connection,
    api: ApiCache,
    count: Arc<AtomicU64>,
}

impl Counted {
    fn of(records: &Records) -> Self {
        let mut connection =
            rusqlite::Connection::open(database_in(&records.fixture.path())).unwrap();
        let count = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&count);
        let each = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            false
        };
        connection.progress_handler(1, Some(each)).unwrap();
        Self {
            connection,
            api: ApiCache::default(),
            count,
        }
    }

    /// How many steps a question takes, asked for the second time: its statements are prepared, and its pages are in memory.
    fn steps<T>(&self, question: impl Fn(&Reader<'_>) -> Result<T>) -> u64 {
        let reader = Reader::new(&self.connection, &self.api);
        question(&reader).unwrap();
        let before = self.count.load(Ordering::Relaxed);
        question(&reader).unwrap();
        self.count.load(Ordering::Relaxed) - before
    }
}

#[test]
fn a_question_about_another_tenants_takes_no_more_work_than_one_about_nothing() {
    let records = two_tenants();
    let counted = Counted::of(&records);
    let page = Page {
        from: Begin::Newest,
        limit: 50,
    };
    let mut wrong = Vec::new();
    let mut compare = |what: &str, theirs: u64, nobodys: u64| {
        if theirs.abs_diff(nobodys) > MORE {
            wrong.push(format!("{what}: {theirs} steps, and {nobodys} for nothing"));
        }
    };
    for (name, scope) in [
        ("owner", Scope::owner("acct_own")),
        ("tree", Scope::tree("acct_own")),
        ("test only", Scope::tree("acct_own").test_only()),
    ] {
        let one = |id: &'static str| {
            let scope = scope.clone();
            counted.steps(move |reader| reader.key(&scope, id))
        };
        compare(
            &format!("{name}, a key"),
            one("mk_acme000007"),
            one("mk_none000007"),
        );
        let one = |id: &'static str| {
            let scope = scope.clone();
            counted.steps(move |reader| reader.account(&scope, id))
        };
        compare(
            &format!("{name}, an account"),
            one("acct_acme"),
            one("acct_none"),
        );
        let one = |text: &'static str| {
            let (scope, digest) = (scope.clone(), KeyDigest::of(text.as_bytes()));
            counted.steps(move |reader| reader.key_of_digest(&scope, &digest))
        };
        compare(
            &format!("{name}, a digest"),
            one("mk_acme000007"),
            one("mk_none000007"),
        );
        let one = |id: &'static str| {
            let scope = scope.clone();
            let needs = Needs {
                keys: vec![KeyNeed {
                    id: id.to_owned(),
                    links: Links::Both,
                }],
                accounts: vec![id.replace("mk_", "acct_").replace("000007", "")],
                ..Needs::default()
            };
            counted.steps(move |reader| reader.facts(&scope, &needs, NOW).map(|_| ()))
        };
        compare(
            &format!("{name}, facts"),
            one("mk_acme000007"),
            one("mk_none000007"),
        );
        let filters = |word: &str| {
            let text = |text: &str| Some(text.replace("acme", word));
            let query = |query: &str| KeyFilter {
                query: text(query),
                ..KeyFilter::default()
            };
            [
                ("a word", query("acme")),
                ("an id's beginning", query("mk_acme")),
                (
                    "a word of a name",
                    KeyFilter {
                        query_is_of_names: true,
                        ..query("acme worker")
                    },
                ),
                (
                    "a last four",
                    query(if word == "acme" { "Zz9z" } else { "Yy8y" }),
                ),
                (
                    "a label",
                    KeyFilter {
                        label: Some(("team".to_owned(), text("acme"))),
                        ..KeyFilter::default()
                    },
                ),
                (
                    "a maker",
                    KeyFilter {
                        created_by: text("maker-acme"),
                        ..KeyFilter::default()
                    },
                ),
                (
                    "an owner",
                    KeyFilter {
                        owner: text("acct_acme"),
                        ..KeyFilter::default()
                    },
                ),
            ]
        };
        for ((what, theirs), (_, nobodys)) in filters("acme").into_iter().zip(filters("none")) {
            let listed = |filter: KeyFilter| {
                let scope = scope.clone();
                counted.steps(move |reader| reader.keys(&scope, &filter, page))
            };
            compare(&format!("{name}, {what}"), listed(theirs), listed(nobodys));
        }
        let accounts = |word: &'static str| {
            let scope = scope.clone();
            let filter = AccountFilter {
                query: Some(format!("acct_{word}")),
                ..AccountFilter::default()
            };
            counted.steps(move |reader| reader.accounts(&scope, &filter, page))
        };
        compare(
            &format!("{name}, accounts"),
            accounts("acme"),
            accounts("none"),
        );
        let trail = |id: &'static str| {
            let scope = scope.clone();
            let filter = ActivityFilter {
                object: Some(id.to_owned()),
                ..ActivityFilter::default()
            };
            counted.steps(move |reader| reader.activity(&scope, &filter, page))
        };
        compare(
            &format!("{name}, the trail"),
            trail("mk_1"),
            trail("mk_none"),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
