//! Objects of the server, single or as a list.

use anyhow::{Context, Result, bail};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::Server;
use super::answer::Refused;
use super::request::Call;
use super::wire::{AccountObject, ApiKey, GrantSetObject, PermissionObject};
use keyward::configuration::Configuration;
use keyward::management::is_id;
use keyward::permission::AccessLevel;
use keyward::profile::Profile;

pub(super) const KEYS: &str = "/v2/iam/api_keys";
pub(super) const ACCOUNTS: &str = "/v2/keyward/accounts";
pub(super) const GRANT_SETS: &str = "/v2/keyward/grant_sets";

#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    next_page_url: Option<String>,
}

/// The result of asking for an object by its id.
pub(super) enum Found<T> {
    There(T),
    Missing,
    /// The caller is not allowed to ask.
    Forbidden,
}

/// Returns the path of one object. `None` if the text is not an id, so that a key which was given
/// by mistake is not sent.
pub(super) fn path_of(list: &str, id: &str) -> Option<String> {
    let is_name = is_id(id) && id.bytes().any(|byte| byte != b'.');
    let is_key = Profile::stripe().known_prefixes().occur_in(id);
    (is_name && !is_key).then(|| format!("{list}/{id}"))
}

/// Converts an object to a type.
pub(super) fn typed<T: DeserializeOwned>(json: Json) -> Result<T> {
    serde_json::from_value(json)
        .ok()
        .context("the server's answer cannot be read; is it of a newer version than this command?")
}

impl Server {
    pub(super) fn key(&self, id: &str) -> Result<Found<ApiKey>> {
        self.one(KEYS, id)
    }

    pub(super) fn account(&self, id: &str) -> Result<Found<AccountObject>> {
        self.one(ACCOUNTS, id)
    }

    fn one<T: DeserializeOwned>(&self, list: &str, id: &str) -> Result<Found<T>> {
        let Some(path) = path_of(list, id) else {
            return Ok(Found::Missing);
        };
        match self.call(&Call::get(&path))? {
            Ok(json) => typed(json).map(Found::There),
            Err(refused) if refused.is_missing() => Ok(Found::Missing),
            Err(refused) if refused.is_forbidden() => Ok(Found::Forbidden),
            Err(refused) => Err(refused.to_error()),
        }
    }

    /// Returns matching keys, the newest first: all of them, or roughly as many as are wanted.
    pub(super) fn keys(&self, filter: &[(&str, &str)], most: Option<usize>) -> Result<Vec<ApiKey>> {
        self.list(KEYS, filter, most)?
            .map_err(|refused| refused.to_error())
    }

    /// Returns matching keys of all accounts that the caller may see: its whole tree if its account
    /// is the root of one.
    pub(super) fn keys_of_all(&self, filter: &[(&str, &str)]) -> Result<Vec<ApiKey>> {
        let wide = [&[("scope", "tree")], filter].concat();
        match self.list(KEYS, &wide, None)? {
            Ok(keys) => Ok(keys),
            Err(refused) if refused.param.as_deref() == Some("scope") => self.keys(filter, None),
            Err(refused) => Err(refused.to_error()),
        }
    }

    /// Returns matching accounts.
    pub(super) fn accounts(
        &self,
        filter: &[(&str, &str)],
        most: Option<usize>,
    ) -> Result<Result<Vec<AccountObject>, Refused>> {
        self.list(ACCOUNTS, filter, most)
    }

    /// Returns all grant sets; there are few.
    pub(super) fn grant_sets(&self) -> Result<Result<Vec<GrantSetObject>, Refused>> {
        self.whole(GRANT_SETS)
    }

    /// Returns the permissions that may be granted, each with its levels.
    pub(super) fn permissions(&self) -> Result<Vec<(String, Vec<AccessLevel>)>> {
        let all: Vec<PermissionObject> = self
            .whole("/v2/keyward/permissions")?
            .map_err(|refused| refused.to_error())?;
        let all = all.into_iter().map(|one| {
            let levels = one.levels();
            (one.name, levels)
        });
        Ok(all.collect())
    }

    /// Returns the names and prefixes of the API.
    pub(crate) fn profile(&self) -> Result<Profile> {
        if let Some(known) = self.profile.borrow().as_ref() {
            return Ok(known.clone());
        }
        let json = self.ask(&Call::get("/v2/keyward/profile"))?;
        let settings = json!({"profile": json.get("profile")});
        let read = Configuration::from_json(settings.to_string().as_bytes());
        let profile = read
            .context("the server's profile cannot be read")?
            .profile()
            .clone();
        *self.profile.borrow_mut() = Some(profile.clone());
        Ok(profile)
    }

    pub(super) fn whole<T: DeserializeOwned>(&self, path: &str) -> Result<Result<Vec<T>, Refused>> {
        Ok(match self.call(&Call::get(path))? {
            Ok(json) => Ok(typed::<Page<T>>(json)?.data),
            Err(refused) => Err(refused),
        })
    }

    pub(super) fn list<T: DeserializeOwned>(
        &self,
        list: &str,
        filter: &[(&str, &str)],
        most: Option<usize>,
    ) -> Result<Result<Vec<T>, Refused>> {
        let mut path = format!("{list}?limit=100");
        for (name, value) in filter {
            let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
            path.push_str(&format!("&{name}={value}"));
        }
        let mut all: Vec<T> = Vec::new();
        loop {
            let page: Page<T> = match self.call(&Call::get(&path))? {
                Ok(json) => typed(json)?,
                Err(refused) => return Ok(Err(refused)),
            };
            let is_empty = page.data.is_empty();
            all.extend(page.data);
            let is_enough = most.is_some_and(|most| all.len() >= most);
            match page.next_page_url {
                Some(next) if !is_enough && !is_empty => {
                    if !next.starts_with(list) {
                        bail!("the server names a next page that is not one of its list");
                    }
                    path = next;
                }
                Some(_) | None => return Ok(Ok(all)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_id_is_not_sent() {
        assert_eq!(
            path_of(KEYS, "mk_1").as_deref(),
            Some("/v2/iam/api_keys/mk_1")
        );
        for id in [
            "",
            ".",
            "..",
            "a/b",
            "a?b",
            "a b",
            "sk_test_FAKE-alice-0001",
        ] {
            assert_eq!(path_of(KEYS, id), None, "{id}");
        }
    }
}
