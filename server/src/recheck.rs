//! The core's own decision, asked again about the caller's key as it is in the store now. A decision begins with a raw key, which the gateway keeps to
//! itself: so the key is given a stand-in, and everything else is as it was.

use axum::http::HeaderMap;
use axum::http::request::Parts;
use keyward::configuration::{Configuration, PRINCIPAL_HEADER};
use keyward::digest::KeyDigest;
use keyward::key::{KeyKind, Livemode};
use keyward::management::{Facts, Granted, Key, KeyNeed, Links, Needs};
use keyward_files::key_file::{account_row, key_row, permissions_row};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::store::{self, Reader, Scope};

/// A caller's key, and what a decision about it rests on.
pub(crate) struct Recheck {
    key: Key,
    facts: Facts,
}

/// What follows the prefix of the stand-in: no key is made of these characters.
const STAND_IN: &str = "stand-in";

/// Returns the accounts that a request names.
pub(crate) fn named(app: &App, headers: &HeaderMap) -> Vec<String> {
    let names = app.profile.names();
    [&names.context_header, &names.account_header]
        .into_iter()
        .flat_map(|name| headers.get_all(name.lower()))
        .filter_map(|value| value.to_str().ok())
        .flat_map(|path| path.split('/'))
        .take(16)
        .filter(|account| app.profile.names().ids.kind(account).is_some())
        .map(str::to_owned)
        .collect()
}

impl Recheck {
    /// Reads a key, the accounts above it, and those that the request names.
    pub(crate) fn read(
        reader: &Reader<'_>,
        id: &str,
        named: &[String],
        now: u64,
    ) -> store::Result<Option<Self>> {
        let needs = Needs {
            keys: vec![KeyNeed {
                id: id.to_owned(),
                links: Links::None,
            }],
            accounts: named.to_vec(),
            ..Needs::default()
        };
        let facts = reader.facts(&Scope::everything(), &needs, now)?;
        let key = facts.key(id).map(|fact| fact.key.clone());
        Ok(key.map(|key| Self { key, facts }))
    }

    /// Whether all that was read is still the same. Time also ends keys: ask [`Self::is_live_at`].
    pub(crate) fn is_unchanged(&self, reader: &Reader<'_>) -> store::Result<bool> {
        let everything = Scope::everything();
        let key = reader.key(&everything, &self.key.id)?;
        if key.is_none_or(|stored| stored.key != self.key) {
            return Ok(false);
        }
        for fact in &self.facts.accounts {
            let account = reader.account(&everything, &fact.account.id)?;
            if account.is_none_or(|stored| stored.account != fact.account) {
                return Ok(false);
            }
        }
        for fact in &self.facts.grant_sets {
            let set = reader.grant_set(&fact.name)?;
            if set.is_none_or(|stored| stored.granted != fact.granted) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(crate) fn is_live_at(&self, now: u64) -> bool {
        self.key.is_live_at(now)
    }

    /// Whether the key may do everything on some account.
    pub(crate) fn is_unrestricted(&self) -> bool {
        match self.key.kind {
            KeyKind::Secret | KeyKind::Organization => self.key.grants.is_none(),
            KeyKind::Restricted | KeyKind::Publishable => false,
        }
    }

    pub(crate) fn mode(&self) -> Livemode {
        self.key.mode
    }

    pub(crate) fn owner(&self) -> &str {
        &self.key.owner
    }

    pub(crate) fn is_of_organization(&self) -> bool {
        self.key.kind == KeyKind::Organization
    }

    /// What the key may do on the account that it acts on, and on accounts connected to that.
    pub(crate) fn granted(&self, is_own: bool) -> (Granted, Granted) {
        let side = |grants: &Option<_>| {
            let granted = grants
                .as_ref()
                .and_then(|grants| self.facts.granted(grants));
            granted.cloned().unwrap_or_default()
        };
        let (own, connected) = (side(&self.key.grants), side(&self.key.connect_grants));
        if is_own {
            let connected = match self.key.connect_grants {
                None if self.is_of_organization() => own.clone(),
                Some(_) | None => connected,
            };
            (own, connected)
        } else {
            (connected.clone(), connected)
        }
    }

    /// When the key ends, if it does.
    pub(crate) fn ends(&self) -> Option<u64> {
        self.key.expires
    }

    /// A label of the key.
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.key.labels.get(name).map(String::as_str)
    }

    /// The account, if it is a root.
    pub(crate) fn root_of(&self, account: &str) -> Option<String> {
        let fact = self.facts.account(account)?;
        fact.account.parent.is_none().then(|| account.to_owned())
    }

    /// What a gateway would decide by, of this key.
    pub(crate) fn configuration(
        &self,
        app: &App,
    ) -> Result<Configuration, keyward::refusal::Refusal> {
        let mut key = key_row(&self.key);
        key.sha256 = KeyDigest::of(self.stand_in(app).as_bytes()).to_string();
        let accounts: Vec<_> = self
            .facts
            .accounts
            .iter()
            .map(|fact| account_row(&fact.account))
            .collect();
        let sets: Map<String, Value> = self
            .facts
            .grant_sets
            .iter()
            .map(|fact| (fact.name.clone(), json!(permissions_row(&fact.granted))))
            .collect();
        let mut text = json!({
            "snapshot": {
                "format": keyward::snapshot::FORMAT,
                "revision": 1,
                "issued_at": 1,
                "accounts": accounts,
                "grant_sets": sets,
                "endpoints": app.described.endpoint_rows,
                "keys": [key],
            },
        });
        if let (Some(members), Some(all)) = (&app.profile_members, text.as_object_mut()) {
            all.insert("profile".to_owned(), members.clone());
        }
        Configuration::from_json(text.to_string().as_bytes())
    }

    /// The request's headers, with the stand-in in place of the credential.
    pub(crate) fn headers(&self, app: &App, head: &Parts) -> Vec<(String, Vec<u8>)> {
        let path = head.uri.path_and_query().map_or("", |path| path.as_str());
        let mut headers = vec![
            (":method".to_owned(), head.method.as_str().into()),
            (":path".to_owned(), path.into()),
            (
                "authorization".to_owned(),
                format!("Bearer {}", self.stand_in(app)).into_bytes(),
            ),
        ];
        for (name, value) in &head.headers {
            if !matches!(name.as_str(), "authorization" | PRINCIPAL_HEADER) {
                headers.push((name.as_str().to_owned(), value.as_bytes().to_vec()));
            }
        }
        headers
    }

    fn stand_in(&self, app: &App) -> String {
        let prefix = app
            .profile
            .key_prefixes(self.key.kind)
            .next()
            .unwrap_or_default();
        format!("{prefix}{STAND_IN}")
    }
}
