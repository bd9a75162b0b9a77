//! `GET /v2/keyward/permissions`: every permission that can be granted. Stripe has no such list.

use std::sync::Arc;

use keyward::permission::AccessLevel;
use serde_json::{Value, json};

use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::Failure;
use crate::permission::Management;
use crate::route::Pending;
use crate::service::failure::Stored;

/// `GET /v2/keyward/openapi.json`
pub(crate) fn openapi(_app: Arc<App>, _call: Call) -> Pending {
    Box::pin(async move { Answer::of(&crate::openapi::description()) })
}

/// `GET /v2/keyward/permissions`
pub(crate) fn list(app: Arc<App>, _call: Call) -> Pending {
    Box::pin(async move {
        let api: Result<_, Stored> = app.store.read(|reader| Ok(reader.api()?)).await;
        let api = api.map_err(Failure::from)?;
        let registry = &api.permissions;
        let all = registry.iter().map(|permission| {
            let name = registry.name(permission);
            let own = Management::ALL.iter().find(|one| one.name() == name);
            let levels: Vec<&str> = [AccessLevel::Read, AccessLevel::Write]
                .into_iter()
                .filter(|level| api.has_level(permission, *level))
                .map(AccessLevel::name)
                .collect();
            let implied: Vec<&str> = registry
                .implied(permission)
                .iter()
                .map(|one| registry.name(*one))
                .collect();
            json!({
                "category": match own {
                    Some(_) => Some("keyward"),
                    None => registry.category(permission),
                },
                "implies": implied,
                "label": own.map(|one| one.label()).or_else(|| registry.label(permission)),
                "levels": levels,
                "manages_keys": own.is_some(),
                "name": name,
                "object": "keyward.permission",
            })
        });
        let data: Vec<Value> = all.collect();
        Answer::of(&json!({"data": data, "next_page_url": null, "previous_page_url": null}))
    })
}
