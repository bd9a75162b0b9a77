//! `GET /v2/keyward/accounts/{id}/policy`: what an account may do with its keys.

use std::sync::Arc;

use keyward::management::{DEFAULT_POLICY, NamedPolicy, Needs, Policy};

use super::answers::{AccountPolicy, KeysInUse, Preset};
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::service::refusal;
use crate::shown::{granted_names, policy_members};
use crate::store::{Reader, Scope};
use crate::time;

/// Handles `GET /v2/keyward/accounts/{id}/policy`.
pub(crate) fn retrieve(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        call.no_parameters()?;
        let (scope, id) = (call.caller.scope(), call.target.clone());
        let read: Result<AccountPolicy, Stored> = app
            .store
            .read(move |reader| read(reader, &scope, &id, time::now()))
            .await;
        Answer::of(&read.map_err(crate::http::failure::Failure::from)?)
    })
}

fn read(reader: &Reader<'_>, scope: &Scope, id: &str, now: u64) -> Result<AccountPolicy, Stored> {
    let needs = Needs {
        accounts: vec![id.to_owned()],
        ..Needs::default()
    };
    // A caller finds only the accounts in its scope.
    let missing = || refusal::missing("account", id);
    if reader.account(scope, id)?.is_none() {
        return Err(missing().into());
    }
    let facts = reader.facts(&Scope::owner(id), &needs, now)?;
    let fact = facts.account(id).ok_or_else(missing)?;
    let NamedPolicy { name, policy } = match &fact.policy {
        Some(named) => NamedPolicy::clone(named),
        None => NamedPolicy {
            name: DEFAULT_POLICY.to_owned(),
            policy: Policy::default(),
        },
    };
    let mut presets = Vec::new();
    for set in &policy.grant_sets {
        if let Some(found) = reader.grant_set(set)? {
            presets.push(Preset {
                name: set.clone(),
                permissions: granted_names(&found.granted),
            });
        }
    }
    Ok(AccountPolicy {
        account: id.to_owned(),
        keys: KeysInUse {
            live: fact.keys.live,
            test: fact.keys.test,
        },
        members: policy_members(&policy),
        name,
        object: "keyward.account_policy",
        presets,
    })
}
