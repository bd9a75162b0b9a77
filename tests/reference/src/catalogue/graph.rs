//! Reads the files on expansions independently: what endpoints return, which fields lead where, and
//! what that requires.

use super::{names, table};

/// A row of `catalogue/expansions.tsv`, or of `expansions-own.tsv`.
pub struct Edge {
    pub object: String,
    pub field: String,
    /// `true` for `expands`, `false` for `contains`.
    pub expands: bool,
    /// `charge`, `list refund`
    pub targets: Vec<String>,
    /// The required permissions, if they replace what the targets require.
    pub instead: Vec<String>,
}

/// Returns the generated rows, followed by those that are kept by hand.
pub fn edges() -> Vec<Edge> {
    let generated = table("expansions.tsv").into_iter().map(|columns| {
        let [object, field, kind, targets] = columns.try_into().unwrap();
        edge(object, field, &kind, &targets, "-")
    });
    let own = table("expansions-own.tsv").into_iter().map(|columns| {
        let [object, field, kind, targets, permission, _] = columns.try_into().unwrap();
        edge(object, field, &kind, &targets, &permission)
    });
    generated.chain(own).collect()
}

fn edge(object: String, field: String, kind: &str, targets: &str, permission: &str) -> Edge {
    Edge {
        object,
        field,
        expands: match kind {
            "expands" => true,
            "contains" => false,
            _ => panic!("{kind}"),
        },
        targets: names(targets, '|'),
        instead: names(permission, '|'),
    }
}

/// Returns objects and their permissions. Any one of an object's permissions is enough to read it.
pub fn objects() -> Vec<(String, Vec<String>)> {
    let rows = table("objects.tsv").into_iter().map(|columns| {
        let [object, permission, _, _] = columns.try_into().unwrap();
        (object, names(&permission, '|'))
    });
    rows.collect()
}

/// Returns methods and paths, with what a success returns.
pub fn returns() -> Vec<(String, String, Vec<String>)> {
    let rows = ["operations.tsv", "operations-own.tsv"].into_iter();
    rows.flat_map(table)
        .map(|columns| {
            let [method, path, _, returns, _] = columns.try_into().unwrap();
            (method, path, names(&returns, '|'))
        })
        .collect()
}

#[test]
fn every_endpoint_says_what_it_returns() {
    let returns = returns();
    for row in super::rows() {
        let said = returns
            .iter()
            .filter(|(method, path, _)| *method == row.method && *path == row.path);
        assert_eq!(said.count(), 1, "{} {}", row.method, row.path);
    }
}

#[test]
fn what_an_expansion_shows_asks_for_a_permission_or_says_that_none_is_known() {
    let objects = objects();
    let permissions = super::permissions();
    for edge in edges().iter().filter(|edge| edge.expands) {
        for target in &edge.targets {
            let object = target.strip_prefix("list ").unwrap_or(target);
            let is_known = object.contains(':') || objects.iter().any(|(known, _)| known == object);
            assert!(is_known, "{object} of {}.{}", edge.object, edge.field);
        }
    }
    let asked = objects.iter().flat_map(|(_, asked)| asked);
    for name in asked.chain(edges().iter().flat_map(|edge| &edge.instead)) {
        assert!(
            permissions.iter().any(|known| known.name == *name),
            "{name}"
        );
    }
    let silent: Vec<_> = objects
        .iter()
        .filter(|(_, asked)| asked.is_empty())
        .map(|(object, _)| object.as_str())
        .collect();
    assert_eq!(silent, ["application"]);
}
