//! Lists of accounts.

use rusqlite::Connection;

use keyward::account::AccountStatus;

use super::{Listed, Page};
use crate::store::error::Result;
use crate::store::records::accounts::{self, StoredAccount};
use crate::store::scope::{Scope, Where};
use crate::store::words::account_status_number;

/// What is asked of the accounts of a list. Without anything, they are all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// The account right above them.
    pub parent: Option<String>,
    /// The root of their tree.
    pub root: Option<String>,
    /// Whether they are in use.
    pub status: Option<AccountStatus>,
    /// Their id elsewhere.
    pub external_id: Option<String>,
    /// Their ids begin so, or their names hold it, whatever the case.
    pub query: Option<String>,
}

/// A page of the accounts in a scope that a filter leaves.
pub(in crate::store) fn accounts(
    connection: &Connection,
    scope: &Scope,
    filter: &AccountFilter,
    page: Page,
) -> Result<Listed<StoredAccount>> {
    let AccountFilter {
        parent,
        root,
        status,
        external_id,
        query,
    } = filter;
    let mut limits = Where::new();
    scope.of_accounts(&mut limits);
    if let Some(parent) = parent {
        limits.and_is("parent =", parent.clone());
    }
    if let Some(root) = root {
        limits.and_is("root =", root.clone());
    }
    if let Some(status) = status {
        limits.and_is("status =", account_status_number(*status));
    }
    if let Some(id) = external_id {
        limits.and_is("external_id =", id.clone());
    }
    if let Some(text) = query {
        let text = limits.value(text.clone());
        limits.and(&format!(
            "(substr(id, 1, length({text})) = {text} OR instr(lower(name), lower({text})) > 0)"
        ));
    }
    let tail = page.limit(&mut limits, "seq")?;
    Ok(page.of(accounts::all(connection, &limits, &tail)?))
}
