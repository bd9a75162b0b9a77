//! Envoy requires the same permission for a row as the library does.

use std::collections::{BTreeMap, BTreeSet};

use keyward_reference::catalogue::Row;

use crate::support::Envoy;
use crate::support::catalogue::ask::{Answer, message_in, permission_in};
use crate::support::catalogue::walk::{Asked, asked, assert_sound};
use crate::support::http::Connection;

/// Returns the first row of each permission and level, and of each family: the segment after `/v1/`
/// or `/v2/`.
fn sample(asked: Vec<Asked>) -> Vec<Asked> {
    let mut taken = BTreeSet::new();
    let family = |row: &Row| row.path.split('/').nth(2).unwrap_or_default().to_owned();
    let is_new = |asked: &Asked| {
        let row = &asked.row;
        let permission = (row.permissions[0].clone(), row.access.clone());
        let is_permission = taken.insert(permission);
        taken.insert((family(row), String::new())) || is_permission
    };
    asked.into_iter().filter(is_new).collect()
}

#[test]
fn envoy_answers_alike_for_a_sample_of_every_family() {
    let (keys, asked) = asked();
    let all: BTreeSet<String> = asked.iter().map(|of| of.row.category.clone()).collect();
    let asked = sample(asked);
    let mut categories: BTreeMap<String, usize> = BTreeMap::new();
    for of in &asked {
        *categories.entry(of.row.category.clone()).or_default() += 1;
    }
    assert!(asked.len() >= 60, "{} rows", asked.len());
    assert_eq!(all.len(), categories.len(), "{categories:?}");

    let envoy = Envoy::builder().config(keys.configuration()).start();
    let mut connection = Connection::open(envoy.address());
    let mut ask = |method: &str, path: &str, key: &str| {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str())];
        let response = connection.request(method, path, &headers, b"");
        match response.header("x-keyward-denied") {
            None => Answer {
                reason: (response.status != 200).then(|| response.status.to_string()),
                permission: response.json()["principal"]
                    .as_str()
                    .and_then(permission_in),
                message: String::new(),
            },
            Some(reason) => Answer {
                reason: Some(reason.to_owned()),
                // A denial names the permission to the client only in the message.
                permission: denied_permission(&message_in(&response.body)),
                message: message_in(&response.body),
            },
        }
    };
    let faults: Vec<String> = asked.iter().flat_map(|row| row.faults(&mut ask)).collect();
    assert_sound(&faults);
}

/// Returns `customer` from `… ('customer_write') permissions …`.
fn denied_permission(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("('")?;
    let (named, _) = rest.split_once("')")?;
    let (permission, _) = named.rsplit_once('_')?;
    Some(permission.to_owned())
}
