//! Converts columns to values and back. SQLite's integers are signed, and the store's are not.

use serde_json::Value as Json;

use super::error::{Result, StoreError};

pub(super) fn signed(number: u64) -> Result<i64> {
    i64::try_from(number)
        .map_err(|_| StoreError::Conflict("a number that is too large to store".to_owned()))
}

pub(super) fn signed_or_null(number: Option<u64>) -> Result<Option<i64>> {
    number.map(signed).transpose()
}

pub(super) fn unsigned(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| damaged("a number below zero"))
}

pub(super) fn unsigned_or_null(number: Option<i64>) -> Result<Option<u64>> {
    number.map(unsigned).transpose()
}

pub(super) fn bytes32(bytes: &[u8]) -> Result<[u8; 32]> {
    bytes
        .try_into()
        .map_err(|_| damaged("a digest without 32 bytes"))
}

pub(super) fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(what.to_owned())
}

/// Returns the JSON in the only spelling that is stored and hashed: without white space, and with
/// members ordered by name.
pub(super) fn canonical(json: &Json) -> String {
    sorted(json).to_string()
}

/// Returns the same value with its members sorted, whatever map type `serde_json` was built with.
fn sorted(json: &Json) -> Json {
    match json {
        Json::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            let pairs = names.into_iter().filter_map(|name| {
                let value = members.get(name)?;
                Some((name.clone(), sorted(value)))
            });
            Json::Object(pairs.collect())
        }
        Json::Array(elements) => Json::Array(elements.iter().map(sorted).collect()),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => json.clone(),
    }
}
