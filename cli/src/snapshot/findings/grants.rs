//! Grants without effect: permissions and levels that no endpoint requires, levels that Stripe does
//! not have, and direct permissions on connected accounts.

use std::collections::HashMap;

use super::endpoints::InForce;
use super::{Finding, Subject};
use keyward::endpoint::Rule;
use keyward::expansion::STRIPE;
use keyward::permission::{AccessLevel, Permission};
use keyward::refusal::Place;
use keyward::snapshot::document::{Granted, Grants};

pub(super) fn check(subject: &Subject<'_>, rows: &[InForce<'_>], findings: &mut Vec<Finding>) {
    let mut asked = Asked::by(rows);
    if subject.snapshot.endpoints().are_stripes() {
        asked.add_expansions();
    }
    let mut objections = Objections::default();
    for (place, granted) in grants(subject) {
        for (name, level) in &granted.0 {
            if let Some(text) = asked.objection(subject, name, *level) {
                objections.add(text, place.then(subject.masked(name)));
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

/// Objections to grants: each text once, with its first place and the number of places.
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

/// Finds direct permissions that keys have on connected accounts, inline or from a set.
fn direct(subject: &Subject<'_>, objections: &mut Objections) {
    if !subject.snapshot.endpoints().are_stripes() {
        return;
    }
    let registry = subject.snapshot.permissions();
    for (place, key) in subject.keys().filter(|(_, key)| !key.is_deleted()) {
        let granted = key.connect_grants.as_ref();
        let granted = granted.and_then(|granted| subject.written.granted(granted));
        let granted = granted.map_or(&[][..], |granted| granted.0.as_slice());
        for (name, _) in granted {
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

/// Returns all inline grants with their places, sets first. Deleted keys have no permissions.
fn grants<'a>(subject: &Subject<'a>) -> Vec<(Place, &'a Granted)> {
    let mut all = Vec::new();
    for (name, set) in subject.written.grant_sets() {
        let place = subject.place.then("grant_sets");
        all.push((place.then(subject.masked(name)), set));
    }
    for (place, key) in subject.keys().filter(|(_, key)| !key.is_deleted()) {
        let sides = [
            ("grants", &key.grants),
            ("connect_grants", &key.connect_grants),
        ];
        for (name, grants) in sides {
            if let Some(Grants::Inline(granted)) = grants {
                all.push((place.then(name), granted));
            }
        }
    }
    all
}

/// The permissions that the rows in effect require, and at which levels.
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

    /// Adds read access for everything that Stripe's replies can be expanded by.
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

    /// Returns why a grant cannot be intended.
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
