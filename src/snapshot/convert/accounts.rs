//! The forest of accounts.

use super::wire;
use crate::account::{AccountForest, ForestFault, ListedAccount};
use crate::profile::Profile;
use crate::refusal::{Place, Refusal};

pub(in crate::snapshot) const ACCOUNT_ID: &str =
    "an account's or organization's id with its prefix";

pub(super) fn forest(
    listed: &[wire::Account<'_>],
    profile: &Profile,
    place: &Place,
) -> Result<AccountForest, Refusal> {
    let mut accounts = Vec::with_capacity(listed.len());
    for (index, wire) in listed.iter().enumerate() {
        let wire::Account {
            id,
            parent,
            children,
            status,
        } = wire;
        let kind = profile
            .names()
            .ids
            .kind(&id.0)
            .ok_or_else(|| place.at(index).then("id").expected(ACCOUNT_ID))?;
        accounts.push(ListedAccount {
            id: &id.0,
            kind,
            children: children.unwrap_or_default(),
            status: status.unwrap_or_default(),
            parent: parent.as_ref().map(|parent| &*parent.0),
        });
    }
    AccountForest::new(&accounts).map_err(|(index, fault)| refusal_of(fault, &place.at(index)))
}

/// The refusal of the account at `place`.
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
