//! Every row asks for its permission, at its level, and for nothing else: one key that holds exactly that passes, one that holds everything else is told what it lacks.

use std::collections::{BTreeMap, BTreeSet};

use super::ask::{Answer, Grants, Keys, Library, message_in, permission_in};
use super::{Permission, Row, permissions, rows};
use crate::support::Envoy;
use crate::support::http::Connection;

/// The keys that a row is asked with.
struct Asked {
    row: Row,
    /// Each holds one permission that will do.
    enough: Vec<(String, String)>,
    /// Each holds a permission that lets one read what the row asks for.
    implying: Vec<String>,
    /// Each lacks something, with the reason why it is there.
    lacking: Vec<(&'static str, String)>,
}

fn one(name: &str, level: &'static str) -> Grants {
    Grants::from([(name.to_owned(), level)])
}

impl Asked {
    fn new(row: Row, permissions: &[Permission], keys: &mut Keys) -> Self {
        let level = if row.access == "read" {
            "read"
        } else {
            "write"
        };
        let enough = row.permissions.iter();
        let enough = enough
            .map(|name| (name.clone(), keys.with(one(name, level))))
            .collect();
        let is_needed = |name: &String| row.permissions.contains(name);
        let implies = |known: &&Permission| known.implied.iter().any(is_needed);
        let is_read = row.access == "read";
        let (mut implying, mut lacking) = (Vec::new(), Vec::new());
        if is_read {
            let levels = ["read", "write"];
            implying.extend(
                permissions
                    .iter()
                    .filter(implies)
                    .filter(|known| !is_needed(&known.name))
                    .flat_map(|known| levels.map(|level| one(&known.name, level)))
                    .map(|grants| keys.with(grants)),
            );
        } else {
            let read = row.permissions.iter();
            let read: Grants = read.map(|name| (name.clone(), "read")).collect();
            lacking.push(("read alone", keys.with(read)));
        }
        // What implies the permission lets one read, so it may stand in the way of a read alone.
        let others = permissions.iter().filter(|known| !is_needed(&known.name));
        let others = others.filter(|known| !is_read || !implies(known));
        let others: Grants = others.map(|known| (known.name.clone(), "write")).collect();
        assert!(others.len() > 100, "{}", others.len());
        lacking.push(("every other permission", keys.with(others)));
        lacking.push(("nothing", keys.with(Grants::new())));
        Self {
            row,
            enough,
            implying,
            lacking,
        }
    }

    /// What is wrong with the answers of a gateway.
    fn faults(&self, ask: &mut impl FnMut(&str, &str, &str) -> Answer) -> Vec<String> {
        let Row { method, path, .. } = &self.row;
        let sample = self.row.sample();
        let mut faults = Vec::new();
        let mut fault = |what: &str, answer: &Answer| {
            faults.push(format!("{method} {path}: {what}: {answer:?}"));
        };
        for (permission, key) in &self.enough {
            let answer = ask(method, &sample, key);
            let is_named = answer.permission.as_ref() == Some(permission);
            if answer.reason.is_some() || !is_named {
                fault(&format!("with `{permission}` alone"), &answer);
            }
        }
        for key in &self.implying {
            let answer = ask(method, &sample, key);
            if answer.reason.is_some() {
                fault("with what implies it", &answer);
            }
        }
        let first = &self.row.permissions[0];
        let named = match self.row.access.as_str() {
            "read" => format!(
                "Enabling {} Read ('{first}_read') permissions",
                self.row.label
            ),
            _ => format!(
                "Enabling {} Write ('{first}_write') permissions",
                self.row.label
            ),
        };
        for (what, key) in &self.lacking {
            let answer = ask(method, &sample, key);
            let is_told = answer.message.contains(&named);
            if answer.reason.as_deref() != Some("insufficient_permission")
                || answer.permission.as_ref() != Some(first)
                || !is_told
            {
                fault(&format!("with {what}, not `{named}`"), &answer);
            }
        }
        faults
    }
}

fn asked() -> (Keys, Vec<Asked>) {
    let (mut keys, permissions) = (Keys::default(), permissions());
    let rows = rows().into_iter();
    let asked = rows.map(|row| Asked::new(row, &permissions, &mut keys));
    let asked = asked.collect();
    (keys, asked)
}

#[track_caller]
fn assert_sound(faults: &[String]) {
    let count = faults.len();
    assert!(faults.is_empty(), "{count} faults:\n{}", faults.join("\n"));
}

#[test]
fn every_row_asks_for_its_permission_and_for_nothing_else() {
    let (keys, asked) = asked();
    let library = Library::new(&keys);
    assert!(asked.len() >= 650, "{} rows", asked.len());
    let mut ask = |method: &str, path: &str, key: &str| library.ask(method, path, key);
    let faults: Vec<String> = asked.iter().flat_map(|row| row.faults(&mut ask)).collect();
    assert_sound(&faults);
}

#[test]
fn every_operation_of_the_sdk_is_walked() {
    let rows: BTreeSet<(String, String)> = rows()
        .into_iter()
        .map(|row| (row.method, row.path))
        .collect();
    let operations = super::table("operations.tsv");
    assert!(operations.len() >= 650, "{} operations", operations.len());
    for operation in operations {
        let operation = (operation[0].clone(), operation[1].clone());
        assert!(rows.contains(&operation), "{operation:?}");
    }
}

/// The first row of each permission and level, and of each family: what follows `/v1/` or `/v2/`.
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
                // A denial tells the client in its message alone.
                permission: denied_permission(&message_in(&response.body)),
                message: message_in(&response.body),
            },
        }
    };
    let faults: Vec<String> = asked.iter().flat_map(|row| row.faults(&mut ask)).collect();
    assert_sound(&faults);
}

/// `customer` of `… ('customer_write') permissions …`.
fn denied_permission(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("('")?;
    let (named, _) = rest.split_once("')")?;
    let (permission, _) = named.rsplit_once('_')?;
    Some(permission.to_owned())
}
