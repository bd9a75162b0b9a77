//! The API's objects as they are read, and the records that they describe. Members that a newer
//! server adds are ignored.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

use keyward::account::{AccountStatus, Children};
use keyward::digest::KeyDigest;
use keyward::key::{KeyKind, Livemode};
use keyward::permission::AccessLevel;
use keyward::snapshot::{Enforcement, KeyStatus};
use keyward_files::key_file::{Account, Granted, Key, KeyGrants};

/// A key.
#[derive(Deserialize)]
pub(super) struct ApiKey {
    pub(super) id: String,
    created: Option<String>,
    connect_permissions: Option<Vec<String>>,
    expires_at: Option<String>,
    #[serde(default)]
    ip_allowlist: Vec<String>,
    pub(super) keyward: KeyMembers,
    livemode: bool,
    name: Option<String>,
    note: Option<String>,
    permissions: Option<Vec<String>>,
    publishable_key: Option<PublishableKey>,
    secret_key: Option<SecretKey>,
}

/// Members that Stripe's object does not have.
#[derive(Deserialize)]
pub(super) struct KeyMembers {
    connect_grant_set: Option<String>,
    created_by: Option<MadeBy>,
    enforcement: String,
    grant_set: Option<String>,
    kind: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    not_before: Option<String>,
    pub(super) owner: String,
    pub(super) replaced_by: Option<String>,
    pub(super) replaces: Option<String>,
    pub(super) state: String,
    pub(super) version: u64,
}

#[derive(Deserialize)]
struct MadeBy {
    id: String,
}

#[derive(Deserialize)]
struct PublishableKey {
    token: String,
}

#[derive(Deserialize)]
struct SecretKey {
    secret_token_redacted: String,
    token: Option<Zeroizing<String>>,
}

impl ApiKey {
    /// Takes the value, which only one answer contains. A publishable key's value is public and
    /// always present.
    pub(super) fn take_value(&mut self) -> Option<Zeroizing<String>> {
        if let Some(public) = &self.publishable_key {
            return Some(Zeroizing::new(public.token.clone()));
        }
        self.secret_key.as_mut()?.token.take()
    }

    /// Whether its owner is suspended.
    pub(super) fn is_suspended(&self) -> bool {
        self.keyward.state == "suspended"
    }

    /// Returns the record. The server shows no digest, and no decision here needs one.
    pub(super) fn record(&self) -> Result<Key> {
        let mine = &self.keyward;
        let kinds = KeyKind::ALL.into_iter();
        let kind = kinds.clone().find(|kind| kind.name() == mine.kind);
        let kind = kind.context(
            "the server shows a key of a kind that this version does not know; use a newer keyward",
        )?;
        let mode = if self.livemode {
            Livemode::Live
        } else {
            Livemode::Test
        };
        let own = side(mine.grant_set.as_ref(), self.permissions.as_ref())?;
        let connected = side(
            mine.connect_grant_set.as_ref(),
            self.connect_permissions.as_ref(),
        )?;
        let (grants, connect_grants) = match kind {
            KeyKind::Publishable => (None, None),
            KeyKind::Restricted => (own, connected.filter(|grants| !is_nothing(grants))),
            // If nothing was specified for connected accounts, the server shows the resulting
            // permissions.
            KeyKind::Secret => {
                let implied = own.is_some();
                (
                    own,
                    connected.filter(|grants| !(implied && is_nothing(grants))),
                )
            }
            KeyKind::Organization => {
                let connected = connected.filter(|_| {
                    mine.connect_grant_set.is_some() || self.connect_permissions != self.permissions
                });
                (own, connected)
            }
        };
        let secret = self.secret_key.as_ref();
        let last4 = secret.and_then(|secret| secret.secret_token_redacted.rsplit_once("****"));
        Ok(Key {
            name: self.name.clone(),
            note: self.note.clone(),
            labels: mine.labels.clone(),
            created: seconds(self.created.as_deref())?,
            created_by: mine.created_by.as_ref().map(|by| by.id.clone()),
            grants,
            connect_grants,
            allowed_ips: self.ip_allowlist.clone(),
            expires: seconds(self.expires_at.as_deref())?,
            not_before: seconds(mine.not_before.as_deref())?,
            status: match mine.state.as_str() {
                "deleted" => KeyStatus::Deleted,
                _ => KeyStatus::Active,
            },
            enforcement: match mine.enforcement.as_str() {
                "shadow" => Enforcement::Shadow,
                _ => Enforcement::Enforce,
            },
            replaces: mine.replaces.clone(),
            replaced_by: mine.replaced_by.clone(),
            last4: last4
                .map(|(_, end)| end.to_owned())
                .filter(|end| !end.is_empty()),
            value: self
                .publishable_key
                .as_ref()
                .map(|public| public.token.clone()),
            ..Key::new(
                &self.id,
                kind,
                mode,
                &mine.owner,
                KeyDigest::of(self.id.as_bytes()),
            )
        })
    }

    /// Returns the sets that it follows, with their permissions.
    pub(super) fn sets(&self) -> Result<Vec<(String, Granted)>> {
        let mine = &self.keyward;
        let sides = [
            (&mine.grant_set, &self.permissions),
            (&mine.connect_grant_set, &self.connect_permissions),
        ];
        let mut sets = Vec::new();
        for (set, permissions) in sides {
            if let (Some(set), Some(permissions)) = (set, permissions) {
                sets.push((set.clone(), granted(permissions)?));
            }
        }
        Ok(sets)
    }
}

fn is_nothing(grants: &KeyGrants) -> bool {
    matches!(grants, KeyGrants::Inline(granted) if granted.is_empty())
}

fn side(set: Option<&String>, permissions: Option<&Vec<String>>) -> Result<Option<KeyGrants>> {
    Ok(match (set, permissions) {
        (Some(set), _) => Some(KeyGrants::Set(set.clone())),
        (None, Some(permissions)) => Some(KeyGrants::Inline(granted(permissions)?)),
        (None, None) => None,
    })
}

/// Parses grants as the API spells them: `customer_read`.
pub(super) fn granted(permissions: &[String]) -> Result<Granted> {
    let read = |text: &String| {
        let (name, level) = text.rsplit_once('_')?;
        Some((name.to_owned(), level_of(level)?))
    };
    let all = permissions.iter().map(|text| {
        read(text).with_context(|| format!("the server shows an invalid permission: `{text}`"))
    });
    all.collect()
}

fn level_of(word: &str) -> Option<AccessLevel> {
    [AccessLevel::Read, AccessLevel::Write]
        .into_iter()
        .find(|level| level.name() == word)
}

/// Parses RFC 3339 to Unix seconds.
pub(super) fn seconds(text: Option<&str>) -> Result<Option<u64>> {
    let Some(text) = text else {
        return Ok(None);
    };
    let time: Option<Timestamp> = text.parse().ok();
    let seconds = time.and_then(|time| u64::try_from(time.as_second()).ok());
    seconds
        .map(Some)
        .with_context(|| format!("the server shows an invalid time: `{text}`"))
}

/// An account.
#[derive(Deserialize)]
pub(super) struct AccountObject {
    children: String,
    pub(super) counts: Counts,
    #[serde(default)]
    pub(super) first_keys: Vec<ApiKey>,
    pub(super) id: String,
    name: Option<String>,
    pub(super) parent: Option<String>,
    status: String,
    pub(super) version: u64,
}

/// How many keys it has: those that are not deleted, including expired ones, and deleted ones.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Counts {
    pub(super) deleted: usize,
    pub(super) in_use: usize,
}

impl AccountObject {
    /// Returns the record.
    pub(super) fn record(&self) -> Account {
        Account {
            name: self.name.clone(),
            parent: self.parent.clone(),
            children: match self.children.as_str() {
                "any" => Children::Any,
                _ => Children::Listed,
            },
            status: match self.status.as_str() {
                "suspended" => AccountStatus::Suspended,
                _ => AccountStatus::Active,
            },
            ..Account::new(&self.id)
        }
    }
}

/// A grant set.
#[derive(Deserialize)]
pub(super) struct GrantSetObject {
    pub(super) name: String,
    pub(super) permissions: Vec<String>,
    pub(super) version: u64,
}

/// A permission that can be granted.
#[derive(Deserialize)]
pub(super) struct PermissionObject {
    pub(super) levels: Vec<String>,
    pub(super) name: String,
}

impl PermissionObject {
    pub(super) fn levels(&self) -> Vec<AccessLevel> {
        self.levels
            .iter()
            .filter_map(|word| level_of(word))
            .collect()
    }
}

/// A row of the trail.
#[derive(Deserialize)]
pub(super) struct ActivityLog {
    pub(super) actor: Actor,
    pub(super) created: String,
    pub(super) keyward: ActivityMembers,
    pub(super) r#type: String,
}

#[derive(Deserialize)]
pub(super) struct Actor {
    pub(super) api_key: Option<ActorKey>,
    pub(super) user: Option<ActorUser>,
    pub(super) id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ActorKey {
    pub(super) id: String,
}

#[derive(Deserialize)]
pub(super) struct ActorUser {
    pub(super) email: String,
}

#[derive(Deserialize)]
pub(super) struct ActivityMembers {
    #[serde(default)]
    pub(super) changes: Vec<ActivityChange>,
}

#[derive(Deserialize)]
pub(super) struct ActivityChange {
    pub(super) member: String,
}
