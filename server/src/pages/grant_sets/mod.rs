//! Grant sets: permissions by a name, which keys follow.

mod edit;
mod list;

use serde::Deserialize;

pub(super) use edit::{ask_to_remove, create, form, remove, save, show};
pub(super) use list::list;

pub(super) const HERE: &str = "/console/grant_sets";

/// `keyward.grant_set`: the members that pages read.
#[derive(Clone, Debug, Deserialize)]
struct Set {
    name: String,
    permissions: Vec<String>,
    source: String,
    used_by: u64,
    version: u64,
}

impl Set {
    fn path(&self) -> String {
        format!("{HERE}/{}", self.name)
    }

    /// The file that owns it.
    fn file(&self) -> Option<&str> {
        self.source.strip_prefix("file:")
    }
}
