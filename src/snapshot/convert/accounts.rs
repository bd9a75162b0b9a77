//! The forest of accounts.

use super::wire;
use crate::account::{Account, AccountForest, AccountStatus, Children, ForestFault};
use crate::profile::Profile;
use crate::refusal::{Place, Refusal};
use crate::wire::Object;

pub(super) fn forest(
    listed: &[Object<wire::Account<'_>>],
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
        } = &wire.0;
        let kind = profile.names().ids.kind(&id.0).ok_or_else(|| {
            let place = place.at(index).then("id");
            place.expected("an account's or organization's id with its prefix")
        })?;
        let children = match children {
            wire::Children::Listed => Children::Listed,
            wire::Children::Any => Children::Any,
        };
        let status = match status {
            wire::AccountStatus::Active => AccountStatus::Active,
            wire::AccountStatus::Suspended => AccountStatus::Suspended,
        };
        let account = Account::new(&id.0, kind, children, status);
        accounts.push((account, parent.as_ref().map(|parent| &*parent.0)));
    }
    AccountForest::new(accounts).map_err(|(index, fault)| {
        let place = place.at(index);
        match fault {
            ForestFault::DuplicateId => place.then("id").refused("duplicate id"),
            ForestFault::DanglingParent => {
                place.then("parent").expected("the id of a listed account")
            }
            ForestFault::Cycle => place
                .then("parent")
                .refused("an account is among its own ancestors"),
            ForestFault::OrganizationWithParent => place
                .then("parent")
                .refused("an organization has no parent"),
            ForestFault::TooMany => place.refused("too many accounts"),
        }
    })
}
