//! The members of the API's objects that pages read. A key's value is not one of them.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `v2.iam.api_key`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) note: Option<String>,
    pub(crate) livemode: bool,
    pub(crate) created: Option<String>,
    pub(crate) expires_at: Option<String>,
    pub(crate) last_used: Option<String>,
    pub(crate) ip_allowlist: Vec<String>,
    /// None: every permission.
    pub(crate) permissions: Option<Vec<String>>,
    pub(crate) connect_permissions: Option<Vec<String>>,
    pub(crate) secret_key: Option<SecretKey>,
    pub(crate) publishable_key: Option<PublishableKey>,
    pub(crate) keyward: KeyMembers,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct SecretKey {
    pub(crate) secret_token_redacted: String,
}

/// Its value is public.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PublishableKey {
    pub(crate) token: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct KeyMembers {
    pub(crate) kind: String,
    pub(crate) owner: String,
    pub(crate) state: String,
    pub(crate) source: String,
    pub(crate) enforcement: String,
    pub(crate) grant_set: Option<String>,
    pub(crate) connect_grant_set: Option<String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) not_before: Option<String>,
    pub(crate) policy: Option<String>,
    pub(crate) propagation: Propagation,
    pub(crate) replaced_by: Option<String>,
    pub(crate) replaces: Option<String>,
    pub(crate) created_by: Option<MadeBy>,
    pub(crate) left_behind: Option<Vec<String>>,
    pub(crate) version: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct MadeBy {
    pub(crate) id: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Propagation {
    pub(crate) change: u64,
    pub(crate) state: String,
    pub(crate) latest_by: Option<String>,
}

impl Propagation {
    /// Whether no gateway is known that may lack the change. Gateways that watch a file report nothing, and are not waited for.
    pub(crate) fn is_settled(&self) -> bool {
        self.state == "everywhere" || self.state == "published" && self.latest_by.is_none()
    }
}

/// Labels with this prefix are the operator's notes.
pub(crate) const INTERNAL: &str = "internal";

impl Key {
    /// The key as its owner's people see it: without operators' notes and trials.
    pub(crate) fn for_customer(mut self) -> Self {
        self.keyward
            .labels
            .retain(|name, _| !name.starts_with(INTERNAL));
        self.keyward.enforcement = "enforce".to_owned();
        self.keyward.policy = None;
        if self.keyward.source != "portal" {
            self.keyward.created_by = None;
        }
        self
    }

    /// Its title: its name, or its id.
    pub(crate) fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// The part of its value that pages may show.
    pub(crate) fn redacted(&self) -> &str {
        match (&self.publishable_key, &self.secret_key) {
            (Some(public), _) => &public.token,
            (None, Some(secret)) => &secret.secret_token_redacted,
            (None, None) => "",
        }
    }

    pub(crate) fn mode(&self) -> &'static str {
        if self.livemode { "live" } else { "test" }
    }

    /// The file that owns it.
    pub(crate) fn file(&self) -> Option<&str> {
        self.keyward.source.strip_prefix("file:")
    }

    /// Whether it can still be used, now or later.
    pub(crate) fn is_in_use(&self) -> bool {
        !matches!(self.keyward.state.as_str(), "expired" | "deleted")
    }
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct List<T> {
    pub(crate) data: Vec<T>,
    pub(crate) next_page_url: Option<String>,
    pub(crate) previous_page_url: Option<String>,
}

/// The cursor in an address that the API gave.
pub(crate) fn cursor(url: Option<&str>) -> Option<&str> {
    let (_, query) = url?.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("page="))
}

/// `keyward.account`.
#[derive(Debug, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
}

/// `keyward.grant_set`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct GrantSet {
    pub(crate) name: String,
    pub(crate) permissions: Vec<String>,
}
