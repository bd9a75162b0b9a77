//! Which keys of a file are meant: the filters that `list` and `revoke` share. A key must fit all of them.

use anyhow::Result;

use super::words::{KindArgument, ModeArgument};
use crate::find_key::check_owner;
use crate::server::Filter;
use crate::times::{self, Moment};
use keyward::key::{KeyKind, Livemode};
use keyward_files::key_file::{Key, KeyFile};

#[derive(clap::Args, Default)]
pub(super) struct Selection {
    /// Keys of this account or organization; may be repeated
    #[arg(long = "owner", value_name = "ID")]
    pub(super) owners: Vec<String>,
    /// Keys of this kind; may be repeated
    #[arg(long = "kind", value_enum, value_name = "KIND")]
    kinds: Vec<KindArgument>,
    /// Keys of this mode
    #[arg(long, value_enum)]
    mode: Option<ModeArgument>,
    /// Keys made before this time, or longer ago than this: `2026-11-20T10:00:00Z`, `90d`; and those of which nobody knows when they were made
    #[arg(long, value_name = "WHEN", value_parser = times::moment)]
    created_before: Option<Moment>,
    /// Keys with this label, `team=billing`, or with a label of this name
    #[arg(long = "label", value_name = "K[=V]")]
    labels: Vec<String>,
}

impl Selection {
    /// What of it a server filters by.
    pub(super) fn of_server(&self) -> Filter {
        let kind = match self.kinds.as_slice() {
            [kind] => Some(KeyKind::from(*kind).name()),
            _ => None,
        };
        Filter {
            owners: self.owners.clone(),
            kind,
            is_live: self.mode.map(|mode| Livemode::from(mode).is_live()),
            label: self.labels.first().cloned(),
        }
    }

    /// Refuses an owner that is not there: nobody is to take its silence for "no keys".
    pub(super) fn check(&self, file: &KeyFile) -> Result<()> {
        for owner in &self.owners {
            check_owner(file, owner)?;
        }
        Ok(())
    }

    /// Whether a key is meant.
    pub(super) fn fits(&self, key: &Key, now: u64) -> bool {
        let kinds: Vec<KeyKind> = self.kinds.iter().map(|kind| KeyKind::from(*kind)).collect();
        let mode = self.mode.map(Livemode::from);
        let before = self.created_before.map(|moment| moment.before(now));
        let is_old = |before| key.created.is_none_or(|created| created < before);
        (self.owners.is_empty() || self.owners.contains(&key.owner))
            && (kinds.is_empty() || kinds.contains(&key.kind))
            && mode.is_none_or(|mode| key.mode == mode)
            && before.is_none_or(is_old)
            && self.labels.iter().all(|label| has_label(key, label))
    }
}

fn has_label(key: &Key, label: &str) -> bool {
    match label.split_once('=') {
        Some((name, value)) => key.labels.get(name).is_some_and(|found| found == value),
        None => key.labels.contains_key(label),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward::digest::KeyDigest;

    fn key() -> Key {
        let digest = KeyDigest::of(b"1");
        let key = Key::new("mk_1", KeyKind::Secret, Livemode::Live, "acct_1", digest);
        Key {
            created: Some(1_000),
            labels: [("team".to_owned(), "billing".to_owned())].into(),
            ..key
        }
    }

    fn owner(id: &str) -> Selection {
        Selection {
            owners: vec![id.to_owned()],
            ..Selection::default()
        }
    }

    #[test]
    fn a_key_must_fit_every_filter() {
        assert!(Selection::default().fits(&key(), 0));
        assert!(owner("acct_1").fits(&key(), 0));
        assert!(!owner("acct_2").fits(&key(), 0));
        let mode = Some(ModeArgument::Test);
        assert!(
            !Selection {
                mode,
                ..owner("acct_1")
            }
            .fits(&key(), 0)
        );
        let kinds = vec![KindArgument::Restricted, KindArgument::Secret];
        assert!(
            Selection {
                kinds,
                ..owner("acct_1")
            }
            .fits(&key(), 0)
        );
    }

    #[test]
    fn labels_are_asked_for_by_name_or_by_value() {
        for (label, fits) in [
            ("team", true),
            ("team=billing", true),
            ("team=x", false),
            ("x", false),
        ] {
            let labels = vec![label.to_owned()];
            let selection = Selection {
                labels,
                ..Selection::default()
            };
            assert_eq!(selection.fits(&key(), 0), fits, "{label}");
        }
    }

    #[test]
    fn a_key_of_unknown_age_may_be_an_old_one() {
        let before = |moment| Selection {
            created_before: Some(moment),
            ..Selection::default()
        };
        assert!(before(Moment::Fixed(1_001)).fits(&key(), 0));
        assert!(!before(Moment::Fixed(1_000)).fits(&key(), 0));
        assert!(before(Moment::Distance(10)).fits(&key(), 1_011));
        assert!(!before(Moment::Distance(10)).fits(&key(), 1_010));
        let created = None;
        assert!(before(Moment::Fixed(1)).fits(&Key { created, ..key() }, 0));
    }
}
