//! Key policies. A policy is replaced as a whole, so what the server shows of one is kept as it is: a member that this command does not know goes back
//! unchanged, and no default takes its place.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::Server;
use super::body::names;
use super::change::{delete, path};
use super::lists::{ACCOUNTS, path_of, typed};
use super::request::{Call, Method};
use super::wire::granted;
use crate::input;
use keyward::management::{Command, Grant, RecordChange};

const POLICIES: &str = "/v2/keyward/key_policies";

/// What the server adds to a policy's members.
#[derive(Clone, Debug, Deserialize)]
struct Record {
    name: String,
    accounts: u64,
    version: u64,
    permissions: Option<Vec<String>>,
    connect_permissions: Option<Vec<String>>,
}

/// A policy, as the server shows it.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    record: Record,
    object: Map<String, Json>,
}

impl Policy {
    fn read(json: Json) -> Result<Self> {
        let record = typed(json.clone())?;
        let Json::Object(object) = json else {
            bail!("the server shows a policy that is no object");
        };
        Ok(Self { record, object })
    }

    pub(crate) fn name(&self) -> &str {
        &self.record.name
    }

    /// How many accounts have it by name.
    pub(crate) fn accounts(&self) -> u64 {
        self.record.accounts
    }

    /// The most a key may do; none: everything except managing keys.
    pub(crate) fn permissions(&self) -> Option<&[String]> {
        self.record.permissions.as_deref()
    }

    /// The same on connected accounts.
    pub(crate) fn connect_permissions(&self) -> Option<&[String]> {
        self.record.connect_permissions.as_deref()
    }

    /// What a policy says, as a PUT takes it.
    pub(crate) fn members(&self) -> Map<String, Json> {
        let mut members = self.object.clone();
        for added in ["accounts", "name", "object", "version"] {
            members.remove(added);
        }
        members
    }

    /// For programs.
    pub(crate) fn json(&self) -> Json {
        let mut object = self.object.clone();
        object.remove("object");
        Json::Object(object)
    }

    pub(crate) fn text(&self, member: &str) -> Option<String> {
        Some(self.object.get(member)?.as_str()?.to_owned())
    }

    pub(crate) fn number(&self, member: &str) -> Option<u64> {
        self.object.get(member)?.as_u64()
    }

    pub(crate) fn flag(&self, member: &str) -> bool {
        self.object.get(member).and_then(Json::as_bool) == Some(true)
    }

    /// A flag within a member.
    pub(crate) fn is(&self, member: &str, flag: &str) -> bool {
        let within = self.object.get(member).and_then(|within| within.get(flag));
        within.and_then(Json::as_bool) == Some(true)
    }

    pub(crate) fn list(&self, member: &str) -> Vec<String> {
        let texts = self.object.get(member).and_then(Json::as_array);
        let texts = texts.into_iter().flatten().filter_map(Json::as_str);
        texts.map(str::to_owned).collect()
    }
}

impl Server {
    /// All policies: there are few.
    pub(crate) fn policies(&self) -> Result<Vec<Policy>> {
        let all: Vec<Json> = self
            .whole(POLICIES)?
            .map_err(|refused| refused.to_error())?;
        all.into_iter().map(Policy::read).collect()
    }

    pub(crate) fn create_policy(&self, name: &str, mut members: Map<String, Json>) -> Result<()> {
        members.insert("name".to_owned(), json!(name));
        self.ask(&Call::post(POLICIES, Json::Object(members)))
            .map(drop)
    }

    /// Replaces what a policy says, if it is still the one that was seen.
    pub(crate) fn replace_policy(&self, seen: &Policy, members: Map<String, Json>) -> Result<()> {
        let path = path(POLICIES, seen.name())?;
        let call = Call {
            method: Method::Put,
            body: Some(Json::Object(members)),
            ..Call::get(&path)
        };
        self.ask(&call.at(Some(seen.record.version))).map(drop)
    }

    pub(crate) fn remove_policy(&self, seen: &Policy) -> Result<()> {
        let path = path(POLICIES, seen.name())?;
        self.ask(&delete(&path).at(Some(seen.record.version)))
            .map(drop)
    }

    /// Gives an account its own policy, or takes it away.
    pub(crate) fn assign_policy(&self, account: &str, policy: Option<&str>) -> Result<()> {
        let path = path_of(ACCOUNTS, account)
            .with_context(|| format!("`{account}` is not the id of an account"))?;
        self.ask(&Call::post(&path, json!({"policy": policy})))
            .map(drop)
    }

    /// Permissions after some were given and taken, put together as the rules put together those of a grant set.
    pub(crate) fn granted(&self, before: &[String], grants: &[Grant]) -> Result<Vec<String>> {
        let mut mirror = self.mirror()?;
        mirror.put_permissions(self.permissions()?);
        let before = granted(before)?;
        let before = before
            .iter()
            .map(|(name, level)| Grant::new(name, Some(*level)));
        let command = Command::PutGrantSet {
            name: "policy".to_owned(),
            grants: before.chain(grants.iter().cloned()).collect(),
        };
        let decision = self.decided(&mirror, &command, input::now())?;
        let after = decision.changes().iter().find_map(|change| {
            let RecordChange::PutGrantSet { after, .. } = change else {
                return None;
            };
            Some(names(after))
        });
        after.context("the permissions were not put together; please report this")
    }
}
