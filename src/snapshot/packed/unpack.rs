//! Converts the packed form back to a document with the same content, in the order of the packed
//! tables. Of the annotations, the packed form contains only `user_id`.

use ipnet::IpNet;
use serde_json::json;

use super::{Packed, Trust, read, wire};
use crate::account::{Account, AccountStatus, Children};
use crate::address::AllowedIps;
use crate::digest::KeyDigest;
use crate::profile::Profile;
use crate::refusal::{Place, Refusal};
use crate::rows::index;
use crate::snapshot::annotations::MEMBER;
use crate::snapshot::document::{self, Document, Granted, Grants, Key};
use crate::snapshot::key::{Enforcement, KeyStatus};
use crate::snapshot::table::KeyRow;
use crate::snapshot::terms::NONE;
use crate::wire::{Integer, Members};

impl Packed {
    /// Checks everything, so that keyward accepts the resulting document as a snapshot.
    pub fn unpack(&self, profile: &Profile) -> Result<Document, Refusal> {
        let place = Place::default();
        self.check(profile, Trust::Nothing, &place)?;
        let wire::Head {
            format,
            revision,
            issued_at,
            api_versions,
            catalogue,
            endpoints,
            empty,
            permissions,
            grant_sets,
            key_ids: _,
        } = read::head::<String>(&self.head, &place)?;
        let names: Vec<&str> = permissions.iter().map(String::as_str).collect();
        let granted = (0..self.grants.len()).map(|number| {
            let granted = self.granted(number, &names).unwrap_or_default();
            let members = granted.into_iter();
            Members(
                members
                    .map(|(name, level)| (name.to_owned(), level))
                    .collect(),
            )
        });
        let sets = Sets {
            granted: granted.collect(),
            names: grant_sets,
        };
        let keys = (0..self.keys.len()).filter_map(|number| {
            // Every row was checked, so each is a key.
            self.key(&self.keys.row(number)?, &sets)
        });
        Ok(Document {
            format,
            revision,
            issued_at,
            api_versions: api_versions.filter(|versions| !versions.is_empty()),
            accounts: Some(self.accounts.iter().map(|it| self.account(it)).collect()),
            keys: Some(keys.collect()),
            grant_sets: sets.named(),
            catalogue: Some(catalogue.unwrap_or_default()),
            endpoints: endpoints.filter(|endpoints| !endpoints.is_empty()),
            empty: empty.then_some(true),
        })
    }

    fn account(&self, account: Account<'_>) -> document::Account {
        let parent = account.parent();
        let parent = parent.and_then(|parent| self.accounts.account(parent));
        document::Account {
            id: account.id().to_owned(),
            parent: parent.map(|parent| parent.id().to_owned()),
            children: Some(account.children()).filter(|children| *children == Children::Any),
            status: account.is_suspended().then_some(AccountStatus::Suspended),
        }
    }

    fn key(&self, row: &KeyRow<'_>, sets: &Sets) -> Option<Key> {
        let keys = &self.keys;
        let terms = keys.terms(row.terms)?;
        let times = keys.times(row.times)?;
        let ranges = match terms.allowed_ips {
            NONE => None,
            number => {
                let list = AllowedIps::new(keys.context().ips.get(index(number)?)?);
                Some(list.ranges().map(range_text).collect())
            }
        };
        Some(Key {
            id: keys.context().id(row.id)?.as_str().to_owned(),
            sha256: KeyDigest::from_bytes(*row.digest).to_string(),
            kind: terms.kind,
            livemode: terms.livemode.is_live(),
            owner: self.accounts.account(row.owner)?.id().to_owned(),
            status: Some(terms.status).filter(|status| *status == KeyStatus::Deleted),
            not_before: times.not_before.map(Integer),
            expires_at: times.expires_at.map(Integer),
            allowed_ips: ranges,
            enforcement: Some(terms.enforcement).filter(|it| *it == Enforcement::Shadow),
            grants: sets.grants(terms.grants),
            connect_grants: sets.grants(terms.connect_grants),
            annotations: keys.user(row).map(|user| json!({MEMBER: user})),
        })
    }
}

/// All sets of grants. The first ones have names.
struct Sets {
    granted: Vec<Granted>,
    names: Vec<String>,
}

impl Sets {
    fn named(&self) -> Option<Members<String, Granted>> {
        let named = self.names.iter().cloned().zip(self.granted.iter().cloned());
        (!self.names.is_empty()).then(|| Members(named.collect()))
    }

    fn grants(&self, number: u32) -> Option<Grants> {
        let number = index(number).filter(|_| number != NONE)?;
        Some(match self.names.get(number) {
            Some(name) => Grants::Set(name.clone()),
            None => Grants::Inline(self.granted.get(number)?.clone()),
        })
    }
}

/// Formats a range. A range of one address is written as the address.
fn range_text(range: IpNet) -> String {
    if range.prefix_len() == range.max_prefix_len() {
        range.addr().to_string()
    } else {
        range.to_string()
    }
}
