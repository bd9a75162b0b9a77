//! The pages of the portal: those of the console that are about keys, for the people of one account. A page asks the API for a caller whose scope is that account, or its tree.

use super::table::{
    CHANGE_KEY, CREATE_KEYS, DELETE, DUPLICATE, EXPIRE, HISTORY, Page, REQUESTS, ROTATE, SEE_KEY,
    SEE_KEYS, get, post,
};
use super::{create, key, keys};

/// All pages of the portal.
#[rustfmt::skip]
pub(super) const PAGES: &[Page] = &[
    get("/portal/keys", SEE_KEYS, keys::list),
    get("/portal/keys/new", CREATE_KEYS, create::form),
    post("/portal/keys/new", CREATE_KEYS, create::create),
    get("/portal/keys/{id}", SEE_KEY, key::show),
    get("/portal/keys/{id}/working", SEE_KEY, key::working),
    get("/portal/keys/{id}/requests", REQUESTS, key::requests),
    get("/portal/keys/{id}/history", HISTORY, key::history),
    post("/portal/keys/{id}/note", CHANGE_KEY, key::note),
    get("/portal/keys/{id}/details", CHANGE_KEY, key::details),
    post("/portal/keys/{id}/details", CHANGE_KEY, key::save_details),
    get("/portal/keys/{id}/edit", CHANGE_KEY, key::permissions),
    post("/portal/keys/{id}/edit", CHANGE_KEY, key::save_permissions),
    get("/portal/keys/{id}/addresses", CHANGE_KEY, key::addresses),
    post("/portal/keys/{id}/addresses", CHANGE_KEY, key::save_addresses),
    get("/portal/keys/{id}/expire", EXPIRE, key::expire_form),
    post("/portal/keys/{id}/expire", EXPIRE, key::expire),
    get("/portal/keys/{id}/rotate", ROTATE, key::rotate_form),
    post("/portal/keys/{id}/rotate", ROTATE, key::rotate),
    get("/portal/keys/{id}/delete", DELETE, key::delete_form),
    post("/portal/keys/{id}/delete", DELETE, key::delete),
    get("/portal/keys/{id}/duplicate", DUPLICATE, key::duplicate_form),
    post("/portal/keys/{id}/duplicate", DUPLICATE, key::duplicate),
];
