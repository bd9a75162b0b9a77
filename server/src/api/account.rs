//! The object `keyward.account`.

use keyward::account::{AccountStatus, Children};
use keyward::management::DEFAULT_POLICY;
use keyward::snapshot::KeyStatus;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::key::ApiKey;
use crate::http::failure::{Code, Failure};
use crate::service::failure::Stored;
use crate::shown::{MadeBy, made_by};
use crate::store::{Reader, Scope, StoredAccount};
use crate::time;

/// Which ids are accepted below an account.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Below {
    Listed,
    Any,
}

impl Below {
    pub(super) fn children(self) -> Children {
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

/// Returns an account with its counts.
pub(crate) fn object(reader: &Reader<'_>, stored: &StoredAccount) -> Result<Value, Stored> {
    let account = &stored.account;
    let effective = reader.policy_for(&account.id)?;
    let (mut in_use, mut deleted) = (0_u64, 0_u64);
    for count in reader.counts(&Scope::owner(&account.id))? {
        match count.status {
            KeyStatus::Active => in_use = in_use.saturating_add(count.keys),
            KeyStatus::Deleted => deleted = deleted.saturating_add(count.keys),
        }
    }
    let object = AccountObject {
        children: Below::of(account.children),
        counts: Counts { deleted, in_use },
        created: stored.created.map(time::written),
        created_by: made_by(stored.created_by.as_deref()),
        effective_policy: effective.map_or_else(|| DEFAULT_POLICY.to_owned(), |policy| policy.name),
        external_id: stored.settings.external_id.clone(),
        first_keys: None,
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
pub(crate) struct AccountObject {
    children: Below,
    counts: Counts,
    created: Option<String>,
    created_by: Option<MadeBy>,
    effective_policy: String,
    external_id: Option<String>,
    /// In the answer that made it, the keys that were made with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<ApiKey>>)]
    first_keys: Option<Vec<Value>>,
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
pub(crate) struct Counts {
    deleted: u64,
    in_use: u64,
}
