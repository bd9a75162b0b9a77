//! `/v2/keyward/grant_sets`: named permissions, which keys follow.

use std::sync::Arc;

use keyward::management::Command;
use serde::Deserialize;
use serde_json::Value;

use super::answers::GrantSetObject;
use super::named::{self, Named};
use super::new_key::grants;
use crate::app::App;
use crate::http::call::Call;
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::service::{Work, carry_out};
use crate::shown::{granted_names, value};
use crate::store::{self, Reader, StoredSet};

/// A new grant set.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewGrantSet {
    name: String,
    permissions: Vec<String>,
}

/// All of a grant set.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantSet {
    pub(super) permissions: Vec<String>,
}

impl Named for StoredSet {
    const WHAT: &'static str = "grant set";
    const OBJECT: &'static str = "keyward.grant_set";

    fn find(reader: &Reader<'_>, name: &str) -> store::Result<Option<Self>> {
        reader.grant_set(name)
    }

    fn all(reader: &Reader<'_>) -> store::Result<Vec<Self>> {
        reader.grant_sets()
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn object(&self, reader: &Reader<'_>) -> Result<Value, Stored> {
        let object = value(GrantSetObject {
            name: self.name.clone(),
            object: Self::OBJECT,
            permissions: granted_names(&self.granted),
            source: self.source.clone(),
            used_by: reader.uses_of_set(&self.name)?,
            version: self.version,
        })?;
        Ok(object)
    }

    fn removal(name: String) -> Command {
        Command::RemoveGrantSet { name }
    }
}

/// Handles `GET /v2/keyward/grant_sets`.
pub(crate) fn list(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move { named::list::<StoredSet>(&app, &call).await })
}

/// Handles `GET /v2/keyward/grant_sets/{name}`.
pub(crate) fn retrieve(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move { named::retrieve::<StoredSet>(&app, &call).await })
}

/// Handles `POST /v2/keyward/grant_sets`.
pub(crate) fn create(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        named::live_operators_only::<StoredSet>(&call)?;
        let body: NewGrantSet = call.members()?;
        let command = Command::PutGrantSet {
            grants: grants(&body.permissions, "permissions")?,
            name: body.name.clone(),
        };
        let work = Work::of(command, named::shown::<StoredSet>(&body.name));
        let guard = named::is_new::<StoredSet>(&body.name);
        carry_out(&app, &call, work.guarded(guard)).await
    })
}

/// Handles `PUT /v2/keyward/grant_sets/{name}`. It replaces the whole set, so `If-Match` must name
/// the version that the client has seen.
pub(crate) fn replace(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        named::live_operators_only::<StoredSet>(&call)?;
        let body: GrantSet = call.members()?;
        let expected = call.required_version()?;
        let command = Command::PutGrantSet {
            grants: grants(&body.permissions, "permissions")?,
            name: call.target.clone(),
        };
        let work = Work::of(command, named::shown::<StoredSet>(&call.target));
        let guard = named::is_at::<StoredSet>(&call.target, Some(expected));
        carry_out(&app, &call, work.guarded(guard)).await
    })
}

/// Handles `DELETE /v2/keyward/grant_sets/{name}`.
pub(crate) fn delete(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move { named::delete::<StoredSet>(&app, &call).await })
}
