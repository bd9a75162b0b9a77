//! `keyward keys edit`: what a key is called, what it may do, and whether its refusals are carried out. Its kind, mode and value never change.

use anyhow::{Result, bail};
use clap::ArgGroup;

use super::details::{EnforcementArgument, GrantArguments, label, made};
use super::find_key::find;
use super::grants::{Grant, Permissions};
use super::told::Told;
use crate::exit::Exit;
use crate::input;
use crate::output::OutputArguments;
use keyward::key::KeyKind;
use keyward_files::key_file::{Granted, Key, KeyFile, KeyGrants};
use keyward_files::store::Store;

/// What `edit` wants at least one of: the ids of the arguments below.
const CHANGES: [&str; 11] = [
    "name",
    "note",
    "labels",
    "unlabels",
    "grants",
    "from_grant_set",
    "connect_grants",
    "connect_from_grant_set",
    "revoked",
    "connect_revoked",
    "enforcement",
];

#[derive(clap::Args)]
#[command(group = ArgGroup::new("some change").args(CHANGES).required(true).multiple(true))]
pub(super) struct Arguments {
    /// The key, by its id
    #[arg(value_name = "KEY")]
    key: String,
    #[command(flatten)]
    changes: Changes,
    /// Limit a key that has every permission to those that are granted here
    #[arg(long)]
    limit: bool,
}

#[derive(clap::Args)]
struct Changes {
    /// Another name; `""` takes it away
    #[arg(long)]
    name: Option<String>,
    /// Another note; `""` takes it away
    #[arg(long)]
    note: Option<String>,
    /// Add or change a label, `team=billing`
    #[arg(long = "label", value_name = "K=V", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Take a label away
    #[arg(long = "unlabel", value_name = "K")]
    unlabels: Vec<String>,
    #[command(flatten)]
    grants: GrantArguments,
    /// Take a permission away
    #[arg(long = "revoke", value_name = "PERMISSION")]
    revoked: Vec<String>,
    /// Take a permission on connected accounts away
    #[arg(long = "connect-revoke", value_name = "PERMISSION")]
    connect_revoked: Vec<String>,
    /// Whether its refusals are carried out, or noted alone
    #[arg(long, value_enum)]
    enforcement: Option<EnforcementArgument>,
}

pub(super) fn run(arguments: &Arguments, store: &Store, output: OutputArguments) -> Result<Exit> {
    let now = input::now();
    let (told, notes) = store.edit("keys edit", |file| {
        let key = find(file, &arguments.key)?;
        let (key, notes) = changed(file, key, &arguments.changes, arguments.limit)?;
        let id = key.id.clone();
        file.update_key(&id, |old| *old = key)?;
        Ok((Told::of(file, find(file, &id)?, now), notes))
    })?;
    told.show("changed", &notes, output)
}

fn changed(
    file: &KeyFile,
    key: &Key,
    changes: &Changes,
    limit: bool,
) -> Result<(Key, Vec<String>)> {
    let mut new = key.clone();
    let mut notes = Vec::new();
    put_text(&mut new.name, changes.name.as_deref());
    put_text(&mut new.note, changes.note.as_deref());
    new.labels.extend(changes.labels.iter().cloned());
    for name in &changes.unlabels {
        if new.labels.remove(name).is_none() {
            let all: Vec<&str> = key.labels.keys().map(String::as_str).collect();
            bail!("it has no such label; its labels: `{}`", all.join("`, `"));
        }
    }
    if let Some(enforcement) = changes.enforcement {
        new.enforcement = enforcement.into();
    }
    let sides = [
        Side {
            now: &key.grants,
            grants: &changes.grants.grants,
            set: changes.grants.from_grant_set.as_deref(),
            revoked: &changes.revoked,
            connected: false,
        },
        Side {
            now: &key.connect_grants,
            grants: &changes.grants.connect_grants,
            set: changes.grants.connect_from_grant_set.as_deref(),
            revoked: &changes.connect_revoked,
            connected: true,
        },
    ];
    for side in sides {
        if side.is_untouched() {
            continue;
        }
        let grants = side.after(file, key, limit, &mut notes)?;
        if side.connected {
            new.connect_grants = Some(grants);
        } else {
            new.grants = Some(grants);
        }
    }
    Ok((new, notes))
}

fn put_text(text: &mut Option<String>, change: Option<&str>) {
    if let Some(change) = change {
        *text = (!change.is_empty()).then(|| change.to_owned());
    }
}

/// What happens to the permissions on the key's own account, or to those on connected ones.
struct Side<'a> {
    now: &'a Option<KeyGrants>,
    grants: &'a [Grant],
    set: Option<&'a str>,
    revoked: &'a [String],
    connected: bool,
}

impl Side<'_> {
    fn is_untouched(&self) -> bool {
        self.grants.is_empty() && self.set.is_none() && self.revoked.is_empty()
    }

    fn after(
        &self,
        file: &KeyFile,
        key: &Key,
        limit: bool,
        notes: &mut Vec<String>,
    ) -> Result<KeyGrants> {
        self.may_change(key, limit)?;
        if self.set.is_some() && self.revoked.is_empty() {
            // A set takes the place of what was granted before.
            if let Some(grants) = made(file, self.grants, self.set)? {
                return Ok(grants);
            }
        }
        let mut granted = match (self.set, self.now) {
            (Some(_), _) => match made(file, &[], self.set)? {
                Some(grants) => file.granted(&grants).cloned().unwrap_or_default(),
                None => Granted::new(),
            },
            (None, Some(grants)) => {
                if let KeyGrants::Set(name) = grants {
                    notes.push(format!(
                        "note: it had the permissions of the grant set `{name}`; it keeps a copy of them with this change, and no longer follows the set"
                    ));
                }
                file.granted(grants).cloned().unwrap_or_default()
            }
            (None, None) => Granted::new(),
        };
        let permissions = Permissions::of(file);
        permissions.add(&mut granted, self.grants)?;
        for name in self.revoked {
            permissions.take_away(&mut granted, name)?;
        }
        Ok(KeyGrants::Inline(granted))
    }

    /// A grant to a key that may do everything would take all the rest away, which nobody who says `--grant` means.
    fn may_change(&self, key: &Key, limit: bool) -> Result<()> {
        let id = &key.id;
        if key.is_deleted() {
            bail!(
                "`{id}` is deleted, and grants do not change that; `keyward keys create` makes a new key"
            );
        }
        if key.kind == KeyKind::Publishable {
            bail!(
                "`{id}` is a publishable key and has no grants: it calls the endpoints that are open to publishable keys"
            );
        }
        let is_unlimited = self.now.is_none() && key.kind != KeyKind::Restricted;
        if !is_unlimited {
            return Ok(());
        }
        let place = if self.connected {
            " on connected accounts"
        } else {
            ""
        };
        if !self.revoked.is_empty() {
            bail!(
                "`{id}` has no list of permissions{place} to take one from; give it one with --limit and what it is to keep, such as `--limit --{}grant customer=read`",
                if self.connected { "connect-" } else { "" }
            );
        }
        if !limit {
            bail!(
                "`{id}` has no list of permissions{place} yet, and may do everything that its kind may; with --limit it may do what is granted here and nothing else"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use keyward::digest::KeyDigest;
    use keyward::key::Livemode;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn file() -> KeyFile {
        let text = "format = \"keyward.keys/v1\"\n[grant_sets.support]\ncustomer = \"read\"\ncharge = \"write\"\n";
        KeyFile::read(vec![("keyward.toml".to_owned(), text.to_owned())]).unwrap()
    }

    fn key(kind: KeyKind) -> Key {
        Key::new("mk_1", kind, Livemode::Test, "acct_1", KeyDigest::of(b"1"))
    }

    fn edited(key: &Key, line: &[&str]) -> Result<(Key, Vec<String>)> {
        let line = [&["edit", "mk_1"], line].concat();
        let Line { arguments } = Line::try_parse_from(line).unwrap();
        changed(&file(), key, &arguments.changes, arguments.limit)
    }

    #[track_caller]
    fn assert_grants(grants: Option<&KeyGrants>, expected: &[(&str, &str)]) {
        let Some(KeyGrants::Inline(granted)) = grants else {
            panic!("{grants:?}");
        };
        let shown: Vec<(&str, &str)> = granted
            .iter()
            .map(|(name, level)| (name.as_str(), level.name()))
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn names_notes_and_labels_change_and_go() {
        let old = Key {
            note: Some("old".to_owned()),
            labels: [("team".to_owned(), "a".to_owned())].into(),
            ..key(KeyKind::Secret)
        };
        let line = [
            "--name",
            "New",
            "--note",
            "",
            "--label",
            "env=x",
            "--unlabel",
            "team",
        ];
        let (new, _) = edited(&old, &line).unwrap();
        assert_eq!(
            (new.name.as_deref(), new.note.as_deref()),
            (Some("New"), None)
        );
        assert_eq!(new.labels, [("env".to_owned(), "x".to_owned())].into());
        assert!(edited(&old, &["--unlabel", "env"]).is_err());
    }

    #[test]
    fn grants_are_added_and_taken_away() {
        let (one, _) = edited(&key(KeyKind::Restricted), &["--grant", "customer=read"]).unwrap();
        let line = [
            "--grant",
            "charge=write",
            "--revoke",
            "customer",
            "--connect-grant",
            "event=read",
        ];
        let (two, notes) = edited(&one, &line).unwrap();
        assert_grants(two.grants.as_ref(), &[("charge", "write")]);
        assert_grants(two.connect_grants.as_ref(), &[("event", "read")]);
        assert!(notes.is_empty());
    }

    #[test]
    fn a_key_with_a_set_follows_it_until_its_own_grants_change() {
        let (with_set, _) =
            edited(&key(KeyKind::Restricted), &["--from-grant-set", "support"]).unwrap();
        assert_eq!(with_set.grants, Some(KeyGrants::Set("support".to_owned())));
        let (own, notes) = edited(&with_set, &["--revoke", "charge"]).unwrap();
        assert_grants(own.grants.as_ref(), &[("customer", "read")]);
        assert!(notes[0].contains("no longer follows the set"), "{notes:?}");
    }

    #[test]
    fn a_grant_never_narrows_a_key_that_may_do_everything_by_accident() {
        for kind in [KeyKind::Secret, KeyKind::Organization] {
            for line in [
                &["--grant", "customer=read"],
                &["--connect-grant", "customer=read"],
            ] {
                let error = edited(&key(kind), line).unwrap_err().to_string();
                assert!(error.contains("with --limit"), "{error}");
            }
            let error = edited(&key(kind), &["--revoke", "customer", "--limit"]).unwrap_err();
            assert!(error.to_string().contains("to take one from"), "{error}");
            let (new, _) = edited(&key(kind), &["--limit", "--grant", "customer=read"]).unwrap();
            assert_grants(new.grants.as_ref(), &[("customer", "read")]);
        }
    }

    #[test]
    fn a_publishable_key_is_granted_nothing() {
        let error = edited(&key(KeyKind::Publishable), &["--grant", "customer=read"]).unwrap_err();
        assert!(error.to_string().contains("has no grants"), "{error}");
    }

    #[test]
    fn an_edit_without_a_change_is_a_slip() {
        assert!(Line::try_parse_from(["edit", "mk_1"]).is_err());
        assert!(Line::try_parse_from(["edit", "mk_1", "--limit"]).is_err());
    }
}
