//! `/v2/keyward/accounts`.

use std::sync::Arc;

use keyward::account::{AccountStatus, Children};
use keyward::management::{
    Account, AccountSettings, AddAccount, Command, Override, Patch, UpdateAccount, first_keys,
    random_id,
};
use keyward::profile::Profile;
use serde::Deserialize;
use serde_json::Value;

use super::account::{Below, object};
use super::answers::DeletedId;
use super::edit_key::{nullable, patch};
use super::key::KeyView;
use super::new_key::named;
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::http::paging::Paging;
use crate::http::query;
use crate::randomness::System;
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::service::{Outcome, Present, Shown, Work, carry_out, refusal};
use crate::shown::value;
use crate::store::lists::{AccountFilter, Listed};
use crate::store::{Reader, Scope};

/// A new account.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAccount {
    /// A new one unless it is said.
    id: Option<String>,
    #[serde(default)]
    is_organization: bool,
    name: Option<String>,
    parent: Option<String>,
    children: Option<Below>,
    external_id: Option<String>,
    policy: Option<String>,
    /// Also make the four keys of Stripe's model: a secret and a publishable one for each mode.
    #[serde(default)]
    first_keys: bool,
}

/// Handles `POST /v2/keyward/accounts`, for operators only.
pub(crate) fn create(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        call.operators_only(OPERATORS)?;
        let body: NewAccount = call.members()?;
        let id = match body.id {
            Some(id) => id,
            None => new_id(&app.profile, body.is_organization)?,
        };
        let account = Account {
            name: named(body.name),
            parent: body.parent,
            children: body.children.map_or(Children::Listed, Below::children),
            ..Account::new(&id)
        };
        let command = Command::AddAccount(AddAccount {
            account,
            settings: AccountSettings {
                external_id: body.external_id,
                policy: body.policy,
                suspended_reason: None,
            },
        });
        let mut commands = vec![(command, Override::None)];
        if body.first_keys {
            let keys = first_keys(&id).into_iter();
            commands.extend(keys.map(|key| (Command::CreateKey(key), Override::FirstKeys)));
        }
        let work = Work {
            commands,
            present: account_with_keys(&app, &id),
            guard: None,
            reason: None,
        };
        carry_out(&app, &call, work).await
    })
}

/// Shows a new account with the keys that were made for it. Their values are shown only this once.
fn account_with_keys(app: &Arc<App>, id: &str) -> Present {
    let (app, id) = (Arc::clone(app), id.to_owned());
    Arc::new(move |reader: &Reader<'_>, outcome: &Outcome<'_>| {
        let mut shown = show(reader, &id)?;
        let mut keys = Vec::new();
        for key in outcome.keys {
            if let Some(stored) = reader.key(&Scope::everything(), key)? {
                keys.push(KeyView::read(reader, stored)?.object(outcome.now, &app)?);
            }
        }
        if let Some(members) = shown.object.as_object_mut().filter(|_| !keys.is_empty()) {
            members.insert("first_keys".to_owned(), Value::Array(keys));
        }
        Ok(shown)
    })
}

fn new_id(profile: &Profile, is_organization: bool) -> Result<String, Failure> {
    let ids = &profile.names().ids;
    let prefix = if is_organization {
        &ids.organization
    } else {
        &ids.account
    };
    let random = random_id(&mut System).map_err(|_| {
        Failure::new(
            Code::StorageUnavailable,
            "The system has no randomness to give.",
        )
    })?;
    Ok(format!("{prefix}{random}"))
}

/// Handles `GET /v2/keyward/accounts/{id}`.
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

/// Handles `GET /v2/keyward/accounts`.
pub(crate) fn list(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Parameters {
            parent: Option<String>,
            root: Option<String>,
            status: Option<String>,
            external_id: Option<String>,
            query: Option<String>,
            scope: Option<String>,
        }
        let mut pairs = call.pairs()?;
        let paging = Paging::take(&call, &mut pairs)?;
        let parameters: Parameters = query::read(pairs)?;
        let scope = match parameters.scope.as_deref() {
            None | Some("self") => call.caller.scope(),
            Some("tree") => call.caller.tree().unwrap_or_else(|| call.caller.scope()),
            Some(_) => return Err(invalid("scope", "`scope` is `self` or `tree`.")),
        };
        let status = match parameters.status.as_deref() {
            None => None,
            Some("active") => Some(AccountStatus::Active),
            Some("suspended") => Some(AccountStatus::Suspended),
            Some(_) => return Err(invalid("status", "`status` is `active` or `suspended`.")),
        };
        let filter = AccountFilter {
            parent: parameters.parent,
            root: parameters.root,
            status,
            external_id: parameters.external_id,
            query: parameters.query,
        };
        let page = paging.page;
        let listed: Result<_, Stored> = app
            .store
            .read(move |reader| {
                let listed = reader.accounts(&scope, &filter, page)?;
                let objects = listed
                    .records
                    .iter()
                    .map(|stored| Ok((stored.sequence, object(reader, stored)?)));
                Ok(Listed {
                    records: objects.collect::<Result<_, Stored>>()?,
                    has_older: listed.has_older,
                    has_newer: listed.has_newer,
                })
            })
            .await;
        Answer::of(&paging.list(listed.map_err(Failure::from)?))
    })
}

/// Changes of an account: what is absent stays, and `null` clears.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AccountUpdate {
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    name: Option<Option<String>>,
    /// The account above; `null` makes it a root.
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    parent: Option<Option<String>>,
    children: Option<Below>,
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    policy: Option<Option<String>>,
    #[serde(deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    external_id: Option<Option<String>>,
}

/// Handles `POST /v2/keyward/accounts/{id}`.
pub(crate) fn update(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        live_operators_only(&call)?;
        let body: AccountUpdate = call.members()?;
        let command = Command::UpdateAccount(UpdateAccount {
            name: patch(body.name),
            parent: patch(body.parent),
            children: body.children.map(Below::children),
            policy: patch(body.policy),
            external_id: patch(body.external_id),
            ..UpdateAccount::of(&call.target)
        });
        let present = account_of(&call.target);
        carry_out(&app, &call, Work::of(command, present)).await
    })
}

/// Why an account is suspended.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suspension {
    reason: Option<String>,
}

/// Handles `POST …/suspend`, which stops every key of the account, and every path through it.
pub(crate) fn suspend(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        live_operators_only(&call)?;
        let body: Suspension = call.members()?;
        let command = Command::UpdateAccount(UpdateAccount {
            status: Some(AccountStatus::Suspended),
            reason: body.reason.map_or(Patch::Keep, Patch::Set),
            ..UpdateAccount::of(&call.target)
        });
        let present = account_of(&call.target);
        carry_out(&app, &call, Work::of(command, present)).await
    })
}

/// Handles `POST …/resume`.
pub(crate) fn resume(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        live_operators_only(&call)?;
        call.no_members()?;
        let command = Command::UpdateAccount(UpdateAccount {
            status: Some(AccountStatus::Active),
            reason: Patch::Clear,
            ..UpdateAccount::of(&call.target)
        });
        let present = account_of(&call.target);
        carry_out(&app, &call, Work::of(command, present)).await
    })
}

/// Handles `DELETE /v2/keyward/accounts/{id}`.
pub(crate) fn delete(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        live_operators_only(&call)?;
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Parameters {
            with_keys: Option<String>,
        }
        let parameters: Parameters = query::read(call.pairs()?)?;
        let with_keys = match parameters.with_keys.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(invalid("with_keys", "`with_keys` is `true` or `false`.")),
        };
        let id = call.target.clone();
        let command = Command::RemoveAccount {
            id: id.clone(),
            with_keys,
        };
        let present: Present = Arc::new(move |_: &Reader<'_>, _: &Outcome<'_>| {
            Ok(Shown {
                object: value(DeletedId {
                    deleted: true,
                    id: id.clone(),
                    object: "keyward.account",
                })?,
                id: None,
                version: None,
            })
        });
        carry_out(&app, &call, Work::of(command, present)).await
    })
}

/// Accounts belong to the operator: a caller that could move its own account could leave its
/// policy.
const OPERATORS: &str = "Accounts are made and changed by the operator's keys.";

/// Rejects keys in test mode. An account has no mode, so a change of it also affects live keys.
fn live_operators_only(call: &Call) -> Result<(), Failure> {
    call.live_operators_only(
        OPERATORS,
        "Accounts are changed by the operator's keys of live mode: a change reaches live keys.",
    )
}

fn invalid(param: &str, message: &str) -> Failure {
    Failure::new(Code::ParameterInvalid, message).at(param)
}

/// Shows the account that was changed.
fn account_of(id: &str) -> Present {
    let id = id.to_owned();
    Arc::new(move |reader: &Reader<'_>, _: &Outcome<'_>| show(reader, &id))
}

fn show(reader: &Reader<'_>, id: &str) -> Result<Shown, Stored> {
    let stored = reader.account(&Scope::everything(), id)?;
    let stored = stored.ok_or_else(|| {
        Failure::new(Code::Internal, "The account is not there after the change.")
    })?;
    Ok(Shown {
        object: object(reader, &stored)?,
        id: Some(id.to_owned()),
        version: Some(stored.version),
    })
}
