//! Objects that no head names any more, and when to remove them. A gateway may still ask for an
//! object that an older head named, so the object stays for a while after the last such head. The
//! object's own age does not matter: a base in use may be old.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::store::{FeedStore, Listed, Mutable, ObjectName, Swap};
use keyward::invariant::Held;

/// The format that this version reads and writes.
const FORMAT: &str = "keyward.retired/v1";

/// The maximum size of the list in bytes.
pub const LARGEST_RETIRED: u64 = 16 << 20;

/// Since when objects are in no head, in Unix seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retired(BTreeMap<ObjectName, u64>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    format: String,
    since: BTreeMap<String, u64>,
}

impl Retired {
    /// Reads the list. If it cannot be read, starts an empty one; then all objects that are in no
    /// head stay for the whole period again.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let wire: Option<Wire> = serde_json::from_slice(bytes).ok();
        let since = wire.filter(|wire| wire.format == FORMAT);
        let since = since.into_iter().flat_map(|wire| wire.since);
        Self(
            since
                .filter_map(|(name, since)| Some((ObjectName::parse(&name)?, since)))
                .collect(),
        )
    }

    /// Returns the list in its stored form.
    #[must_use]
    pub fn to_json(&self) -> String {
        let since = self.0.iter();
        let wire = Wire {
            format: FORMAT.to_owned(),
            since: since
                .map(|(name, since)| (name.to_string(), *since))
                .collect(),
        };
        serde_json::to_string(&wire)
            .ok()
            .held("texts and numbers have a form in JSON")
    }

    /// Returns the number of objects.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What to do with the objects of a store.
#[derive(Debug, PartialEq, Eq)]
pub struct Collection {
    /// The new list.
    pub retired: Retired,
    /// The objects to remove.
    pub garbage: Vec<ObjectName>,
}

/// Decides which objects to remove. `named` contains the objects of the head, and `retain` is how
/// many seconds an object stays after the last head that named it. A recently written object always
/// stays, because another publisher may be about to name it.
#[must_use]
pub fn collect(
    listed: &[Listed],
    named: &BTreeSet<ObjectName>,
    before: &Retired,
    now: u64,
    retain: u64,
) -> Collection {
    let mut retired = BTreeMap::new();
    let mut garbage = Vec::new();
    for object in listed.iter().filter(|object| !named.contains(&object.name)) {
        // A time from a clock that was fast must not keep the object forever.
        let since = before.0.get(&object.name).copied().unwrap_or(now).min(now);
        let is_over = |from: u64| from.saturating_add(retain) <= now;
        if is_over(since) && is_over(object.put_at) {
            garbage.push(object.name);
        } else {
            retired.insert(object.name, since);
        }
    }
    Collection {
        retired: Retired(retired),
        garbage,
    }
}

/// Removes objects that no head has named for long enough, and files that killed writers left.
/// Returns their number.
pub(super) fn sweep(
    store: &dyn FeedStore,
    named: &BTreeSet<ObjectName>,
    now: u64,
    retain: u64,
) -> Result<usize> {
    let found = store.read(Mutable::Retired, LARGEST_RETIRED)?;
    let before = found.as_ref().map(|(bytes, _)| Retired::read(bytes));
    let before = before.unwrap_or_default();
    let collection = collect(&store.list()?, named, &before, now, retain);
    if collection.retired != before {
        let json = collection.retired.to_json();
        let expected = found.as_ref().map(|(_, version)| version);
        let swap = store.swap(Mutable::Retired, expected, json.as_bytes())?;
        if swap == Swap::Lost {
            // Another publisher is collecting.
            return Ok(0);
        }
    }
    // An object that a newer head names stays: its publisher has just written it, or it was never
    // retired.
    for name in &collection.garbage {
        store.delete(name)?;
    }
    let left = store.tidy(now)?;
    Ok(collection.garbage.len().saturating_add(left))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::string_slice, reason = "these texts are ASCII")]

    use super::*;
    use crate::feed::store::ObjectKind;

    fn object(text: &str, put_at: u64) -> Listed {
        Listed {
            name: ObjectName::of(ObjectKind::Delta, text.as_bytes()),
            size: 1,
            put_at,
        }
    }

    fn names<'a>(of: impl IntoIterator<Item = &'a Listed>) -> BTreeSet<ObjectName> {
        of.into_iter().map(|object| object.name).collect()
    }

    #[test]
    fn an_object_stays_for_a_while_after_the_last_head_that_named_it() {
        let (old, new) = (object("old", 1), object("new", 900));
        let both = [old.clone(), new.clone()];
        let first = collect(&both, &names([&new]), &Retired::default(), 1_000, 100);
        assert_eq!((first.garbage.len(), first.retired.len()), (0, 1));
        let second = collect(&both, &names([&new]), &first.retired, 1_099, 100);
        assert_eq!(second.garbage, []);
        let third = collect(&both, &names([&new]), &second.retired, 1_100, 100);
        assert_eq!(third.garbage, [old.name]);
        assert!(third.retired.is_empty());
        // If an object is named again, its period restarts.
        let named = collect(&both, &names(&both), &second.retired, 1_100, 100);
        assert!(named.retired.is_empty() && named.garbage.is_empty());
    }

    #[test]
    fn what_was_put_just_now_stays_though_it_was_retired_long_ago() {
        let again = object("again", 1_050);
        let mut retired = Retired::default();
        retired.0.insert(again.name, 1);
        let kept = collect(
            std::slice::from_ref(&again),
            &BTreeSet::new(),
            &retired,
            1_100,
            100,
        );
        assert_eq!((kept.garbage, &kept.retired), (Vec::new(), &retired));
        let gone = collect(
            std::slice::from_ref(&again),
            &BTreeSet::new(),
            &retired,
            1_150,
            100,
        );
        assert_eq!(gone.garbage, [again.name]);
    }

    #[test]
    fn a_clock_that_was_ahead_keeps_nothing_for_ever() {
        let object = object("a", 1);
        let mut retired = Retired::default();
        retired.0.insert(object.name, u64::MAX);
        let kept = collect(
            std::slice::from_ref(&object),
            &BTreeSet::new(),
            &retired,
            1_000,
            100,
        );
        let gone = collect(
            std::slice::from_ref(&object),
            &BTreeSet::new(),
            &kept.retired,
            1_100,
            100,
        );
        assert_eq!(gone.garbage, [object.name]);
    }

    #[test]
    fn the_list_reads_as_it_was_written_and_a_broken_one_is_empty() {
        let mut retired = Retired::default();
        retired.0.insert(object("a", 1).name, 7);
        let json = retired.to_json();
        assert_eq!(Retired::read(json.as_bytes()), retired);
        for broken in [
            "",
            "{}",
            &json.replace("retired/v1", "retired/v2"),
            &json[1..],
        ] {
            assert!(Retired::read(broken.as_bytes()).is_empty());
        }
    }
}
