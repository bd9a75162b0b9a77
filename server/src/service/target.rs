//! What a command is about, and how much it presses.

use keyward::account::AccountStatus;
use keyward::management::{Command, RecordChange};

use crate::publish::Haste;

/// The object that a command changes.
pub(super) enum Target<'a> {
    Key(&'a str),
    Account(&'a str),
}

/// The object whose version `If-Match` names. Sets and policies have separate versions.
pub(super) fn target_of(command: &Command) -> Option<Target<'_>> {
    match command {
        Command::UpdateAccount(update) => Some(Target::Account(&update.id)),
        Command::RemoveAccount { id, .. } => Some(Target::Account(id)),
        Command::CreateKey(_)
        | Command::DuplicateKey(_)
        | Command::EditKey(_)
        | Command::RotateKey(_)
        | Command::ExpireKey(_)
        | Command::DeleteKey(_)
        | Command::PurgeKey(_)
        | Command::ImportKey(_)
        | Command::AddAccount(_)
        | Command::PutGrantSet { .. }
        | Command::RemoveGrantSet { .. }
        | Command::PutPolicy { .. }
        | Command::RemovePolicy { .. } => command.key().map(Target::Key),
    }
}

/// Whether a command does nothing but end something. A full disk does not stop it.
pub(super) fn is_end(command: &Command, now: u64) -> bool {
    match command {
        Command::ExpireKey(expire) => !expire.revive && expire.end.is_some_and(|end| end <= now),
        Command::DeleteKey(_) | Command::PurgeKey(_) => true,
        Command::UpdateAccount(update) => update.status == Some(AccountStatus::Suspended),
        Command::CreateKey(_)
        | Command::DuplicateKey(_)
        | Command::EditKey(_)
        | Command::RotateKey(_)
        | Command::ImportKey(_)
        | Command::AddAccount(_)
        | Command::RemoveAccount { .. }
        | Command::PutGrantSet { .. }
        | Command::RemoveGrantSet { .. }
        | Command::PutPolicy { .. }
        | Command::RemovePolicy { .. } => false,
    }
}

/// Whether gateways must learn of it at once. A change that only adds may wait for others.
pub(super) fn haste(changes: &[RecordChange]) -> Haste {
    let only_adds = |change: &RecordChange| match change {
        RecordChange::AddKey { .. }
        | RecordChange::AddAccount { .. }
        | RecordChange::PutPolicy { .. }
        | RecordChange::RemovePolicy { .. } => true,
        RecordChange::PutKey { .. }
        | RecordChange::RemoveKey { .. }
        | RecordChange::PutAccount { .. }
        | RecordChange::RemoveAccount { .. }
        | RecordChange::PutGrantSet { .. }
        | RecordChange::RemoveGrantSet { .. } => false,
    };
    if changes.iter().all(only_adds) {
        Haste::Soon
    } else {
        Haste::AtOnce
    }
}
