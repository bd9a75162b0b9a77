//! `keyward keys edit`: changes a key's name, its permissions, and whether denials are enforced.
//! Its kind, mode and value never change.

use anyhow::Result;
use clap::ArgGroup;

use super::bulk::{Deed, Many};
use super::confirm::ConfirmArguments;
use super::details::{EnforcementArgument, GrantArguments, label};
use super::told;
use crate::exit::Exit;
use crate::input;
use crate::output::OutputArguments;
use crate::records::{Records, Step};
use keyward::management::{Command, EditKey, End, GrantsChange, NewGrants, Patch};
use keyward::snapshot::Enforcement;
use keyward_files::key_file::Key;

/// The ids of arguments; `edit` requires at least one of them.
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

const CHANGE: Deed = Deed {
    verb: "Change",
    done: "changed",
};

#[derive(clap::Args)]
#[command(group = ArgGroup::new("some change").args(CHANGES).required(true).multiple(true))]
pub(crate) struct Arguments {
    /// The key, by its id
    #[arg(value_name = "KEY", required_unless_present = "filters")]
    key: Option<String>,
    #[command(flatten)]
    pub(super) many: Many,
    #[command(flatten)]
    confirm: ConfirmArguments,
    #[command(flatten)]
    changes: Changes,
    /// Limit a key that has every permission to those granted here
    #[arg(long)]
    limit: bool,
}

#[derive(clap::Args)]
struct Changes {
    /// A new name; `""` removes it
    #[arg(long)]
    name: Option<String>,
    /// A new note; `""` removes it
    #[arg(long)]
    note: Option<String>,
    /// Add or change a label, `team=billing`
    #[arg(long = "label", value_name = "K=V", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Remove a label
    #[arg(long = "unlabel", value_name = "K")]
    unlabels: Vec<String>,
    #[command(flatten)]
    grants: GrantArguments,
    /// Remove a permission
    #[arg(long = "revoke", value_name = "PERMISSION")]
    revoked: Vec<String>,
    /// Remove a permission on connected accounts
    #[arg(long = "connect-revoke", value_name = "PERMISSION")]
    connect_revoked: Vec<String>,
    /// Whether keyward denies what a rule forbids, or only logs it
    #[arg(long, value_enum)]
    enforcement: Option<EnforcementArgument>,
}

pub(super) fn run(
    arguments: &Arguments,
    records: &Records,
    output: OutputArguments,
) -> Result<Exit> {
    let now = input::now();
    let command = |id: &str| Command::EditKey(arguments.to_rules(id));
    let Some(id) = &arguments.key else {
        let can = |key: &Key| !key.is_deleted();
        let many = &arguments.many;
        let chosen = match many.chosen(records, CHANGE, arguments.confirm, output, now, can)? {
            Ok(chosen) => chosen,
            Err(exit) => return Ok(exit),
        };
        let commands: Vec<Command> = chosen.ids.iter().map(|id| command(id)).collect();
        let seen = Some(&chosen.seen);
        let done = records.change_all("keys edit", seen, &commands, None, now)?;
        return CHANGE.show(&done, records, output, now);
    };
    let command = command(id);
    let step = Step {
        name: "keys edit",
        command: &command,
        now,
        seen: None,
        place: None,
    };
    let (told, notes) = told::change(records, &step)?;
    told.show(CHANGE.done, &notes, records, output)
}

impl Arguments {
    fn to_rules(&self, id: &str) -> EditKey {
        let changes = &self.changes;
        let [own, connected] = changes.grants.to_rules();
        EditKey {
            id: id.to_owned(),
            name: text(&changes.name),
            note: text(&changes.note),
            labels: changes.labels.clone(),
            unlabels: changes.unlabels.clone(),
            enforcement: changes.enforcement.map(Enforcement::from),
            grants: grants(own, &changes.revoked),
            connect_grants: grants(connected, &changes.connect_revoked),
            limit: self.limit,
            ips: None,
            expires: End::Unsaid,
            revive: false,
        }
    }
}

/// Reads a text for a change. `""` removes the text.
fn text(argument: &Option<String>) -> Patch<String> {
    match argument {
        None => Patch::Keep,
        Some(text) if text.is_empty() => Patch::Clear,
        Some(text) => Patch::Set(text.clone()),
    }
}

fn grants(NewGrants { set, grants }: NewGrants, revoked: &[String]) -> GrantsChange {
    let revoked = revoked.to_vec();
    GrantsChange::Edit {
        set,
        grants,
        revoked,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn an_empty_text_takes_it_away() {
        let line = ["edit", "mk_1", "--name", "New", "--note", ""];
        let Line { arguments } = Line::try_parse_from(line).unwrap();
        let edit = arguments.to_rules("mk_1");
        assert_eq!(edit.name, Patch::Set("New".to_owned()));
        assert_eq!(edit.note, Patch::Clear);
    }

    #[test]
    fn an_edit_without_a_change_is_a_slip() {
        assert!(Line::try_parse_from(["edit", "mk_1"]).is_err());
        assert!(Line::try_parse_from(["edit", "mk_1", "--limit"]).is_err());
    }
}
