//! `GET /v2/keyward/permissions`: every permission that can be granted. Stripe has no such list.

use std::sync::Arc;

use keyward::permission::AccessLevel;
use serde_json::json;

use super::answers::PermissionObject;
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::Failure;
use crate::permission::Management;
use crate::route::Pending;
use crate::service::failure::Stored;

/// Handles `GET /v2/keyward/openapi.json`.
pub(crate) fn openapi(app: Arc<App>, _call: Call) -> Pending {
    Box::pin(async move { Answer::of(&app.described.openapi) })
}

/// Handles `GET /v2/keyward/permissions`.
pub(crate) fn list(app: Arc<App>, _call: Call) -> Pending {
    Box::pin(async move {
        let api: Result<_, Stored> = app.store.read(|reader| Ok(reader.api()?)).await;
        let api = api.map_err(Failure::from)?;
        let registry = &api.permissions;
        let all = registry.iter().map(|permission| {
            let name = registry.name(permission);
            let own = Management::ALL.iter().find(|one| one.name() == name);
            let levels: Vec<&'static str> = [AccessLevel::Read, AccessLevel::Write]
                .into_iter()
                .filter(|level| api.has_level(permission, *level))
                .map(AccessLevel::name)
                .collect();
            let implied: Vec<String> = registry
                .implied(permission)
                .iter()
                .map(|one| registry.name(*one).to_owned())
                .collect();
            let category = match own {
                Some(_) => Some("keyward"),
                None => registry.category(permission),
            };
            let label = own.map(|one| one.label());
            let label = label.or_else(|| registry.label(permission));
            PermissionObject {
                category: category.map(str::to_owned),
                implies: implied,
                label: label.map(str::to_owned),
                levels,
                manages_keys: own.is_some(),
                name: name.to_owned(),
                object: "keyward.permission",
            }
        });
        let data: Vec<PermissionObject> = all.collect();
        Answer::of(&json!({"data": data, "next_page_url": null, "previous_page_url": null}))
    })
}
