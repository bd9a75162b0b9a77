//! Accounts: their ids, the forest they form, and the paths that a request names one by.

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

/// How ids of accounts and of organizations begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdPrefixes {
    /// Stripe: `acct_`.
    pub account: Box<str>,
    /// Stripe: `org_`.
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
    /// What `id` names, if it is spelled `[A-Za-z0-9_-]{1,64}`, with one of the prefixes and something after it.
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
        // Where both prefixes fit (accounts may have none), the longer one names the kind.
        account
            .into_iter()
            .chain(organization)
            .max_by_key(|(length, _)| *length)
            .map(|(_, kind)| kind)
    }
}

words! {
    /// Which ids are accepted below an account.
    #[derive(Default)]
    pub enum Children {
        /// Those the snapshot lists.
        #[default]
        Listed = "listed",
        /// Any well-formed id that the snapshot does not list elsewhere.
        Any = "any",
    }
}

words! {
    /// Whether an account is in use.
    #[derive(Default)]
    pub enum AccountStatus {
        /// In use.
        #[default]
        Active = "active",
        /// Neither its keys nor paths across it work.
        Suspended = "suspended",
    }
}

#[cfg(test)]
mod tests;
