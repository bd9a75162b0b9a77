//! The catalogue: from method and path to endpoint, through a tree of segments.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::Endpoint;
use super::method::Method;
use super::path::{PlainPath, compare_leniently};
use super::template::{self, Segment};

/// Why a row cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFault {
    /// The path is no template.
    Template,
    /// Another row of the same origin has this method and shape.
    Duplicate,
    /// There are more rows than can be numbered.
    TooMany,
}

/// Where a row comes from: an operator's row replaces a built-in one of the same method and shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From the catalogue that comes with keyward.
    Builtin,
    /// From a snapshot.
    Snapshot,
}

/// A node of the tree: what may follow the segments that lead to it.
#[derive(Clone, Debug, Default)]
struct Node {
    /// Sorted as a lenient upstream compares, so that all spellings of one literal stand together.
    literals: Vec<(Cow<'static, str>, usize)>,
    parameter: Option<usize>,
    here: Leaves,
    rest: Leaves,
}

/// Endpoints of one shape, by method.
type Leaves = Vec<(Method, usize)>;

/// All endpoints that keys with limited permissions may name.
#[derive(Clone, Debug)]
pub struct EndpointCatalogue {
    nodes: Vec<Node>,
    endpoints: Vec<(Endpoint, Origin)>,
    has_public: bool,
    has_builtin: bool,
}

impl Default for EndpointCatalogue {
    fn default() -> Self {
        Self {
            nodes: vec![Node::default()],
            endpoints: Vec::new(),
            has_public: false,
            has_builtin: false,
        }
    }
}

impl EndpointCatalogue {
    /// Adds a row, or replaces the built-in one of the same method and shape.
    pub fn add(
        &mut self,
        method: Method,
        path: Cow<'static, str>,
        endpoint: Endpoint,
        origin: Origin,
    ) -> Result<(), RowFault> {
        let segments = template::parse(&path).ok_or(RowFault::Template)?;
        let mut place = 0;
        let mut is_rest = false;
        for segment in segments {
            match segment {
                Segment::Literal(literal) => {
                    // A built-in path is static, so its literals need no copy.
                    let literal = match &path {
                        Cow::Borrowed(whole) => Cow::Borrowed(subslice(whole, literal)),
                        Cow::Owned(_) => Cow::Owned(literal.to_owned()),
                    };
                    place = self.literal_child(place, literal);
                }
                Segment::Parameter => place = self.parameter_child(place),
                Segment::Rest => is_rest = true,
            }
        }
        let number = self.endpoints.len();
        let Some(node) = self.nodes.get_mut(place) else {
            return Err(RowFault::TooMany);
        };
        let leaves = if is_rest {
            &mut node.rest
        } else {
            &mut node.here
        };
        match leaves.iter_mut().find(|(of, _)| *of == method) {
            None => leaves.push((method, number)),
            Some((_, taken)) => {
                let replaces = matches!(self.endpoints.get(*taken), Some((_, Origin::Builtin)))
                    && origin == Origin::Snapshot;
                if !replaces {
                    return Err(RowFault::Duplicate);
                }
                *taken = number;
            }
        }
        self.has_public |= endpoint.is_public();
        self.has_builtin |= origin == Origin::Builtin;
        self.endpoints.push((endpoint, origin));
        Ok(())
    }

    /// Whether any endpoint at all needs no credential.
    #[must_use]
    pub fn has_public(&self) -> bool {
        self.has_public
    }

    /// Whether this is Stripe's catalogue, with or without rows of an operator's own.
    #[must_use]
    pub fn are_stripes(&self) -> bool {
        self.has_builtin
    }

    /// The endpoint that a request with `method` and `path` names. `None` too where another spelling of the path names another one: a segment that equals
    /// a literal only after decoding and lower-casing ends the search.
    #[must_use]
    pub fn find(&self, method: Method, path: PlainPath<'_>) -> Option<&Endpoint> {
        let mut found = None;
        self.search(0, method, path.segments(), &mut found).ok()?;
        found.and_then(|number: usize| self.endpoints.get(number).map(|(endpoint, _)| endpoint))
    }

    /// Walks every branch that matches, the more literal first; the first leaf met is the answer.
    fn search<'a>(
        &self,
        place: usize,
        method: Method,
        mut segments: impl Iterator<Item = &'a str> + Clone,
        found: &mut Option<usize>,
    ) -> Result<(), Ambiguous> {
        let Some(node) = self.nodes.get(place) else {
            return Ok(());
        };
        let leaf = |leaves: &Leaves| {
            leaves
                .iter()
                .find(|(of, _)| *of == method)
                .map(|(_, number)| *number)
        };
        let Some(segment) = segments.next() else {
            *found = found.or_else(|| leaf(&node.here));
            return Ok(());
        };
        if let Some(child) = node.literal(segment)? {
            self.search(child, method, segments.clone(), found)?;
        }
        if segment.is_empty() {
            return Ok(());
        }
        if let Some(child) = node.parameter {
            self.search(child, method, segments, found)?;
        }
        *found = found.or_else(|| leaf(&node.rest));
        Ok(())
    }

    fn literal_child(&mut self, place: usize, literal: Cow<'static, str>) -> usize {
        let next = self.nodes.len();
        let Some(node) = self.nodes.get_mut(place) else {
            return place;
        };
        let order = |(known, _): &(Cow<'static, str>, usize)| {
            compare_leniently(known, &literal).then_with(|| (**known).cmp(&*literal))
        };
        match node.literals.binary_search_by(order) {
            Ok(known) => node.literals.get(known).map_or(place, |(_, child)| *child),
            Err(at) => {
                node.literals.insert(at, (literal, next));
                self.nodes.push(Node::default());
                next
            }
        }
    }

    fn parameter_child(&mut self, place: usize) -> usize {
        let next = self.nodes.len();
        let Some(node) = self.nodes.get_mut(place) else {
            return place;
        };
        match node.parameter {
            Some(child) => child,
            None => {
                node.parameter = Some(next);
                self.nodes.push(Node::default());
                next
            }
        }
    }
}

/// A segment equals a literal for a lenient upstream, and not as it stands.
struct Ambiguous;

impl Node {
    /// The child for a segment that is a literal of this node.
    fn literal(&self, segment: &str) -> Result<Option<usize>, Ambiguous> {
        let mut exact = None;
        for (literal, child) in self.alike(segment) {
            if literal != segment {
                return Err(Ambiguous);
            }
            exact = Some(*child);
        }
        // Frameworks cut a format (`search.json`) or trailing blanks off before they look a segment up.
        let stem = segment.split(['.', '%']).next().unwrap_or(segment);
        let is_suffixed = exact.is_none() && stem != segment && self.alike(stem).next().is_some();
        if is_suffixed {
            Err(Ambiguous)
        } else {
            Ok(exact)
        }
    }

    /// The literals that a lenient upstream takes for `segment`.
    fn alike(&self, segment: &str) -> impl Iterator<Item = &(Cow<'static, str>, usize)> {
        let start = self
            .literals
            .partition_point(|(literal, _)| compare_leniently(literal, segment) == Ordering::Less);
        self.literals
            .get(start..)
            .unwrap_or(&[])
            .iter()
            .take_while(move |(literal, _)| compare_leniently(literal, segment) == Ordering::Equal)
    }
}

/// `part` of `whole` with the lifetime of `whole`.
fn subslice(whole: &'static str, part: &str) -> &'static str {
    whole
        .split('/')
        .find(|segment| *segment == part)
        .unwrap_or("")
}
