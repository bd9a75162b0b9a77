//! The members of an account that pages read.

use std::sync::Arc;

use serde::Deserialize;

use crate::app::App;
use crate::http::failure::Failure;
use crate::pages::ask::Ask;
use crate::pages::visit::Visit;

/// `keyward.account`: the members that pages read.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) parent: Option<String>,
    pub(super) root: String,
    pub(super) is_organization: bool,
    pub(super) status: String,
    pub(super) suspended_reason: Option<String>,
    pub(super) external_id: Option<String>,
    pub(super) policy: Option<String>,
    pub(super) effective_policy: String,
    pub(super) counts: Counts,
    pub(super) created: Option<String>,
    pub(super) source: String,
    pub(super) version: u64,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Counts {
    pub(super) deleted: u64,
    pub(super) in_use: u64,
}

impl Account {
    /// Its title: its name, or its id.
    pub(super) fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    pub(super) fn path(&self) -> String {
        path(&self.id)
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.status == "suspended"
    }
}

/// The page of an account.
pub(super) fn path(id: &str) -> String {
    format!("/console/accounts/{id}")
}

/// An account by its id.
pub(super) async fn read(app: &Arc<App>, visit: &Visit, id: &str) -> Result<Account, Failure> {
    let ask = Ask::get("/v2/keyward/accounts/{id}").target(id);
    visit.ask(app, ask).await?.read()
}
