//! The rows of the server's own API among the endpoints: `init` made them, and every start brings them up to date. A key file need not have them.

use serde_json::{Map, Value as Json};

use super::standing::is_ours;

/// The name of the rows in the document.
const ROWS: &str = "endpoints";

/// What a key file says of endpoints, with the server's own rows as `stored` has them. A file that says nothing leaves what is stored.
pub(crate) fn kept(stored: Option<&Json>, mut members: Map<String, Json>) -> Map<String, Json> {
    let own = stored.map(|stored| rows(stored, true)).unwrap_or_default();
    if own.is_empty() {
        return members;
    }
    let mut all = rows(&Json::Object(members.clone()), false);
    if all.is_empty() && members.keys().all(|name| name == ROWS) {
        return Map::new();
    }
    all.extend(own);
    members.insert(ROWS.to_owned(), Json::Array(all));
    members
}

/// The document without them.
pub(crate) fn removed(mut document: Map<String, Json>) -> Map<String, Json> {
    let others = rows(&Json::Object(document.clone()), false);
    if others.is_empty() {
        document.remove(ROWS);
    } else {
        document.insert(ROWS.to_owned(), Json::Array(others));
    }
    document
}

/// Whether there is nothing else in a document.
pub(crate) fn are_all(document: &Json) -> bool {
    let only_rows = document
        .as_object()
        .is_some_and(|members| members.keys().all(|name| name == ROWS));
    only_rows && !rows(document, true).is_empty() && rows(document, false).is_empty()
}

/// The rows of the server's own API, or the others.
fn rows(document: &Json, are_own: bool) -> Vec<Json> {
    let rows = document.get(ROWS).and_then(Json::as_array);
    let rows = rows.into_iter().flatten();
    rows.filter(|row| is_ours(row) == are_own)
        .cloned()
        .collect()
}
