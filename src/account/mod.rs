//! Accounts: their ids, the forest they form, and the paths that requests use to name one.

mod ancestors;
mod changed;
mod forest;
mod number;
mod path;
mod record;

pub(crate) use forest::RowFault;
pub use forest::{AccountForest, ForestFault};
pub use number::AccountIndex;
pub use path::AccountPath;
pub(crate) use record::ACCOUNT_ROW;
pub use record::{Account, ListedAccount};

use crate::id::is_id;
use crate::word::words;

/// The prefixes of the ids of accounts and organizations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdPrefixes {
    /// The prefix of an account's id. Stripe uses `acct_`.
    pub account: Box<str>,
    /// The prefix of an organization's id. Stripe uses `org_`.
    pub organization: Box<str>,
}

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// An account: a business.
    Account,
    /// An organization: the root above several accounts.
    Organization,
}

impl IdPrefixes {
    /// Returns what `id` names, if it matches `[A-Za-z0-9_-]{1,64}` and has one of the prefixes
    /// with something after it.
    #[must_use]
    pub fn kind(&self, id: &str) -> Option<IdKind> {
        let spelled = is_id(id) && !id.contains('.');
        let named = |prefix: &str, kind| {
            id.strip_prefix(prefix)
                .filter(|rest| spelled && !rest.is_empty())
                .map(|_| (prefix.len(), kind))
        };
        let account = named(&self.account, IdKind::Account);
        let organization = named(&self.organization, IdKind::Organization);
        // If both prefixes fit (that of accounts may be empty), the longer one determines the kind.
        account
            .into_iter()
            .chain(organization)
            .max_by_key(|(length, _)| *length)
            .map(|(_, kind)| kind)
    }
}

words! {
    /// Which ids keyward accepts below an account.
    #[derive(Default)]
    pub enum Children {
        /// Only ids that the snapshot lists.
        #[default]
        Listed = "listed",
        /// Any well-formed id that the snapshot does not list elsewhere.
        Any = "any",
    }
}

words! {
    /// Whether an account is active.
    #[derive(Default)]
    pub enum AccountStatus {
        /// The account is active.
        #[default]
        Active = "active",
        /// Neither the account's keys nor paths through it work.
        Suspended = "suspended",
    }
}

#[cfg(test)]
mod tests;
