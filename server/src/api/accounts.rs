//! `/v2/keyward/accounts`.

use std::sync::Arc;

use keyward::account::{AccountStatus, Children};
use keyward::key::KeyKind;
use keyward::management::{
    Account, AccountSettings, AddAccount, Command, DEFAULT_POLICY, Override, random_id,
};
use keyward::snapshot::KeyStatus;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::new_key::named;
use super::shown::made_by;
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::randomness::System;
use crate::routes::Pending;
use crate::service::failure::Stored;
use crate::service::{Outcome, Present, Shown, Work, carry_out, refusal};
use crate::store::{Reader, Scope, StoredAccount};
use crate::time;

/// A new account.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    /// A new one unless it is said.
    id: Option<String>,
    #[serde(default)]
    is_organization: bool,
    name: Option<String>,
    parent: Option<String>,
    children: Option<Below>,
    external_id: Option<String>,
    policy: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Below {
    Listed,
    Any,
}

impl Below {
    fn children(self) -> Children {
        match self {
            Self::Listed => Children::Listed,
            Self::Any => Children::Any,
        }
    }

    fn of(children: Children) -> Self {
        match children {
            Children::Listed => Self::Listed,
            Children::Any => Self::Any,
        }
    }
}

/// `POST /v2/keyward/accounts`: operators.
pub(crate) fn create(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        if !call.caller.is_operator() {
            return Err(Failure::new(
                Code::MorePermissionsRequired,
                "Accounts are made by the operator's keys.",
            ));
        }
        let body: NewAccount = call.members()?;
        let id = match body.id {
            Some(id) => id,
            None => new_id(body.is_organization)?,
        };
        let account = Account {
            name: named(body.name),
            parent: body.parent,
            children: body.children.map_or(Children::Listed, Below::children),
            ..Account::new(&id)
        };
        let work = Work {
            command: Command::AddAccount(AddAccount {
                account,
                settings: AccountSettings {
                    external_id: body.external_id,
                    policy: body.policy,
                    suspended_reason: None,
                },
            }),
            passes_policy: Override::None,
            present: account_of(&id),
        };
        carry_out(&app, &call, work).await
    })
}

fn new_id(is_organization: bool) -> Result<String, Failure> {
    let prefix = if is_organization { "org_" } else { "acct_" };
    let random = random_id(&mut System).map_err(|_| {
        Failure::new(
            Code::StorageUnavailable,
            "The system has no randomness to give.",
        )
    })?;
    Ok(format!("{prefix}{random}"))
}

/// `GET /v2/keyward/accounts/{id}`
pub(crate) fn retrieve(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let (scope, id) = (call.caller.scope(), call.target.clone());
        let found: Result<_, Stored> = app
            .store
            .read(move |reader| {
                let stored = reader.account(&scope, &id)?;
                let stored = stored.ok_or_else(|| refusal::missing("account", &id))?;
                Ok((object(reader, &stored)?, stored.version))
            })
            .await;
        let (object, version) = found.map_err(Failure::from)?;
        Ok(Answer {
            version: Some(version),
            ..Answer::of(&object)?
        })
    })
}

/// Shows the account that a change is about.
fn account_of(id: &str) -> Present {
    let id = id.to_owned();
    Arc::new(move |reader: &Reader<'_>, _: &Outcome<'_>| {
        let stored = reader.account(&Scope::everything(), &id)?;
        let stored = stored.ok_or_else(|| {
            Failure::new(Code::Internal, "The account is not there after the change.")
        })?;
        Ok(Shown {
            object: object(reader, &stored)?,
            id: Some(id.clone()),
            version: Some(stored.version),
        })
    })
}

fn object(reader: &Reader<'_>, stored: &StoredAccount) -> Result<Value, Stored> {
    let account = &stored.account;
    let effective = reader.policy_for(&account.id)?;
    let (mut in_use, mut deleted) = (0_u64, 0_u64);
    for count in reader.counts(&Scope::owner(&account.id))? {
        match (count.kind, count.status) {
            (
                KeyKind::Secret
                | KeyKind::Restricted
                | KeyKind::Publishable
                | KeyKind::Organization,
                KeyStatus::Active,
            ) => in_use = in_use.saturating_add(count.keys),
            (_, KeyStatus::Deleted) => deleted = deleted.saturating_add(count.keys),
        }
    }
    let object = AccountObject {
        children: Below::of(account.children),
        counts: Counts { deleted, in_use },
        created: stored.created.map(time::written),
        created_by: made_by(stored.created_by.as_deref()),
        effective_policy: effective.map_or_else(|| DEFAULT_POLICY.to_owned(), |policy| policy.name),
        external_id: stored.settings.external_id.clone(),
        id: account.id.clone(),
        is_organization: stored.is_organization,
        name: account.name.clone(),
        object: "keyward.account",
        parent: account.parent.clone(),
        policy: stored.settings.policy.clone(),
        root: stored.root.clone(),
        source: stored.source.clone(),
        status: match account.status {
            AccountStatus::Active => "active",
            AccountStatus::Suspended => "suspended",
        },
        suspended_reason: stored.settings.suspended_reason.clone(),
        version: stored.version,
    };
    serde_json::to_value(object)
        .map_err(|_| Failure::new(Code::Internal, "The account cannot be shown.").into())
}

/// An account. Members are in the order of their names.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AccountObject {
    children: Below,
    counts: Counts,
    created: Option<String>,
    created_by: Value,
    effective_policy: String,
    external_id: Option<String>,
    id: String,
    is_organization: bool,
    name: Option<String>,
    object: &'static str,
    parent: Option<String>,
    policy: Option<String>,
    root: String,
    source: String,
    status: &'static str,
    suspended_reason: Option<String>,
    version: u64,
}

/// How many keys it has: those that are not deleted, expired ones among them, and those that are.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Counts {
    deleted: u64,
    in_use: u64,
}
