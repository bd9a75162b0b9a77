//! The actions on a key that its row and its page offer.

use super::objects::Key;
use super::visit::Visit;
use crate::routes::Verb;

/// An action on a key.
pub(super) fn entries(visit: &Visit, key: &Key) -> Vec<(&'static str, String)> {
    let may = May {
        change: visit.may(Verb::Post, "/v2/iam/api_keys/{id}"),
        rotate: visit.may(Verb::Post, "/v2/iam/api_keys/{id}/rotate"),
        duplicate: visit.may(Verb::Post, "/v2/keyward/api_keys/{id}/duplicate"),
        end: visit.may(Verb::Post, "/v2/iam/api_keys/{id}/expire"),
        delete: visit.may(Verb::Delete, "/v2/keyward/api_keys/{id}"),
    };
    offered(key, &may)
        .into_iter()
        .map(|(label, page)| (label, format!("{}/{page}", visit.key_home(&key.id))))
        .collect()
}

/// What a person may do with keys.
struct May {
    change: bool,
    rotate: bool,
    duplicate: bool,
    end: bool,
    delete: bool,
}

/// The entries, each with its page. An expired key offers only what still has an effect: a change to it would be useless.
fn offered(key: &Key, may: &May) -> Vec<(&'static str, &'static str)> {
    let is_secret = key.keyward.kind != "publishable";
    let (is_in_use, is_ours) = (key.is_in_use(), key.file().is_none());
    let entries = [
        (
            may.change && is_ours && is_secret && is_in_use,
            "Edit permissions",
            "edit",
        ),
        (
            may.change && is_ours && is_secret && is_in_use,
            "Limit addresses",
            "addresses",
        ),
        (
            may.rotate && is_ours && is_in_use && key.keyward.replaced_by.is_none(),
            "Rotate",
            "rotate",
        ),
        (
            may.duplicate && is_ours && key.keyward.kind == "restricted",
            "Duplicate",
            "duplicate",
        ),
        (may.end && is_in_use, "Expire", "expire"),
        (may.delete && is_secret, "Delete", "delete"),
    ];
    entries
        .into_iter()
        .filter(|(is_offered, _, _)| *is_offered)
        .map(|(_, label, page)| (label, page))
        .collect()
}
