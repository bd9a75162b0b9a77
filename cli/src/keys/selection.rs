//! Selects keys of a file by the filters that `list`, `export` and `revoke` share, and that
//! `delete`, `edit` and `rotate` accept with `--select`. A key must match all of them.

use std::iter;

use anyhow::{Context, Result, bail};
use clap::Parser;

use super::usage::Usage;
use super::view::Status;
use super::words::{KindArgument, LevelArgument, ModeArgument};
use crate::find_key::{check_owner, did_you_mean};
use crate::server::Filter;
use crate::times::{self, Moment};
use keyward::key::{KeyKind, Livemode};
use keyward::management::near;
use keyward::permission::{AccessLevel, PermissionRegistry};
use keyward_files::key_file::{Key, KeyFile, repeated};

#[derive(clap::Args, Default)]
pub(super) struct Selection {
    /// Keys of this account or organization; may be repeated
    #[arg(long = "owner", value_name = "ID")]
    pub(super) owners: Vec<String>,
    /// Keys whose names contain this text, in any case
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Keys of this kind; may be repeated
    #[arg(long = "kind", value_enum, value_name = "KIND")]
    kinds: Vec<KindArgument>,
    /// Keys of this mode
    #[arg(long, value_enum)]
    mode: Option<ModeArgument>,
    /// Keys that have this permission, on their own account or on connected ones; may be repeated
    #[arg(long = "permission", value_name = "NAME")]
    permissions: Vec<String>,
    /// Keys with --permission, or else with any permission, at this level or above
    #[arg(long, value_enum)]
    level: Option<LevelArgument>,
    /// Keys of this status; may be repeated
    #[arg(long = "status", value_enum, value_name = "STATUS")]
    pub(super) statuses: Vec<Status>,
    /// Keys that work now and end within this time: `14d`
    #[arg(long, value_name = "LENGTH", value_parser = times::length)]
    expiring_within: Option<u64>,
    /// Keys made before this time, or longer ago than this: `2026-11-20T10:00:00Z`, `90d`; and keys whose time is unknown
    #[arg(long, value_name = "WHEN", value_parser = times::moment)]
    created_before: Option<Moment>,
    /// Keys with this label, `team=billing`, or with a label of this name
    #[arg(long = "label", value_name = "K[=V]")]
    labels: Vec<String>,
    /// Add last use and counts from an Envoy's usage report, `http://127.0.0.1:9902`, or from a file with one; may be repeated
    #[arg(long = "usage", value_name = "URL|FILE")]
    usage: Vec<String>,
    /// With --usage, keys that were not accepted for this long: `30d`
    #[arg(long, value_name = "LENGTH", value_parser = times::length)]
    unused_for: Option<u64>,
    /// With --usage, keys that were accepted within this time: `7d`
    #[arg(long, value_name = "LENGTH", value_parser = times::length)]
    used_within: Option<u64>,
}

/// What `--select` is read by.
#[derive(Parser)]
#[command(disable_help_flag = true)]
struct Line {
    #[command(flatten)]
    selection: Selection,
}

fn read<'a>(filters: impl IntoIterator<Item = &'a str>) -> Result<Selection, String> {
    let words = filters.into_iter().map(|filter| format!("--{filter}"));
    let read = Line::try_parse_from(iter::once("--select".to_owned()).chain(words));
    read.map(|line| line.selection).map_err(|error| {
        let text = error.render().to_string();
        let first = text.lines().next().unwrap_or("");
        first.strip_prefix("error: ").unwrap_or(first).to_owned()
    })
}

/// Parses one filter, such as `owner=acct_1`.
pub(super) fn filter(text: &str) -> Result<String, String> {
    if !text.contains('=') {
        return Err(
            "expected a filter of `keyward keys list` and its value, such as `owner=acct_1`"
                .to_owned(),
        );
    }
    read([text]).map(|_| text.to_owned())
}

impl Selection {
    /// Parses the filters of `--select`: `--select owner=acct_1` selects like `keys list
    /// --owner=acct_1`.
    pub(super) fn of_filters(filters: &[String]) -> Result<Self> {
        read(filters.iter().map(String::as_str)).map_err(anyhow::Error::msg)
    }

    /// Returns the part of the filters that a server applies.
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
            by_permission: !self.permissions.is_empty(),
        }
    }

    /// Rejects an owner or a permission that does not exist, so that an empty result always means
    /// "no keys".
    pub(super) fn check(&self, file: &KeyFile) -> Result<()> {
        for owner in &self.owners {
            check_owner(file, owner)?;
        }
        if self.permissions.is_empty() {
            return Ok(());
        }
        let known = file.permissions();
        for name in &self.permissions {
            if known.find(name).is_some() {
                continue;
            }
            let all: Vec<&str> = known
                .iter()
                .map(|known_one| known.name(known_one))
                .collect();
            let shown = repeated(name, file.profile().known_prefixes());
            let next = did_you_mean(&near(name, all.into_iter()));
            let next = next.unwrap_or_else(|| "docs/permissions.md lists all".to_owned());
            bail!("there is no permission `{shown}`: {next}");
        }
        Ok(())
    }

    /// Reads the named usage reports, if there are any. Fails if they cannot answer what the
    /// filters ask.
    pub(super) fn usage(&self, now: u64) -> Result<Option<Usage>> {
        if self.usage.is_empty() {
            if self.unused_for.is_some() || self.used_within.is_some() {
                bail!(
                    "--unused-for and --used-within need --usage URL|FILE, which says when keys were used"
                );
            }
            return Ok(None);
        }
        let usage = Usage::read(&self.usage)?;
        if let Some(length) = self.unused_for {
            usage.reaches_back(length, now).context("--unused-for")?;
        }
        Ok(Some(usage))
    }

    /// Returns the selected keys, in the order of the file.
    pub(super) fn of<'a>(
        &'a self,
        file: &'a KeyFile,
        usage: Option<&'a Usage>,
        now: u64,
    ) -> impl Iterator<Item = &'a Key> {
        let permissions = file.permissions();
        let keys = file.keys();
        keys.filter(move |key| {
            self.fits(key, Status::of(key, file, now), now)
                && self.has_permissions(key, file, &permissions)
                && self.is_used(key, usage, now)
        })
    }

    fn fits(&self, key: &Key, status: Status, now: u64) -> bool {
        let mut kinds = self.kinds.iter().map(|kind| KeyKind::from(*kind));
        let mode = self.mode.map(Livemode::from);
        let before = self.created_before.map(|moment| moment.before(now));
        let is_old = |before| key.created.is_none_or(|created| created < before);
        let has_name = |part: &String| {
            let name = key.name.as_deref().unwrap_or("");
            name.to_lowercase().contains(&part.to_lowercase())
        };
        let ends = |within: u64| ends_within(key, status, now, within);
        (self.owners.is_empty() || self.owners.contains(&key.owner))
            && (self.kinds.is_empty() || kinds.any(|kind| kind == key.kind))
            && (self.statuses.is_empty() || self.statuses.contains(&status))
            && mode.is_none_or(|mode| key.mode == mode)
            && before.is_none_or(is_old)
            && self.name.as_ref().is_none_or(has_name)
            && self.labels.iter().all(|label| has_label(key, label))
            && self.expiring_within.is_none_or(ends)
    }

    fn has_permissions(&self, key: &Key, file: &KeyFile, known: &PermissionRegistry) -> bool {
        let level = self.level.map(AccessLevel::from);
        if level.is_none() && self.permissions.is_empty() {
            return true;
        }
        // A key without grants may do everything, unless it is publishable.
        if key.grants.is_none() && key.kind != KeyKind::Publishable {
            return true;
        }
        let sides = [&key.grants, &key.connect_grants].into_iter().flatten();
        let granted: Vec<&str> = sides
            .filter_map(|grants| file.granted(grants))
            .flatten()
            .filter(|(_, found)| level.is_none_or(|level| **found >= level))
            .map(|(name, _)| name.as_str())
            .collect();
        let has = |name: &String| {
            let wanted = known.find(name);
            let is_it =
                |found: &&str| *found == name || wanted.is_some() && known.find(found) == wanted;
            granted.iter().any(is_it)
        };
        !granted.is_empty() && self.permissions.iter().all(has)
    }

    fn is_used(&self, key: &Key, usage: Option<&Usage>, now: u64) -> bool {
        let accepted = usage.and_then(|usage| usage.of(&key.id)?.last_accepted);
        let within = |length: u64| accepted.is_some_and(|at| at >= now.saturating_sub(length));
        self.unused_for.is_none_or(|length| !within(length)) && self.used_within.is_none_or(within)
    }
}

fn ends_within(key: &Key, status: Status, now: u64, within: u64) -> bool {
    let is_over = matches!(status, Status::Deleted | Status::Expired);
    let last = now.saturating_add(within);
    !is_over && key.expires.is_some_and(|at| at <= last)
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
    use keyward::profile::Profile;
    use keyward_files::key_file::{KeyGrants, Records};

    fn key() -> Key {
        let digest = KeyDigest::of(b"1");
        let key = Key::new("mk_1", KeyKind::Secret, Livemode::Live, "acct_1", digest);
        Key {
            name: Some("Billing, nightly".to_owned()),
            created: Some(1_000),
            labels: [("team".to_owned(), "billing".to_owned())].into(),
            ..key
        }
    }

    fn fits(filters: &[&str], key: &Key, now: u64) -> bool {
        let records = Records {
            keys: vec![key.clone()],
            ..Records::of(Profile::stripe())
        };
        let file = KeyFile::of_records(records);
        let selection = read(filters.iter().copied()).unwrap();
        selection.of(&file, None, now).count() == 1
    }

    #[test]
    fn a_key_must_fit_every_filter() {
        assert!(fits(&[], &key(), 0));
        assert!(fits(&["owner=acct_1"], &key(), 0));
        assert!(!fits(&["owner=acct_2"], &key(), 0));
        assert!(!fits(&["owner=acct_1", "mode=test"], &key(), 0));
        assert!(fits(
            &["owner=acct_1", "kind=restricted", "kind=secret"],
            &key(),
            0
        ));
        assert!(fits(&["name=NIGHT"], &key(), 0));
        assert!(!fits(&["name=daily"], &key(), 0));
        let name = None;
        assert!(!fits(&["name=night"], &Key { name, ..key() }, 0));
    }

    #[test]
    fn labels_are_asked_for_by_name_or_by_value() {
        for (label, expected) in [
            ("label=team", true),
            ("label=team=billing", true),
            ("label=team=x", false),
            ("label=x", false),
        ] {
            assert_eq!(fits(&[label], &key(), 0), expected, "{label}");
        }
    }

    #[test]
    fn a_key_of_unknown_age_may_be_an_old_one() {
        let at = "created-before=1970-01-01T00:16:41Z";
        assert!(fits(&[at], &key(), 0));
        assert!(!fits(&["created-before=1970-01-01T00:16:40Z"], &key(), 0));
        assert!(fits(&["created-before=10s"], &key(), 1_011));
        assert!(!fits(&["created-before=10s"], &key(), 1_010));
        let created = None;
        assert!(fits(&["created-before=1s"], &Key { created, ..key() }, 0));
    }

    #[test]
    fn what_ends_soon_still_works() {
        let ends = |at| Key {
            expires: Some(at),
            ..key()
        };
        let within = ["expiring-within=10s"];
        assert!(fits(&within, &ends(110), 100));
        assert!(!fits(&within, &ends(111), 100));
        assert!(!fits(&within, &ends(99), 100));
        assert!(!fits(&within, &key(), 100));
    }

    #[test]
    fn permissions_are_asked_for_by_name_and_level() {
        let granted = [("customer".to_owned(), AccessLevel::Read)].into();
        let limited = Key {
            grants: Some(KeyGrants::Inline(granted)),
            ..key()
        };
        for (filters, expected) in [
            (&["permission=customer"][..], true),
            (&["permission=customer", "level=read"], true),
            (&["permission=customer", "level=write"], false),
            (&["permission=charge"], false),
            (&["permission=customer", "permission=charge"], false),
            (&["level=read"], true),
            (&["level=write"], false),
        ] {
            assert_eq!(fits(filters, &limited, 0), expected, "{filters:?}");
            // Without grants the key may do everything.
            assert!(fits(filters, &key(), 0), "{filters:?}");
        }
        let none = Key {
            grants: Some(KeyGrants::Inline(std::collections::BTreeMap::new())),
            ..key()
        };
        assert!(!fits(&["level=read"], &none, 0));
        let public = Key {
            kind: KeyKind::Publishable,
            ..key()
        };
        assert!(!fits(&["level=read"], &public, 0));
    }

    #[test]
    fn a_filter_of_select_is_one_of_the_list() {
        assert_eq!(filter("owner=acct_1").as_deref(), Ok("owner=acct_1"));
        for text in ["owner", "colour=red", "kind=x", "help=", "-o=x", ""] {
            assert!(filter(text).is_err(), "{text}");
        }
    }

    #[test]
    fn use_is_asked_for_with_a_report_only() {
        let selection = read(["unused-for=30d"]).unwrap();
        let error = selection.usage(0).unwrap_err().to_string();
        assert!(error.contains("need --usage"), "{error}");
    }
}
