//! `keyward keys create`: a new key. Nothing is granted that is not named, and the kind is the most limited one unless it is said.

use anyhow::{Result, bail};

use super::details::{Details, GrantArguments};
use super::find_key::check_owner;
use super::told::{self, Made};
use super::words::{KindArgument, ModeArgument};
use crate::exit::Exit;
use crate::input;
use crate::once::Once;
use crate::output::OutputArguments;
use keyward::account::IdKind;
use keyward::key::KeyKind;
use keyward_files::key_file::KeyFile;
use keyward_files::secret;
use keyward_files::store::Store;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The account it belongs to; for an organization key the organization
    #[arg(long, value_name = "ID")]
    owner: String,
    /// Which kind: restricted unless it is said, and organization for an organization
    #[arg(long, value_enum)]
    kind: Option<KindArgument>,
    /// In which mode it works
    #[arg(long, value_enum, default_value_t = ModeArgument::Test)]
    mode: ModeArgument,
    #[command(flatten)]
    grants: GrantArguments,
    #[command(flatten)]
    details: Details,
}

pub(super) fn run(arguments: &Arguments, store: &Store, output: OutputArguments) -> Result<Exit> {
    let now = input::now();
    let once = Once::open(output)?;
    told::make(store, "keys create", None, once, now, |file| {
        let kind = arguments.kind.map(KeyKind::from);
        let kind = kind_for(file, &arguments.owner, kind)?;
        let mode = arguments.mode.into();
        let (key, secret) = secret::new_key(file, kind, mode, &arguments.owner)?;
        let key = arguments.details.put_into(key, now)?;
        let key = arguments.grants.put_into(key, file)?;
        let id = key.id.clone();
        file.add_key(key, arguments.details.file.as_deref())?;
        let notes = Vec::new();
        Ok(Made { id, secret, notes })
    })
}

/// The kind of a new key of `owner`: an organization's keys are organization keys, and no others are.
pub(super) fn kind_for(file: &KeyFile, owner: &str, kind: Option<KeyKind>) -> Result<KeyKind> {
    check_owner(file, owner)?;
    let owner_kind = file.profile().names().ids.kind(owner);
    let is_organization = owner_kind == Some(IdKind::Organization);
    match (kind, is_organization) {
        (None, true) => Ok(KeyKind::Organization),
        (None, false) => Ok(KeyKind::Restricted),
        (Some(KeyKind::Organization), false) => bail!(
            "an organization key belongs to an organization; --owner names none (`keyward accounts tree` shows them)"
        ),
        (Some(kind), true) if kind != KeyKind::Organization => bail!(
            "an organization has organization keys alone, which are secret ones; leave --kind out, or name one of its accounts with --owner"
        ),
        (Some(kind), _) => Ok(kind),
    }
}
