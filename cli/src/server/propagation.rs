//! How far a change has been propagated, as the server reports it.

use anyhow::Result;
use serde::Deserialize;

use super::Server;
use super::request::Call;

/// The propagation of a change.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Come {
    /// The change's number.
    pub(crate) number: u64,
    /// `committed`, `published` or `everywhere`.
    pub(crate) state: String,
    /// The revision that contains the change.
    pub(crate) revision: Option<u64>,
    /// The time from which gateways that lack the change deny by themselves.
    pub(crate) latest_by: Option<String>,
}

/// A gateway that follows the server's feed.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Follower {
    /// The gateway's name.
    pub(crate) name: String,
    /// `serving`, `behind`, `silent` or `refused`.
    pub(crate) state: String,
    /// What a worker reports as wrong.
    pub(crate) refused_for: Option<String>,
    /// The numbers of its workers.
    pub(crate) workers: Workers,
}

/// Numbers of workers of a gateway.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Workers {
    /// All workers that may serve a revision.
    pub(crate) all: u64,
    /// Workers that serve the newest revision.
    pub(crate) serving: u64,
}

impl Server {
    /// Returns the number of the newest change.
    pub(crate) fn newest_change(&self) -> Result<u64> {
        #[derive(Deserialize)]
        struct Snapshot {
            behind: u64,
            through: u64,
        }
        let asked = self.ask(&Call::get("/v2/keyward/snapshots/current"))?;
        let snapshot: Snapshot = serde_json::from_value(asked)?;
        Ok(snapshot.through.saturating_add(snapshot.behind))
    }

    /// Returns how far a change has been propagated, waiting for at most `wait` seconds.
    pub(crate) fn come(&self, change: u64, wait: u64) -> Result<Come> {
        let path = format!("/v2/keyward/changes/{change}?wait={wait}");
        Ok(serde_json::from_value(self.ask(&Call::get(&path))?)?)
    }

    /// Returns the gateways that do not serve the newest revision. `None` if the key may not see
    /// them.
    pub(crate) fn late_gateways(&self) -> Result<Option<Vec<Follower>>> {
        #[derive(Deserialize)]
        struct List {
            data: Vec<Follower>,
        }
        let Ok(asked) = self.call(&Call::get("/v2/keyward/gateways"))? else {
            return Ok(None);
        };
        let List { mut data } = serde_json::from_value(asked)?;
        data.retain(|gateway| gateway.state != "serving");
        Ok(Some(data))
    }
}
