//! Tests that the counts add up, whatever else is written meanwhile, and whatever the shared pages
//! contain.

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::Value;

use super::page::LARGEST;
use super::*;

/// Shared texts, as Envoy stores them, and another VM that is sometimes faster.
#[derive(Default)]
struct Memory {
    texts: HashMap<String, (Vec<u8>, u32)>,
    version: u32,
    /// How many of the next updates fail.
    conflicts: u32,
    is_deaf: bool,
}

impl Store for Memory {
    fn get(&mut self, name: &str) -> Option<(Box<[u8]>, u32)> {
        let (text, version) = self.texts.get(name)?;
        Some((text.as_slice().into(), *version))
    }

    fn set(&mut self, name: &str, text: &[u8], version: u32) -> bool {
        if self.is_deaf {
            return false;
        }
        if self.conflicts > 0 {
            self.conflicts -= 1;
            // What another VM would write: the same text with a newer version.
            if let Some((_, version)) = self.texts.get_mut(name) {
                self.version += 1;
                *version = self.version;
            }
            return false;
        }
        if self.texts.get(name).is_some_and(|(_, now)| *now != version) {
            return false;
        }
        self.version += 1;
        self.texts
            .insert(name.to_owned(), (text.to_vec(), self.version));
        true
    }
}

const PLUGIN: Plugin<'_> = Plugin {
    id: b"keyward\0root\0",
    label: "keyward",
};

fn counted(events: &[(&str, Event)]) -> Pending {
    let mut pending = Pending::default();
    for (key, event) in events {
        assert!(pending.count(key, *event));
    }
    pending
}

#[track_caller]
fn share_all(pending: &mut Pending, store: &mut Memory, now: u64) {
    assert!(!share(pending, store, &PLUGIN, now));
    assert!(pending.is_empty());
}

/// Returns all parts of the report, as one list of keys per plugin.
fn reported(store: &mut Memory) -> Vec<Value> {
    let (mut from, mut plugins) = (0, Vec::<Value>::new());
    loop {
        let part: Value = serde_json::from_str(&report(store, from)).unwrap();
        for plugin in part["plugins"].as_array().unwrap() {
            match plugins
                .iter_mut()
                .find(|known| known["plugin"] == plugin["plugin"])
            {
                None => plugins.push(plugin.clone()),
                Some(known) => {
                    known["lost"] =
                        (known["lost"].as_u64().unwrap() + plugin["lost"].as_u64().unwrap()).into();
                    let keys = plugin["keys"].as_array().unwrap().clone();
                    known["keys"].as_array_mut().unwrap().extend(keys);
                }
            }
        }
        match part["next"].as_u64() {
            None => return plugins,
            Some(next) => from = usize::try_from(next).unwrap(),
        }
    }
}

#[test]
fn vms_add_up() {
    let mut store = Memory::default();
    let mut one = counted(&[("mk_1", Event::Allowed), ("mk_2", Event::Denied)]);
    let mut other = counted(&[
        ("mk_1", Event::Allowed),
        ("mk_1", Event::WouldDeny),
        ("mk_1", Event::Verified),
    ]);
    assert_eq!(other.of("mk_1").accepted(), 2);
    share_all(&mut one, &mut store, 100);
    share_all(&mut other, &mut store, 200);
    let usage = shared(&mut store, PLUGIN.id, "mk_1").unwrap();
    let counts = Counts {
        allowed: 2,
        would_deny: 1,
        denied: 0,
        verified: 1,
    };
    assert_eq!(usage.counts, counts);
    assert_eq!((usage.last_accepted, usage.last_seen), (200, 200));
    // A denied request uses the key without it being accepted.
    share_all(&mut counted(&[("mk_1", Event::Denied)]), &mut store, 300);
    let usage = shared(&mut store, PLUGIN.id, "mk_1").unwrap();
    assert_eq!((usage.last_accepted, usage.last_seen), (200, 300));
    assert_eq!(shared(&mut store, PLUGIN.id, "mk_3"), None);
    assert_eq!(shared(&mut store, b"another", "mk_1"), None);
}

#[test]
fn plugins_are_counted_apart() {
    let mut store = Memory::default();
    share_all(&mut counted(&[("mk_1", Event::Allowed)]), &mut store, 1);
    let other = Plugin {
        id: b"keyward\0other\0",
        label: "keyward/other",
    };
    let mut pending = counted(&[("mk_1", Event::Denied)]);
    assert!(!share(&mut pending, &mut store, &other, 2));
    let of =
        |store: &mut Memory, plugin: &Plugin<'_>| shared(store, plugin.id, "mk_1").unwrap().counts;
    assert_eq!(
        (
            of(&mut store, &PLUGIN).allowed,
            of(&mut store, &PLUGIN).denied
        ),
        (1, 0)
    );
    assert_eq!(
        (
            of(&mut store, &other).allowed,
            of(&mut store, &other).denied
        ),
        (0, 1)
    );
    let report = reported(&mut store);
    assert_eq!(report.len(), 2);
    assert_eq!(
        (&report[0]["plugin"], &report[0]["since"]),
        (&"keyward".into(), &1.into())
    );
    assert_eq!(
        (&report[1]["plugin"], &report[1]["since"]),
        (&"keyward/other".into(), &2.into())
    );
}

#[test]
fn whoever_was_slower_tries_again_and_loses_nothing() {
    let mut store = Memory::default();
    share_all(&mut counted(&[("mk_1", Event::Allowed)]), &mut store, 1);
    store.conflicts = 5;
    share_all(&mut counted(&[("mk_1", Event::Allowed)]), &mut store, 2);
    assert_eq!(
        shared(&mut store, PLUGIN.id, "mk_1")
            .unwrap()
            .counts
            .allowed,
        2
    );
    // A VM that is slower every time keeps its counts for the next call.
    store.conflicts = 1000;
    let mut pending = counted(&[("mk_1", Event::Allowed)]);
    assert!(share(&mut pending, &mut store, &PLUGIN, 3));
    assert_eq!(pending.of("mk_1").allowed, 1);
    store.conflicts = 0;
    share_all(&mut pending, &mut store, 4);
    assert_eq!(
        shared(&mut store, PLUGIN.id, "mk_1")
            .unwrap()
            .counts
            .allowed,
        3
    );
}

#[test]
fn the_first_page_is_never_written_twice() {
    // Another VM writes between a read that finds nothing and the first write.
    struct Raced(Memory);
    impl Store for Raced {
        fn get(&mut self, name: &str) -> Option<(Box<[u8]>, u32)> {
            self.0.get(name)
        }
        fn set(&mut self, name: &str, text: &[u8], version: u32) -> bool {
            if name.contains('/') && !self.0.texts.contains_key(name) {
                let mut pending = counted(&[("mk_1", Event::Allowed)]);
                share(&mut pending, &mut self.0, &PLUGIN, 1);
            }
            self.0.set(name, text, version)
        }
    }
    let mut store = Raced(Memory::default());
    let mut pending = counted(&[("mk_1", Event::Allowed)]);
    assert!(!share(&mut pending, &mut store, &PLUGIN, 1));
    let usage = shared(&mut store, PLUGIN.id, "mk_1").unwrap();
    assert_eq!(usage.counts.allowed, 2);
}

#[test]
fn where_there_is_no_room_it_is_said() {
    let mut pending = Pending::default();
    let mut store = Memory {
        is_deaf: true,
        ..Memory::default()
    };
    let mut given_up = 0;
    for number in 0..40_000 {
        let key = format!("mk_{number}");
        if !pending.count(&key, Event::Allowed) {
            pending.give_up();
            given_up += 1;
        }
    }
    assert!(given_up >= 40_000 - 16_384);
    // Nothing can be shared, so the counts stay.
    share(&mut pending, &mut store, &PLUGIN, 1);
    assert!(!pending.is_empty());
    store.is_deaf = false;
    while share(&mut pending, &mut store, &PLUGIN, 1) {}
    let report = reported(&mut store);
    let keys = report[0]["keys"].as_array().unwrap();
    assert_eq!(report[0]["lost"], given_up);
    assert_eq!(keys.len() + given_up, 40_000);
}

#[test]
fn a_page_that_is_full_forgets_the_key_that_was_unused_the_longest() {
    let keys: Vec<String> = (0..8_000)
        .map(|number| format!("mk_{number:024}"))
        .collect();
    let mut page = Page::default();
    for (now, key) in keys.iter().enumerate() {
        let counts = Counts {
            allowed: 2,
            ..Counts::default()
        };
        page.add(key, counts, u64::try_from(now).unwrap() + 1);
    }
    page.shrink();
    let bytes = page.bytes();
    assert!(bytes.len() <= LARGEST && bytes.len() > LARGEST - 100);
    let page = Page::read(&bytes).unwrap();
    let forgotten = 8_000 - page.records.len();
    assert_eq!(page.lost, u64::try_from(2 * forgotten).unwrap());
    assert_eq!(page.find(&keys[forgotten - 1]), None);
    assert!(page.find(&keys[forgotten]).is_some());
}

#[test]
fn a_long_report_comes_in_parts() {
    let mut store = Memory::default();
    let mut pending = Pending::default();
    for number in 0..12_000 {
        let key = format!("mk_{number:024}");
        if !pending.count(&key, Event::Allowed) {
            share(&mut pending, &mut store, &PLUGIN, 1);
            assert!(pending.count(&key, Event::Allowed));
        }
    }
    while share(&mut pending, &mut store, &PLUGIN, 1) {}
    let first: Value = serde_json::from_str(&report(&mut store, 0)).unwrap();
    assert!(first["next"].is_u64());
    let report = reported(&mut store);
    let keys = report[0]["keys"].as_array().unwrap();
    let distinct: std::collections::BTreeSet<&str> = keys
        .iter()
        .map(|key| key["key"].as_str().unwrap())
        .collect();
    assert_eq!((keys.len(), distinct.len()), (12_000, 12_000));
    assert_eq!(report[0]["lost"], 0);
}

#[test]
fn what_a_stranger_wrote_is_no_page() {
    let mut store = Memory::default();
    share_all(&mut counted(&[("mk_1", Event::Allowed)]), &mut store, 1);
    for (name, (text, _)) in &mut store.texts {
        if name.contains('/') {
            *text = b"something else".to_vec();
        }
    }
    assert_eq!(shared(&mut store, PLUGIN.id, "mk_1"), None);
    share_all(&mut counted(&[("mk_1", Event::Allowed)]), &mut store, 2);
    assert_eq!(
        shared(&mut store, PLUGIN.id, "mk_1")
            .unwrap()
            .counts
            .allowed,
        1
    );
}

proptest! {
    #[test]
    fn any_bytes_are_a_page_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..200) {
        let mut page = Page::default();
        page.add("mk_1", Counts { allowed: 1, ..Counts::default() }, 7);
        page.add("mk_22", Counts { denied: 1, ..Counts::default() }, 7);
        let whole = page.bytes();
        prop_assert_eq!(Page::read(&whole), Some(page));
        let mixed = [whole.get(..cut).unwrap_or(&whole), &bytes].concat();
        if let Some(page) = Page::read(&mixed) {
            prop_assert_eq!(&page.bytes(), &mixed);
        }
        let mut store = Memory::default();
        for name in ["keyward.usage", "keyward.usage/0/1"] {
            store.texts.insert(name.to_owned(), (mixed.clone(), 1));
        }
        let _ = shared(&mut store, PLUGIN.id, "mk_1");
        let _ = report(&mut store, 0);
    }
}
