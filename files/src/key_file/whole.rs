//! The content of a key file, from all of its files.

use keyward::digest::KeyDigest;
use keyward::management::{Account, Granted, Key, KeyGrants};
use keyward::permission::{Permission, PermissionRegistry};
use keyward::profile::Profile;
use keyward::snapshot::document::Catalogue;

use super::{At, KeyFile, Single, check};

impl KeyFile {
    /// Returns the accounts and organizations, in the order of the files.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter().map(|(account, _)| account)
    }

    /// Returns the account with this id.
    #[must_use]
    pub fn account(&self, id: &str) -> Option<&Account> {
        self.accounts().find(|account| account.id == id)
    }

    /// Returns the keys, including deleted ones, in the order of the files.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter().map(|(key, _)| &**key)
    }

    /// Returns the key with this id.
    #[must_use]
    pub fn key(&self, id: &str) -> Option<&Key> {
        self.keys().find(|key| key.id == id)
    }

    /// Returns the key with this digest.
    #[must_use]
    pub fn key_of_digest(&self, digest: &KeyDigest) -> Option<&Key> {
        self.keys().find(|key| key.digest == *digest)
    }

    /// Returns the grant sets with their names.
    pub fn grant_sets(&self) -> impl Iterator<Item = (&str, &Granted)> {
        let sets = self.grant_sets.iter();
        sets.map(|(name, granted, _)| (name.as_str(), granted))
    }

    /// Returns the grant set with this name.
    #[must_use]
    pub fn grant_set(&self, name: &str) -> Option<&Granted> {
        let mut sets = self.grant_sets();
        sets.find(|(of, _)| *of == name).map(|(_, granted)| granted)
    }

    /// Returns the permissions of `grants`: its own, or those of the set that it names.
    #[must_use]
    pub fn granted<'a>(&'a self, grants: &'a KeyGrants) -> Option<&'a Granted> {
        match grants {
            KeyGrants::Set(name) => self.grant_set(name),
            KeyGrants::Inline(granted) => Some(granted),
        }
    }

    /// Returns the ECDS file that is pushed to by default. The path is as written, relative to the
    /// key file's folder.
    #[must_use]
    pub fn usual_target(&self) -> Option<&str> {
        self.singles().find_map(|single| match single {
            Single::Push(ecds) => Some(ecds.as_str()),
            Single::Configuration(_)
            | Single::ApiVersions(_)
            | Single::Catalogue(_)
            | Single::Source(_) => None,
        })
    }

    /// Returns the names and prefixes of the API, from `[configuration.profile]`.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Returns the known permissions: the built-in ones and those that the file's endpoints name.
    #[must_use]
    pub fn permissions(&self) -> PermissionRegistry {
        let is_none = |single: &Single| matches!(single, Single::Catalogue(Catalogue::None));
        let is_stripe = !self.singles().any(is_none);
        check::permissions(is_stripe, &self.endpoints)
    }

    /// Whether one of the file's own endpoints requires this permission, by any of its names.
    #[must_use]
    pub fn is_asked_by_own_endpoint(
        &self,
        permissions: &PermissionRegistry,
        permission: Permission,
    ) -> bool {
        let mut names = self.endpoints.iter().flat_map(|(row, _)| row.named());
        names.any(|name| permissions.find(name) == Some(permission))
    }

    /// Returns the name of the file that contains a key.
    #[must_use]
    pub fn file_of_key(&self, id: &str) -> Option<&str> {
        let (_, at) = self.keys.iter().find(|(key, _)| key.id == id)?;
        self.name_of(*at)
    }

    /// Returns the name of the file that contains an account.
    #[must_use]
    pub fn file_of_account(&self, id: &str) -> Option<&str> {
        let (_, at) = self.accounts.iter().find(|(account, _)| account.id == id)?;
        self.name_of(*at)
    }

    /// Returns the files' names and current texts.
    pub fn texts(&self) -> impl Iterator<Item = (&str, String)> {
        let parts = self.parts.iter();
        parts.map(|part| (part.name.as_str(), part.written()))
    }

    /// Returns the files' names and their texts as they were read.
    pub fn texts_as_read(&self) -> impl Iterator<Item = (&str, &str)> {
        let parts = self.parts.iter();
        parts.map(|part| (part.name.as_str(), &*part.text))
    }

    pub(super) fn singles(&self) -> impl Iterator<Item = &Single> {
        self.single.iter().map(|(single, _)| single)
    }

    pub(super) fn name_of(&self, at: At) -> Option<&str> {
        self.parts.get(at.part).map(|part| part.name.as_str())
    }
}
