//! The object `v2.iam.api_key`.

use keyward::account::AccountStatus;
use keyward::key::{KeyKind, Livemode};
use keyward::management::{Granted, Key, KeyGrants};
use keyward::profile::Profile;
use serde::Serialize;
use serde_json::Value;

use crate::fleet::Fleet;
use crate::service::failure::Stored;
use crate::shown::{
    MadeBy, Propagation, enforcement_name, granted_names, key_type, made_by, propagation, value,
};
use crate::store::{Reader, Scope, StoredKey};
use crate::time;

/// The data for a key's object.
pub(crate) struct KeyView {
    pub(crate) stored: StoredKey,
    /// The permissions that result from its grants.
    own: Option<Granted>,
    connected: Option<Granted>,
    is_suspended: bool,
    policy: Option<String>,
}

impl KeyView {
    /// Reads the data that belongs to a key.
    pub(crate) fn read(reader: &Reader<'_>, stored: StoredKey) -> Result<Self, Stored> {
        let account = reader.account(&Scope::everything(), &stored.key.owner)?;
        let side = |grants: &Option<KeyGrants>| -> Result<Option<Granted>, Stored> {
            Ok(match grants {
                None => None,
                Some(KeyGrants::Inline(granted)) => Some(granted.clone()),
                Some(KeyGrants::Set(name)) => {
                    let set = reader.grant_set(name)?;
                    Some(set.map(|set| set.granted).unwrap_or_default())
                }
            })
        };
        Ok(Self {
            own: side(&stored.key.grants)?,
            connected: side(&stored.key.connect_grants)?,
            is_suspended: account
                .as_ref()
                .is_some_and(|account| account.account.status == AccountStatus::Suspended),
            policy: account.and_then(|account| account.settings.policy),
            stored,
        })
    }

    /// Returns the object, without any value.
    pub(crate) fn object(&self, now: u64, fleet: &Fleet) -> Result<Value, Stored> {
        Ok(value(self.api_key(now, fleet))?)
    }

    fn state(&self, now: u64) -> &'static str {
        let key = &self.stored.key;
        if key.is_deleted() {
            "deleted"
        } else if key.is_expired(now) {
            "expired"
        } else if self.is_suspended {
            "suspended"
        } else if key.is_live_at(now) {
            "active"
        } else {
            "inactive"
        }
    }

    fn api_key(&self, now: u64, fleet: &Fleet) -> ApiKey {
        let key = &self.stored.key;
        let state = self.state(now);
        let (own, connected) = self.permissions();
        let set = |grants: &Option<KeyGrants>| match grants {
            Some(KeyGrants::Set(name)) => Some(name.clone()),
            Some(KeyGrants::Inline(_)) | None => None,
        };
        ApiKey {
            connect_permissions: connected,
            created: key.created.map(time::written),
            expires_at: key.expires.map(time::written),
            id: key.id.clone(),
            ip_allowlist: key.allowed_ips.clone(),
            keyward: KeywardMembers {
                connect_grant_set: set(&key.connect_grants),
                created_by: made_by(key.created_by.as_deref()),
                enforcement: enforcement_name(key.enforcement),
                grant_set: set(&key.grants),
                kind: key.kind.name(),
                labels: key.labels.clone().into_iter().collect(),
                left_behind: None,
                not_before: key.not_before.map(time::written),
                owner: key.owner.clone(),
                policy: self.policy.clone(),
                propagation: propagation(self.stored.changed, fleet.come(self.stored.changed)),
                replaced_by: key.replaced_by.clone(),
                replaces: key.replaces.clone(),
                root: self.stored.root.clone(),
                source: self.stored.source.clone(),
                state,
                usage: None,
                user_id: key.labels.get("user_id").cloned(),
                version: self.stored.version,
            },
            last_used: None,
            livemode: key.mode.is_live(),
            managed_by: None,
            name: key.name.clone(),
            note: key.note.clone(),
            object: "v2.iam.api_key",
            permissions: own,
            publishable_key: key.value.clone().map(|token| PublishableKey { token }),
            secret_key: (key.kind != KeyKind::Publishable).then(|| SecretKey {
                encrypted_secret: None,
                secret_token_redacted: redacted(key),
                token: None,
            }),
            status: state,
            r#type: key_type(key.kind),
        }
    }

    /// Returns the permissions: `null` means every permission, and an empty list means none.
    fn permissions(&self) -> (Option<Vec<String>>, Option<Vec<String>>) {
        let names = |granted: &Option<Granted>| granted.as_ref().map(granted_names);
        let (own, connected) = (names(&self.own), names(&self.connected));
        match self.stored.key.kind {
            KeyKind::Publishable => (Some(Vec::new()), Some(Vec::new())),
            KeyKind::Restricted => (
                Some(own.unwrap_or_default()),
                Some(connected.unwrap_or_default()),
            ),
            KeyKind::Organization => {
                let connected = connected.or_else(|| own.clone());
                (own, connected)
            }
            KeyKind::Secret => {
                // If grants are only set for the key's own account, it has none on connected
                // accounts.
                let connected = connected.or_else(|| own.is_some().then(Vec::new));
                (own, connected)
            }
        }
    }
}

/// Returns a masked key such as `rk_test_****hixR`.
fn redacted(key: &Key) -> String {
    let stripe = Profile::stripe();
    let names_mode = |prefix: &&str| match key.mode {
        Livemode::Live => prefix.ends_with("_live_"),
        Livemode::Test => prefix.ends_with("_test_"),
    };
    let prefix = stripe
        .key_prefixes(key.kind)
        .find(names_mode)
        .or_else(|| stripe.key_prefixes(key.kind).next());
    format!(
        "{}****{}",
        prefix.unwrap_or_default(),
        key.last4.as_deref().unwrap_or_default()
    )
}

/// A key, as Stripe's SDKs read it. Members are in the order of their names.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ApiKey {
    /// On connected accounts; null is every permission.
    connect_permissions: Option<Vec<String>>,
    created: Option<String>,
    expires_at: Option<String>,
    id: String,
    ip_allowlist: Vec<String>,
    keyward: KeywardMembers,
    /// The last request that passed; null where none is known.
    last_used: Option<String>,
    livemode: bool,
    managed_by: Option<String>,
    name: Option<String>,
    note: Option<String>,
    object: &'static str,
    /// Null is every permission, an empty list none.
    permissions: Option<Vec<String>>,
    publishable_key: Option<PublishableKey>,
    secret_key: Option<SecretKey>,
    status: &'static str,
    r#type: &'static str,
}

/// What Stripe's object does not have.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct KeywardMembers {
    connect_grant_set: Option<String>,
    created_by: Option<MadeBy>,
    enforcement: &'static str,
    grant_set: Option<String>,
    kind: &'static str,
    labels: std::collections::BTreeMap<String, String>,
    /// What a duplicate does not have of the other key.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_behind: Option<Vec<String>>,
    not_before: Option<String>,
    owner: String,
    policy: Option<String>,
    propagation: Propagation,
    replaced_by: Option<String>,
    replaces: Option<String>,
    root: String,
    source: String,
    state: &'static str,
    usage: Option<Value>,
    user_id: Option<String>,
    version: u64,
}

/// A publishable key's value is public.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct PublishableKey {
    token: String,
}

/// A secret value is shown once, in the answers of create and rotate.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SecretKey {
    encrypted_secret: Option<String>,
    secret_token_redacted: String,
    token: Option<String>,
}
