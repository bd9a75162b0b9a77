//! Reads the forest of accounts.

use super::wire;
use crate::account::{AccountForest, ForestFault, ListedAccount};
use crate::profile::Profile;
use crate::refusal::{Place, Refusal, Sink};

pub(in crate::snapshot) const ACCOUNT_ID: &str =
    "an account's or organization's id with its prefix";

pub(super) fn forest<S: Sink>(
    listed: &[wire::Account<'_>],
    profile: &Profile,
    place: &Place,
    sink: &mut S,
) -> Result<AccountForest, Refusal> {
    let mut accounts = Vec::with_capacity(listed.len());
    let mut left_out = LeftOut::default();
    for (index, account) in listed.iter().enumerate() {
        let wire::Account {
            id,
            parent,
            children,
            status,
        } = account;
        let Some(kind) = profile.names().ids.kind(&id.0) else {
            sink.fault(place.at(index).then("id").expected(ACCOUNT_ID))?;
            sink.leave_out(&id.0);
            left_out.push(index);
            continue;
        };
        accounts.push(ListedAccount {
            id: &id.0,
            kind,
            children: children.unwrap_or_default(),
            status: status.unwrap_or_default(),
            parent: parent.as_ref().map(|parent| &*parent.0),
        });
    }
    for account in &mut accounts {
        account.parent = account.parent.filter(|parent| !sink.is_left_out(parent));
    }
    AccountForest::build(&accounts, &mut |number, fault| {
        sink.fault(refusal_of(fault, &place.at(left_out.original(number))))
    })
}

/// The numbers of entries that were left out of a list, in ascending order.
#[derive(Default)]
pub(super) struct LeftOut(Vec<usize>);

impl LeftOut {
    pub(super) fn push(&mut self, number: usize) {
        self.0.push(number);
    }

    pub(super) fn contains(&self, number: usize) -> bool {
        self.0.contains(&number)
    }

    /// Converts a number among the remaining entries to the number in the original list.
    pub(super) fn original(&self, number: usize) -> usize {
        self.0.iter().fold(number, |number, left_out| {
            number + usize::from(*left_out <= number)
        })
    }
}

/// Returns the refusal for the account at `place`.
pub(in crate::snapshot) fn refusal_of(fault: ForestFault, place: &Place) -> Refusal {
    match fault {
        ForestFault::DuplicateId => place.then("id").refused("duplicate id"),
        ForestFault::DanglingParent => place.then("parent").expected("the id of a listed account"),
        ForestFault::Cycle => place
            .then("parent")
            .refused("an account is among its own ancestors"),
        ForestFault::OrganizationWithParent => place
            .then("parent")
            .refused("an organization has no parent"),
        ForestFault::TooMany => place.refused("too many accounts"),
    }
}
