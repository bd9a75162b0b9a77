//! What several objects of the API have in common.

use keyward::key::{KeyKind, Livemode};
use keyward::management::{Granted, Policy, Secret};
use keyward::snapshot::Enforcement;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::fleet::Come;
use crate::http::failure::{Code, Failure};
use crate::span::written;
use crate::time;

/// How far a change has come.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Propagation {
    pub(crate) change: u64,
    /// From when on a gateway that lacks the change denies by itself, where that is known.
    pub(crate) latest_by: Option<String>,
    pub(crate) revision: Option<u64>,
    pub(crate) state: ChangeState,
}

/// Whether a change is in the snapshot that was published last, and whether every gateway that follows the feed has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChangeState {
    Committed,
    Published,
    Everywhere,
}

/// Who made something.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MadeBy {
    pub(crate) id: String,
    pub(crate) session: Option<String>,
    pub(crate) r#type: &'static str,
}

/// All that a policy says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PolicyValues {
    pub(crate) allow_activity: bool,
    pub(crate) allow_delete: bool,
    pub(crate) allow_requests: bool,
    pub(crate) connect_permissions: Option<Vec<String>>,
    pub(crate) default_lifetime: Option<String>,
    pub(crate) delegation: &'static str,
    pub(crate) free_choice: bool,
    pub(crate) grant_sets: Vec<String>,
    pub(crate) kinds: Vec<&'static str>,
    pub(crate) max_keys: Option<u64>,
    pub(crate) max_lifetime: Option<String>,
    pub(crate) modes: Vec<&'static str>,
    pub(crate) overlaps: Vec<String>,
    pub(crate) permissions: Option<Vec<String>>,
    pub(crate) require_ip_allowlist: RequiredIps,
}

/// Whether keys of a mode must have allowed addresses.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequiredIps {
    pub(crate) live: bool,
    pub(crate) test: bool,
}

/// An object that the store's answer is to hold.
pub(crate) fn value(object: impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(object)
        .map_err(|_| Failure::new(Code::Internal, "The object cannot be shown."))
}

/// `customer_read`: canonical names, sorted, one for each permission.
pub(crate) fn granted_names(granted: &Granted) -> Vec<String> {
    let names = granted.iter();
    let mut names: Vec<String> = names
        .map(|(name, level)| format!("{name}_{}", level.name()))
        .collect();
    names.sort_unstable();
    names
}

/// A time, or null.
pub(crate) fn time_or_null(seconds: Option<u64>) -> Value {
    seconds.map_or(Value::Null, |seconds| json!(time::written(seconds)))
}

/// Stripe's two types: restricted and organization keys are secret ones.
pub(crate) fn key_type(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Secret | KeyKind::Restricted | KeyKind::Organization => "secret_key",
        KeyKind::Publishable => "publishable_key",
    }
}

/// `enforce` or `shadow`.
pub(crate) fn enforcement_name(enforcement: Enforcement) -> &'static str {
    match enforcement {
        Enforcement::Enforce => "enforce",
        Enforcement::Shadow => "shadow",
    }
}

/// How far a change has come.
pub(crate) fn propagation(change: u64, come: Come) -> Propagation {
    let (state, revision, latest_by) = match come {
        Come::Committed => (ChangeState::Committed, None, None),
        Come::Published {
            revision,
            latest_by,
        } => (ChangeState::Published, Some(revision), latest_by),
        Come::Everywhere { revision } => (ChangeState::Everywhere, Some(revision), None),
    };
    Propagation {
        change,
        latest_by: latest_by.map(time::written),
        revision,
        state,
    }
}

/// Who made something, of the text that records keep.
pub(crate) fn made_by(text: Option<&str>) -> Option<MadeBy> {
    let text = text?;
    let kind = if text.starts_with("mk_") {
        "api_key"
    } else if text.starts_with("local:") {
        "local"
    } else if text == "system" {
        "system"
    } else {
        "user"
    };
    Some(MadeBy {
        id: text.to_owned(),
        session: None,
        r#type: kind,
    })
}

/// All that a policy says.
pub(crate) fn policy_members(policy: &Policy) -> PolicyValues {
    PolicyValues {
        allow_activity: policy.allow_activity,
        allow_delete: policy.allow_delete,
        allow_requests: policy.allow_requests,
        connect_permissions: policy.connect_permissions.as_ref().map(granted_names),
        default_lifetime: policy.default_lifetime.map(written),
        delegation: policy.delegation.name(),
        free_choice: policy.free_choice,
        grant_sets: policy.grant_sets.clone(),
        kinds: policy
            .kinds
            .iter()
            .copied()
            .map(KeyKind::name)
            .collect::<Vec<_>>(),
        max_keys: policy.max_keys,
        max_lifetime: policy.max_lifetime.map(written),
        modes: policy
            .modes
            .iter()
            .copied()
            .map(Livemode::name)
            .collect::<Vec<_>>(),
        overlaps: policy
            .overlaps
            .iter()
            .copied()
            .map(written)
            .collect::<Vec<_>>(),
        permissions: policy.permissions.as_ref().map(granted_names),
        require_ip_allowlist: RequiredIps {
            live: policy.require_ip_allowlist.live,
            test: policy.require_ip_allowlist.test,
        },
    }
}

/// Objects with values in place of the `null` at `secret_key.token` of their keys. A value is never put into another structure first.
pub(crate) struct WithTokens<'a> {
    pub(crate) value: &'a Value,
    /// By the ids of the keys.
    pub(crate) tokens: &'a [(String, Secret)],
}

impl Serialize for WithTokens<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tokens = self.tokens;
        match self.value {
            Value::Array(elements) => {
                serializer.collect_seq(elements.iter().map(|value| WithTokens { value, tokens }))
            }
            Value::Object(members) => {
                let id = members.get("id").and_then(Value::as_str);
                let token = tokens.iter().find(|(of, _)| Some(of.as_str()) == id);
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    match (token, name.as_str(), value.as_object()) {
                        (Some((_, secret)), "secret_key", Some(members)) => {
                            map.serialize_entry(name, &SecretKey { members, secret })?;
                        }
                        _ => map.serialize_entry(name, &WithTokens { value, tokens })?,
                    }
                }
                map.end()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                self.value.serialize(serializer)
            }
        }
    }
}

struct SecretKey<'a> {
    members: &'a Map<String, Value>,
    secret: &'a Secret,
}

impl Serialize for SecretKey<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.members.len()))?;
        for (name, value) in self.members {
            if name == "token" {
                map.serialize_entry(name, self.secret.expose())?;
            } else {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_change_says_by_when_it_is_in_force_at_the_latest() {
        let shown = |come| json!(propagation(7, come));
        let published = shown(Come::Published {
            revision: 100,
            latest_by: Some(1_795_946_400),
        });
        assert_eq!(published["state"], "published");
        assert_eq!(published["revision"], 100);
        assert_eq!(published["latest_by"], "2026-11-29T10:00:00.000Z");
        let everywhere = shown(Come::Everywhere { revision: 100 });
        assert_eq!(everywhere["state"], "everywhere");
        assert_eq!(everywhere["latest_by"], Value::Null);
        assert_eq!(shown(Come::Committed)["revision"], Value::Null);
    }
}
