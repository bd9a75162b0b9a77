//! keyward-server through its API: the command reads records from it and sends changes to it. The
//! command first decides here, by the same rules and on the records that the server shows, so that
//! a refusal has the same words as for a key file. Then the server decides, and its decision is
//! final.

mod answer;
mod body;
mod change;
mod find;
mod history;
mod key_file;
mod list;
mod lists;
mod make;
mod many;
mod mirror;
mod policies;
mod propagation;
mod read;
mod refusal;
mod request;
mod tree;
mod wire;

use std::cell::RefCell;
use std::path::Path;

use anyhow::{Context, Result, bail};
use hyper::header::HeaderValue;

use crate::http::{Client, Place};
use crate::input;
use keyward::profile::Profile;

pub(crate) use find::MOST_LOOKUPS;
pub(crate) use key_file::Part;
pub(crate) use list::Filter;
pub(crate) use make::Made;
pub(crate) use mirror::Seen;
pub(crate) use policies::Policy;
pub(crate) use propagation::{Come, Follower};
pub(crate) use tree::Count;

/// A server, and the key for asking it.
pub(crate) struct Server {
    client: RefCell<Client>,
    /// The names and prefixes of its API, after they were requested.
    profile: RefCell<Option<Profile>>,
    /// `Bearer …`, or `None` for a socket that is for people on the server's machine.
    authorization: Option<HeaderValue>,
    /// The reason for overriding the policies of accounts.
    override_policy: Option<String>,
}

impl Server {
    /// Returns the server at `place`. The key comes from `key_file` or `KEYWARD_API_KEY`; a socket
    /// needs none.
    pub(crate) fn new(
        place: &Place,
        key_file: Option<&Path>,
        override_policy: Option<String>,
    ) -> Result<Self> {
        let key = match key_file {
            Some(path) => Some(input::key_of_file(path)?),
            None => input::key_of_environment()?,
        };
        let authorization = match key {
            Some(key) => Some(bearer(&key)?),
            None if matches!(place, Place::Socket(_)) => None,
            None => bail!(
                "`{}` wants an API key that manages keys: put it into KEYWARD_API_KEY, or into a file and name that with --api-key-file",
                place.shown()
            ),
        };
        Ok(Self {
            client: RefCell::new(Client::new(place.clone())?),
            profile: RefCell::new(None),
            authorization,
            override_policy,
        })
    }

    /// Formats the server's place for people.
    pub(crate) fn shown(&self) -> String {
        self.client.borrow().place().shown()
    }
}

fn bearer(key: &str) -> Result<HeaderValue> {
    let value = HeaderValue::from_str(&format!("Bearer {key}"));
    let mut value = value.ok().context(
        "the API key is not one line of printable ASCII; look at what KEYWARD_API_KEY or --api-key-file holds",
    )?;
    value.set_sensitive(true);
    Ok(value)
}
