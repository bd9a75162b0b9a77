//! Makes the report from the counts.

use std::net::IpAddr;

use super::books::{Books, KeyBook, OrgBook};
use super::commands::can_be_limited;
use super::counts::Counts;
use super::findings::{self, Subject};
use super::grants::{Privileges, privileges};
use super::inventory::{Inventory, KnownKey};
use super::material::Material;
use super::report::{
    EndpointCalls, Finding, Key, Kind, Log, Organization, Permission, PermissionState, Proposal,
    Reason, Report, Requests, Step, Timeline, Top, Tops,
};
use super::{limits, timeline};
use keyward::endpoint::{ROWS, Row};
use keyward::invariant::Held;
use keyward::reason::DenyReason;
use keyward_files::key_file::{Granted, instant};

/// The maximum number of values of one kind that are listed.
const LISTED: usize = 20;

pub(super) fn report(material: &Material<'_>) -> Report {
    let books = material.books;
    let mut findings = Vec::new();
    let mut keys = keys(material, &mut findings);
    keys.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.id.cmp(&b.id)));
    if books.interlocked > 0 {
        findings.push(Finding {
            finding: Kind::Interlock,
            key: None,
            name: None,
            owner: None,
            text: format!(
                "the interlock refused {} requests that keyward had not judged: a worker was out of order, or a route switches keyward off; `keyward doctor` looks for it",
                books.interlocked
            ),
        });
    }
    findings.sort_by(|a, b| a.finding.cmp(&b.finding).then_with(|| a.key.cmp(&b.key)));
    let (first, last) = (books.first, books.last);
    Report {
        log: Log {
            from: first.map(|at| instant::show(at / 1000)),
            to: last.map(|at| instant::show(at / 1000)),
            covers: first
                .zip(last)
                .map_or(0, |(first, last)| (last - first) / 1000),
            lines: material.tally.json(),
            skipped: material.tally.sentences(),
        },
        requests: Requests {
            total: material.tally.requests(),
            allowed: books.passed,
            public: books.public,
            preflight: books.preflight,
            verify: books.verified,
            shadow: books.shadowed,
            denied: books.refused,
            none: books.unjudged,
            interlock: books.interlocked,
            unexplained: books.keys.values().map(|book| book.unexplained).sum(),
            elsewhere: books.keys.values().map(|book| book.elsewhere).sum(),
        },
        reasons: reasons(
            books
                .reasons
                .iter()
                .map(|(reason, (denied, shadow))| (*reason, *denied, *shadow)),
        ),
        timeline: Timeline {
            step: books.timeline.step(),
            steps: steps(&books.timeline),
        },
        organizations: organizations(books),
        keys,
        findings,
        strangers: addresses(&books.strangers),
        limits: limits::limits(material),
    }
}

fn keys(material: &Material<'_>, findings: &mut Vec<Finding>) -> Vec<Key> {
    let (books, inventory) = (material.books, material.inventory);
    let log = (
        books.first.unwrap_or(0) / 1000,
        books.last.unwrap_or(0) / 1000,
    );
    let in_log = books
        .keys
        .iter()
        .map(|(id, book)| (&**id, Some(book), inventory.keys.get(&**id)));
    let not_in_log = inventory
        .keys
        .iter()
        .filter(|(id, _)| !books.keys.contains_key(id.as_str()))
        .map(|(id, known)| (id.as_str(), None, Some(known)));
    let mut keys = Vec::new();
    for (id, book, known) in in_log.chain(not_in_log) {
        let privileges = book.map_or_else(Privileges::default, |book| {
            privileges(book, known, books, inventory)
        });
        let subject = Subject {
            id,
            book,
            known,
            privileges: &privileges,
            has_source: inventory.is_given,
            log,
        };
        findings.extend(findings::of_key(&subject, material.thresholds));
        let commands = commands(id, book, known, &privileges, material);
        match (book, known) {
            (Some(book), known) => {
                keys.push(key(id, book, known, &privileges, commands, material));
            }
            (None, Some(known)) if !known.has_ended(log.1) => keys.push(never_used(id, known)),
            (None, _) => {}
        }
    }
    keys
}

fn commands(
    id: &str,
    book: Option<&KeyBook>,
    known: Option<&KnownKey>,
    privileges: &Privileges,
    material: &Material<'_>,
) -> Vec<String> {
    let (Some(book), Some(known)) = (book, known) else {
        return Vec::new();
    };
    // Without a key file, these commands have nothing to change.
    let now = material.books.last.unwrap_or(0) / 1000;
    if !material.inventory.is_key_file || known.has_ended(now) {
        return Vec::new();
    }
    let is_full = known.grants.is_none();
    if is_full && can_be_limited(book.kind, &privileges.proposal) {
        return material.commands.replace(id, known, &privileges.proposal);
    }
    material
        .commands
        .lower(id, privileges)
        .into_iter()
        .collect()
}

fn key(
    id: &str,
    book: &KeyBook,
    known: Option<&KnownKey>,
    privileges: &Privileges,
    commands: Vec<String>,
    material: &Material<'_>,
) -> Key {
    let time = |at: u64| instant::show(at / 1000);
    let mode = if book.livemode { "live" } else { "test" };
    let owner = known.map(|known| known.owner.clone());
    Key {
        id: id.to_owned(),
        name: known.and_then(|known| known.name.clone()),
        kind: book.kind.name(),
        mode,
        owner: owner.or_else(|| book.owner.as_deref().map(str::to_owned)),
        org: book.org.as_deref().map(str::to_owned),
        is_known: known.is_some(),
        calls: book.calls,
        denied: book.refused,
        shadow: book.shadowed,
        first_used: Some(time(book.first)),
        last_used: Some(time(book.last)),
        last_allowed: book.last_passed.map(time),
        expires: known.and_then(|known| known.expires).map(instant::show),
        reasons: reasons(
            book.reasons
                .iter()
                .map(|(reason, count)| (*reason, count.refused, count.calls - count.refused)),
        ),
        accounts: tops(&book.accounts, |account| account.to_string()),
        clients: addresses(&book.clients),
        endpoints: endpoints(book, material.inventory),
        uncatalogued: tops(&book.uncatalogued, |path| path.to_string()),
        told_by: if privileges.by_endpoint {
            "endpoint"
        } else {
            "logged"
        },
        permissions: permissions(privileges),
        proposal: Proposal {
            grants: levels(&privileges.proposal.grants),
            connect_grants: levels(&privileges.proposal.connect_grants),
        },
        commands,
        timeline: match (material.books.first, material.books.last) {
            (Some(first), Some(last)) => steps(&book.timeline.over(first, last)),
            _ => Vec::new(),
        },
    }
}

fn never_used(id: &str, known: &KnownKey) -> Key {
    Key {
        id: id.to_owned(),
        name: known.name.clone(),
        kind: known.kind.name(),
        mode: known.mode.name(),
        owner: Some(known.owner.clone()),
        org: None,
        is_known: true,
        calls: 0,
        denied: 0,
        shadow: 0,
        first_used: None,
        last_used: None,
        last_allowed: None,
        expires: known.expires.map(instant::show),
        reasons: Vec::new(),
        accounts: Tops::default(),
        clients: Tops::default(),
        endpoints: Vec::new(),
        uncatalogued: Tops::default(),
        told_by: "logged",
        permissions: Vec::new(),
        proposal: Proposal::default(),
        commands: Vec::new(),
        timeline: Vec::new(),
    }
}

fn permissions(privileges: &Privileges) -> Vec<Permission> {
    let told = |state: PermissionState| {
        move |used: &super::grants::Used| Permission {
            permission: used.permission.clone(),
            state,
            level: used.level.name(),
            connected: used.is_connected,
            calls: used.count.calls,
            last: Some(instant::show(used.count.last / 1000)),
            used_level: None,
            may_be_expanded: false,
            implied: Vec::new(),
        }
    };
    let used = privileges.used.iter().map(told(PermissionState::Used));
    let missing = privileges
        .missing
        .iter()
        .map(told(PermissionState::Missing));
    let unused = privileges.unused.iter().map(|unused| Permission {
        permission: unused.permission.clone(),
        state: PermissionState::Unused,
        level: unused.granted.name(),
        connected: unused.is_connected,
        calls: 0,
        last: None,
        used_level: unused.used.map(|level| level.name()),
        may_be_expanded: unused.may_be_expanded,
        implied: unused.implied.clone(),
    });
    used.chain(missing).chain(unused).collect()
}

fn endpoints(book: &KeyBook, inventory: &Inventory) -> Vec<EndpointCalls> {
    let mut by_row: std::collections::BTreeMap<Row, u64> = std::collections::BTreeMap::new();
    for (called, count) in book.endpoints.iter() {
        *by_row.entry(called.row).or_default() += count.calls;
    }
    let mut calls: Vec<EndpointCalls> = by_row
        .into_iter()
        .map(|(row, calls)| EndpointCalls {
            endpoint: endpoint(row, inventory),
            calls,
        })
        .collect();
    calls.sort_by(|a, b| {
        b.calls
            .cmp(&a.calls)
            .then_with(|| a.endpoint.cmp(&b.endpoint))
    });
    calls
}

/// Formats an endpoint as `GET /v1/customers/{customer}`.
fn endpoint(row: Row, inventory: &Inventory) -> String {
    match row {
        Row::Builtin(place) => match ROWS.get(usize::from(place)) {
            Some(row) => format!("{} {}", row.method.name(), row.path),
            None => String::new(),
        },
        Row::Own(place) => inventory
            .own
            .get(place)
            .cloned()
            .held("a row is one of the inventory"),
    }
}

fn organizations(books: &Books) -> Vec<Organization> {
    let one = |id: Option<&str>, book: &OrgBook| Organization {
        id: id.map(str::to_owned),
        keys: book.keys.len(),
        calls: book.count.calls,
        denied: book.count.refused,
        shadow: book.shadowed,
        last_used: instant::show(book.count.last / 1000),
        accounts: tops(&book.accounts, |account| account.to_string()),
    };
    let mut all: Vec<Organization> = books
        .orgs
        .iter()
        .map(|(id, book)| one(Some(id), book))
        .collect();
    if books.without_org.count.calls > 0 {
        all.push(one(None, &books.without_org));
    }
    all.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.id.cmp(&b.id)));
    all
}

fn tops<T: std::hash::Hash + Eq + Ord>(counts: &Counts<T>, show: impl Fn(&T) -> String) -> Tops {
    let sorted = counts.sorted();
    let rest: u64 = sorted
        .iter()
        .skip(LISTED)
        .map(|(_, count)| count.calls)
        .sum();
    let listed = sorted.iter().take(LISTED).map(|(value, count)| Top {
        value: show(value),
        calls: count.calls,
        denied: count.refused,
        last: instant::show(count.last / 1000),
    });
    let others = counts.others().calls;
    Tops {
        listed: listed.collect(),
        distinct: sorted.len() + usize::from(others > 0),
        others: rest + others,
    }
}

fn addresses(counts: &Counts<IpAddr>) -> Tops {
    tops(counts, IpAddr::to_string)
}

fn reasons(counts: impl Iterator<Item = (DenyReason, u64, u64)>) -> Vec<Reason> {
    let mut all: Vec<(DenyReason, u64, u64)> = counts.collect();
    all.sort_by(|a, b| (b.1 + b.2).cmp(&(a.1 + a.2)).then_with(|| a.0.cmp(&b.0)));
    all.into_iter()
        .map(|(reason, denied, shadow)| Reason {
            reason: reason.name(),
            denied,
            shadow,
        })
        .collect()
}

fn steps(timeline: &timeline::Timeline) -> Vec<Step> {
    timeline
        .steps()
        .into_iter()
        .map(|(at, passed, denied)| Step { at, passed, denied })
        .collect()
}

fn levels(granted: &Granted) -> std::collections::BTreeMap<String, &'static str> {
    granted
        .iter()
        .map(|(name, level)| (name.clone(), level.name()))
        .collect()
}
