//! `keyward keys delete`: the end of a key. It stays in the file as deleted, so that whoever still uses it is told why; `--purge` takes it out.

use anyhow::{Result, bail};

use super::confirm::{self, ConfirmArguments};
use super::find_key::find;
use super::times::relative;
use super::told::Told;
use crate::exit::Exit;
use crate::input;
use crate::output::OutputArguments;
use keyward::key::KeyKind;
use keyward_files::key_file::{Key, KeyFile};
use keyward_files::store::Store;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The key, by its id
    #[arg(value_name = "KEY")]
    key: String,
    /// Take it out of the file; whoever uses it is told that it is unknown, and not that it is deleted
    #[arg(long)]
    purge: bool,
    #[command(flatten)]
    confirm: ConfirmArguments,
}

pub(super) fn run(arguments: &Arguments, store: &Store, output: OutputArguments) -> Result<Exit> {
    let now = input::now();
    let seen = store.read()?;
    let key = find(&seen, &arguments.key)?;
    may_go(key, arguments.purge, now)?;
    let told = Told::of(&seen, key, now);
    let question = format!(
        "{} {} ({})?",
        if arguments.purge { "Purge" } else { "Delete" },
        key.id,
        key.name.as_deref().unwrap_or("without a name")
    );
    if let Some(exit) = confirm::ask(arguments.confirm, &question)? {
        return Ok(exit);
    }
    if arguments.purge {
        let notes = store.edit_seen("keys delete --purge", &seen, |file| {
            file.purge_key(&key.id)?;
            Ok(taken_back(&seen, file, now))
        })?;
        return told.show("purged", &notes, output);
    }
    let (told, notes) = store.edit_seen("keys delete", &seen, |file| {
        file.delete_key(&key.id)?;
        let told = Told::of(file, find(file, &key.id)?, now);
        Ok((told, taken_back(&seen, file, now)))
    })?;
    told.show("deleted", &notes, output)
}

/// Of each key whose rotation ends with its replacement: when it ends, which nothing prolongs by itself.
fn taken_back(before: &KeyFile, after: &KeyFile, now: u64) -> Vec<String> {
    let was_replaced = |key: &&Key| {
        let before = before.key(&key.id);
        before.is_some_and(|before| before.replaced_by.is_some())
    };
    after
        .keys()
        .filter(|key| key.replaced_by.is_none() && !key.is_deleted())
        .filter(was_replaced)
        .map(|Key { id, expires, .. }| {
            let end = match expires {
                Some(end) if *end <= now => "has ended".to_owned(),
                Some(end) => format!("ends {}", relative(*end, now)),
                None => "has no end".to_owned(),
            };
            format!("the rotation of {id} is taken back: it {end}, and can be rotated again")
        })
        .collect()
}

fn may_go(key: &Key, purge: bool, now: u64) -> Result<()> {
    let id = &key.id;
    if key.kind == KeyKind::Publishable {
        // One that was rotated and has ended is of no more use than a deleted one.
        let is_over = key.replaced_by.is_some() && key.is_expired(now);
        if !(purge && is_over) {
            bail!(
                "`{id}` is a publishable key and cannot be deleted; replace it with `keyward keys rotate {id}`"
            );
        }
    } else if key.is_deleted() && !purge {
        bail!("`{id}` is deleted already; --purge takes it out of the file");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward::key::Livemode;

    #[test]
    fn a_publishable_key_goes_only_once_it_was_replaced_and_has_ended() {
        let key = Key::publishable("mk_1", Livemode::Test, "acct_1", "pk_test_FAKE-alice");
        let replaced_by = Some("mk_2".to_owned());
        let replaced = Key {
            replaced_by,
            ..key.clone()
        };
        let expires = Some(5);
        let ended = Key {
            expires,
            ..replaced.clone()
        };
        for (key, purge) in [
            (&key, false),
            (&key, true),
            (&replaced, true),
            (&ended, false),
        ] {
            let error = may_go(key, purge, 9).unwrap_err().to_string();
            assert!(error.contains("`keyward keys rotate mk_1`"), "{error}");
        }
        may_go(&ended, true, 9).unwrap();
    }
}
