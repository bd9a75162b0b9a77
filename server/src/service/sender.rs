//! Who sent a request, as the trail names it, and the rows that are about no command.

use std::net::IpAddr;

use serde_json::json;

use crate::caller::Caller;
use crate::http::call::Call;
use crate::store::StoredSession;
use crate::store::activity::{Actor, Entry};
use crate::uid::Uid;

/// Who sent the request, and how.
pub(crate) struct Sender {
    pub(super) actor: Actor,
    /// The same in one text, as records keep it.
    pub(super) actor_name: String,
    pub(super) address: Option<String>,
    pub(super) request_id: Option<String>,
    /// The session it was done in.
    pub(super) session: Option<String>,
}

impl Sender {
    pub(crate) fn of(call: &Call) -> Self {
        Self::of_caller(&call.caller, &call.request_id)
    }

    pub(crate) fn of_caller(caller: &Caller, request_id: &str) -> Self {
        Self {
            actor: caller.actor(),
            actor_name: caller.name(),
            address: caller.address.map(|address| address.to_string()),
            request_id: Some(request_id.to_owned()),
            session: caller.session().map(str::to_owned),
        }
    }

    /// The person who used a link.
    pub(crate) fn of_session(
        session: &StoredSession,
        address: Option<String>,
        request_id: &str,
    ) -> Self {
        let id = session.actor.get("id").and_then(serde_json::Value::as_str);
        let name = id.unwrap_or_default().to_owned();
        Self {
            actor: Actor {
                kind: "user".to_owned(),
                id: Some(name.clone()),
            },
            actor_name: name,
            address,
            request_id: Some(request_id.to_owned()),
            session: Some(session.id.clone()),
        }
    }

    /// The row that says that many keys were changed at once; each of them has its own row.
    pub(crate) fn of_many(&self, kind: &str, count: u64, now: u64) -> Entry {
        Entry {
            at: now,
            kind: kind.to_owned(),
            group: "api_key".to_owned(),
            context: None,
            root: None,
            livemode: None,
            object: None,
            actor: self.actor.clone(),
            session: self.session.clone(),
            address: self.address.clone(),
            request_id: self.request_id.clone(),
            body: json!({"changes": [], "count": count}),
        }
    }

    /// The row that says that a document was replaced.
    pub(crate) fn of_document(&self, kind: &str, name: &str, now: u64) -> Entry {
        let object = Some(("document".to_owned(), name.to_owned()));
        Entry {
            group: "configuration".to_owned(),
            object,
            body: json!({"changes": []}),
            ..self.of_many(kind, 0, now)
        }
    }

    /// The row for a refused request, with the rule that refused it.
    pub(super) fn of_refused(&self, code: &str, endpoint: &str, now: u64) -> Entry {
        Entry {
            group: "refused".to_owned(),
            body: json!({
                "changes": [],
                "details": {"type": "refused", "refused": {"code": code, "endpoint": endpoint}},
            }),
            ..self.of_many("refused", 0, now)
        }
    }

    /// A key that was refused before it was known to be a caller.
    pub(crate) fn of_key(id: &str, address: Option<IpAddr>, request_id: &str) -> Self {
        Self {
            actor: Actor {
                kind: "api_key".to_owned(),
                id: Some(id.to_owned()),
            },
            actor_name: id.to_owned(),
            address: address.map(|address| address.to_string()),
            request_id: Some(request_id.to_owned()),
            session: None,
        }
    }

    /// The server itself.
    pub(crate) fn system() -> Self {
        Self {
            actor: Actor::system(),
            actor_name: "system".to_owned(),
            address: None,
            request_id: None,
            session: None,
        }
    }

    /// A person on this machine, at a command.
    pub(crate) fn local(uid: Uid) -> Self {
        let name = format!("local:uid={}", uid.shown());
        Self {
            actor: Actor {
                kind: "local".to_owned(),
                id: Some(name.clone()),
            },
            actor_name: name,
            address: None,
            request_id: None,
            session: None,
        }
    }
}
