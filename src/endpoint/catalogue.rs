//! The catalogue finds an endpoint by its method and path. It walks two trees of segments as one:
//! the built-in tree, and that of the snapshot's own rows. A look-up allocates nothing.

use super::expansions::{AddedExpansions, Expansions};
use super::method::Method;
use super::path::{Lenient, PlainPath};
use super::tree::{self, Named, RowFault, Tree, alike};
use super::{Endpoint, Row, Rule, Unread, builtin};
use crate::permission::{AccessLevel, Permission};

/// What a row of a snapshot requires of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnRule {
    /// The caller needs no credential.
    Public,
    /// The caller needs a key, as for [`Rule::Key`].
    Key {
        /// At least one permission. Any one is enough.
        permissions: Box<[Permission]>,
        /// The level.
        access: AccessLevel,
        /// Whether publishable keys may call it.
        publishable: bool,
    },
}

/// A row of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnEndpoint {
    /// What the endpoint requires of a caller.
    pub rule: OwnRule,
    /// The resource's display name.
    pub label: Box<str>,
    /// Paths that a query may expand in addition to the known ones, and the permission that each
    /// needs.
    pub expansions: AddedExpansions,
}

/// All endpoints that keys with limited permissions may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointCatalogue {
    has_builtin: bool,
    tree: Tree,
    /// Each of the snapshot's rows, with the built-in row that it replaces.
    own: Vec<(OwnEndpoint, Option<u16>)>,
    has_public: bool,
}

impl EndpointCatalogue {
    /// Returns the catalogue of Stripe's endpoints.
    #[must_use]
    pub fn stripe() -> Self {
        Self {
            has_builtin: true,
            ..Self::empty()
        }
    }

    /// Returns a catalogue without endpoints.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            has_builtin: false,
            tree: Tree::default(),
            own: Vec::new(),
            has_public: false,
        }
    }

    /// Adds a row of the snapshot. It replaces a built-in row of the same method and shape.
    pub fn add(
        &mut self,
        method: Method,
        path: &str,
        endpoint: OwnEndpoint,
    ) -> Result<(), RowFault> {
        self.tree.add(method, path, self.own.len())?;
        self.has_public |= endpoint.rule == OwnRule::Public;
        let instead_of = builtin::Place::of(path)
            .filter(|_| self.has_builtin)
            .and_then(|(place, is_rest)| place.row(method, is_rest));
        self.own.push((endpoint, instead_of));
        Ok(())
    }

    /// Returns whether any endpoint needs no credential.
    #[must_use]
    pub fn has_public(&self) -> bool {
        self.has_public
    }

    /// Returns whether this is Stripe's catalogue, with or without custom rows.
    #[must_use]
    pub fn are_stripes(&self) -> bool {
        self.has_builtin
    }

    /// Returns the endpoint that a request with `method` and `path` names. Also returns `None` if
    /// another spelling of the path names another endpoint: a segment that equals a literal only
    /// after decoding and lower-casing ends the search.
    #[must_use]
    pub fn find(&self, method: Method, path: PlainPath<'_>) -> Option<Endpoint<'_>> {
        self.seek(method, path).ok()
    }

    /// Like [`Self::find`], and returns the reason if no row matches.
    pub fn seek<'p>(
        &self,
        method: Method,
        path: PlainPath<'p>,
    ) -> Result<Endpoint<'_>, Unread<'p>> {
        let search = Search {
            catalogue: self,
            method,
        };
        let root = Spot {
            builtin: self.has_builtin.then_some(builtin::Place::ROOT),
            own: self.tree.node(Tree::ROOT),
        };
        let mut found = None;
        search
            .walk(root, path.segments(), &mut found)
            .map_err(|Ambiguous(segment)| Unread::Alike(segment))?;
        found
            .and_then(|row| self.endpoint(row))
            .ok_or(Unread::Unlisted)
    }

    /// Returns the endpoint of a row.
    #[must_use]
    pub fn endpoint(&self, row: Row) -> Option<Endpoint<'_>> {
        match row {
            Row::Builtin(number) if self.has_builtin => builtin::endpoint(number),
            Row::Builtin(_) => None,
            Row::Own(number) => self
                .own
                .get(number)
                .map(|(own, instead_of)| own.view(row, *instead_of)),
        }
    }
}

impl OwnEndpoint {
    fn view(&self, row: Row, built_in: Option<u16>) -> Endpoint<'_> {
        let rule = match &self.rule {
            OwnRule::Public => Rule::Public,
            OwnRule::Key {
                permissions,
                access,
                publishable,
            } => Rule::Key {
                permissions,
                access: *access,
                publishable: *publishable,
            },
        };
        Endpoint {
            rule,
            label: &self.label,
            row,
            built_in,
            expansions: Expansions::of(&self.expansions),
        }
    }
}

/// The same place in both trees, as far as they extend.
#[derive(Clone, Copy, Default)]
struct Spot<'a> {
    builtin: Option<builtin::Place>,
    own: Option<&'a tree::Node>,
}

/// A segment that a lenient upstream reads as a literal, although it is not spelled exactly so.
struct Ambiguous<'p>(&'p str);

struct Search<'a> {
    catalogue: &'a EndpointCatalogue,
    method: Method,
}

impl<'a> Search<'a> {
    /// Walks every branch that matches, the more literal ones first. The first leaf that it reaches
    /// is the answer.
    fn walk<'p>(
        &self,
        spot: Spot<'a>,
        mut segments: impl Iterator<Item = &'p str> + Clone,
        found: &mut Option<Row>,
    ) -> Result<(), Ambiguous<'p>> {
        let Some(segment) = segments.next() else {
            *found = found.or_else(|| spot.row(self.method, false));
            return Ok(());
        };
        if let Some(child) = self.literal(spot, segment)? {
            self.walk(child, segments.clone(), found)?;
        }
        if segment.is_empty() {
            return Ok(());
        }
        if let Some(child) = self.parameter(spot) {
            self.walk(child, segments, found)?;
        }
        *found = found.or_else(|| spot.row(self.method, true));
        Ok(())
    }

    /// Returns the child for a segment that is a literal here.
    fn literal<'p>(
        &self,
        spot: Spot<'a>,
        segment: &'p str,
    ) -> Result<Option<Spot<'a>>, Ambiguous<'p>> {
        let literals = spot.literals();
        if literals.are_none() {
            return Ok(None);
        }
        let (builtin, own) = literals.alike(segment);
        let is_other = |text: &str| text != segment;
        if builtin.iter().any(|literal| is_other(literal.text()))
            || own.iter().any(|literal| is_other(literal.text()))
        {
            return Err(Ambiguous(segment));
        }
        let child = Spot {
            builtin: builtin.first().map(builtin::Literal::child),
            own: own
                .first()
                .and_then(|literal| self.catalogue.tree.node(literal.child())),
        };
        if child.is_somewhere() {
            return Ok(Some(child));
        }
        // Frameworks cut off a format (`search.json`) or trailing blanks before they look a segment
        // up.
        let is_cut = |byte: &u8| matches!(byte, b'.' | b'%');
        let stem = segment.as_bytes().iter().position(is_cut);
        let Some(stem) = stem.and_then(|end| segment.get(..end)) else {
            return Ok(None);
        };
        match literals.alike(stem) {
            ([], []) => Ok(None),
            _ => Err(Ambiguous(segment)),
        }
    }

    fn parameter(&self, spot: Spot<'a>) -> Option<Spot<'a>> {
        let child = Spot {
            builtin: spot.builtin.and_then(builtin::Place::parameter),
            own: spot
                .own
                .and_then(|node| self.catalogue.tree.node(node.parameter?)),
        };
        child.is_somewhere().then_some(child)
    }
}

impl<'a> Spot<'a> {
    fn is_somewhere(self) -> bool {
        self.builtin.is_some() || self.own.is_some()
    }

    /// Returns the row at this place. A custom row takes precedence over a built-in one.
    fn row(self, method: Method, is_rest: bool) -> Option<Row> {
        let own = self.own.and_then(|node| node.row(method, is_rest));
        own.map(Row::Own).or_else(|| {
            let builtin = self.builtin.and_then(|place| place.row(method, is_rest));
            builtin.map(Row::Builtin)
        })
    }

    fn literals(self) -> Literals<'a> {
        Literals {
            builtin: self.builtin.map_or(&[], builtin::Place::literals),
            own: self.own.map_or(&[], |node| &node.literals),
        }
    }
}

/// The literals of one place in both trees.
#[derive(Clone, Copy)]
struct Literals<'a> {
    builtin: &'static [builtin::Literal],
    own: &'a [tree::Literal],
}

impl<'a> Literals<'a> {
    fn are_none(self) -> bool {
        self.builtin.is_empty() && self.own.is_empty()
    }

    /// Returns the literals that a lenient upstream may read `segment` as.
    fn alike(self, segment: &str) -> (&'static [builtin::Literal], &'a [tree::Literal]) {
        let segment = Lenient::new(segment);
        (alike(self.builtin, &segment), alike(self.own, &segment))
    }
}
