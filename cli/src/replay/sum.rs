//! Groups the changes, into at most [`MOST`] groups, however long the log is.

use std::collections::BTreeMap;

use super::outcome::{Change, Outcome};
use super::side::Side;
use super::unclear::Unclear;
use keyward::reason::DenyReason;
use keyward_files::access_log::Record;

/// The maximum number of groups, because clients choose the paths.
const MOST: usize = 10_000;

/// Whether a reason depends on a header that is not logged, on the query, or on the gateway's state
/// at that time.
pub(super) fn is_beyond_a_log(reason: DenyReason) -> bool {
    match reason {
        DenyReason::HostFailure
        | DenyReason::NoSnapshot
        | DenyReason::StaleSnapshot
        | DenyReason::MalformedHeader
        | DenyReason::MissingVersion
        | DenyReason::InvalidVersion
        | DenyReason::MissingContext
        | DenyReason::UnsupportedHeader
        | DenyReason::MalformedContext
        | DenyReason::ConflictingContext
        | DenyReason::AccountNotAccessible
        | DenyReason::NotAPlatform
        | DenyReason::UnknownExpansion => true,
        DenyReason::MissingCredential
        | DenyReason::MalformedCredential
        | DenyReason::UnknownKey
        | DenyReason::DeletedKey
        | DenyReason::ExpiredKey
        | DenyReason::InactiveKey
        | DenyReason::SuspendedAccount
        | DenyReason::IpNotAllowed
        | DenyReason::LivemodeMismatch
        | DenyReason::UnknownEndpoint
        | DenyReason::SecretKeyRequired
        | DenyReason::NoConnectPermission
        | DenyReason::InsufficientPermission => false,
    }
}

/// Requests that change in the same way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    pub(super) change: Change,
    /// The key's id.
    pub(super) key: Option<String>,
    /// The method and the endpoint's template, or the path if no endpoint matches. Printable.
    pub(super) endpoint: String,
    pub(super) before: Outcome,
    pub(super) after: Outcome,
}

/// The number of requests in a group, and the times of the first and last in milliseconds since
/// 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) count: u64,
    pub(super) first: u64,
    pub(super) last: u64,
}

#[derive(Default)]
pub(super) struct Sum {
    /// Requests that both snapshots decided.
    pub(super) compared: u64,
    pub(super) breaks: u64,
    pub(super) opens: u64,
    pub(super) moves: u64,
    /// Requests for which only the reason changes.
    pub(super) reasons: u64,
    groups: BTreeMap<Group, Extent>,
    /// Requests that change but are in no group.
    pub(super) ungrouped: u64,
    pub(super) unclear: BTreeMap<Unclear, u64>,
}

impl Sum {
    pub(super) fn unclear(&mut self, why: Unclear) {
        *self.unclear.entry(why).or_default() += 1;
    }

    pub(super) fn compared(
        &mut self,
        new: &Side,
        record: &Record<'_>,
        before: &Outcome,
        after: &Outcome,
    ) {
        self.compared += 1;
        let Some(change) = before.change_to(after) else {
            return;
        };
        *match change {
            Change::Breaks => &mut self.breaks,
            Change::Opens => &mut self.opens,
            Change::Moves => &mut self.moves,
            Change::Reason => &mut self.reasons,
        } += 1;
        let prefixes = new.configuration.profile().known_prefixes();
        let template = new.endpoint(record.method.as_str(), record.path.as_str());
        let path = template.unwrap_or_else(|| record.path.shown(prefixes));
        let group = Group {
            change,
            key: record
                .state
                .and_then(|state| state.key)
                .map(|key| key.id.to_owned()),
            endpoint: format!("{} {path}", record.method.shown(prefixes)),
            before: before.clone(),
            after: after.clone(),
        };
        let is_full = self.groups.len() >= MOST;
        match self.groups.get_mut(&group) {
            Some(extent) => {
                extent.count += 1;
                extent.first = extent.first.min(record.at);
                extent.last = extent.last.max(record.at);
            }
            None if is_full => self.ungrouped += 1,
            None => {
                let extent = Extent {
                    count: 1,
                    first: record.at,
                    last: record.at,
                };
                self.groups.insert(group, extent);
            }
        }
    }

    pub(super) fn flips(&self) -> u64 {
        self.breaks + self.opens + self.moves
    }

    /// Returns the groups: those that break first, and within the same change the largest first.
    pub(super) fn groups(&self) -> Vec<(&Group, &Extent)> {
        let mut groups: Vec<(&Group, &Extent)> = self.groups.iter().collect();
        groups.sort_by(|(a, m), (b, n)| a.change.cmp(&b.change).then(n.count.cmp(&m.count)));
        groups
    }
}
