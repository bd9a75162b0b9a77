//! What an operator may do on pages: lists of the permissions that a key needs to do the same
//! through the API.

use keyward::management::Granted;
use keyward::permission::AccessLevel;

use crate::permission::Management;

/// A role. Each may also do what the previous one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Sees keys, accounts and gateways.
    Viewer,
    /// Also sees the trail, requests and sessions.
    Auditor,
    /// Makes, changes and ends keys, within the policies of their accounts.
    Operator,
    /// Everything.
    Admin,
}

impl Role {
    pub(crate) const ALL: [Self; 4] = [Self::Viewer, Self::Auditor, Self::Operator, Self::Admin];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Returns the role's level for a permission.
    pub(crate) fn level(self, permission: Management) -> Option<AccessLevel> {
        use Management::{
            Account, ActivityLog, ApiKey, ApiKeyImport, ConsoleSession, Endpoint, Gateway,
            GrantSet, KeyPolicy, ManagementApiKey, PortalSession, RequestLog, SecretApiKey,
            Snapshot,
        };
        let write_from = match permission {
            ApiKey | Account | GrantSet | PortalSession => Self::Operator,
            SecretApiKey | ManagementApiKey | ApiKeyImport | KeyPolicy | Endpoint
            | ConsoleSession | ActivityLog | RequestLog | Snapshot | Gateway => Self::Admin,
        };
        let read_from = match permission {
            ApiKey | Account | GrantSet | KeyPolicy | Endpoint | Snapshot | Gateway => Self::Viewer,
            ActivityLog | RequestLog | PortalSession | ConsoleSession => Self::Auditor,
            SecretApiKey | ManagementApiKey | ApiKeyImport => Self::Admin,
        };
        if self >= write_from {
            Some(AccessLevel::Write)
        } else if self >= read_from {
            Some(AccessLevel::Read)
        } else {
            None
        }
    }

    /// Returns the same as grants.
    pub(crate) fn granted(self) -> Granted {
        let held = Management::ALL.iter().filter_map(|one| {
            let level = self.level(*one)?;
            Some((one.name().to_owned(), level))
        });
        held.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_holds_what_the_one_before_it_holds() {
        for pair in Role::ALL.windows(2) {
            for one in Management::ALL {
                assert!(pair[0].level(*one) <= pair[1].level(*one), "{one:?}");
            }
        }
        assert_eq!(Role::Admin.granted().len(), Management::ALL.len());
        assert!(
            Role::Admin
                .granted()
                .values()
                .all(|level| *level == AccessLevel::Write)
        );
        assert!(
            Role::Auditor
                .granted()
                .values()
                .all(|level| *level == AccessLevel::Read)
        );
    }

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for role in Role::ALL {
            assert_eq!(Role::of_name(role.name()), Some(role));
        }
        assert_eq!(Role::of_name("root"), None);
    }
}
