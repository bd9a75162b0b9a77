//! The links of a rotation: the old key's `replaced_by` and the new key's `replaces`, which name
//! each other. A change that ends a replacement undoes the rotation, so that the old key can be
//! rotated again.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::decision::RecordChange;
use super::facts::Facts;
use super::record::Key;

/// Keys while a command changes them. Each is written once, in the order of their first changes.
pub(super) struct Draft<'a> {
    before: BTreeMap<&'a str, &'a Key>,
    now: BTreeMap<String, Key>,
    touched: Vec<String>,
    /// The same, to search in: an account that is removed may have a great many keys.
    is_touched: HashSet<String>,
    /// The keys that name a key, or did so before they were changed.
    pointing: HashMap<String, BTreeSet<String>>,
    /// Added keys, each with the key whose file it goes into.
    added: BTreeMap<String, Option<String>>,
}

impl<'a> Draft<'a> {
    pub(super) fn of(facts: &'a Facts) -> Self {
        let all = || facts.keys.iter().map(|fact| &fact.key);
        let mut pointing = HashMap::new();
        all().for_each(|key| note_links(&mut pointing, key));
        Self {
            pointing,
            is_touched: HashSet::new(),
            before: all().map(|key| (key.id.as_str(), key)).collect(),
            now: all().map(|key| (key.id.clone(), key.clone())).collect(),
            touched: Vec::new(),
            added: BTreeMap::new(),
        }
    }

    pub(super) fn key(&self, id: &str) -> Option<&Key> {
        self.now.get(id)
    }

    fn touch(&mut self, id: &str) {
        if self.is_touched.insert(id.to_owned()) {
            self.touched.push(id.to_owned());
        }
    }

    pub(super) fn add(&mut self, key: Key, beside: Option<&str>) {
        self.touch(&key.id);
        self.added.insert(key.id.clone(), beside.map(str::to_owned));
        note_links(&mut self.pointing, &key);
        self.now.insert(key.id.clone(), key);
    }

    /// Changes a key, if it exists.
    pub(super) fn update(&mut self, id: &str, change: impl FnOnce(&mut Key)) {
        if let Some(key) = self.now.get_mut(id) {
            change(key);
            note_links(&mut self.pointing, key);
            self.touch(id);
        }
    }

    /// Removes a key, and links its neighbours to each other.
    pub(super) fn remove(&mut self, id: &str) {
        if let Some(gone) = self.now.remove(id) {
            self.touch(id);
            self.close_gap(&gone);
        }
    }

    /// Returns the last key in the chain of replacements of `key` that is not deleted, or `None` if
    /// the rotation was undone.
    pub(super) fn replacement_of(&self, key: &Key) -> Option<&Key> {
        last_of(key, |id| self.key(id))
    }

    /// Links a key to its new replacement, which already names the key.
    pub(super) fn link(&mut self, old: &str, new: &str) {
        let stale = self.key(old).and_then(|key| key.replaced_by.clone());
        if let Some(stale) = stale {
            self.unlink(old, &stale);
        }
        self.update(old, |key| key.replaced_by = Some(new.to_owned()));
    }

    /// Undoes the rotation that created `id`, which was just deleted. If `id` has a replacement
    /// that still exists, it stays in the chain. Otherwise this continues with the deleted keys
    /// before it.
    pub(super) fn take_back(&mut self, id: &str) {
        let mut last = id.to_owned();
        while let Some(old) = self
            .key(&last)
            .filter(|key| key.is_deleted() && self.replacement_of(key).is_none())
            .and_then(|key| key.replaces.clone())
        {
            self.unlink(&old, &last);
            last = old;
        }
    }

    fn close_gap(&mut self, gone: &Key) {
        let there = |id: &Option<String>| {
            let id = id.as_deref().filter(|id| *id != gone.id)?;
            self.key(id).map(|key| key.id.clone())
        };
        let (old, new) = (there(&gone.replaces), there(&gone.replaced_by));
        let names = |link: &Option<String>| link.as_deref() == Some(&*gone.id);
        let candidates = self.pointing.get(&gone.id).into_iter().flatten();
        let pointing: Vec<String> = candidates
            .inspect(|_| steps::count())
            .filter_map(|id| self.key(id))
            .filter(|key| names(&key.replaces) || names(&key.replaced_by))
            .map(|key| key.id.clone())
            .collect();
        for id in pointing {
            let mend = |link: &mut Option<String>, other: &Option<String>| {
                if link.as_deref() == Some(&*gone.id) {
                    *link = other.clone().filter(|other| *other != id);
                }
            };
            self.update(&id, |key| {
                mend(&mut key.replaces, &old);
                mend(&mut key.replaced_by, &new);
            });
        }
        if let Some(old) = old {
            self.take_back(&old);
        }
    }

    /// Removes the links between `old` and `new`.
    fn unlink(&mut self, old: &str, new: &str) {
        self.update(new, |key| {
            key.replaces.take_if(|id| id == old);
        });
        self.update(old, |key| {
            key.replaced_by.take_if(|id| id == new);
        });
    }

    /// Returns the id and the end of each key whose rotation was undone.
    pub(super) fn taken_back(&self) -> impl Iterator<Item = (&str, Option<u64>)> {
        let before = self.before.values();
        before
            .filter(|before| before.replaced_by.is_some())
            .filter_map(|before| self.key(&before.id))
            .filter(|key| key.replaced_by.is_none() && !key.is_deleted())
            .map(|key| (key.id.as_str(), key.expires))
    }

    /// Returns the changes to write.
    pub(super) fn into_changes(mut self) -> Vec<RecordChange> {
        let mut changes = Vec::new();
        for id in &self.touched {
            let before = self.before.get(id.as_str()).copied();
            let change = match (before, self.now.remove(id)) {
                (None, Some(key)) => RecordChange::AddKey {
                    key: Box::new(key),
                    beside: self.added.remove(id).flatten(),
                },
                (Some(before), Some(after)) if after != *before => RecordChange::PutKey {
                    before: Box::new(before.clone()),
                    after: Box::new(after),
                },
                (Some(before), None) => RecordChange::RemoveKey {
                    key: Box::new(before.clone()),
                },
                (Some(_), Some(_)) | (None, None) => continue,
            };
            changes.push(change);
        }
        changes
    }
}

/// Notes which keys a key names.
fn note_links(pointing: &mut HashMap<String, BTreeSet<String>>, key: &Key) {
    for named in [&key.replaces, &key.replaced_by].into_iter().flatten() {
        let of = pointing.entry(named.clone()).or_default();
        of.insert(key.id.clone());
    }
}

/// Counts the keys that are looked at in searches, for tests.
mod steps {
    #[cfg(test)]
    thread_local! {
        pub(super) static COUNTED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    pub(super) fn count() {
        #[cfg(test)]
        COUNTED.set(COUNTED.get() + 1);
    }
}

/// Returns the last key in the chain of replacements of `key` that is not deleted.
pub fn last_of<'a>(key: &Key, find: impl Fn(&str) -> Option<&'a Key>) -> Option<&'a Key> {
    let mut seen = HashSet::from([key.id.as_str()]);
    let mut next = key.replaced_by.as_deref();
    let mut found = None;
    while let Some(replacement) = next.and_then(&find) {
        if !seen.insert(&replacement.id) {
            break;
        }
        found = Some(replacement).filter(|key| !key.is_deleted()).or(found);
        next = replacement.replaced_by.as_deref();
    }
    found
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::digest::KeyDigest;
    use crate::key::{KeyKind, Livemode};
    use crate::management::api::Api;
    use crate::management::facts::KeyFact;

    fn nothing() -> Facts {
        Facts::new(Arc::new(Api::stripe()))
    }

    fn key(id: &str) -> Key {
        let digest = KeyDigest::of(id.as_bytes());
        Key::new(id, KeyKind::Restricted, Livemode::Test, "acct_1", digest)
    }

    #[test]
    fn the_keys_of_a_large_account_are_removed_in_as_many_steps() {
        // Pairs: each key of an even number was replaced by the next one.
        let many = 20_000;
        let id = |number: usize| format!("mk_{number:05}");
        let mut facts = nothing();
        for number in 0..many {
            let mut one = key(&id(number));
            if number % 2 == 0 {
                one.replaced_by = Some(id(number + 1));
            } else {
                one.replaces = Some(id(number - 1));
            }
            facts.keys.push(KeyFact::of(one));
        }
        steps::COUNTED.set(0);
        let mut draft = Draft::of(&facts);
        (0..many).for_each(|number| draft.remove(&id(number)));
        let changes = draft.into_changes();
        assert_eq!(changes.len(), many);
        assert!(
            changes
                .iter()
                .all(|change| matches!(change, RecordChange::RemoveKey { .. }))
        );
        let counted = steps::COUNTED.get();
        assert!((many / 2..=2 * many).contains(&counted), "{counted}");
    }

    #[test]
    fn a_key_that_came_to_name_another_is_mended_as_well() {
        let mut facts = nothing();
        for id in ["mk_a", "mk_b", "mk_c"] {
            facts.keys.push(KeyFact::of(key(id)));
        }
        let mut draft = Draft::of(&facts);
        draft.update("mk_b", |key| key.replaces = Some("mk_a".to_owned()));
        draft.link("mk_a", "mk_b");
        draft.update("mk_c", |key| key.replaces = Some("mk_b".to_owned()));
        draft.link("mk_b", "mk_c");
        draft.remove("mk_b");
        let link = |id: &str| {
            draft
                .key(id)
                .map(|key| (key.replaces.as_deref(), key.replaced_by.as_deref()))
        };
        assert_eq!(link("mk_a"), Some((None, Some("mk_c"))));
        assert_eq!(link("mk_c"), Some((Some("mk_a"), None)));
    }
}
