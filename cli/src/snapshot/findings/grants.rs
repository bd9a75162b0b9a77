//! Grants that grant nothing: permissions and levels that no endpoint asks for, levels that Stripe does not have, and direct permissions on connected accounts.

use std::collections::HashMap;

use serde_json::Value;

use super::endpoints::InForce;
use super::{Finding, Subject};
use keyward::endpoint::Rule;
use keyward::expansion::STRIPE;
use keyward::permission::{AccessLevel, Permission};
use keyward::refusal::Place;

pub(super) fn check(subject: &Subject<'_>, rows: &[InForce<'_>], findings: &mut Vec<Finding>) {
    let mut asked = Asked::by(rows);
    if subject.snapshot.endpoints().are_stripes() {
        asked.add_expansions();
    }
    let mut objections = Objections::default();
    for (place, granted) in grants(subject) {
        for (name, level) in granted {
            if let Some(text) = asked.objection(subject, name, level) {
                objections.add(text, place.then(&subject.masked(name)));
            }
        }
    }
    direct(subject, &mut objections);
    for (text, place, count) in objections.found {
        let more = match count {
            1 => String::new(),
            2 => ", and so at 1 place more".to_owned(),
            _ => format!(", and so at {} places more", count - 1),
        };
        findings.push(Finding::warning(place, format!("{text}{more}")));
    }
}

/// What is said against grants: each text once, with the first place and how many there are.
#[derive(Default)]
struct Objections {
    found: Vec<(String, Place, usize)>,
    known: HashMap<String, usize>,
}

impl Objections {
    fn add(&mut self, text: String, place: Place) {
        let number = *self.known.entry(text.clone()).or_insert(self.found.len());
        match self.found.get_mut(number) {
            Some((_, _, count)) => *count += 1,
            None => self.found.push((text, place, 1)),
        }
    }
}

/// Direct permissions among what keys are granted on connected accounts, written out or by a set.
fn direct(subject: &Subject<'_>, objections: &mut Objections) {
    if !subject.snapshot.endpoints().are_stripes() {
        return;
    }
    let registry = subject.snapshot.permissions();
    let sets = subject.written.get("grant_sets");
    for (place, key) in subject.list("keys") {
        let is_deleted = key.get("status").and_then(Value::as_str) == Some("deleted");
        let Some(granted) = key.get("connect_grants").filter(|_| !is_deleted) else {
            continue;
        };
        let granted = match granted.as_str() {
            Some(set) => sets.and_then(|sets| sets.get(set)),
            None => Some(granted),
        };
        let names = granted.and_then(Value::as_object).into_iter().flatten();
        for (name, _) in names {
            let permission = registry.find(name);
            if let Some(permission) = permission.filter(|permission| permission.is_direct()) {
                let shown = subject.shown(registry.name(permission));
                let text = format!(
                    "{shown} is \"(Direct)\" at Stripe: it serves no call on a connected account"
                );
                objections.add(text, place.then("connect_grants"));
            }
        }
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
            for permission in row.endpoint.expansions.permissions() {
                let levels = asked.entry(permission).or_default();
                levels.push(AccessLevel::Read);
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
