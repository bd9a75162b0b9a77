//! The keys that `keyward keys list` and `revoke` examine, and the key that `show` shows.

use anyhow::Result;

use super::Server;
use super::lists::Found;
use super::mirror::Seen;

/// The server's filters. Their result may contain more keys than wanted, so it is filtered again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    /// The named accounts. Each must exist.
    pub(crate) owners: Vec<String>,
    pub(crate) kind: Option<&'static str>,
    pub(crate) is_live: Option<bool>,
    pub(crate) label: Option<String>,
    /// Whether permissions are named. Each must exist.
    pub(crate) by_permission: bool,
}

impl Filter {
    /// Whether the filter matches everything.
    pub(crate) fn is_everything(&self) -> bool {
        let Self {
            owners,
            kind,
            is_live,
            label,
            by_permission,
        } = self;
        owners.is_empty()
            && kind.is_none()
            && is_live.is_none()
            && label.is_none()
            && !by_permission
    }
}

impl Server {
    /// Returns the keys that may match, including deleted ones, in the order of their creation. An
    /// unknown owner is not among the accounts.
    pub(crate) fn listed(&self, filter: &Filter) -> Result<Seen> {
        let mut mirror = self.mirror()?;
        if filter.by_permission {
            mirror.put_permissions(self.permissions()?);
        }
        for owner in &filter.owners {
            self.read_account(&mut mirror, owner)?;
        }
        let mut pairs = vec![("include_expired", "true")];
        if let [owner] = filter.owners.as_slice() {
            pairs.push(("owner", owner));
        }
        if let Some(kind) = filter.kind {
            pairs.push(("kind", kind));
        }
        match filter.is_live {
            Some(true) => pairs.push(("livemode", "true")),
            Some(false) => pairs.push(("livemode", "false")),
            None => {}
        }
        if let Some(label) = &filter.label {
            pairs.push(("label", label));
        }
        // Only accounts that exist have keys; the caller handles the others.
        let are_there = filter.owners.iter().all(|id| mirror.has_account(id));
        let keys = if are_there {
            self.keys_of_all(&pairs)?
        } else {
            // These are for a suggestion.
            if let Ok(accounts) = self.accounts(&[], Some(1_000))? {
                accounts.iter().for_each(|one| mirror.put_account(one));
            }
            Vec::new()
        };
        for key in keys.iter().rev() {
            mirror.put_key(key)?;
        }
        Ok(mirror.into_seen())
    }

    /// Returns every key, account and grant set that is needed to show `id`.
    pub(crate) fn shown_key(&self, id: &str) -> Result<Seen> {
        let mut mirror = self.mirror()?;
        mirror.put_permissions(self.permissions()?);
        match self.key(id)? {
            Found::There(key) => {
                self.read_account(&mut mirror, &key.keyward.owner)?;
                mirror.put_key(&key)?;
            }
            Found::Missing | Found::Forbidden => {
                for key in self.keys(&[("include_expired", "true")], Some(1_000))? {
                    mirror.put_key(&key)?;
                }
            }
        }
        Ok(mirror.into_seen())
    }

    /// Returns all grant sets.
    pub(crate) fn all_sets(&self) -> Result<Seen> {
        let mut mirror = self.mirror()?;
        mirror.put_permissions(self.permissions()?);
        self.read_sets(&mut mirror, &[])?;
        Ok(mirror.into_seen())
    }
}
