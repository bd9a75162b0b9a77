//! `keyward-server resume`: after a backup was restored. Gateways hold a later snapshot than the store, and what ended since also ends in the store, before anything is
//! published again: a restore revives no key.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use keyward::account::AccountStatus;
use keyward::management::{Ceiling, Command, ExpireKey, Key, KeyTarget, UpdateAccount};
use keyward::snapshot::Snapshot;

use crate::configuration::{Configuration, Group};
use crate::fleet::SKEW;
use crate::publish::{Held, Targets};
use crate::service::Sender;
use crate::service::bounds::Bounds;
use crate::service::failure::Stored;
use crate::service::step::step;
use crate::store::lists::KeyFilter;
use crate::store::{Options, Scope, Store, StoreError, StoredVm, Tx};

/// The arguments of `resume`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The configuration that `init` wrote
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Show what would end, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Go on though nothing holds what gateways serve. Keys that ended since the backup work again, unless `serve --ends-only` ended them before
    #[arg(long, requires = "above")]
    accept_loss: bool,
    /// With --accept-loss: the highest revision that a gateway serves, as the server's log and its page Gateways say
    #[arg(long, value_name = "REVISION", requires = "accept_loss")]
    above: Option<u64>,
}

/// What the trail says of each end.
const REASON: &str = "it had ended at the gateways when this store was restored";

/// Ends what gateways no longer serve. The server must not run.
pub fn run(arguments: &Arguments, now: u64) -> Result<()> {
    let configuration = Configuration::read(&arguments.config)?;
    let store = Store::open(&configuration.data, &Options::at(now))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let head: std::result::Result<_, StoreError> =
        runtime.block_on(store.read(|reader| reader.head()));
    let head = head?;
    let all = Targets::of(&configuration).held(&head.store_id)?;
    let ahead: Vec<Held> = all
        .into_iter()
        .filter(|held| held.revision > head.revision)
        .collect();
    let mut out = std::io::stdout().lock();
    let above = arguments.above.filter(|_| arguments.accept_loss);
    if ahead.is_empty() && above.is_none_or(|above| above <= head.revision) {
        writeln!(
            out,
            "no target is ahead of the store: there is nothing to resume. If gateways serve a higher revision than {}, say --accept-loss",
            head.revision
        )?;
        return Ok(());
    }
    if let Some(highest) = ahead.iter().map(|held| held.revision).max()
        && let Some(above) = above
        && above < highest
    {
        bail!("a target holds revision {highest}, which is above {above}");
    }
    let unseen = unseen(&configuration, now);
    if !arguments.dry_run {
        // Before the store takes the revision: without a head, an older store still asks gateways.
        Targets::of(&configuration).set_aside(&head.store_id, above)?;
    }
    let resumed = resume(&store, (ahead, unseen), above, now, arguments.dry_run);
    let resumed = runtime.block_on(resumed)?;
    for (what, ids) in [
        ("deleted", &resumed.deleted),
        ("ends earlier", &resumed.earlier),
        ("suspended", &resumed.suspended),
    ] {
        for id in ids {
            writeln!(out, "{id}: {what}")?;
        }
    }
    if resumed.unknown > 0 {
        writeln!(
            out,
            "{} keys that gateways serve are not in the store, and end with the next snapshot; take them in before that, with `import` and a key file that has them",
            resumed.unknown
        )?;
    }
    if arguments.dry_run {
        writeln!(out, "nothing was changed")?;
    }
    Ok(())
}

/// For each feed, a VM that never confirms anything: VMs that began after the backup are not in the store, and serve what they have until it is too old.
fn unseen(configuration: &Configuration, now: u64) -> Vec<StoredVm> {
    let feed = configuration.feed.iter();
    let of_group = |(group, age): (&Group, u64)| StoredVm {
        gateway: format!("restored-{}", group.name()),
        vm: String::new(),
        group: *group,
        until: now.saturating_add(age).saturating_add(SKEW),
    };
    feed.flat_map(|feed| {
        let groups = feed.groups.iter();
        groups.map(|group| (group, feed.max_snapshot_age))
    })
    .map(of_group)
    .collect()
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resumed {
    /// Keys that gateways no longer serve.
    pub(crate) deleted: Vec<String>,
    /// Keys that end earlier at gateways than they did here.
    pub(crate) earlier: Vec<String>,
    /// Accounts that are suspended at gateways.
    pub(crate) suspended: Vec<String>,
    /// Keys that gateways serve, and that are not here.
    pub(crate) unknown: usize,
}

/// Why nothing is kept of it.
enum Undone {
    DryRun(Resumed),
    Stored(Stored),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Stored(error.into())
    }
}

impl From<Stored> for Undone {
    fn from(stored: Stored) -> Self {
        Self::Stored(stored)
    }
}

/// Ends in the store what has ended in `ahead`, and adds the VMs that may be `unseen`: all of it or nothing.
pub(crate) async fn resume(
    store: &Store,
    (ahead, unseen): (Vec<Held>, Vec<StoredVm>),
    above: Option<u64>,
    now: u64,
    is_dry_run: bool,
) -> Result<Resumed> {
    let revision = ahead.iter().map(|held| held.revision).max().max(above);
    let revision = revision.context("no target is ahead")?;
    let written = store.end(move |tx| {
        let snapshots: Vec<&Snapshot> = ahead.iter().map(|held| &held.snapshot).collect();
        let resumed = carried_out(tx, &snapshots, revision, now)?;
        for vm in &unseen {
            tx.put_gateway_vm(vm)?;
        }
        if is_dry_run {
            Err(Undone::DryRun(resumed))
        } else {
            Ok(resumed)
        }
    });
    match written.await {
        Ok(resumed) | Err(Undone::DryRun(resumed)) => Ok(resumed),
        Err(Undone::Stored(stored)) => bail!("nothing was changed: {stored:?}"),
    }
}

fn carried_out(
    tx: &mut Tx<'_>,
    snapshots: &[&Snapshot],
    revision: u64,
    now: u64,
) -> std::result::Result<Resumed, Stored> {
    let (everything, ceiling, sender) = (Scope::everything(), Ceiling::none(), Sender::system());
    let bounds = Bounds {
        scope: &everything,
        ceiling: &ceiling,
        sender: &sender,
        reason: Some(REASON),
        quota: None,
        source: "api",
        now,
    };
    let mut resumed = Resumed::default();
    let mut ends = Vec::new();
    tx.read()
        .each_key(&everything, &KeyFilter::default(), |stored| {
            if let Some(end) = end_of(&stored.key, snapshots, now) {
                ends.push((stored.key.id, end));
            }
            Ok(())
        })?;
    tx.read().each_account(&everything, |stored| {
        let is_there = |snapshot: &&Snapshot| is_suspended(snapshot, &stored.account.id);
        if !stored.account.is_suspended() && snapshots.iter().any(is_there) {
            resumed.suspended.push(stored.account.id);
        }
        Ok(())
    })?;
    for (digest, _) in snapshots.iter().flat_map(|snapshot| snapshot.keys()) {
        if tx.read().key_of_digest(&everything, &digest)?.is_none() {
            resumed.unknown = resumed.unknown.saturating_add(1);
        }
    }
    for (id, end) in ends {
        let expire = |end| {
            Command::ExpireKey(ExpireKey {
                id: id.clone(),
                end: Some(end),
                revive: false,
            })
        };
        match end {
            End::Gone => {
                let delete = Command::DeleteKey(KeyTarget { id: id.clone() });
                // A publishable key is not deleted, and ends all the same.
                match step(tx, &delete, &bounds) {
                    Err(Stored::Refused(_)) => step(tx, &expire(now), &bounds)?,
                    done => done?,
                };
                resumed.deleted.push(id);
            }
            End::At(time) => {
                step(tx, &expire(time), &bounds)?;
                resumed.earlier.push(id);
            }
        }
    }
    for id in &resumed.suspended {
        let suspend = Command::UpdateAccount(UpdateAccount {
            status: Some(AccountStatus::Suspended),
            ..UpdateAccount::of(id)
        });
        step(tx, &suspend, &bounds)?;
    }
    tx.raise_revision(revision)?;
    let count = resumed
        .deleted
        .len()
        .saturating_add(resumed.earlier.len())
        .saturating_add(resumed.suspended.len());
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    tx.record(sender.of_many("store_restored", count, now))?;
    Ok(resumed)
}

/// How a key ended at gateways that still works in the store.
enum End {
    /// It was deleted, or is not there.
    Gone,
    /// It ends at that time, which is earlier.
    At(u64),
}

fn end_of(key: &Key, snapshots: &[&Snapshot], now: u64) -> Option<End> {
    if key.is_deleted() || key.is_expired(now) {
        return None;
    }
    let mut earliest = None;
    for snapshot in snapshots {
        let record = snapshot.key(&key.digest);
        let Some(record) = record.filter(|record| !record.is_deleted()) else {
            return Some(End::Gone);
        };
        earliest = [earliest, record.expires_at()].into_iter().flatten().min();
    }
    let is_earlier = |end: &u64| key.expires.is_none_or(|own| *end < own);
    earliest.filter(is_earlier).map(End::At)
}

fn is_suspended(snapshot: &Snapshot, id: &str) -> bool {
    let accounts = snapshot.accounts();
    let account = accounts.find(id).and_then(|index| accounts.account(index));
    account.is_some_and(|account| account.is_suspended())
}

#[cfg(test)]
mod tests;
