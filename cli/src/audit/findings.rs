//! What is worth a look about a key.

use super::Thresholds;
use super::books::KeyBook;
use super::grants::Privileges;
use super::inventory::KnownKey;
use super::report::{Finding, Kind};
use crate::times::{length_in_words, relative};
use keyward::key::KeyKind;
use keyward::reason::DenyReason;

/// A key to examine.
pub(super) struct Subject<'a> {
    pub(super) id: &'a str,
    pub(super) book: Option<&'a KeyBook>,
    pub(super) known: Option<&'a KnownKey>,
    pub(super) privileges: &'a Privileges,
    /// Whether there is a source of keys.
    pub(super) has_source: bool,
    /// The times of the log's first and last request, in Unix seconds.
    pub(super) log: (u64, u64),
}

fn owner(subject: &Subject<'_>) -> Option<String> {
    let known = subject.known.map(|known| known.owner.clone());
    known.or_else(|| subject.book?.owner.as_deref().map(str::to_owned))
}

/// Returns all findings about one key.
pub(super) fn of_key(subject: &Subject<'_>, thresholds: &Thresholds) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut find = |kind: Kind, text: String| {
        found.push(Finding {
            finding: kind,
            key: Some(subject.id.to_owned()),
            name: subject.known.and_then(|known| known.name.clone()),
            owner: owner(subject),
            text,
        });
    };
    if let Some(text) = unused(subject, thresholds) {
        find(Kind::UnusedKey, text);
    }
    if let (Some(book), Some(known)) = (subject.book, subject.known)
        && let Some(text) = retiring(book, known, subject.log.1, thresholds)
    {
        find(Kind::RetiringInUse, text);
    }
    let Some(book) = subject.book else {
        return found;
    };
    if subject.has_source && subject.known.is_none() {
        find(
            Kind::NotListed,
            format!(
                "{}, and the source of keys does not list it",
                calls(book.calls)
            ),
        );
    }
    let ended = [DenyReason::DeletedKey, DenyReason::ExpiredKey];
    let presented: u64 = ended
        .iter()
        .filter_map(|reason| book.reasons.get(reason))
        .map(|count| count.calls)
        .sum();
    if presented > 0 {
        find(
            Kind::EndedInUse,
            format!(
                "presented {} after its end: a client still has it",
                times(presented)
            ),
        );
    }
    let privileges = subject.privileges;
    if !privileges.missing.is_empty() {
        let list = privileges.missing.iter().map(|missing| {
            let side = if missing.is_connected {
                " on connected accounts"
            } else {
                ""
            };
            format!(
                "`{}` {}{side} ({})",
                missing.permission,
                missing.level.name(),
                times(missing.count.calls)
            )
        });
        find(Kind::Missing, list.collect::<Vec<_>>().join(", "));
    }
    if book.shadowed > 0 {
        let mut reasons: Vec<_> = book
            .reasons
            .iter()
            .filter(|(_, count)| count.calls > count.refused)
            .map(|(reason, count)| (*reason, count.calls - count.refused))
            .collect();
        reasons.sort_unstable();
        let list = reasons
            .iter()
            .map(|(reason, count)| format!("{} ({})", reason.name(), times(*count)));
        find(
            Kind::WouldDeny,
            format!(
                "enforced, these would be refused: {}",
                list.collect::<Vec<_>>().join(", ")
            ),
        );
    }
    let unused: Vec<String> = privileges.unused.iter().map(grant).collect();
    let has_ended = subject
        .known
        .is_some_and(|known| known.has_ended(subject.log.1));
    if !unused.is_empty() && !has_ended {
        let has_set = subject.known.is_some_and(|known| known.has_set);
        let shared = if has_set {
            "; of a grant set, which other keys may share"
        } else {
            ""
        };
        find(Kind::Unused, format!("{}{shared}", unused.join(", ")));
    }
    if privileges.by_endpoint && super::commands::can_be_limited(book.kind, &privileges.proposal) {
        let count = privileges.proposal.grants.len() + privileges.proposal.connect_grants.len();
        let beyond = book
            .uncatalogued
            .iter()
            .map(|(_, count)| count.calls)
            .sum::<u64>()
            + book.uncatalogued.others().calls;
        let but = match beyond {
            0 => String::new(),
            some => format!(
                "; {} went to paths that are not in the catalogue, and what those need is not known",
                calls(some)
            ),
        };
        let permissions = if count == 1 {
            "permission"
        } else {
            "permissions"
        };
        find(
            Kind::CanBeLimited,
            format!("its calls needed {count} {permissions}{but}"),
        );
    } else if book.unexplained > 0 {
        find(
            Kind::Unexplained,
            format!(
                "{} of its {} went to paths that are not in the catalogue, and no permission is logged: what it needs is not known",
                book.unexplained,
                calls(book.calls)
            ),
        );
    }
    let is_public = book.kind == KeyKind::Publishable;
    if !is_public && book.clients.len() >= thresholds.clients {
        let more = if book.clients.others().calls > 0 {
            " at least"
        } else {
            ""
        };
        find(
            Kind::ManyClients,
            format!(
                "used from{more} {} addresses; one key per service is the rule",
                book.clients.len()
            ),
        );
    }
    if book.kind == KeyKind::Organization
        && book.accounts.others().calls == 0
        && let [(account, _)] = book.accounts.sorted().as_slice()
        && book.calls >= 2
    {
        find(
            Kind::OneAccount,
            format!("it reached only `{account}`: a key of that account is enough"),
        );
    }
    found
}

fn grant(unused: &super::grants::Unused) -> String {
    let side = if unused.is_connected {
        " on connected accounts"
    } else {
        ""
    };
    let granted = unused.granted.name();
    let mut text = match unused.used {
        Some(used) => format!(
            "`{}` {granted}{side}, used to {}",
            unused.permission,
            used.name()
        ),
        None => format!("`{}` {granted}{side}", unused.permission),
    };
    if unused.may_be_expanded {
        text.push_str(" (an `expand` may have needed it)");
    }
    if !unused.implied.is_empty() {
        text.push_str(&format!(
            " (but for what it implies: `{}`)",
            unused.implied.join("`, `")
        ));
    }
    text
}

/// Describes a working key that has not been used for long before the log ends.
fn unused(subject: &Subject<'_>, thresholds: &Thresholds) -> Option<String> {
    let (first, end) = subject.log;
    let known = subject.known;
    if known.is_some_and(|known| known.has_ended(end)) {
        return None;
    }
    let covers = end.saturating_sub(first);
    let Some(book) = subject.book else {
        let known = known?;
        let is_young = |since: Option<u64>| {
            since.is_some_and(|since| end.saturating_sub(since) < thresholds.unused_for)
        };
        if is_young(known.created) || is_young(known.not_before) {
            return None;
        }
        let covered = length_in_words(covers);
        return Some(if covers < thresholds.unused_for {
            format!(
                "not in this log, which covers {covered} and not the {} asked about",
                length_in_words(thresholds.unused_for)
            )
        } else {
            format!("not in this log, which covers {covered}")
        });
    };
    let idle = end.saturating_sub(book.last / 1000);
    (idle >= thresholds.unused_for)
        .then(|| format!("last used {} before the log ends", length_in_words(idle)))
}

/// Describes a key that is about to end or was replaced, but still passes.
fn retiring(book: &KeyBook, known: &KnownKey, end: u64, thresholds: &Thresholds) -> Option<String> {
    let passed = book.last_passed? / 1000;
    if known.is_deleted {
        return None;
    }
    let ends_soon = known
        .expires
        .filter(|expires| *expires <= end.saturating_add(thresholds.expiring_within));
    let ends = ends_soon.map(|expires| format!("ends {}", relative(expires, end)));
    let replaced = known
        .replaced_by
        .as_ref()
        .map(|by| format!("was replaced by `{by}`"));
    let why: Vec<String> = [replaced, ends].into_iter().flatten().collect();
    (!why.is_empty()).then(|| {
        format!(
            "{}, and last passed {}",
            why.join(" and "),
            relative(passed, end)
        )
    })
}

pub(super) fn times(count: u64) -> String {
    if count == 1 {
        "once".to_owned()
    } else {
        format!("{count} times")
    }
}

fn calls(count: u64) -> String {
    if count == 1 {
        "1 call".to_owned()
    } else {
        format!("{count} calls")
    }
}
