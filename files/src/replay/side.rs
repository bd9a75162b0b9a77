//! One of the two snapshots. A log names keys by their ids, but a decision needs a raw key, which
//! is stored nowhere. So every key of the old snapshot gets a stand-in, and both snapshots contain
//! the digests of the stand-ins. A key in both is recognized by its real digest, whatever its id.

use anyhow::{Context, Result};

use super::Given;
use super::outcome::Outcome;
use super::question::Question;
use super::stand_ins::{StandIns, versions};
use crate::snapshot::Checked;
use keyward::configuration::Configuration;
use keyward::digest::KeyDigest;
use keyward::endpoint::{Endpoint, Method, PlainPath, ROWS, Row, Rule};
use keyward::judge::judge;
use keyward::permission::{AccessLevel, Permission};
use keyward::profile::Profile;
use keyward::request::RequestHead;

/// A snapshot and its settings, with stand-ins for its keys.
pub struct Side {
    configuration: Configuration,
    /// The versions that requests may name; every one where none is listed.
    versions: Vec<String>,
    /// The paths of its custom endpoints.
    own_paths: Vec<String>,
}

impl Side {
    pub(super) fn new(source: &Checked, stand_ins: &StandIns) -> Result<Self> {
        let mut written = source.written.clone();
        // The snapshot's age at the time of a request depends on the time, not on the snapshot.
        written.settings.remove("max_snapshot_age");
        let mut own_paths = Vec::new();
        if let Some(snapshot) = &mut written.snapshot {
            for key in snapshot.keys.iter_mut().flatten() {
                let stand_in = stand_ins.by_digest.get(&key.sha256.to_ascii_lowercase());
                if let Some(stand_in) = stand_in {
                    key.sha256 = KeyDigest::of(stand_in.as_bytes()).to_string();
                }
            }
            own_paths.extend(snapshot.endpoints().iter().map(|row| row.path.clone()));
        }
        let configuration = Configuration::from_json(written.to_string().as_bytes())
            .context("a snapshot with stand-ins for its keys is refused")?;
        Ok(Self {
            versions: versions(source).to_vec(),
            configuration,
            own_paths,
        })
    }

    /// The snapshot's revision.
    #[must_use]
    pub fn revision(&self) -> Option<u64> {
        let snapshot = self.configuration.snapshot();
        snapshot.map(|snapshot| snapshot.revision().number())
    }

    /// The names and prefixes of the snapshot's API.
    pub(super) fn profile(&self) -> &Profile {
        self.configuration.profile()
    }

    /// The versions that requests may name by `self` and no longer by `new`, if there are any.
    #[must_use]
    pub fn versions_lost_in(&self, new: &Self) -> Option<String> {
        if new.versions.is_empty() {
            return None;
        }
        if self.versions.is_empty() {
            return Some("some version".to_owned());
        }
        let lost = self
            .versions
            .iter()
            .filter(|version| !new.versions.contains(version));
        let lost: Vec<String> = lost.map(|version| format!("`{version}`")).collect();
        (!lost.is_empty()).then(|| lost.join(", "))
    }

    /// Returns the result of the request, judged as the filter does.
    pub(super) fn judge(&self, question: &Question, given: &Given) -> Outcome {
        let head = RequestHead::read(
            self.configuration.profile(),
            self.configuration.identity_names(),
            question
                .headers
                .iter()
                .map(|(name, value)| (name.as_bytes(), value.as_bytes())),
            false,
        );
        Outcome::of(&judge(&self.configuration, &head, given))
    }

    /// Whether the endpoint at this path requires this permission at this level.
    pub(super) fn asks_for(
        &self,
        method: &str,
        path: &str,
        name: &str,
        level: AccessLevel,
    ) -> bool {
        let Some(snapshot) = self.configuration.snapshot() else {
            return false;
        };
        match self.found(method, path).map(|endpoint| endpoint.rule) {
            Some(Rule::Key {
                permissions,
                access,
                publishable: _,
            }) => {
                let names = snapshot.permissions();
                let is_one = |permission: &Permission| names.name(*permission) == name;
                access == level && permissions.iter().any(is_one)
            }
            Some(Rule::Public) | None => false,
        }
    }

    fn found(&self, method: &str, path: &str) -> Option<Endpoint<'_>> {
        let method = Method::of_request(method.as_bytes())?;
        let path = PlainPath::parse(path.as_bytes())?;
        self.configuration
            .snapshot()?
            .endpoints()
            .find(method, path)
    }

    /// Returns the template of the endpoint for a path, if there is one.
    pub(super) fn endpoint(&self, method: &str, path: &str) -> Option<String> {
        Some(match self.found(method, path)?.row {
            Row::Builtin(row) => ROWS.get(usize::from(row))?.path.to_owned(),
            Row::Own(row) => self.own_paths.get(row)?.clone(),
        })
    }
}
