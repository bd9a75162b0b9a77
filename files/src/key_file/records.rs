//! Records that are in no file, such as a server's, as a [`KeyFile`], so that code which reads a
//! key file's keys can also read these. Nothing can be written into them.

use super::{Account, At, Granted, Key, KeyFile};
use std::sync::Arc;

use keyward::permission::{AccessLevel, PermissionRegistry};
use keyward::profile::Profile;
use keyward::snapshot::document::Endpoint;

/// The records that a server shows.
#[derive(Clone, Debug)]
pub struct Records {
    /// The names and prefixes of the API.
    pub profile: Profile,
    /// Accounts, each once.
    pub accounts: Vec<Account>,
    /// Grant sets by name.
    pub grant_sets: Vec<(String, Granted)>,
    /// Keys, each once. The digest is arbitrary if the server does not show it.
    pub keys: Vec<Key>,
    /// The permissions that may be granted, each with its levels. If they were not requested,
    /// Stripe's.
    pub permissions: Option<Vec<(String, Vec<AccessLevel>)>>,
}

impl Records {
    /// Creates an empty set of records, for an API with the names and prefixes of `profile`.
    #[must_use]
    pub fn of(profile: Profile) -> Self {
        Self {
            profile,
            accounts: Vec::new(),
            grant_sets: Vec::new(),
            keys: Vec::new(),
            permissions: None,
        }
    }
}

/// The place of a record that is in no part: no part has this number.
const NOWHERE: At = At {
    part: usize::MAX,
    index: usize::MAX,
    line: None,
};

impl KeyFile {
    /// Returns a key file that shows these records.
    #[must_use]
    pub fn of_records(records: Records) -> Self {
        let mut file = Self {
            folder: None,
            parts: Vec::new(),
            accounts: nowhere(records.accounts),
            grant_sets: Vec::new(),
            keys: nowhere(records.keys.into_iter().map(Arc::new).collect()),
            endpoints: Vec::new(),
            single: Vec::new(),
            profile: records.profile,
        };
        let sets = records.grant_sets.into_iter();
        file.grant_sets = sets.map(|(name, set)| (name, set, NOWHERE)).collect();
        let stripe = PermissionRegistry::stripe();
        let Some(permissions) = records.permissions else {
            return file;
        };
        let is_builtin = |name: &str| {
            let found = stripe.find(name);
            found.filter(|found| stripe.name(*found) == name)
        };
        for (name, levels) in permissions {
            // A permission that the catalogue lacks at this level comes from a custom endpoint.
            let is_known = is_builtin(&name)
                .is_some_and(|found| levels.iter().all(|level| stripe.has_level(found, *level)));
            if !is_known {
                file.endpoints.push((asking_for(name), NOWHERE));
            }
        }
        file
    }
}

fn nowhere<T>(records: Vec<T>) -> Vec<(T, At)> {
    let records = records.into_iter();
    records.map(|record| (record, NOWHERE)).collect()
}

/// Returns a placeholder endpoint that requires a permission. The server does not show the real
/// one.
fn asking_for(permission: String) -> Endpoint {
    Endpoint {
        method: "GET".to_owned(),
        path: "/".to_owned(),
        permission: Some(permission),
        any_of: None,
        access: None,
        label: None,
        publishable: None,
        auth: None,
        expansions: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward::digest::KeyDigest;
    use keyward::key::{KeyKind, Livemode};

    #[test]
    fn records_are_asked_as_a_file_is_and_stand_in_none() {
        let digest = KeyDigest::of(b"1");
        let key = Key::new("mk_1", KeyKind::Secret, Livemode::Test, "acct_1", digest);
        let file = KeyFile::of_records(Records {
            accounts: vec![Account::new("acct_1")],
            grant_sets: vec![("support".to_owned(), Granted::new())],
            keys: vec![key],
            ..Records::of(Profile::stripe())
        });
        assert!(file.key("mk_1").is_some() && file.account("acct_1").is_some());
        assert!(file.grant_set("support").is_some());
        assert_eq!(file.file_of_key("mk_1"), None);
        assert_eq!(file.texts().count(), 0);
    }

    #[test]
    fn a_permission_that_is_not_stripes_may_be_granted() {
        use AccessLevel::{Read, Write};
        let own = |permissions: &[(&str, &[AccessLevel])]| {
            let of =
                |(name, levels): &(&str, &[AccessLevel])| ((*name).to_owned(), levels.to_vec());
            KeyFile::of_records(Records {
                permissions: Some(permissions.iter().map(of).collect()),
                ..Records::of(Profile::stripe())
            })
            .api()
        };
        let both = own(&[("customer", &[Read, Write]), ("grant_set", &[Read, Write])]);
        let set = both.permissions.find("grant_set").unwrap();
        assert!(both.has_level(set, Write));
        let balance = both.permissions.find("balance").unwrap();
        assert!(!both.has_level(balance, Write));
        let asked = own(&[("balance", &[Read, Write])]);
        let balance = asked.permissions.find("balance").unwrap();
        assert!(asked.has_level(balance, Write));
    }
}
