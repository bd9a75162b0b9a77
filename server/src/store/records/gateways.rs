//! VMs of gateways that have received a head of the feed.

use rusqlite::{Connection, params};

use crate::group::Group;
use crate::store::columns::{damaged, signed, unsigned};
use crate::store::error::Result;

/// A VM, and until when it may serve the head that it received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredVm {
    /// The gateway that its key names.
    pub gateway: String,
    /// Its own name, or an empty string if it has none.
    pub vm: String,
    /// The group whose feed it follows.
    pub group: Group,
    /// The time, in Unix seconds.
    pub until: u64,
}

/// Returns all VMs.
pub(in crate::store) fn all(connection: &Connection) -> Result<Vec<StoredVm>> {
    let mut statement =
        connection.prepare_cached("SELECT gateway, vm, group_name, until FROM gateway_vms")?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let group: String = row.get(2)?;
        all.push(StoredVm {
            gateway: row.get(0)?,
            vm: row.get(1)?,
            group: Group::from_name(&group).ok_or_else(|| damaged("the group of a gateway"))?,
            until: unsigned(row.get(3)?)?,
        });
    }
    Ok(all)
}

/// Adds a VM, or extends its time.
pub(in crate::store) fn put(connection: &Connection, vm: &StoredVm) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO gateway_vms (gateway, vm, group_name, until) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (gateway, vm) DO UPDATE SET group_name = excluded.group_name, until = max(until, excluded.until)",
        )?
        .execute(params![vm.gateway, vm.vm, vm.group.name(), signed(vm.until)?])?;
    Ok(())
}

/// Removes the VMs whose time is over.
pub(in crate::store) fn tidy(connection: &Connection, now: u64) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM gateway_vms WHERE until <= ?1")?
        .execute([signed(now)?])?;
    Ok(())
}

/// Removes a VM.
pub(in crate::store) fn forget(connection: &Connection, gateway: &str, vm: &str) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM gateway_vms WHERE gateway = ?1 AND vm = ?2")?
        .execute([gateway, vm])?;
    Ok(())
}
