//! The VMs that the store knows. The store records that a VM receives a head before the head goes out: a server that restarts requires
//! proof from every VM that may serve something.

use keyward_files::feed::serve::Named;

use super::{Fleet, Who};
use crate::configuration::Group;
use crate::store::activity::Entry;
use crate::store::{Result, StoreError, StoredVm, Tx};
use crate::time;

/// The result of a request to forget the VMs of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forgotten {
    /// How many were silent, and are now forgotten.
    pub(crate) gone: usize,
    /// How many still poll.
    pub(crate) left: usize,
}

impl Fleet {
    /// Records that a VM receives a head. The head may go out only after this.
    pub(crate) async fn hand(&self, who: &Who, group: Group, head: Named) -> Result<()> {
        let leaves = self.leaves(head.issued_at);
        let slack = (self.max_snapshot_age / 8).saturating_add(60);
        let Some(until) = self.polls().hand(who, group, leaves, slack) else {
            return Ok(());
        };
        let now = time::at_once();
        self.polls().tidy(now);
        let vm = StoredVm {
            gateway: who.gateway.clone(),
            vm: who.vm.clone(),
            group,
            until,
        };
        // An end must also reach the gateways when the disk is full.
        let put: Result<()> = self
            .store
            .end(move |tx| {
                tx.tidy_gateway_vms(now)?;
                tx.put_gateway_vm(&vm)
            })
            .await;
        put?;
        self.polls().kept(who, until);
        Ok(())
    }

    /// Forgets the VMs of a gateway that have stopped polling, because the caller asks for it. VMs that still poll stay.
    pub(crate) async fn forget(&self, gateway: &str, entry: Entry) -> Result<Option<Forgotten>> {
        let now = time::now();
        let (gone, left) = self.polls().silent(gateway, now);
        if gone.is_empty() {
            return Ok((left > 0).then_some(Forgotten { gone: 0, left }));
        }
        let (name, vms) = (gateway.to_owned(), gone.clone());
        let forgotten = move |tx: &mut Tx<'_>| -> Result<()> {
            for vm in &vms {
                tx.forget_gateway_vm(&name, vm)?;
            }
            tx.record(entry.clone()).map(|_| ())
        };
        let forgotten: std::result::Result<(), StoreError> = self.store.end(forgotten).await;
        forgotten?;
        self.polls().forget(gateway, &gone, now);
        self.standing.forget(gateway, &gone);
        self.confirmed.send_replace(());
        Ok(Some(Forgotten {
            gone: gone.len(),
            left,
        }))
    }
}
