//! What a rotation leaves: the old key's `replaced_by` and the new one's `replaces`, which name each other. An edit that ends a replacement takes the rotation back, so that the
//! old key can be rotated again; what hands have cut is found by [`KeyFile::dangling_links`].

use std::collections::{HashMap, HashSet};

use super::edit::{EditRefusal, refuse};
use super::{Key, KeyFile};

/// A link that does not lead to a key which leads back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DanglingLink<'a> {
    /// Which key has it, counted from 0.
    pub number: usize,
    /// The key that has it.
    pub key: &'a Key,
    /// `replaces` or `replaced_by`.
    pub member: &'static str,
    /// The id that it names.
    pub names: &'a str,
    /// What is wrong with it.
    pub why: &'static str,
}

impl KeyFile {
    /// The key that has taken the place of `key`: the last of those that replace it, one after the other, and are not deleted. None where the rotation was taken back.
    #[must_use]
    pub fn replacement_of(&self, key: &Key) -> Option<&Key> {
        last_of(key, |id| self.key(id))
    }

    /// Refuses a key that was deleted or has a replacement.
    pub fn may_be_replaced(&self, key: &Key) -> Result<(), EditRefusal> {
        let id = &key.id;
        if key.is_deleted() {
            return refuse(format!(
                "`{id}` is deleted and needs no replacement; make a new key with `keyward keys create`"
            ));
        }
        match self.replacement_of(key) {
            Some(other) => refuse(format!(
                "`{id}` was replaced already, by `{}`; rotate that one",
                other.id
            )),
            None => Ok(()),
        }
    }

    /// Links a key with its new replacement, which names it already.
    pub(super) fn link(&mut self, old: &str, new: &str) -> Result<(), EditRefusal> {
        let stale = self.key(old).and_then(|key| key.replaced_by.clone());
        if let Some(stale) = stale {
            self.unlink(old, &stale)?;
        }
        self.update_key(old, |key| key.replaced_by = Some(new.to_owned()))
    }

    /// Takes back the rotation that made `id`, which was just deleted. One that was replaced itself stays between the others; the last of several is followed back.
    pub(super) fn take_back(&mut self, id: &str) -> Result<(), EditRefusal> {
        let mut last = id.to_owned();
        while let Some(old) = self
            .key(&last)
            .filter(|key| key.is_deleted() && self.replacement_of(key).is_none())
            .and_then(|key| key.replaces.clone())
        {
            self.unlink(&old, &last)?;
            last = old;
        }
        Ok(())
    }

    /// Closes the gap that `gone` leaves, which is no longer in the file.
    pub(super) fn close_gap(&mut self, gone: &Key) -> Result<(), EditRefusal> {
        let there = |id: &Option<String>| {
            let id = id.as_deref().filter(|id| *id != gone.id)?;
            self.key(id).map(|key| key.id.clone())
        };
        let (old, new) = (there(&gone.replaces), there(&gone.replaced_by));
        let pointing: Vec<String> = self
            .keys()
            .filter(|key| {
                let names = |link: &Option<String>| link.as_deref() == Some(&*gone.id);
                names(&key.replaces) || names(&key.replaced_by)
            })
            .map(|key| key.id.clone())
            .collect();
        for id in pointing {
            let mend = |link: &mut Option<String>, other: &Option<String>| {
                if link.as_deref() == Some(&*gone.id) {
                    *link = other.clone().filter(|other| *other != id);
                }
            };
            self.update_key(&id, |key| {
                mend(&mut key.replaces, &old);
                mend(&mut key.replaced_by, &new);
            })?;
        }
        match old {
            Some(old) => self.take_back(&old),
            None => Ok(()),
        }
    }

    /// Takes `new` out of `old`, and `old` out of `new`.
    fn unlink(&mut self, old: &str, new: &str) -> Result<(), EditRefusal> {
        if self.key(new).is_some() {
            self.update_key(new, |key| {
                key.replaces.take_if(|id| id == old);
            })?;
        }
        if self.key(old).is_some() {
            self.update_key(old, |key| {
                key.replaced_by.take_if(|id| id == new);
            })?;
        }
        Ok(())
    }

    /// Links that lead nowhere, to a key that does not lead back, in a circle, or to a replacement that was deleted.
    #[must_use]
    pub fn dangling_links(&self) -> Vec<DanglingLink<'_>> {
        let keys: HashMap<&str, &Key> = self.keys().map(|key| (key.id.as_str(), key)).collect();
        let mut found = Vec::new();
        for (number, key) in self.keys().enumerate() {
            let mut dangles = |member, names, why| {
                found.push(DanglingLink {
                    number,
                    key,
                    member,
                    names,
                    why,
                });
            };
            let is_this = |link: &Option<String>| link.as_ref() == Some(&key.id);
            if let Some(id) = key.replaces.as_deref() {
                match keys.get(id) {
                    None => dangles("replaces", id, NOT_THERE),
                    Some(old) if !is_this(&old.replaced_by) => dangles("replaces", id, ONE_WAY),
                    Some(_) => {}
                }
            }
            if let Some(id) = key.replaced_by.as_deref() {
                match keys.get(id) {
                    None => dangles("replaced_by", id, NOT_THERE),
                    Some(new) if !is_this(&new.replaces) => dangles("replaced_by", id, ONE_WAY),
                    Some(_) if is_circle(&keys, key) => dangles("replaced_by", id, CIRCLE),
                    Some(_)
                        if key.is_deleted()
                            || last_of(key, |id| keys.get(id).copied()).is_some() => {}
                    Some(_) => dangles("replaced_by", id, DELETED),
                }
            }
        }
        found
    }
}

/// The last of the keys that follow `key` and are not deleted.
fn last_of<'a>(key: &Key, find: impl Fn(&str) -> Option<&'a Key>) -> Option<&'a Key> {
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

const NOT_THERE: &str = "which is not in the key file";
const ONE_WAY: &str = "which does not name it back";
const CIRCLE: &str = "and so on in a circle";
const DELETED: &str = "which is deleted";

fn is_circle(keys: &HashMap<&str, &Key>, key: &Key) -> bool {
    let next = |key: &&Key| keys.get(key.replaced_by.as_deref()?).copied();
    // A chain is no longer than there are keys.
    std::iter::successors(next(&key), next)
        .take(keys.len())
        .any(|one| one.id == key.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_file::Account;
    use keyward::digest::KeyDigest;
    use keyward::key::{KeyKind, Livemode};

    fn key(id: &str) -> Key {
        let digest = KeyDigest::of(id.as_bytes());
        Key::new(id, KeyKind::Restricted, Livemode::Test, "acct_1", digest)
    }

    /// `mk_1`, and what was put in its place, one after the other.
    fn file(replacements: &[&str]) -> KeyFile {
        let text = "format = \"keyward.keys/v1\"\n".to_owned();
        let mut file = KeyFile::read(vec![("keyward.toml".to_owned(), text)]).unwrap();
        file.add_account(Account::new("acct_1"), None).unwrap();
        file.add_key(key("mk_1"), None).unwrap();
        let mut old = "mk_1";
        for new in replacements {
            file.replace_key(old, key(new), 9).unwrap();
            old = new;
        }
        file
    }

    /// `mk_1>mk_2` for each link; the file must read back, and have none that dangles.
    #[track_caller]
    fn assert_links(file: &KeyFile, expected: &[&str]) {
        let texts = file.texts().map(|(name, text)| (name.to_owned(), text));
        let file = KeyFile::read(texts.collect()).unwrap();
        let links: Vec<String> = file
            .keys()
            .filter_map(|key| Some(format!("{}>{}", key.id, key.replaced_by.as_deref()?)))
            .collect();
        assert_eq!(links, expected);
        assert_eq!(file.dangling_links(), []);
    }

    #[test]
    fn a_rotation_that_was_taken_back_can_be_made_again() {
        for take_back in [KeyFile::delete_key, KeyFile::purge_key] {
            let mut file = file(&["mk_2"]);
            assert_links(&file, &["mk_1>mk_2"]);
            take_back(&mut file, "mk_2").unwrap();
            assert_links(&file, &[]);
            file.replace_key("mk_1", key("mk_3"), 9).unwrap();
            assert_links(&file, &["mk_1>mk_3"]);
        }
    }

    #[test]
    fn the_old_key_may_go_and_its_replacement_stays_rotatable() {
        let mut deleted = file(&["mk_2"]);
        deleted.delete_key("mk_1").unwrap();
        assert_links(&deleted, &["mk_1>mk_2"]);
        let mut purged = file(&["mk_2"]);
        purged.purge_key("mk_1").unwrap();
        assert_links(&purged, &[]);
        for mut file in [deleted, purged] {
            file.replace_key("mk_2", key("mk_3"), 9).unwrap();
        }
    }

    #[test]
    fn one_in_the_middle_leaves_no_gap() {
        let mut file = file(&["mk_2", "mk_3"]);
        file.delete_key("mk_2").unwrap();
        assert_links(&file, &["mk_1>mk_2", "mk_2>mk_3"]);
        let refused = file.replace_key("mk_1", key("mk_4"), 9).unwrap_err();
        let expected = "`mk_1` was replaced already, by `mk_3`; rotate that one";
        assert_eq!(refused.to_string(), expected);
        let mut all_deleted = file.clone();
        all_deleted.delete_key("mk_3").unwrap();
        assert_links(&all_deleted, &[]);
        file.purge_key("mk_2").unwrap();
        assert_links(&file, &["mk_1>mk_3"]);
        file.purge_key("mk_3").unwrap();
        assert_links(&file, &[]);
    }

    /// As an earlier version left them, or an editor.
    #[test]
    fn what_was_cut_by_hand_is_found_and_no_obstacle() {
        let cut = |change: &dyn Fn(&mut KeyFile)| {
            let mut file = file(&["mk_2", "mk_3"]);
            change(&mut file);
            file
        };
        let set = |file: &mut KeyFile, id: &str, change: &dyn Fn(&mut Key)| {
            file.update_key(id, change).unwrap();
        };
        let deleted = keyward::snapshot::KeyStatus::Deleted;
        let gone = |key: &mut Key| key.replaced_by = Some("mk_9".to_owned());
        for (file, expected) in [
            (
                cut(&|file| set(file, "mk_3", &gone)),
                vec![("mk_3", "replaced_by", "mk_9", NOT_THERE)],
            ),
            (
                cut(&|file| set(file, "mk_1", &|key| key.replaces = Some("mk_9".to_owned()))),
                vec![("mk_1", "replaces", "mk_9", NOT_THERE)],
            ),
            (
                cut(&|file| set(file, "mk_1", &|key| key.replaced_by = None)),
                vec![("mk_2", "replaces", "mk_1", ONE_WAY)],
            ),
            (
                cut(&|file| set(file, "mk_2", &|key| key.replaces = None)),
                vec![("mk_1", "replaced_by", "mk_2", ONE_WAY)],
            ),
            (
                cut(&|file| set(file, "mk_3", &|key| key.status = deleted)),
                vec![("mk_2", "replaced_by", "mk_3", DELETED)],
            ),
            (
                cut(&|file| {
                    set(file, "mk_3", &|key| {
                        key.replaced_by = Some("mk_1".to_owned())
                    });
                    set(file, "mk_1", &|key| key.replaces = Some("mk_3".to_owned()));
                }),
                vec![
                    ("mk_1", "replaced_by", "mk_2", CIRCLE),
                    ("mk_2", "replaced_by", "mk_3", CIRCLE),
                    ("mk_3", "replaced_by", "mk_1", CIRCLE),
                ],
            ),
        ] {
            let found = file.dangling_links();
            let found: Vec<_> = found
                .iter()
                .map(|link| (&*link.key.id, link.member, link.names, link.why))
                .collect();
            assert_eq!(found, expected);
        }
        let mut file = cut(&|file| set(file, "mk_3", &gone));
        file.replace_key("mk_3", key("mk_4"), 9).unwrap();
        assert_links(&file, &["mk_1>mk_2", "mk_2>mk_3", "mk_3>mk_4"]);
        let mut file = cut(&|file| set(file, "mk_3", &|key| key.status = deleted));
        file.replace_key("mk_2", key("mk_4"), 9).unwrap();
        assert_links(&file, &["mk_1>mk_2", "mk_2>mk_4"]);
    }
}
