//! Accounts, and the trees that they form. Each account and key also contains the id of its tree's
//! root.

use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use keyward::management::{Account, AccountSettings};

use super::Origin;
use crate::store::columns::{signed, unsigned, unsigned_or_null};
use crate::store::error::{Result, StoreError};
use crate::store::scope::{Scope, Where};
use crate::store::words::{self, account_status_number, children_number};

/// An account, with the data of its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAccount {
    /// The change that made it, which is its place in lists.
    pub sequence: u64,
    /// The record.
    pub account: Account,
    /// The settings that are stored with it.
    pub settings: AccountSettings,
    /// The root of its tree, which is the account itself if nothing is above it.
    pub root: String,
    /// Whether it is an organization.
    pub is_organization: bool,
    /// The source of the record.
    pub source: String,
    /// When it was made, in Unix seconds.
    pub created: Option<u64>,
    /// Who made it.
    pub created_by: Option<String>,
    /// Its version, which starts at 1 and rises with every change.
    pub version: u64,
    /// Its last change.
    pub changed: u64,
}

const COLUMNS: &str = "seq, id, root, parent, is_organization, name, children, status, \
    suspended_reason, policy, external_id, source, created, created_by, version, changed";

/// Calls `each` with every account that matches `limits`, in the order of `tail` and at most as
/// many as it allows.
pub(in crate::store) fn each(
    connection: &Connection,
    limits: &Where,
    tail: &str,
    mut each: impl FnMut(StoredAccount) -> Result<()>,
) -> Result<()> {
    let (conditions, values) = limits.parts();
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM accounts{conditions} {tail}"
    ))?;
    let mut rows = statement.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        each(stored(row)?)?;
    }
    Ok(())
}

/// Returns all accounts that match `limits`.
pub(in crate::store) fn all(
    connection: &Connection,
    limits: &Where,
    tail: &str,
) -> Result<Vec<StoredAccount>> {
    let mut found = Vec::new();
    each(connection, limits, tail, |account| {
        found.push(account);
        Ok(())
    })?;
    Ok(found)
}

/// Returns the account with this id, if it is in the scope.
pub(in crate::store) fn one(
    connection: &Connection,
    scope: &Scope,
    id: &str,
) -> Result<Option<StoredAccount>> {
    let mut limits = Where::new();
    limits.and_is("id =", id.to_owned());
    scope.of_accounts(&mut limits);
    Ok(all(connection, &limits, "LIMIT 1")?.pop())
}

fn stored(row: &Row<'_>) -> Result<StoredAccount> {
    Ok(StoredAccount {
        sequence: unsigned(row.get(0)?)?,
        account: Account {
            id: row.get(1)?,
            name: row.get(5)?,
            parent: row.get(3)?,
            children: words::children(row.get(6)?)?,
            status: words::account_status(row.get(7)?)?,
        },
        settings: AccountSettings {
            external_id: row.get(10)?,
            policy: row.get(9)?,
            suspended_reason: row.get(8)?,
        },
        root: row.get(2)?,
        is_organization: row.get(4)?,
        source: row.get(11)?,
        created: unsigned_or_null(row.get(12)?)?,
        created_by: row.get(13)?,
        version: unsigned(row.get(14)?)?,
        changed: unsigned(row.get(15)?)?,
    })
}

/// Adds an account at the root, made by the change `number`. [`put_below`] moves it to its place
/// once all accounts exist.
pub(in crate::store) fn add(
    connection: &Connection,
    account: &Account,
    settings: &AccountSettings,
    is_organization: bool,
    number: u64,
    origin: &Origin<'_>,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO accounts (seq, id, root, is_organization, name, children, status, suspended_reason, policy,
                external_id, source, created, created_by, version, changed)
             VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 1, ?1)",
        )?
        .execute(params![
            signed(number)?,
            account.id,
            is_organization,
            account.name,
            children_number(account.children),
            account_status_number(account.status),
            settings.suspended_reason,
            settings.policy,
            settings.external_id,
            origin.source,
            signed(origin.at)?,
            origin.by,
        ])?;
    Ok(())
}

/// Updates an account, except its place in the tree.
pub(in crate::store) fn put(
    connection: &Connection,
    account: &Account,
    settings: &AccountSettings,
    number: u64,
) -> Result<()> {
    let changed = connection
        .prepare_cached(
            "UPDATE accounts SET name = ?2, children = ?3, status = ?4, suspended_reason = ?5, policy = ?6,
                external_id = ?7, version = version + 1, changed = ?8
             WHERE id = ?1",
        )?
        .execute(params![
            account.id,
            account.name,
            children_number(account.children),
            account_status_number(account.status),
            settings.suspended_reason,
            settings.policy,
            settings.external_id,
            signed(number)?,
        ])?;
    if changed == 1 {
        return Ok(());
    }
    Err(StoreError::Conflict("accounts.id is not there".to_owned()))
}

/// Moves an account below another, or to the root. Updates the root of all accounts below it and of
/// their keys.
pub(in crate::store) fn put_below(
    connection: &Connection,
    id: &str,
    parent: Option<&str>,
) -> Result<()> {
    let root = match parent {
        Some(parent) => connection
            .prepare_cached("SELECT root FROM accounts WHERE id = ?1")?
            .query_row([parent], |row| row.get::<_, String>(0))
            .optional()?
            .ok_or_else(|| StoreError::Conflict("accounts.parent is not there".to_owned()))?,
        None => id.to_owned(),
    };
    connection
        .prepare_cached("UPDATE accounts SET parent = ?2 WHERE id = ?1")?
        .execute(params![id, parent])?;
    let is_there: bool = connection
        .prepare_cached("SELECT root = ?2 FROM accounts WHERE id = ?1")?
        .query_row(params![id, root], |row| row.get(0))?;
    if is_there {
        return Ok(());
    }
    const BELOW: &str = "WITH RECURSIVE below (id) AS (
        SELECT ?1 UNION SELECT accounts.id FROM accounts JOIN below ON accounts.parent = below.id)";
    connection
        .prepare_cached(&format!(
            "{BELOW} UPDATE keys SET root = ?2 WHERE owner IN below"
        ))?
        .execute(params![id, root])?;
    connection
        .prepare_cached(&format!(
            "{BELOW} UPDATE accounts SET root = ?2 WHERE id IN below"
        ))?
        .execute(params![id, root])?;
    Ok(())
}

/// Removes an account that has no keys any more.
pub(in crate::store) fn remove(connection: &Connection, id: &str) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM accounts WHERE id = ?1")?
        .execute([id])?;
    connection
        .prepare_cached("DELETE FROM counters WHERE owner = ?1 AND n = 0")?
        .execute([id])?;
    Ok(())
}
