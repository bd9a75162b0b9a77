//! Who runs a command on the store itself, as the trail names them.

use serde_json::json;

use crate::store::activity::{Actor, Entry};

/// `local:uid=1000`
pub(super) fn actor_name() -> String {
    format!("local:{}", user())
}

fn user() -> String {
    format!("uid={}", rustix::process::geteuid().as_raw())
}

/// A row of activity on an object. `context` is its account, and the root of that.
pub(super) fn entry(
    at: u64,
    kind: &str,
    (object, id): (&str, &str),
    context: Option<(&str, &str)>,
    livemode: Option<bool>,
) -> Entry {
    Entry {
        at,
        kind: kind.to_owned(),
        group: object.to_owned(),
        context: context.map(|(account, _)| account.to_owned()),
        root: context.map(|(_, root)| root.to_owned()),
        livemode,
        object: Some((object.to_owned(), id.to_owned())),
        actor: Actor {
            kind: "local".to_owned(),
            id: Some(user()),
        },
        session: None,
        address: None,
        request_id: None,
        body: json!({"via": "import"}),
    }
}
