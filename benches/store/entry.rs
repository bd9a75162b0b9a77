//! What every change of a benchmark is recorded with.

use keyward_server::store::activity::{Actor, Entry};

pub(crate) const NOW: u64 = 1_795_168_800;

/// A row of activity.
pub(crate) fn entry(id: &str) -> Entry {
    Entry {
        at: NOW,
        kind: "api_key_created".to_owned(),
        group: "api_key".to_owned(),
        context: Some("acct_1".to_owned()),
        root: Some("acct_1".to_owned()),
        livemode: Some(true),
        object: Some(("api_key".to_owned(), id.to_owned())),
        actor: Actor {
            kind: "api_key".to_owned(),
            id: Some("mk_client".to_owned()),
        },
        session: None,
        address: Some("203.0.113.9".to_owned()),
        request_id: Some("req_0123456789abcd".to_owned()),
        body: serde_json::json!({"changes": [], "reason": null}),
    }
}
