//! Groups the changes, into at most [`MOST`] groups, however long the log is.

use std::collections::BTreeMap;

use super::outcome::{Change, Outcome};
use super::side::Side;
use super::unclear::Unclear;
use crate::access_log::Record;
use keyward::reason::DenyReason;

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
pub struct Group {
    /// How.
    pub change: Change,
    /// The key's id.
    pub key: Option<String>,
    /// Method and the endpoint's template, or the path if no endpoint matches. Printable.
    pub endpoint: String,
    /// The verdict by the old snapshot.
    pub before: Outcome,
    /// The verdict by the new one.
    pub after: Outcome,
}

/// The number of requests in a group, and the times of the first and last in milliseconds since
/// 1970.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
}

/// What became of the requests of a log.
#[derive(Default)]
pub struct Sum {
    /// Requests that were decided by both.
    pub compared: u64,
    /// Those that passed, and no longer would.
    pub breaks: u64,
    /// Those that did not pass, and would.
    pub opens: u64,
    /// Those that another answers.
    pub moves: u64,
    /// Those with only another reason.
    pub reasons: u64,
    groups: BTreeMap<Group, Extent>,
    /// Requests that change and are in no group.
    pub ungrouped: u64,
    /// Requests that were not decided, by the reason.
    pub unclear: BTreeMap<Unclear, u64>,
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
        let prefixes = new.profile().known_prefixes();
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

    /// Those whose verdict flips.
    #[must_use]
    pub fn flips(&self) -> u64 {
        self.breaks + self.opens + self.moves
    }

    /// Groups, those that break first, and of these the largest first.
    #[must_use]
    pub fn groups(&self) -> Vec<(&Group, &Extent)> {
        let mut groups: Vec<(&Group, &Extent)> = self.groups.iter().collect();
        groups.sort_by(|(a, m), (b, n)| a.change.cmp(&b.change).then(n.count.cmp(&m.count)));
        groups
    }
}
