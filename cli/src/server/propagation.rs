//! How far a change has come, as the server says.

use anyhow::Result;
use serde::Deserialize;

use super::Server;
use super::request::Call;

/// A change.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Come {
    /// Its number.
    pub(crate) number: u64,
    /// `committed`, `published` or `everywhere`.
    pub(crate) state: String,
    /// The revision that has it.
    pub(crate) revision: Option<u64>,
    /// From when on gateways that lack it deny by themselves.
    pub(crate) latest_by: Option<String>,
}

/// A gateway that follows the server's feed.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Follower {
    /// Its name.
    pub(crate) name: String,
    /// `serving`, `behind`, `silent` or `refused`.
    pub(crate) state: String,
    /// What a worker says is wrong.
    pub(crate) refused_for: Option<String>,
    /// How many workers it has.
    pub(crate) workers: Workers,
}

/// Workers of a gateway.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Workers {
    /// All that may serve something.
    pub(crate) all: u64,
    /// Those that serve the newest revision.
    pub(crate) serving: u64,
}

impl Server {
    /// The number of the newest change.
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

    /// How far a change has come, after so many seconds at most.
    pub(crate) fn come(&self, change: u64, wait: u64) -> Result<Come> {
        let path = format!("/v2/keyward/changes/{change}?wait={wait}");
        Ok(serde_json::from_value(self.ask(&Call::get(&path))?)?)
    }

    /// The gateways that do not serve the newest revision. None where the key may not ask for them.
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
