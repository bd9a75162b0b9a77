//! Grants that grant nothing: permissions and levels that no endpoint asks for, and levels that Stripe does not have.

use std::collections::HashMap;

use serde_json::Value;

use super::endpoints::InForce;
use super::{Finding, Subject};
use crate::endpoint::Rule;
use crate::expansion::STRIPE;
use crate::permission::{AccessLevel, Permission};
use crate::refusal::Place;

pub(super) fn check(subject: &Subject<'_>, rows: &[InForce<'_>], findings: &mut Vec<Finding>) {
    let mut asked = Asked::by(rows);
    if subject.snapshot.endpoints().are_stripes() {
        asked.add_expansions();
    }
    let mut found: Vec<(String, Place, usize)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for (place, granted) in grants(subject) {
        for (name, level) in granted {
            let Some(text) = asked.objection(subject, name, level) else {
                continue;
            };
            let number = *known.entry(text.clone()).or_insert(found.len());
            match found.get_mut(number) {
                Some((_, _, count)) => *count += 1,
                None => found.push((text, place.then(&subject.masked(name)), 1)),
            }
        }
    }
    for (text, place, count) in found {
        let more = match count {
            1 => String::new(),
            2 => ", and so at 1 place more".to_owned(),
            _ => format!(", and so at {} places more", count - 1),
        };
        findings.push(Finding::warning(place, format!("{text}{more}")));
    }
}

/// All grants that are written out, sets first, with their places. Keys that were deleted are granted nothing.
fn grants<'a>(subject: &Subject<'a>) -> Vec<(Place, Vec<(&'a str, AccessLevel)>)> {
    let mut all = Vec::new();
    let sets = subject.written.get("grant_sets").and_then(Value::as_object);
    for (name, set) in sets.into_iter().flatten() {
        let place = subject.place.then("grant_sets");
        all.push((place.then(&subject.masked(name)), set));
    }
    for (place, key) in subject.list("keys") {
        if key.get("status").and_then(Value::as_str) == Some("deleted") {
            continue;
        }
        for name in ["grants", "connect_grants"] {
            if let Some(grants) = key.get(name) {
                all.push((place.then(name), grants));
            }
        }
    }
    let written = |(place, grants): (Place, &'a Value)| {
        let members = grants.as_object().into_iter().flatten();
        let levels = members.filter_map(|(name, level)| match level.as_str()? {
            "read" => Some((name.as_str(), AccessLevel::Read)),
            "write" => Some((name.as_str(), AccessLevel::Write)),
            _ => None,
        });
        (place, levels.collect())
    };
    all.into_iter().map(written).collect()
}

/// Which permissions the rows in force ask for, and at which levels.
struct Asked(HashMap<Permission, Vec<AccessLevel>>);

impl Asked {
    fn by(rows: &[InForce<'_>]) -> Self {
        let mut asked: HashMap<Permission, Vec<AccessLevel>> = HashMap::new();
        for row in rows {
            let Rule::Key {
                permissions,
                access,
                ..
            } = row.endpoint.rule
            else {
                continue;
            };
            for permission in permissions {
                asked.entry(*permission).or_default().push(access);
            }
        }
        Self(asked)
    }

    /// What a reply of Stripe's may be expanded by has to be readable.
    fn add_expansions(&mut self) {
        let asks = STRIPE.ways.iter().flat_map(|way| way.asks);
        for permission in asks.copied().flatten() {
            let levels = self.0.entry(*permission).or_default();
            levels.push(AccessLevel::Read);
        }
    }

    fn at(&self, permission: Permission, level: AccessLevel) -> bool {
        self.0
            .get(&permission)
            .is_some_and(|levels| levels.contains(&level))
    }

    /// Why a grant cannot be meant.
    fn objection(&self, subject: &Subject<'_>, name: &str, level: AccessLevel) -> Option<String> {
        let registry = subject.snapshot.permissions();
        let permission = registry.find(name)?;
        let shown = subject.shown(registry.name(permission));
        let is_stripes = subject.snapshot.endpoints().are_stripes();
        let reads = self.at(permission, AccessLevel::Read);
        let writes = self.at(permission, AccessLevel::Write);
        let implies = || {
            let mut implied = registry.implied(permission).iter();
            implied.any(|implied| self.at(*implied, AccessLevel::Read))
        };
        match level {
            _ if !reads && !writes && !implies() => {
                Some(format!("{shown} grants nothing: no endpoint asks for it"))
            }
            AccessLevel::Write
                if is_stripes && !writes && !registry.has_level(permission, level) =>
            {
                Some(format!(
                    "{shown} has no level `write` at Stripe; `read` grants the same"
                ))
            }
            AccessLevel::Write if !writes => Some(format!(
                "no endpoint asks for {shown} at level `write`; `read` grants the same"
            )),
            AccessLevel::Read if !reads && !implies() => Some(format!(
                "{shown} at level `read` grants nothing: every endpoint that asks for it asks for `write`"
            )),
            AccessLevel::Read | AccessLevel::Write => None,
        }
    }
}
