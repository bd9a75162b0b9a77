//! The links that a rotation leaves: the old key's `replaced_by` and the new key's `replaces`,
//! which name each other. The rules keep them consistent; this module finds links that were broken
//! by hand.

use std::collections::HashMap;

use super::{Key, KeyFile};
use keyward::management::last_of;

/// A link whose key does not exist or does not link back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DanglingLink<'a> {
    /// The number of the key that has the link, from 0.
    pub number: usize,
    /// The key that has the link.
    pub key: &'a Key,
    /// `replaces` or `replaced_by`.
    pub member: &'static str,
    /// The id that the link names.
    pub names: &'a str,
    /// What is wrong with it.
    pub why: &'static str,
}

impl KeyFile {
    /// Returns links to a missing key, to a key that does not link back, in a circle, or to a
    /// deleted replacement.
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

const NOT_THERE: &str = "which is not in the key file";
const ONE_WAY: &str = "which does not name it back";
const CIRCLE: &str = "and so on in a circle";
const DELETED: &str = "which is deleted";

fn is_circle(keys: &HashMap<&str, &Key>, key: &Key) -> bool {
    let next = |key: &&Key| keys.get(key.replaced_by.as_deref()?).copied();
    // A chain has at most as many links as there are keys.
    std::iter::successors(next(&key), next)
        .take(keys.len())
        .any(|one| one.id == key.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_file::testing::{change_key, record};
    use keyward::digest::KeyDigest;
    use keyward::key::{KeyKind, Livemode};
    use keyward::management::{Account, AccountSettings, RecordChange};

    fn key(id: &str) -> Key {
        let digest = KeyDigest::of(id.as_bytes());
        Key::new(id, KeyKind::Restricted, Livemode::Test, "acct_1", digest)
    }

    /// Returns a file with `mk_1` to `mk_3`, each the replacement of the one before.
    fn file() -> KeyFile {
        let text = "format = \"keyward.keys/v1\"\n".to_owned();
        let mut file = KeyFile::read(vec![("keyward.toml".to_owned(), text)]).unwrap();
        let mut changes = vec![RecordChange::AddAccount {
            account: Account::new("acct_1"),
            settings: AccountSettings::default(),
        }];
        let link = |id: &str| Some(id.to_owned());
        changes.extend(
            [
                Key {
                    replaced_by: link("mk_2"),
                    ..key("mk_1")
                },
                Key {
                    replaces: link("mk_1"),
                    replaced_by: link("mk_3"),
                    ..key("mk_2")
                },
                Key {
                    replaces: link("mk_2"),
                    ..key("mk_3")
                },
            ]
            .map(record),
        );
        file.apply(&changes, None).unwrap();
        assert_eq!(file.dangling_links(), []);
        file
    }

    /// Earlier versions and editors left such links.
    #[test]
    fn what_was_cut_by_hand_is_found() {
        let cut = |id: &str, change: &dyn Fn(&mut Key)| {
            let mut file = file();
            change_key(&mut file, id, change);
            file
        };
        let deleted = keyward::snapshot::KeyStatus::Deleted;
        let gone = |key: &mut Key| key.replaced_by = Some("mk_9".to_owned());
        let mut circle = cut("mk_3", &|key| key.replaced_by = Some("mk_1".to_owned()));
        change_key(&mut circle, "mk_1", &|key| {
            key.replaces = Some("mk_3".to_owned());
        });
        for (file, expected) in [
            (
                cut("mk_3", &gone),
                vec![("mk_3", "replaced_by", "mk_9", NOT_THERE)],
            ),
            (
                cut("mk_1", &|key| key.replaces = Some("mk_9".to_owned())),
                vec![("mk_1", "replaces", "mk_9", NOT_THERE)],
            ),
            (
                cut("mk_1", &|key| key.replaced_by = None),
                vec![("mk_2", "replaces", "mk_1", ONE_WAY)],
            ),
            (
                cut("mk_2", &|key| key.replaces = None),
                vec![("mk_1", "replaced_by", "mk_2", ONE_WAY)],
            ),
            (
                cut("mk_3", &|key| key.status = deleted),
                vec![("mk_2", "replaced_by", "mk_3", DELETED)],
            ),
            (
                circle,
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
    }
}
