//! The rows in effect: the built-in ones unless they are dropped or replaced, and the snapshot's
//! own, each with its place.

use std::collections::HashSet;

use super::Subject;
use keyward::endpoint::{Endpoint, Method, ROWS, Row};
use keyward::refusal::Place;

/// A row that is in effect.
pub(super) struct InForce<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) endpoint: Endpoint<'a>,
    /// The place of a custom row.
    pub(super) place: Option<Place>,
}

impl InForce<'_> {
    /// Formats the row in backticks: ``GET /v1/widgets/{id}``.
    pub(super) fn shown(&self, subject: &Subject<'_>) -> String {
        subject.shown(&format!("{} {}", self.method.name(), self.path))
    }
}

pub(super) fn in_force<'a>(subject: &Subject<'a>) -> Vec<InForce<'a>> {
    let catalogue = subject.snapshot.endpoints();
    let place = subject.place.then("endpoints");
    let rows = subject.written.endpoints().iter().enumerate();
    let own: Vec<InForce<'a>> = rows
        .filter_map(|(index, row)| {
            Some(InForce {
                method: Method::of_row(&row.method)?,
                path: &row.path,
                endpoint: catalogue.endpoint(Row::Own(index))?,
                place: Some(place.at(index)),
            })
        })
        .collect();
    let taken: HashSet<(Method, String)> = own
        .iter()
        .map(|row| (row.method, shape(row.path)))
        .collect();
    let builtin = (0..=u16::MAX).zip(ROWS).filter_map(|(number, row)| {
        let is_replaced = taken.contains(&(row.method, shape(row.path)));
        let endpoint = catalogue.endpoint(Row::Builtin(number))?;
        (!is_replaced).then_some(InForce {
            method: row.method,
            path: row.path,
            endpoint,
            place: None,
        })
    });
    let mut rows: Vec<InForce<'a>> = builtin.collect();
    rows.extend(own);
    rows
}

/// Returns the text between the slashes of a template.
pub(super) fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

pub(super) fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{')
}

pub(super) fn is_wildcard(segment: &str) -> bool {
    segment.starts_with("{*")
}

/// Returns the template without the names of its parameters.
pub(super) fn shape(path: &str) -> String {
    let shapes = segments(path).map(|segment| match segment {
        wildcard if is_wildcard(wildcard) => "{*}",
        parameter if is_parameter(parameter) => "{}",
        literal => literal,
    });
    shapes.collect::<Vec<_>>().join("/")
}
