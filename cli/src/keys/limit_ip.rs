//! `keyward keys limit-ip`: from where a key may be used. Secret, restricted and organization keys alone have such limits.

use anyhow::{Result, bail};
use clap::ValueEnum;

use super::find_key::find;
use super::ips::{self, IpArguments};
use super::told::Told;
use crate::exit::Exit;
use crate::input;
use crate::output::OutputArguments;
use keyward::key::KeyKind;
use keyward_files::key_file::Key;
use keyward_files::store::Store;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The key, by its id
    #[arg(value_name = "KEY")]
    key: String,
    /// What to do with the addresses
    #[arg(value_enum, value_name = "ACTION")]
    action: Action,
    /// Addresses and ranges, one by one or several in one argument, separated by blanks
    #[arg(value_name = "IP")]
    ips: Vec<String>,
    #[command(flatten)]
    ip: IpArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Let it work from these, too
    Add,
    /// No longer from these
    Remove,
    /// From these alone
    Set,
    /// From everywhere
    Clear,
}

pub(super) fn run(arguments: &Arguments, store: &Store, output: OutputArguments) -> Result<Exit> {
    let now = input::now();
    let (told, notes) = store.edit("keys limit-ip", |file| {
        let key = find(file, &arguments.key)?;
        let limits = limits(key, arguments)?;
        let notes = notes(key, arguments.action);
        let id = key.id.clone();
        file.set_ips(&id, limits)?;
        Ok((Told::of(file, find(file, &id)?, now), notes))
    })?;
    let did = match arguments.action {
        Action::Clear => "lifted the IP limit of",
        Action::Add | Action::Remove | Action::Set => "limited",
    };
    told.show(did, &notes, output)
}

fn limits(key: &Key, arguments: &Arguments) -> Result<Vec<String>> {
    let id = &key.id;
    if key.kind == KeyKind::Publishable {
        bail!(
            "`{id}` is a publishable key: those are used in browsers everywhere and have no IP limit; limit what it can reach by rotating it, or use a restricted key"
        );
    }
    if key.is_deleted() {
        bail!("`{id}` is deleted and works from nowhere; `keyward keys create` makes a new key");
    }
    let has_some = arguments.ips.iter().any(|text| !text.trim().is_empty());
    match (arguments.action, has_some) {
        (Action::Clear, true) => {
            bail!("`clear` takes no addresses; `remove` takes single ones away")
        }
        (Action::Clear, false) => Ok(Vec::new()),
        (Action::Add | Action::Remove | Action::Set, false) => bail!(
            "name at least one address or range, such as `203.0.113.7`; `clear` lifts the limit"
        ),
        (Action::Add, true) => ips::added(&key.allowed_ips, &arguments.ips, arguments.ip),
        (Action::Remove, true) => ips::removed(&key.allowed_ips, &arguments.ips),
        (Action::Set, true) => ips::added(&[], &arguments.ips, arguments.ip),
    }
}

/// The first address shuts out all others, which an `add` may not have meant.
fn notes(key: &Key, action: Action) -> Vec<String> {
    if action == Action::Add && key.allowed_ips.is_empty() {
        vec!["note: it had no limit, and now works from nowhere else".to_owned()]
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward::digest::KeyDigest;
    use keyward::key::Livemode;

    fn arguments(action: Action, ips: &[&str]) -> Arguments {
        Arguments {
            key: "mk_1".to_owned(),
            action,
            ips: ips.iter().map(|ip| (*ip).to_owned()).collect(),
            ip: ips::IPV4,
        }
    }

    fn key(kind: KeyKind, ips: &[&str]) -> Key {
        let digest = KeyDigest::of(b"1");
        let key = Key::new("mk_1", kind, Livemode::Test, "acct_1", digest);
        let allowed_ips = ips.iter().map(|ip| (*ip).to_owned()).collect();
        Key { allowed_ips, ..key }
    }

    #[test]
    fn limits_are_added_removed_set_and_cleared() {
        let key = key(KeyKind::Restricted, &["192.0.2.1", "192.0.2.2"]);
        for (action, ips, expected) in [
            (
                Action::Add,
                &["192.0.2.3"][..],
                &["192.0.2.1", "192.0.2.2", "192.0.2.3"][..],
            ),
            (Action::Remove, &["192.0.2.1"], &["192.0.2.2"]),
            (
                Action::Set,
                &["10.0.0.0/8 192.0.2.1"],
                &["10.0.0.0/8", "192.0.2.1"],
            ),
            (Action::Clear, &[], &[]),
        ] {
            assert_eq!(limits(&key, &arguments(action, ips)).unwrap(), expected);
        }
    }

    #[test]
    fn every_kind_but_publishable_has_limits() {
        let set = arguments(Action::Set, &["192.0.2.1"]);
        for kind in KeyKind::ALL {
            let limits = limits(&key(kind, &[]), &set);
            assert_eq!(limits.is_ok(), kind != KeyKind::Publishable);
        }
    }

    #[test]
    fn an_action_without_what_it_needs_is_refused() {
        let key = key(KeyKind::Secret, &[]);
        assert!(limits(&key, &arguments(Action::Set, &[])).is_err());
        assert!(limits(&key, &arguments(Action::Set, &["  "])).is_err());
        assert!(limits(&key, &arguments(Action::Clear, &["192.0.2.1"])).is_err());
    }
}
