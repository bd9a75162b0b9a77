//! Lists of accounts.

use rusqlite::Connection;

use keyward::account::AccountStatus;

use super::{Listed, Page};
use crate::store::error::Result;
use crate::store::records::accounts::{self, StoredAccount};
use crate::store::scope::{Scope, Where};
use crate::store::words::account_status_number;

/// The conditions for a list of accounts. Without any, it contains all accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// The account directly above them.
    pub parent: Option<String>,
    /// The root of their tree.
    pub root: Option<String>,
    /// Whether they are active or suspended.
    pub status: Option<AccountStatus>,
    /// Their external id.
    pub external_id: Option<String>,
    /// Their ids begin with this, or their names contain it, regardless of case.
    pub query: Option<String>,
}

/// Returns a page of the accounts in a scope that match a filter.
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
