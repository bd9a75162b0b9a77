//! The built-in catalogue: Stripe's endpoints, compiled in from `catalogue/stripe.tsv` as tables
//! that are ready to search. Loading a snapshot builds nothing.

use std::cmp::Ordering;

use super::path::Lenient;
use super::template::{self, Segment};
use super::tree::Named;
use super::{Endpoint, Expansions, Method, Row, Rule};
use crate::permission::{AccessLevel, PERMISSIONS, Permission};

/// A built-in endpoint, in readable form. Requests find endpoints through the tree, and this table
/// is not in the filter.
#[derive(Clone, Copy, Debug)]
pub struct BuiltinRow {
    /// The method. HEAD is looked up as GET.
    pub method: Method,
    /// The template.
    pub path: &'static str,
    /// Permissions. Any one is enough; the first determines the label.
    pub permissions: &'static [&'static str],
    /// The level.
    pub access: AccessLevel,
    /// Whether publishable keys may call it.
    pub publishable: bool,
}

/// What rows require of a caller.
struct Ask {
    permissions: &'static [Permission],
    access: AccessLevel,
    publishable: bool,
}

/// A node of the tree. Its literals and leaves end where those of the next node begin.
pub(super) struct Node {
    literals: u16,
    leaves: u16,
    /// The number of the node after a parameter, or 0 without one.
    parameter: u16,
}

/// A literal segment and the node after it.
pub(super) struct Literal {
    /// The text's first eight bytes as a number that sorts like the text, so that most comparisons
    /// take one instruction.
    first: u64,
    text: &'static str,
    child: u16,
}

impl Named for Literal {
    /// No literal has capital letters: the build rejects them.
    const ARE_APART: bool = true;

    fn text(&self) -> &str {
        self.text
    }

    fn order_to(&self, segment: &Lenient<'_>) -> Ordering {
        segment.order_of_plain(self.text, self.first)
    }
}

struct Leaf {
    method: Method,
    /// Whether the row ends in a wildcard.
    is_rest: bool,
    row: u16,
}

include!(concat!(env!("OUT_DIR"), "/endpoints.rs"));

/// A place in the tree: the number of a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(u16);

impl Place {
    pub(super) const ROOT: Self = Self(0);

    fn node(self) -> Option<(&'static Node, &'static Node)> {
        let place = usize::from(self.0);
        match NODES.get(place..)? {
            [node, next, ..] => Some((node, next)),
            [_] | [] => None,
        }
    }

    /// Returns where a template ends, whatever its parameters are called, and whether it ends in a
    /// wildcard.
    pub(super) fn of(template: &str) -> Option<(Self, bool)> {
        let mut place = Self::ROOT;
        let mut is_rest = false;
        for segment in template::parse(template)? {
            match segment {
                Segment::Literal(text) => {
                    let mut literals = place.literals().iter();
                    place = literals.find(|literal| literal.text == text)?.child();
                }
                Segment::Parameter => place = place.parameter()?,
                Segment::Rest => is_rest = true,
            }
        }
        Some((place, is_rest))
    }

    /// Returns the literals, sorted as a lenient upstream compares them.
    pub(super) fn literals(self) -> &'static [Literal] {
        self.node()
            .and_then(|(node, next)| {
                LITERALS.get(usize::from(node.literals)..usize::from(next.literals))
            })
            .unwrap_or(&[])
    }

    pub(super) fn parameter(self) -> Option<Self> {
        let (node, _) = self.node()?;
        (node.parameter != 0).then_some(Self(node.parameter))
    }

    /// Returns the row that ends here, or whose wildcard is here.
    pub(super) fn row(self, method: Method, is_rest: bool) -> Option<u16> {
        let (node, next) = self.node()?;
        let leaves = LEAVES.get(usize::from(node.leaves)..usize::from(next.leaves))?;
        let mut leaves = leaves.iter();
        leaves
            .find(|leaf| leaf.method == method && leaf.is_rest == is_rest)
            .map(|leaf| leaf.row)
    }
}

impl Literal {
    pub(super) fn child(&self) -> Place {
        Place(self.child)
    }
}

/// Returns the endpoint of a row.
pub(super) fn endpoint(row: u16) -> Option<Endpoint<'static>> {
    let ask = ASK_OF_ROW.get(usize::from(row))?;
    let ask = ASKS.get(usize::from(*ask))?;
    let first = ask.permissions.first()?;
    Some(Endpoint {
        rule: Rule::Key {
            permissions: ask.permissions,
            access: ask.access,
            publishable: ask.publishable,
        },
        label: PERMISSIONS.get(first.place())?.label,
        row: Row::Builtin(row),
        built_in: Some(row),
        expansions: Expansions::default(),
    })
}
