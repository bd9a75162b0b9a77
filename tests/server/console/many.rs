//! The list of keys, with more keys than a page has: each filter, word by word and page by page, shows what it should and nothing twice.

use std::collections::BTreeSet;

use keyward::digest::KeyDigest;
use regex::Regex;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::world::World;

/// As many as an import takes at once.
const MANY: usize = 1_000;

/// A key of the test.
struct Known {
    id: String,
    number: usize,
}

impl Known {
    fn new(number: usize) -> Self {
        Self {
            id: format!("mk_many{number:05}"),
            number,
        }
    }

    fn owner(&self) -> &'static str {
        if self.number.is_multiple_of(5) {
            "acct_few"
        } else {
            "acct_most"
        }
    }

    fn name(&self) -> String {
        let word = ["billing run", "Billing desk", "nightly export"][self.number % 3];
        format!("{word} {}", self.number)
    }

    fn permission(&self) -> &'static str {
        ["charge_write", "customer_read"][self.number % 2]
    }

    fn row(&self) -> Value {
        json!({
            "sha256": KeyDigest::of(self.id.as_bytes()).to_string(), "name": self.name(), "permissions": [self.permission()],
            "keyward": {
                "id": self.id, "kind": "restricted", "owner": self.owner(), "livemode": self.number.is_multiple_of(4), "no_expiry": true,
                "labels": {"team": format!("team-{}", self.number % 7)},
            },
        })
    }
}

#[test]
fn a_list_of_a_thousand_keys_shows_each_once_by_every_filter() {
    let world = World::start();
    for account in ["acct_few", "acct_most"] {
        world.account(account);
    }
    let all: Vec<Known> = (0..MANY).map(Known::new).collect();
    let rows: Vec<Value> = all.iter().map(Known::row).collect();
    let path = "/v2/keyward/api_keys/import";
    let imported = world.api("POST", path, Some(json!({"keys": rows})));
    assert_eq!(imported.status, 200, "{}", imported.text());
    let browser = Browser::signed_in(&world, "admin");
    let of = |fits: &dyn Fn(&Known) -> bool| -> BTreeSet<String> {
        let fitting = all.iter().filter(|key| fits(key));
        fitting.map(|key| key.id.clone()).collect()
    };
    for (query, expected) in [
        ("account=acct_few", of(&|key| key.owner() == "acct_few")),
        (
            "mode=live&account=acct_most",
            of(&|key| key.number.is_multiple_of(4) && key.owner() == "acct_most"),
        ),
        ("label=team%3Ateam-3", of(&|key| key.number % 7 == 3)),
        ("q=billing", of(&|key| key.number % 3 != 2)),
        ("q=Desk", of(&|key| key.number % 3 == 1)),
        (
            "q=export+14",
            of(&|key| key.number % 3 == 2 && key.number.to_string().starts_with("14")),
        ),
        (
            "q=mk_many0099",
            of(&|key| (990..1_000).contains(&key.number)),
        ),
        (
            "permission=charge_write&account=acct_most",
            of(&|key| key.number.is_multiple_of(2) && key.owner() == "acct_most"),
        ),
        (
            "q=nightly&mode=test&account=acct_most&label=team%3Ateam-1",
            of(&|key| {
                key.number % 3 == 2
                    && !key.number.is_multiple_of(4)
                    && key.owner() == "acct_most"
                    && key.number % 7 == 1
            }),
        ),
        ("q=nothinghasthis", BTreeSet::new()),
        ("state=expired", BTreeSet::new()),
    ] {
        let (shown, pages) = walked(&browser, &format!("/console/keys?{query}"));
        let ids: BTreeSet<String> = shown.iter().cloned().collect();
        assert_eq!(ids.len(), shown.len(), "{query}: a key is shown twice");
        assert_eq!(ids, expected, "{query}");
        assert_eq!(pages, expected.len().div_ceil(50).max(1), "{query}");
    }
    // All of them, newest first; the server's first key was made before.
    let (shown, _) = walked(&browser, "/console/keys");
    let expected: Vec<&String> = all.iter().rev().map(|key| &key.id).collect();
    assert_eq!(shown.iter().take(MANY).collect::<Vec<_>>(), expected);
    assert_eq!(shown.len(), MANY + 1);
}

/// The ids on all pages from this one on, and how many pages these are. Each leads back to the one before it.
fn walked(browser: &Browser<'_>, first: &str) -> (Vec<String>, usize) {
    let id = Regex::new("<th[^>]*><a href=\"/console/keys/(mk_[0-9A-Za-z]+)\"").unwrap();
    let (mut ids, mut pages): (Vec<String>, usize) = (Vec::new(), 0);
    let (mut path, mut before): (String, Option<Vec<String>>) = (first.to_owned(), None);
    loop {
        let page = browser.get(&path);
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        pages += 1;
        let here: Vec<String> = id
            .captures_iter(page.text())
            .map(|found| found[1].to_owned())
            .collect();
        assert!(here.len() <= 50, "{path}: {} on a page", here.len());
        if let Some(before) = before.replace(here.clone()) {
            let back = step(page.text(), "‹ Newer").expect("a way back");
            let back = browser.get(&back);
            let again: Vec<String> = id
                .captures_iter(back.text())
                .map(|found| found[1].to_owned())
                .collect();
            assert_eq!(again, before, "{path}: another page is before it");
        }
        ids.extend(here);
        match step(page.text(), "Older ›") {
            Some(next) => path = next,
            None => return (ids, pages),
        }
    }
}

/// Where a step from page to page leads.
fn step(page: &str, label: &str) -> Option<String> {
    let (before, _) = page.split_once(&format!("{label}</a>"))?;
    let (_, href) = before.rsplit_once("href=\"")?;
    Some(href.split('"').next()?.replace("&amp;", "&"))
}
