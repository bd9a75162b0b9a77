//! What would lock every operator out. The operator's account stays in use for every caller; any other change to it needs the permission to manage keys that manage.

use keyward::account::AccountStatus;
use keyward::management::{Command, Patch, RuleCode};
use keyward::permission::AccessLevel;

use super::refusal::failure_of_code;
use crate::app::App;
use crate::caller::Caller;
use crate::http::failure::{Code, Failure};
use crate::permission::Management;

/// Refuses a command that takes the operator's account out of use, or changes it without being allowed to.
pub(super) fn refuse(app: &App, caller: &Caller, command: &Command) -> Result<(), Failure> {
    let name = Management::ManagementApiKey.name();
    let may_manage = caller.holds(name, AccessLevel::Write);
    refused(&app.operator_account, may_manage, command)
}

fn refused(operator: &str, may_manage: bool, command: &Command) -> Result<(), Failure> {
    match command {
        Command::RemoveAccount { id, .. } if id == operator => Err(stays(operator)),
        Command::UpdateAccount(update) if update.id == operator => {
            if update.status == Some(AccountStatus::Suspended) {
                return Err(stays(operator));
            }
            let is_kept = |patch: &Patch<String>| *patch == Patch::Keep;
            let stays_where_it_is =
                is_kept(&update.parent) && is_kept(&update.policy) && update.children.is_none();
            if may_manage || stays_where_it_is {
                return Ok(());
            }
            Err(failure_of_code(&RuleCode::ManagementKeyRefused {
                permission: Management::ManagementApiKey.name().to_owned(),
            }))
        }
        Command::RemoveAccount { .. }
        | Command::UpdateAccount(_)
        | Command::AddAccount(_)
        | Command::CreateKey(_)
        | Command::DuplicateKey(_)
        | Command::EditKey(_)
        | Command::RotateKey(_)
        | Command::ExpireKey(_)
        | Command::DeleteKey(_)
        | Command::PurgeKey(_)
        | Command::ImportKey(_)
        | Command::PutGrantSet { .. }
        | Command::RemoveGrantSet { .. }
        | Command::PutPolicy { .. }
        | Command::RemovePolicy { .. } => Ok(()),
    }
}

fn stays(operator: &str) -> Failure {
    Failure::new(
        Code::AccountInUse,
        format!(
            "The account '{operator}' is the operator's. It is neither suspended nor removed: its keys manage all others. End the keys that are to end."
        ),
    )
}

#[cfg(test)]
mod tests {
    use keyward::management::UpdateAccount;

    use super::*;

    const OPERATOR: &str = "acct_operator";

    #[track_caller]
    fn assert_refused(may_manage: bool, update: UpdateAccount, expected: Option<&str>) {
        let refused = refused(OPERATOR, may_manage, &Command::UpdateAccount(update));
        assert_eq!(refused.err().map(|failure| failure.name()), expected);
    }

    #[test]
    fn the_operators_account_stays_in_use() {
        for may_manage in [false, true] {
            let suspended = |id: &str| UpdateAccount {
                status: Some(AccountStatus::Suspended),
                ..UpdateAccount::of(id)
            };
            assert_refused(may_manage, suspended(OPERATOR), Some("account_in_use"));
            assert_refused(may_manage, suspended("acct_1"), None);
            for (id, expected) in [(OPERATOR, Some("account_in_use")), ("acct_1", None)] {
                let command = Command::RemoveAccount {
                    id: id.to_owned(),
                    with_keys: true,
                };
                let refused = refused(OPERATOR, may_manage, &command);
                assert_eq!(refused.err().map(|failure| failure.name()), expected);
            }
        }
    }

    #[test]
    fn who_manages_no_managing_keys_moves_it_nowhere() {
        let refused = Some("management_key_refused");
        for update in [
            UpdateAccount {
                parent: Patch::Set("acct_1".to_owned()),
                ..UpdateAccount::of(OPERATOR)
            },
            UpdateAccount {
                policy: Patch::Clear,
                ..UpdateAccount::of(OPERATOR)
            },
            UpdateAccount {
                children: Some(keyward::account::Children::Any),
                ..UpdateAccount::of(OPERATOR)
            },
        ] {
            assert_refused(false, update.clone(), refused);
            assert_refused(true, update, None);
        }
        let renamed = UpdateAccount {
            name: Patch::Set("Us".to_owned()),
            ..UpdateAccount::of(OPERATOR)
        };
        assert_refused(false, renamed, None);
    }
}
