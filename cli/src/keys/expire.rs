//! `keyward keys expire`: when a key ends. One that has ended does not come back by accident, and one that was replaced does not outlive the overlap.

use anyhow::{Result, bail};

use super::find_key::find;
use super::rotate::LONGEST_OVERLAP;
use super::times;
use super::told::Told;
use crate::exit::Exit;
use crate::input;
use crate::output::OutputArguments;
use keyward_files::key_file::{Key, KeyFile};
use keyward_files::store::Store;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The key, by its id
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    when: When,
    /// Let a key that has ended work again
    #[arg(long)]
    revive: bool,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct When {
    /// After this long: `90d`, `12h`
    #[arg(long = "in", value_name = "LENGTH", value_parser = times::length)]
    after: Option<u64>,
    /// At this time: `2026-11-20T10:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = times::time)]
    at: Option<u64>,
    /// Now
    #[arg(long)]
    now: bool,
    /// Not at all
    #[arg(long)]
    never: bool,
}

impl When {
    /// Unix seconds; `None` is never.
    fn end(&self, now: u64) -> Option<u64> {
        if self.now {
            return Some(now);
        }
        self.at
            .or_else(|| self.after.map(|seconds| now.saturating_add(seconds)))
    }
}

pub(super) fn run(arguments: &Arguments, store: &Store, output: OutputArguments) -> Result<Exit> {
    let now = input::now();
    let end = arguments.when.end(now);
    let told = store.edit("keys expire", |file| {
        let key = find(file, &arguments.key)?;
        may_end(file, key, end, arguments.revive, now)?;
        let id = key.id.clone();
        file.set_expiry(&id, end)?;
        Ok(Told::of(file, find(file, &id)?, now))
    })?;
    let did = match end {
        None => "took the expiry from",
        Some(_) => "set the expiry of",
    };
    told.show(did, &[], output)
}

fn may_end(file: &KeyFile, key: &Key, end: Option<u64>, revive: bool, now: u64) -> Result<()> {
    let id = &key.id;
    if key.is_deleted() {
        bail!(
            "`{id}` is deleted, which an expiry does not change; `keyward keys create` makes a new key"
        );
    }
    let is_later = end.is_none_or(|end| end > now);
    if key.is_expired(now) && is_later && !revive {
        bail!(
            "`{id}` has ended, and would work again for whoever still has it: make a new one with `keyward keys rotate {id} --expires 90d`, or give --revive if you mean it"
        );
    }
    let first = key.replaced_by.as_deref().and_then(|id| file.key(id));
    let last = file
        .replacement_of(key)
        .and_then(|last| first.unwrap_or(last).created)
        .map(|at| at.saturating_add(LONGEST_OVERLAP));
    if last.is_some_and(|last| end.is_none_or(|end| end > last)) {
        bail!(
            "`{id}` was replaced, and ends within 7 days of that; give an earlier time, or make another key with `keyward keys create`"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward::digest::KeyDigest;
    use keyward::key::{KeyKind, Livemode};
    use keyward_files::key_file::Account;

    const NOW: u64 = 1_795_000_000;

    fn key(id: &str) -> Key {
        let digest = KeyDigest::of(id.as_bytes());
        let key = Key::new(id, KeyKind::Secret, Livemode::Test, "acct_1", digest);
        let created = Some(NOW);
        Key { created, ..key }
    }

    /// With `mk_2` in the place of `mk_1`.
    fn file() -> KeyFile {
        let text = "format = \"keyward.keys/v1\"\n".to_owned();
        let mut file = KeyFile::read(vec![("keyward.toml".to_owned(), text)]).unwrap();
        file.add_account(Account::new("acct_1"), None).unwrap();
        file.add_key(key("mk_1"), None).unwrap();
        file.replace_key("mk_1", key("mk_2"), NOW + 60).unwrap();
        file
    }

    #[track_caller]
    fn assert_refused(key: &Key, end: Option<u64>, expected: &str) {
        let error = may_end(&file(), key, end, false, NOW).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[test]
    fn a_key_that_has_ended_stays_so_unless_it_is_meant() {
        let ended = Key {
            expires: Some(NOW),
            ..key("mk_3")
        };
        assert_refused(&ended, Some(NOW + 1), "--revive");
        assert_refused(&ended, None, "--revive");
        may_end(&file(), &ended, Some(NOW + 1), true, NOW).unwrap();
        may_end(&file(), &ended, Some(NOW - 1), false, NOW).unwrap();
    }

    #[test]
    fn a_deleted_key_is_not_touched() {
        let status = keyward::snapshot::KeyStatus::Deleted;
        let deleted = Key {
            status,
            ..key("mk_3")
        };
        assert_refused(&deleted, Some(NOW + 1), "is deleted");
    }

    #[test]
    fn a_replaced_key_ends_within_7_days() {
        let file = file();
        let old = file.key("mk_1").unwrap();
        may_end(&file, old, Some(NOW + LONGEST_OVERLAP), false, NOW).unwrap();
        assert_refused(old, Some(NOW + LONGEST_OVERLAP + 1), "within 7 days");
        assert_refused(old, None, "within 7 days");
    }
}
