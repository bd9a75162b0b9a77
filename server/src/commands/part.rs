//! The records that a key file gets: all of the store, or those of one account or tree. Such a part is
//! a whole key file: it has the settings, the accounts above, and the grant sets that its keys follow.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;

use anyhow::{Context, anyhow};
use serde_json::{Map, Value as Json};

use keyward::management::{Account, Granted, Key, KeyGrants};
use keyward_files::key_file::{compose_account, compose_beginning, compose_grant_set, compose_key};

use crate::permission::Management;
use crate::service::own_rows;
use crate::store::lists::KeyFilter;
use crate::store::{DocumentName, Reader, Scope, StoreError, StoredSet};

/// The records that are wanted.
#[derive(Clone, Debug)]
pub struct Part {
    /// An account, and whether those below it are wanted as well. If none is named, all are.
    of: Option<(String, bool)>,
    /// The account to leave out, with the rows of the server's own API.
    without: Option<String>,
}

/// Why there is no key file of a part.
#[derive(Debug)]
pub enum Unwritten {
    /// The account does not exist.
    NoAccount,
    /// A tree is named by the account at its root.
    NoRoot,
    /// Another reason.
    Other(anyhow::Error),
}

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAccount => write!(f, "the store has no such account"),
            Self::NoRoot => write!(f, "a tree is named by the account at its root"),
            Self::Other(error) => write!(f, "{error:#}"),
        }
    }
}

impl std::error::Error for Unwritten {}

impl From<StoreError> for Unwritten {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

/// A part whose accounts are known to exist.
struct Found<'a> {
    scope: Scope,
    /// The accounts above, the highest first, without which the part would not be a key file.
    above: Vec<Account>,
    /// The grant sets that its keys follow.
    sets: Vec<StoredSet>,
    without: Option<&'a str>,
}

impl Part {
    /// The records of `owner`, and of the accounts below it if `is_tree`; without an owner, all.
    #[must_use]
    pub fn of(owner: Option<String>, is_tree: bool, without: Option<&str>) -> Self {
        Self {
            of: owner.map(|owner| (owner, is_tree)),
            without: without.map(str::to_owned),
        }
    }

    /// Writes the records of one state of the store.
    pub fn write(&self, reader: &Reader<'_>, out: &mut dyn Write) -> Result<(), Unwritten> {
        self.found(reader)?
            .write(reader, out)
            .map_err(Unwritten::Other)
    }

    fn found(&self, reader: &Reader<'_>) -> Result<Found<'_>, Unwritten> {
        let everything = Scope::everything();
        let mut found = Found {
            scope: Scope::everything(),
            above: Vec::new(),
            sets: reader.grant_sets()?,
            without: self.without.as_deref(),
        };
        let Some((owner, is_tree)) = &self.of else {
            return Ok(found);
        };
        let account = reader.account(&everything, owner)?;
        let account = account.ok_or(Unwritten::NoAccount)?;
        if *is_tree && account.root != *owner {
            return Err(Unwritten::NoRoot);
        }
        found.scope = if *is_tree {
            Scope::tree(owner)
        } else {
            Scope::owner(owner)
        };
        let mut parent = account.account.parent;
        while let Some(id) = parent.take() {
            let stored = reader.account(&everything, &id)?;
            let above = stored.ok_or(Unwritten::NoAccount)?.account;
            parent = above.parent.clone();
            found.above.insert(0, above);
        }
        let mut followed = BTreeSet::new();
        found.each_key(reader, |key| {
            followed.extend(sides(&key).filter_map(|grants| match grants {
                KeyGrants::Set(name) => Some(name.clone()),
                KeyGrants::Inline(_) => None,
            }));
            Ok(())
        })?;
        found.sets.retain(|set| followed.contains(&set.name));
        Ok(found)
    }
}

impl Found<'_> {
    fn write(&self, reader: &Reader<'_>, out: &mut dyn Write) -> anyhow::Result<()> {
        let document = |name| -> anyhow::Result<Map<String, Json>> {
            let stored = reader.document(name)?;
            let body = stored.and_then(|stored| stored.body.as_object().cloned());
            Ok(body.unwrap_or_default())
        };
        let mut endpoints = document(DocumentName::Endpoints)?;
        if self.without.is_some() {
            endpoints = own_rows::removed(endpoints);
            self.refuse_managers(reader)?;
        }
        let beginning = compose_beginning(&document(DocumentName::Configuration)?, &endpoints)?;
        out.write_all(beginning.as_bytes())?;
        let mut failed = None;
        let mut put = |section: String| {
            out.write_all(section.as_bytes()).map_err(|error| {
                let why = StoreError::WriteFailed(error.to_string());
                failed = Some(error);
                why
            })
        };
        let written = (|| {
            for account in &self.above {
                put(compose_account(account))?;
            }
            reader.each_account(&self.scope, |stored| {
                if self.without == Some(stored.account.id.as_str()) {
                    return Ok(());
                }
                put(compose_account(&stored.account))
            })?;
            for set in &self.sets {
                put(compose_grant_set(&set.name, &set.granted))?;
            }
            self.each_key(reader, |key| put(compose_key(&key)))
        })();
        if let Some(error) = failed {
            return Err(error).context("the key file cannot be written");
        }
        Ok(written?)
    }

    fn each_key(
        &self,
        reader: &Reader<'_>,
        mut each: impl FnMut(Key) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        reader.each_key(&self.scope, &KeyFilter::default(), |stored| {
            if self.without == Some(stored.key.owner.as_str()) {
                return Ok(());
            }
            each(stored.key)
        })
    }

    /// Refuses to leave out rows whose permissions a key holds: the key file would name permissions that it does not define.
    fn refuse_managers(&self, reader: &Reader<'_>) -> anyhow::Result<()> {
        let manages = |granted: &Granted| {
            let mut own = Management::ALL.iter();
            own.any(|one| granted.contains_key(one.name()))
        };
        let mut sets = self.sets.iter();
        let set = sets.find(|set| manages(&set.granted));
        let mut found = set.map(|set| format!("the grant set `{}`", set.name));
        self.each_key(reader, |key| {
            let holds = sides(&key).any(|grants| match grants {
                KeyGrants::Inline(granted) => manages(granted),
                KeyGrants::Set(_) => false,
            });
            if holds {
                found = Some(format!("the key `{}`", key.id));
            }
            Ok(())
        })?;
        match found {
            Some(what) => Err(anyhow!(
                "{what} has permissions to manage keys, which are known by the rows of the server's own API; export without `--without-own`"
            )),
            None => Ok(()),
        }
    }
}

fn sides(key: &Key) -> impl Iterator<Item = &KeyGrants> {
    [&key.grants, &key.connect_grants].into_iter().flatten()
}
