//! `/v2/keyward/key_policies`: what accounts may do with their own keys.

use std::sync::Arc;

use keyward::key::Livemode;
use keyward::management::{Api, Command, Delegation, Granted, Policy, RequiredIps, with_ending};
use keyward::permission::AccessLevel;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answers::KeyPolicy;
use super::named::{self, Named};
use super::new_key::Kind;
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::service::{Guard, Work, carry_out};
use crate::shown::{policy_members as members, value};
use crate::span::seconds;
use crate::store::{self, Reader, StoredPolicy};

/// What a policy says. What is absent is as in the policy `default` of a new store.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyMembers {
    /// Of a new one.
    name: Option<String>,
    kinds: Option<Vec<Kind>>,
    modes: Option<Vec<Mode>>,
    /// `null`: everything except managing keys.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Vec<String>>)]
    permissions: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Vec<String>>)]
    connect_permissions: Option<Option<Vec<String>>>,
    grant_sets: Option<Vec<String>>,
    free_choice: Option<bool>,
    /// `366d`; `null`: no limit.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    max_lifetime: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    default_lifetime: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<u64>)]
    max_keys: Option<Option<u64>>,
    require_ip_allowlist: Option<Required>,
    overlaps: Option<Vec<String>>,
    delegation: Option<Bound>,
    allow_delete: Option<bool>,
    allow_requests: Option<bool>,
    allow_activity: Option<bool>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Test,
    Live,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Required {
    live: bool,
    test: bool,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
enum Bound {
    Policy,
    Own,
}

fn nullable<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

impl PolicyMembers {
    fn policy(self, api: &Api) -> Result<Policy, Failure> {
        let usual = Policy::default();
        let ceiling = |said: Option<Option<Vec<String>>>, usual, param: &str| match said {
            None => Ok(usual),
            Some(None) => Ok(None),
            Some(Some(texts)) => granted(api, &texts, param).map(Some),
        };
        let span = |said: Option<Option<String>>, usual, param: &str| match said {
            None => Ok(usual),
            Some(None) => Ok(None),
            Some(Some(text)) => seconds(&text, param).map(Some),
        };
        let overlaps: Option<Result<Vec<u64>, Failure>> = self
            .overlaps
            .map(|texts| texts.iter().map(|text| seconds(text, "overlaps")).collect());
        Ok(Policy {
            kinds: match self.kinds {
                None => usual.kinds,
                Some(kinds) => kinds.into_iter().map(Kind::key_kind).collect(),
            },
            modes: match self.modes {
                None => usual.modes,
                Some(modes) => modes
                    .into_iter()
                    .map(|mode| match mode {
                        Mode::Test => Livemode::Test,
                        Mode::Live => Livemode::Live,
                    })
                    .collect(),
            },
            permissions: ceiling(self.permissions, usual.permissions, "permissions")?,
            connect_permissions: ceiling(
                self.connect_permissions,
                usual.connect_permissions,
                "connect_permissions",
            )?,
            grant_sets: self.grant_sets.unwrap_or(usual.grant_sets),
            free_choice: self.free_choice.unwrap_or(usual.free_choice),
            max_lifetime: span(self.max_lifetime, usual.max_lifetime, "max_lifetime")?,
            default_lifetime: span(
                self.default_lifetime,
                usual.default_lifetime,
                "default_lifetime",
            )?,
            max_keys: self.max_keys.unwrap_or(usual.max_keys),
            require_ip_allowlist: match self.require_ip_allowlist {
                None => usual.require_ip_allowlist,
                Some(Required { live, test }) => RequiredIps { live, test },
            },
            overlaps: overlaps.transpose()?.unwrap_or(usual.overlaps),
            delegation: match self.delegation {
                None => usual.delegation,
                Some(Bound::Policy) => Delegation::Policy,
                Some(Bound::Own) => Delegation::Own,
            },
            allow_delete: self.allow_delete.unwrap_or(usual.allow_delete),
            allow_requests: self.allow_requests.unwrap_or(usual.allow_requests),
            allow_activity: self.allow_activity.unwrap_or(usual.allow_activity),
        })
    }
}

/// Reads names with levels, and makes the names canonical.
fn granted(api: &Api, texts: &[String], param: &str) -> Result<Granted, Failure> {
    let mut granted = Granted::new();
    for text in texts {
        let unknown = || {
            Failure::new(
                Code::PermissionUnknown,
                "Expected names with their level, such as `customer_read`. GET /v2/keyward/permissions lists them.",
            )
            .at(param)
        };
        let (name, level) = with_ending(text).ok_or_else(unknown)?;
        let level = if level == AccessLevel::Write.name() {
            AccessLevel::Write
        } else {
            AccessLevel::Read
        };
        let permission = api.permissions.find(name).ok_or_else(unknown)?;
        let name = api.permissions.name(permission).to_owned();
        let held = granted.entry(name).or_insert(level);
        *held = (*held).max(level);
    }
    Ok(granted)
}

impl Named for StoredPolicy {
    const WHAT: &'static str = "key policy";
    const OBJECT: &'static str = "keyward.key_policy";

    fn find(reader: &Reader<'_>, name: &str) -> store::Result<Option<Self>> {
        reader.policy(name)
    }

    fn all(reader: &Reader<'_>) -> store::Result<Vec<Self>> {
        reader.policies()
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn object(&self, _: &Reader<'_>) -> Result<Value, Stored> {
        let object = value(KeyPolicy {
            accounts: self.accounts,
            members: members(&self.named.policy),
            name: self.named.name.clone(),
            object: Self::OBJECT,
            version: self.version,
        })?;
        Ok(object)
    }

    fn removal(name: String) -> Command {
        Command::RemovePolicy { name }
    }
}

/// Handles `GET /v2/keyward/key_policies`.
pub(crate) fn list(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move { named::list::<StoredPolicy>(&app, &call).await })
}

/// Handles `GET /v2/keyward/key_policies/{name}`.
pub(crate) fn retrieve(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move { named::retrieve::<StoredPolicy>(&app, &call).await })
}

/// Handles `POST /v2/keyward/key_policies`.
pub(crate) fn create(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        named::live_operators_only::<StoredPolicy>(&call)?;
        let mut body: PolicyMembers = call.members()?;
        let name = body
            .name
            .take()
            .ok_or_else(|| Failure::new(Code::ParameterMissing, "`name` is missing.").at("name"))?;
        let guard = named::is_new::<StoredPolicy>(&name);
        put(&app, &call, name, body, guard).await
    })
}

/// Handles `PUT /v2/keyward/key_policies/{name}`. It replaces the whole policy, so `If-Match` must
/// name the version that the client has seen.
pub(crate) fn replace(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        named::live_operators_only::<StoredPolicy>(&call)?;
        let body: PolicyMembers = call.members()?;
        if body.name.as_ref().is_some_and(|name| *name != call.target) {
            return Err(Failure::new(Code::ParameterInvalid, "The name never changes.").at("name"));
        }
        let guard = named::is_at::<StoredPolicy>(&call.target, Some(call.required_version()?));
        put(&app, &call, call.target.clone(), body, guard).await
    })
}

/// Handles `DELETE /v2/keyward/key_policies/{name}`.
pub(crate) fn delete(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move { named::delete::<StoredPolicy>(&app, &call).await })
}

async fn put(
    app: &Arc<App>,
    call: &Call,
    name: String,
    body: PolicyMembers,
    guard: Guard,
) -> Result<Answer, Failure> {
    let api: Result<Arc<Api>, Stored> = app
        .store
        .read(|reader: &Reader<'_>| Ok(reader.api()?))
        .await;
    let policy = body.policy(&*api.map_err(Failure::from)?)?;
    let present = named::shown::<StoredPolicy>(&name);
    let command = Command::PutPolicy {
        name,
        policy: Box::new(policy),
    };
    carry_out(app, call, Work::of(command, present).guarded(guard)).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_policy_says_reads_the_same() {
        let api = Api::stripe();
        for policy in [
            Policy::default(),
            Policy {
                permissions: None,
                max_lifetime: None,
                max_keys: None,
                overlaps: vec![0, 90, 3_600],
                delegation: Delegation::Own,
                ..Policy::default()
            },
        ] {
            let read: PolicyMembers = serde_json::from_value(json!(members(&policy))).unwrap();
            assert_eq!(read.policy(&api).unwrap(), policy);
        }
    }
}
