//! Accounts: the tree that keys belong to.

mod detail;
mod edit;
mod list;
mod object;
mod suspend;

pub(super) use detail::{allows_nothing, show};
pub(super) use edit::{create, form, save};
pub(super) use list::list;
pub(super) use suspend::{ask as ask_to_suspend, resume, suspend};
