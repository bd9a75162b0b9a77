//! Policies, and which one applies to an account.

use rusqlite::{Connection, OptionalExtension, params};

use keyward::management::{DEFAULT_POLICY, NamedPolicy, Policy};

use super::policy_body;
use crate::store::columns::{signed, unsigned};
use crate::store::error::Result;

/// A policy, with the data of its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPolicy {
    /// Its name and content.
    pub named: NamedPolicy,
    /// The number of accounts that name it themselves.
    pub accounts: u64,
    /// Its version, which starts at 1 and rises with every change.
    pub version: u64,
    /// Its last change.
    pub changed: u64,
}

/// Returns all policies, ordered by name, or the one with this name.
pub(in crate::store) fn read(
    connection: &Connection,
    name: Option<&str>,
) -> Result<Vec<StoredPolicy>> {
    let mut statement = connection.prepare_cached(
        "SELECT name, body, version, changed, (SELECT count(*) FROM accounts WHERE policy = policies.name)
         FROM policies WHERE ?1 IS NULL OR name = ?1 ORDER BY name",
    )?;
    let mut rows = statement.query([name])?;
    let mut policies = Vec::new();
    while let Some(row) = rows.next()? {
        policies.push(StoredPolicy {
            named: NamedPolicy {
                name: row.get(0)?,
                policy: policy_body::from_text(&row.get::<_, String>(1)?)?,
            },
            accounts: unsigned(row.get(4)?)?,
            version: unsigned(row.get(2)?)?,
            changed: unsigned(row.get(3)?)?,
        });
    }
    Ok(policies)
}

/// Returns the policy that applies to an account: its own, or that of the nearest account above it,
/// or the one named `default`.
pub(in crate::store) fn effective(
    connection: &Connection,
    account: &str,
) -> Result<Option<NamedPolicy>> {
    let name: Option<String> = connection
        .prepare_cached(
            "WITH RECURSIVE above (id, parent, policy, distance) AS (
                SELECT id, parent, policy, 0 FROM accounts WHERE id = ?1
                UNION ALL
                SELECT accounts.id, accounts.parent, accounts.policy, distance + 1
                FROM accounts JOIN above ON accounts.id = above.parent WHERE distance < 64
             )
             SELECT policy FROM above WHERE policy IS NOT NULL ORDER BY distance LIMIT 1",
        )?
        .query_row([account], |row| row.get(0))
        .optional()?;
    let name = name.as_deref().unwrap_or(DEFAULT_POLICY);
    Ok(read(connection, Some(name))?
        .pop()
        .map(|stored| stored.named))
}

/// Makes or changes a policy.
pub(in crate::store) fn put(
    connection: &Connection,
    name: &str,
    policy: &Policy,
    number: u64,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO policies (name, body, version, changed) VALUES (?1, ?2, 1, ?3)
             ON CONFLICT (name) DO UPDATE SET body = ?2, version = version + 1, changed = ?3",
        )?
        .execute(params![name, policy_body::to_text(policy), signed(number)?])?;
    Ok(())
}

/// Removes a policy that no account names.
pub(in crate::store) fn remove(connection: &Connection, name: &str) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM policies WHERE name = ?1")?
        .execute([name])?;
    Ok(())
}
