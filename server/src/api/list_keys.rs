//! The filters of `GET /v2/iam/api_keys`.

use keyward::key::KeyKind;
use keyward::permission::AccessLevel;
use serde::Deserialize;

use super::new_key::instant;
use crate::app::App;
use crate::caller::Caller;
use crate::http::failure::{Code, Failure};
use crate::service::refusal::mode;
use crate::store::Scope;
use crate::store::lists::{KeyFilter, KeyState};
use crate::time;
use crate::uses::Unknown;

/// Stripe's `include_expired`, and keyward's own filters. All are strings in a query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameters {
    include_expired: Option<String>,
    owner: Option<String>,
    scope: Option<String>,
    kind: Option<String>,
    livemode: Option<String>,
    state: Option<String>,
    label: Option<String>,
    created_before: Option<String>,
    created_after: Option<String>,
    expires_before: Option<String>,
    created_by: Option<String>,
    grant_set: Option<String>,
    has_permission: Option<String>,
    query: Option<String>,
    unused_since: Option<String>,
}

impl Parameters {
    /// Returns the accounts whose keys are listed, as far as the caller can see them.
    pub(crate) fn scope(&mut self, caller: &Caller) -> Result<Scope, Failure> {
        let is_tree = self.scope.as_deref() == Some("tree");
        if is_tree && caller.is_operator() && self.has_permission.is_some() {
            return Err(Failure::new(
                Code::FilterTooWide,
                "`has_permission` is for the keys of one account: leave out `scope`.",
            )
            .at("scope"));
        }
        let (scope, owner) = reach(caller, self.owner.take(), self.scope.as_deref())?;
        self.owner = owner;
        Ok(scope)
    }

    /// The time since which they were not used, if that is asked: as far as the logs say.
    pub(crate) fn unused_since(&self, app: &App) -> Result<Option<u64>, Failure> {
        const NAME: &str = "unused_since";
        let Some(text) = &self.unused_since else {
            return Ok(None);
        };
        if self.owner.is_none() {
            return Err(Failure::new(
                Code::FilterTooWide,
                "`unused_since` is for the keys of one account: send `owner` as well.",
            )
            .at(NAME));
        }
        let since = instant(text, NAME)?;
        app.requests.files().map_err(|failure| failure.at(NAME))?;
        app.uses.reaches_back(since).map_err(|why| match why {
            Unknown::Reading => Failure::new(
                Code::StorageUnavailable,
                "The access logs are being read for the first time since the server started.",
            )
            .retry_after(10),
            Unknown::Later(first) => invalid(
                NAME,
                &match first {
                    Some(first) => format!("The access logs begin at {}.", time::written(first)),
                    None => "The access logs have no request.".to_owned(),
                },
            ),
            Unknown::TooMany => Failure::new(
                Code::FeatureNotEnabled,
                "The access logs have more keys than the server tells apart.",
            )
            .at(NAME),
        })?;
        Ok(Some(since))
    }

    /// What is asked of them.
    pub(crate) fn filter(self, now: u64) -> Result<KeyFilter, Failure> {
        let states = match (self.state.as_deref(), self.include_expired.as_deref()) {
            (Some(word), None) => Some(vec![state(word)?]),
            (None, Some("true")) => None,
            (None, None | Some("false")) => Some(vec![KeyState::Active, KeyState::Inactive]),
            (Some(_), Some(_)) | (None, Some(_)) => {
                return Err(invalid(
                    "include_expired",
                    "`include_expired` is `true` or `false`, and not sent with `state`.",
                ));
            }
        };
        let has_permission = self.has_permission.as_deref().map(permission).transpose()?;
        if has_permission.is_some() && self.owner.is_none() {
            return Err(Failure::new(
                Code::FilterTooWide,
                "`has_permission` is for the keys of one account: send `owner` as well.",
            )
            .at("has_permission"));
        }
        let instant_of = |text: &Option<String>, name: &str| {
            text.as_deref().map(|text| instant(text, name)).transpose()
        };
        Ok(KeyFilter {
            kinds: self
                .kind
                .as_deref()
                .map(kind)
                .transpose()?
                .into_iter()
                .collect(),
            mode: self.livemode.as_deref().map(livemode).transpose()?,
            states: states.map(|states| (states, now)),
            label: self.label.map(|text| match text.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (text, None),
            }),
            created_before: instant_of(&self.created_before, "created_before")?,
            created_after: instant_of(&self.created_after, "created_after")?,
            expires_before: instant_of(&self.expires_before, "expires_before")?,
            created_by: self.created_by,
            file: None,
            grant_set: self.grant_set,
            has_permission,
            query: self.query,
            query_is_of_names: false,
            owner: self.owner,
        })
    }
}

/// Returns the records that `owner` and `scope` name, as far as the caller can see them, and the owner
/// that is left to filter by. An operator names a tree by its root, and another caller has one.
pub(super) fn reach(
    caller: &Caller,
    owner: Option<String>,
    scope: Option<&str>,
) -> Result<(Scope, Option<String>), Failure> {
    match scope {
        None | Some("self") => Ok((caller.scope(), owner)),
        Some("tree") => {
            let named = owner.as_deref().and_then(|root| caller.tree_of(root));
            if let Some(tree) = named {
                return Ok((tree, None));
            }
            if caller.is_operator() {
                return Ok((caller.scope(), None));
            }
            let tree = caller.tree().ok_or_else(|| {
                invalid(
                    "scope",
                    "`tree` is for an organization's key, and for a key at the root of a tree that has the permission on connected accounts.",
                )
            })?;
            Ok((tree, owner))
        }
        Some(_) => Err(invalid("scope", "`scope` is `self` or `tree`.")),
    }
}

fn invalid(param: &str, message: &str) -> Failure {
    Failure::new(Code::ParameterInvalid, message).at(param)
}

fn state(word: &str) -> Result<KeyState, Failure> {
    Ok(match word {
        "active" => KeyState::Active,
        "inactive" => KeyState::Inactive,
        "expired" => KeyState::Expired,
        "deleted" => KeyState::Deleted,
        "suspended" => KeyState::Suspended,
        _ => {
            return Err(invalid(
                "state",
                "`state` is `active`, `inactive`, `expired`, `deleted` or `suspended`.",
            ));
        }
    })
}

pub(crate) fn kind(word: &str) -> Result<KeyKind, Failure> {
    KeyKind::ALL
        .into_iter()
        .find(|kind| kind.name() == word)
        .ok_or_else(|| {
            invalid(
                "kind",
                "`kind` is `secret`, `restricted`, `publishable` or `organization`.",
            )
        })
}

fn livemode(word: &str) -> Result<keyward::key::Livemode, Failure> {
    match word {
        "true" => Ok(mode(true)),
        "false" => Ok(mode(false)),
        _ => Err(invalid("livemode", "`livemode` is `true` or `false`.")),
    }
}

/// Reads a permission with its level, such as `charge_write`.
fn permission(text: &str) -> Result<(String, AccessLevel), Failure> {
    let of = |level: AccessLevel| {
        let name = text.strip_suffix(level.name())?.strip_suffix('_')?;
        Some((name.to_owned(), level))
    };
    of(AccessLevel::Read)
        .or_else(|| of(AccessLevel::Write))
        .ok_or_else(|| {
            invalid(
                "has_permission",
                "Expected a name with its level, such as `charge_write`.",
            )
        })
}
