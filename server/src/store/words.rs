//! The numbers that represent enums in columns.

use keyward::account::{AccountStatus, Children};
use keyward::key::{KeyKind, Livemode};
use keyward::snapshot::{Enforcement, KeyStatus};

use super::columns::damaged;
use super::error::Result;

pub(super) fn kind_number(kind: KeyKind) -> i64 {
    match kind {
        KeyKind::Secret => 0,
        KeyKind::Restricted => 1,
        KeyKind::Publishable => 2,
        KeyKind::Organization => 3,
    }
}

pub(super) fn kind(number: i64) -> Result<KeyKind> {
    let mut kinds = KeyKind::ALL.into_iter();
    kinds
        .find(|kind| kind_number(*kind) == number)
        .ok_or_else(|| damaged("kind"))
}

pub(super) fn mode(livemode: bool) -> Livemode {
    Livemode::from(livemode)
}

pub(super) fn key_status_number(status: KeyStatus) -> i64 {
    match status {
        KeyStatus::Active => 0,
        KeyStatus::Deleted => 1,
    }
}

pub(super) fn key_status(number: i64) -> Result<KeyStatus> {
    match number {
        0 => Ok(KeyStatus::Active),
        1 => Ok(KeyStatus::Deleted),
        _ => Err(damaged("keys.status")),
    }
}

pub(super) fn enforcement_number(enforcement: Enforcement) -> i64 {
    match enforcement {
        Enforcement::Enforce => 0,
        Enforcement::Shadow => 1,
    }
}

pub(super) fn enforcement(number: i64) -> Result<Enforcement> {
    match number {
        0 => Ok(Enforcement::Enforce),
        1 => Ok(Enforcement::Shadow),
        _ => Err(damaged("keys.enforcement")),
    }
}

pub(super) fn children_number(children: Children) -> i64 {
    match children {
        Children::Listed => 0,
        Children::Any => 1,
    }
}

pub(super) fn children(number: i64) -> Result<Children> {
    match number {
        0 => Ok(Children::Listed),
        1 => Ok(Children::Any),
        _ => Err(damaged("accounts.children")),
    }
}

pub(super) fn account_status_number(status: AccountStatus) -> i64 {
    match status {
        AccountStatus::Active => 0,
        AccountStatus::Suspended => 1,
    }
}

pub(super) fn account_status(number: i64) -> Result<AccountStatus> {
    match number {
        0 => Ok(AccountStatus::Active),
        1 => Ok(AccountStatus::Suspended),
        _ => Err(damaged("accounts.status")),
    }
}
