//! The tree of a snapshot's own rows, and the search among a node's literals.

use std::cmp::Ordering;

use super::method::Method;
use super::path::{Lenient, compare_leniently};
use super::template::{self, Segment};

/// Why a row cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFault {
    /// The path is not a template.
    Template,
    /// Another row has the same method and shape.
    Duplicate,
    /// There are more rows than numbers.
    TooMany,
}

/// An item that is found by a literal segment.
pub(super) trait Named {
    /// Whether no two literals of this type are spellings of each other.
    const ARE_APART: bool;

    fn text(&self) -> &str;

    /// Compares this literal with a segment, as a lenient upstream reads them.
    fn order_to(&self, segment: &Lenient<'_>) -> Ordering;
}

/// Returns the literals that a lenient upstream may read `segment` as. `literals` are sorted as it
/// compares them.
pub(super) fn alike<'a, T: Named>(literals: &'a [T], segment: &Lenient<'_>) -> &'a [T] {
    let order = |literal: &T| literal.order_to(segment);
    let Ok(found) = literals.binary_search_by(order) else {
        return &[];
    };
    let (mut start, mut end) = (found, found + 1);
    if !T::ARE_APART {
        let is_alike = |literal: &&T| order(literal) == Ordering::Equal;
        let (before, after) = literals.split_at(found);
        start -= before.iter().rev().take_while(is_alike).count();
        end = found + after.iter().take_while(is_alike).count();
    }
    literals.get(start..end).unwrap_or(&[])
}

/// A literal segment and the node after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Literal {
    text: Box<str>,
    child: usize,
}

impl Literal {
    pub(super) fn child(&self) -> usize {
        self.child
    }
}

impl Named for Literal {
    const ARE_APART: bool = false;

    fn text(&self) -> &str {
        &self.text
    }

    fn order_to(&self, segment: &Lenient<'_>) -> Ordering {
        segment.order_of(&self.text)
    }
}

/// A node: everything that may follow the segments that lead to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Node {
    /// Sorted as a lenient upstream compares them, so that all spellings of a literal are adjacent.
    pub(super) literals: Vec<Literal>,
    pub(super) parameter: Option<usize>,
    here: Leaves,
    rest: Leaves,
}

/// Rows of one shape, by method.
type Leaves = Vec<(Method, usize)>;

impl Node {
    /// Returns the row that ends here, or whose wildcard is here.
    pub(super) fn row(&self, method: Method, is_rest: bool) -> Option<usize> {
        let leaves = if is_rest { &self.rest } else { &self.here };
        leaves
            .iter()
            .find(|(of, _)| *of == method)
            .map(|(_, row)| *row)
    }
}

/// All rows of a snapshot, by segment. Without rows, it has no nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree(Vec<Node>);

impl Tree {
    pub(super) const ROOT: usize = 0;

    pub(super) fn node(&self, place: usize) -> Option<&Node> {
        self.0.get(place)
    }

    pub(super) fn add(&mut self, method: Method, path: &str, row: usize) -> Result<(), RowFault> {
        let segments = template::parse(path).ok_or(RowFault::Template)?;
        if self.0.is_empty() {
            self.0.push(Node::default());
        }
        let mut place = Self::ROOT;
        let mut is_rest = false;
        for segment in segments {
            match segment {
                Segment::Literal(literal) => place = self.literal_child(place, literal),
                Segment::Parameter => place = self.parameter_child(place),
                Segment::Rest => is_rest = true,
            }
        }
        let node = self.0.get_mut(place).ok_or(RowFault::TooMany)?;
        if node.row(method, is_rest).is_some() {
            return Err(RowFault::Duplicate);
        }
        let leaves = if is_rest {
            &mut node.rest
        } else {
            &mut node.here
        };
        leaves.push((method, row));
        Ok(())
    }

    fn literal_child(&mut self, place: usize, text: &str) -> usize {
        let next = self.0.len();
        let Some(node) = self.0.get_mut(place) else {
            return place;
        };
        let order = |known: &Literal| {
            compare_leniently(&known.text, text).then_with(|| (*known.text).cmp(text))
        };
        match node.literals.binary_search_by(order) {
            Ok(known) => node.literals.get(known).map_or(place, Literal::child),
            Err(at) => {
                let literal = Literal {
                    text: text.into(),
                    child: next,
                };
                node.literals.insert(at, literal);
                self.0.push(Node::default());
                next
            }
        }
    }

    fn parameter_child(&mut self, place: usize) -> usize {
        let next = self.0.len();
        let Some(node) = self.0.get_mut(place) else {
            return place;
        };
        match node.parameter {
            Some(child) => child,
            None => {
                node.parameter = Some(next);
                self.0.push(Node::default());
                next
            }
        }
    }
}
