//! Custom rows that replace Stripe's, with the differences, and rows that name a permission twice.

use std::collections::HashMap;

use super::endpoints::{InForce, shape};
use super::{Finding, Subject};
use keyward::endpoint::{Endpoint, Method, ROWS, Row, Rule};

pub(super) fn check(subject: &Subject<'_>, rows: &[InForce<'_>], findings: &mut Vec<Finding>) {
    let catalogue = subject.snapshot.endpoints();
    let builtin: HashMap<(Method, String), u16> = (0..=u16::MAX)
        .zip(ROWS)
        .map(|(number, row)| ((row.method, shape(row.path)), number))
        .collect();
    for row in rows {
        let Some(place) = &row.place else {
            continue;
        };
        if let Rule::Key { permissions, .. } = row.endpoint.rule {
            let mut once = permissions.to_vec();
            once.sort_unstable();
            once.dedup();
            if once.len() < permissions.len() {
                let text = "names a permission twice, perhaps in two spellings".to_owned();
                findings.push(Finding::warning(place.then("any_of"), text));
            }
        }
        let Some(number) = builtin.get(&(row.method, shape(row.path))) else {
            continue;
        };
        // `None` without Stripe's catalogue.
        let Some(stripes) = catalogue.endpoint(Row::Builtin(*number)) else {
            continue;
        };
        let (was, is) = (asks(subject, &stripes), asks(subject, &row.endpoint));
        let text = if was == is {
            format!("replaces Stripe's row, which asks for the same: {is}")
        } else {
            format!("replaces Stripe's row, which asks for {was}: this one asks for {is}")
        };
        findings.push(Finding::note(place.clone(), text));
    }
}

/// Describes what an endpoint requires of a caller.
fn asks(subject: &Subject<'_>, endpoint: &Endpoint<'_>) -> String {
    match endpoint.rule {
        Rule::Public => "no key at all".to_owned(),
        Rule::Key {
            permissions,
            access,
            publishable,
        } => {
            let names: Vec<String> = permissions
                .iter()
                .map(|permission| subject.shown(subject.snapshot.permissions().name(*permission)))
                .collect();
            let publishable = if publishable {
                ", or a publishable key"
            } else {
                ""
            };
            format!("{} ({}){publishable}", names.join(" or "), access.name())
        }
    }
}
