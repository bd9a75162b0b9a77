//! What `expand` in a query could have required. Queries are not logged, so a grant that seems
//! unused may have served an expansion.

use std::collections::BTreeSet;

use super::inventory::Inventory;
use keyward::endpoint::Row;
use keyward::expansion::{STRIPE, Target, returned};
use keyward::permission::Permission;

/// Returns the permissions that one expanded field in the replies of these endpoints requires,
/// including fields of objects that the replies contain.
pub(super) fn expandable(rows: &BTreeSet<Row>, inventory: &Inventory) -> BTreeSet<Permission> {
    let mut asked = BTreeSet::new();
    if !inventory.endpoints.are_stripes() {
        return asked;
    }
    let mut seen = BTreeSet::new();
    let mut here: Vec<Target> = rows
        .iter()
        .filter_map(|row| inventory.endpoints.endpoint(*row)?.built_in)
        .flat_map(|row| returned(row).iter().copied())
        .collect();
    while let Some(target) = here.pop() {
        if !seen.insert(target.object) {
            continue;
        }
        for way in ways(target) {
            asked.extend(way.asks.iter().copied().flatten().copied());
            // A contained object is part of the reply anyway, with its fields.
            if way.asks.is_empty() {
                here.extend(way.targets);
            }
        }
    }
    asked
}

fn ways(target: Target) -> impl Iterator<Item = &'static keyward::expansion::Way> {
    let object = usize::from(target.object);
    let place = |at: usize| STRIPE.starts.get(at).map(|start| usize::from(*start));
    let edges = place(object)
        .zip(place(object + 1))
        .and_then(|(start, end)| STRIPE.edges.get(start..end))
        .unwrap_or(&[]);
    edges
        .iter()
        .filter_map(|edge| STRIPE.ways.get(usize::from(edge.way)))
}
