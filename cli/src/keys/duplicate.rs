//! `keyward keys duplicate`: a new restricted key with the permissions and the name of another; `--live` makes the live key of a test key that has proven right.

use anyhow::{Result, bail};

use super::details::Details;
use super::find_key::find;
use super::told::{self, Made};
use crate::exit::Exit;
use crate::input;
use crate::once::Once;
use crate::output::OutputArguments;
use keyward::key::{KeyKind, Livemode};
use keyward_files::key_file::Key;
use keyward_files::secret;
use keyward_files::store::Store;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The restricted key to start from, by its id
    #[arg(value_name = "KEY")]
    key: String,
    /// Make the live key of a test key
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    details: Details,
}

pub(super) fn run(arguments: &Arguments, store: &Store, output: OutputArguments) -> Result<Exit> {
    let now = input::now();
    let once = Once::open(output)?;
    told::make(store, "keys duplicate", None, once, now, |file| {
        let old = find(file, &arguments.key)?.clone();
        let mode = mode(&old, arguments.live)?;
        let (key, secret) = secret::new_key(file, KeyKind::Restricted, mode, &old.owner)?;
        let key = Key {
            name: old.name.clone(),
            grants: old.grants.clone(),
            connect_grants: old.connect_grants.clone(),
            ..key
        };
        let key = arguments.details.put_into(key, now)?;
        let notes = left_behind(&old, &key);
        let id = key.id.clone();
        let beside = file.file_of_key(&old.id).map(str::to_owned);
        let place = arguments.details.file.clone().or(beside);
        file.add_key(key, place.as_deref())?;
        Ok(Made { id, secret, notes })
    })
}

fn mode(old: &Key, live: bool) -> Result<Livemode> {
    let id = &old.id;
    if old.kind != KeyKind::Restricted {
        bail!(
            "`{id}` is a {} key, and restricted keys alone are duplicated; `keyward keys create --kind {} --owner {}` makes another",
            old.kind.name(),
            old.kind.name(),
            old.owner
        );
    }
    match (live, old.mode) {
        (true, Livemode::Live) => {
            bail!("`{id}` is a live key already; leave --live out for another one")
        }
        (true, Livemode::Test) => Ok(Livemode::Live),
        (false, mode) => Ok(mode),
    }
}

/// What the old key has and the new one has not: nobody is to think that it was taken over.
fn left_behind(old: &Key, new: &Key) -> Vec<String> {
    let id = &new.id;
    let mut notes = Vec::new();
    if !old.allowed_ips.is_empty() && new.allowed_ips.is_empty() {
        let ips = old.allowed_ips.join(" ");
        notes.push(format!(
            "note: the IP limits were not taken over; if they are to be: `keyward keys limit-ip {id} set {ips}`"
        ));
    }
    if old.expires.is_some() && new.expires.is_none() {
        notes.push(format!(
            "note: the expiry was not taken over; if there is to be one: `keyward keys expire {id} --in 90d`"
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward::digest::KeyDigest;

    fn key(kind: KeyKind, mode: Livemode) -> Key {
        Key::new("mk_1", kind, mode, "acct_1", KeyDigest::of(b"1"))
    }

    #[test]
    fn a_duplicate_has_the_mode_of_the_old_one_or_is_live() {
        let test = key(KeyKind::Restricted, Livemode::Test);
        let live = key(KeyKind::Restricted, Livemode::Live);
        assert_eq!(mode(&test, false).unwrap(), Livemode::Test);
        assert_eq!(mode(&test, true).unwrap(), Livemode::Live);
        assert_eq!(mode(&live, false).unwrap(), Livemode::Live);
        let error = mode(&live, true).unwrap_err().to_string();
        assert!(error.contains("is a live key already"), "{error}");
    }

    #[test]
    fn restricted_keys_alone_are_duplicated() {
        for kind in [KeyKind::Secret, KeyKind::Publishable, KeyKind::Organization] {
            let error = mode(&key(kind, Livemode::Test), true).unwrap_err();
            let error = error.to_string();
            assert!(
                error.contains("restricted keys alone are duplicated"),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_not_taken_over_is_said() {
        let new = key(KeyKind::Restricted, Livemode::Live);
        let old = Key {
            allowed_ips: vec!["192.0.2.1".to_owned()],
            expires: Some(5),
            ..new.clone()
        };
        let notes = left_behind(&old, &new);
        assert_eq!(notes.len(), 2);
        assert!(
            notes[0].ends_with("`keyward keys limit-ip mk_1 set 192.0.2.1`"),
            "{notes:?}"
        );
        assert!(left_behind(&old, &old).is_empty());
    }
}
