//! Rows that no request reaches. To find them, it is enough to try requests whose parameters equal
//! no literal: any other value only adds rows that answer first or make the path ambiguous. A
//! wildcard is tried at every length that another row could distinguish.

use std::collections::{BTreeMap, HashSet};

use super::endpoints::{InForce, is_parameter, is_wildcard, segments};
use super::{Finding, Subject};
use keyward::endpoint::{PlainPath, Row};

pub(super) fn check(subject: &Subject<'_>, rows: &[InForce<'_>], findings: &mut Vec<Finding>) {
    let samples = Samples::new(rows);
    let mut unreached: BTreeMap<usize, Vec<&InForce<'_>>> = BTreeMap::new();
    for row in rows {
        let answers = |ending| {
            let mut paths = samples.of(row.path, ending).into_iter();
            paths.any(|path| find(subject, row, &path) == Some(row.endpoint.row))
        };
        let (plainly, with_slash) = (answers(""), answers("/"));
        match (&row.place, row.endpoint.row) {
            _ if plainly => {}
            (Some(place), _) if with_slash => findings.push(Finding::warning(
                place.then("path"),
                "no request reaches this row but those whose path ends in a slash: other rows answer first".to_owned(),
            )),
            (Some(place), _) => {
                let rival = rival(row, rows.iter());
                let rival = rival.map_or_else(
                    || "another row".to_owned(),
                    |rival| rival.shown(subject),
                );
                findings.push(Finding::warning(
                    place.then("path"),
                    format!("no request reaches this row: {rival} spells a segment of it in another way, and a path that two rows can claim is refused"),
                ));
            }
            (None, _) => {
                let own = rows.iter().filter(|other| other.place.is_some());
                if let Some(InForce { endpoint, .. }) = rival(row, own)
                    && let Row::Own(number) = endpoint.row
                {
                    unreached.entry(number).or_default().push(row);
                }
            }
        }
    }
    for (number, lost) in unreached {
        let place = subject.place.then("endpoints").at(number).then("path");
        let Some(first) = lost.first() else {
            continue;
        };
        let more = match lost.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let text = format!(
            "no request reaches Stripe's {}{more} any longer: a segment here is another spelling of theirs",
            first.shown(subject)
        );
        findings.push(Finding::warning(place, text));
    }
}

fn find(subject: &Subject<'_>, row: &InForce<'_>, path: &str) -> Option<Row> {
    let path = PlainPath::parse(path.as_bytes())?;
    let endpoint = subject.snapshot.endpoints().find(row.method, path)?;
    Some(endpoint.row)
}

/// Sample paths that match a template.
struct Samples {
    /// A segment that equals no literal in any spelling.
    value: String,
    /// A number of segments that exceeds every template's.
    depth: usize,
}

impl Samples {
    fn new(rows: &[InForce<'_>]) -> Self {
        let literals: HashSet<String> = rows
            .iter()
            .flat_map(|row| segments(row.path))
            .map(str::to_ascii_lowercase)
            .collect();
        let depth = rows.iter().map(|row| segments(row.path).count()).max();
        let mut value = "x".to_owned();
        while literals.contains(&value) {
            value.push('x');
        }
        Self {
            value,
            depth: depth.unwrap_or(0) + 1,
        }
    }

    /// Returns sample paths. If the template ends in a wildcard, they end with `ending`.
    fn of(&self, template: &str, ending: &str) -> Vec<String> {
        let mut path = String::new();
        for segment in segments(template) {
            if is_wildcard(segment) {
                let lengths = (0..self.depth).scan(path, |path, _| {
                    path.push('/');
                    path.push_str(&self.value);
                    Some(format!("{path}{ending}"))
                });
                return lengths.collect();
            }
            path.push('/');
            path.push_str(if is_parameter(segment) {
                &self.value
            } else {
                segment
            });
        }
        vec![path]
    }
}

/// Returns the row that makes every path of this row ambiguous: both match up to a literal that a
/// lenient upstream mistakes for this row's literal.
fn rival<'r, 'a: 'r>(
    row: &InForce<'_>,
    mut others: impl Iterator<Item = &'r InForce<'a>>,
) -> Option<&'r InForce<'a>> {
    others.find(|other| {
        for (mine, theirs) in segments(row.path).zip(segments(other.path)) {
            if is_wildcard(mine) || is_wildcard(theirs) {
                return false;
            }
            match (is_parameter(mine), is_parameter(theirs)) {
                (_, true) => {}
                (true, false) => return false,
                (false, false) if mine == theirs => {}
                (false, false) => {
                    let stem = mine.split('.').next().unwrap_or(mine);
                    return mine.eq_ignore_ascii_case(theirs) || stem.eq_ignore_ascii_case(theirs);
                }
            }
        }
        false
    })
}
