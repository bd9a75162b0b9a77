//! A policy as it is stored, member by member. The API's form of a policy may change, but this one
//! may not.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use keyward::key::{KeyKind, Livemode};
use keyward::management::{Delegation, Policy, RequiredIps};

use super::granted;
use crate::store::columns::damaged;
use crate::store::error::Result;
use keyward::invariant::Held;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    kinds: Vec<String>,
    modes: Vec<String>,
    permissions: Option<Json>,
    connect_permissions: Option<Json>,
    grant_sets: Vec<String>,
    free_choice: bool,
    max_lifetime: Option<u64>,
    default_lifetime: Option<u64>,
    max_keys: Option<u64>,
    require_ip_allowlist: Required,
    overlaps: Vec<u64>,
    delegation: String,
    allow_delete: bool,
    allow_requests: bool,
    allow_activity: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Required {
    live: bool,
    test: bool,
}

pub(super) fn to_text(policy: &Policy) -> String {
    let Policy {
        kinds,
        modes,
        permissions,
        connect_permissions,
        grant_sets,
        free_choice,
        max_lifetime,
        default_lifetime,
        max_keys,
        require_ip_allowlist,
        overlaps,
        delegation,
        allow_delete,
        allow_requests,
        allow_activity,
    } = policy;
    let body = Body {
        kinds: kinds.iter().map(|kind| kind.name().to_owned()).collect(),
        modes: modes.iter().map(|mode| mode.name().to_owned()).collect(),
        permissions: permissions.as_ref().map(granted::to_json),
        connect_permissions: connect_permissions.as_ref().map(granted::to_json),
        grant_sets: grant_sets.clone(),
        free_choice: *free_choice,
        max_lifetime: *max_lifetime,
        default_lifetime: *default_lifetime,
        max_keys: *max_keys,
        require_ip_allowlist: Required {
            live: require_ip_allowlist.live,
            test: require_ip_allowlist.test,
        },
        overlaps: overlaps.clone(),
        delegation: delegation.name().to_owned(),
        allow_delete: *allow_delete,
        allow_requests: *allow_requests,
        allow_activity: *allow_activity,
    };
    let text = serde_json::to_string(&body).ok();
    text.held("texts, numbers and lists of them have a form in JSON")
}

pub(super) fn from_text(text: &str) -> Result<Policy> {
    let broken = |_| damaged("policies.body");
    let body: Body = serde_json::from_str(text).map_err(broken)?;
    let granted = |json: Option<Json>| match json {
        Some(json) => granted::from_text(&json.to_string()).map(Some),
        None => Ok(None),
    };
    Ok(Policy {
        kinds: body
            .kinds
            .iter()
            .map(|name| kind(name))
            .collect::<Result<_>>()?,
        modes: body
            .modes
            .iter()
            .map(|name| mode(name))
            .collect::<Result<_>>()?,
        permissions: granted(body.permissions)?,
        connect_permissions: granted(body.connect_permissions)?,
        grant_sets: body.grant_sets,
        free_choice: body.free_choice,
        max_lifetime: body.max_lifetime,
        default_lifetime: body.default_lifetime,
        max_keys: body.max_keys,
        require_ip_allowlist: RequiredIps {
            live: body.require_ip_allowlist.live,
            test: body.require_ip_allowlist.test,
        },
        overlaps: body.overlaps,
        delegation: [Delegation::Policy, Delegation::Own]
            .into_iter()
            .find(|delegation| delegation.name() == body.delegation)
            .ok_or_else(|| damaged("policies.body"))?,
        allow_delete: body.allow_delete,
        allow_requests: body.allow_requests,
        allow_activity: body.allow_activity,
    })
}

fn kind(name: &str) -> Result<KeyKind> {
    let mut kinds = KeyKind::ALL.into_iter();
    kinds
        .find(|kind| kind.name() == name)
        .ok_or_else(|| damaged("policies.body"))
}

fn mode(name: &str) -> Result<Livemode> {
    let mut modes = [Livemode::Test, Livemode::Live].into_iter();
    modes
        .find(|mode| mode.name() == name)
        .ok_or_else(|| damaged("policies.body"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_as_it_was_written() {
        let default = Policy::default();
        assert_eq!(from_text(&to_text(&default)), Ok(default.clone()));
        let other = Policy {
            kinds: KeyKind::ALL.to_vec(),
            permissions: None,
            max_keys: None,
            delegation: Delegation::Own,
            require_ip_allowlist: RequiredIps {
                live: true,
                test: false,
            },
            ..default
        };
        assert_eq!(from_text(&to_text(&other)), Ok(other));
    }

    #[test]
    fn what_is_no_policy_is_damage() {
        let text = to_text(&Policy::default()).replace("restricted", "unlimited");
        assert_eq!(from_text(&text), Err(damaged("policies.body")));
        assert_eq!(from_text("{}"), Err(damaged("policies.body")));
    }
}
