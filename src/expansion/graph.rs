//! The graph of objects: which fields lead from one object to others, and which permissions reading
//! those needs.

use crate::permission::Permission;

/// A field name that matches any name: the object is a map.
const ANY: &str = "*";

/// An object, or a list of them, at some place in a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The object's number in the graph.
    pub object: u16,
    /// Whether it is a list. A list contains its objects in `data`.
    pub is_list: bool,
}

/// A field of an object.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// The number of the field's name.
    pub field: u16,
    /// The number of the way that the field leads along.
    pub way: u16,
}

/// What a field leads to.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// The possible targets.
    pub targets: &'static [Target],
    /// Sets of permissions. Of each set, the key needs one, at level `read`.
    pub asks: &'static [&'static [Permission]],
}

/// Objects and their fields, as tables.
#[derive(Clone, Copy, Debug)]
pub struct Graph {
    /// Names of fields, sorted. If `*` is among them, it is the first.
    pub fields: &'static [&'static str],
    /// For each object, the first of its fields among the edges, and a final entry for the end.
    pub starts: &'static [u16],
    /// The edges, by object and then by field.
    pub edges: &'static [Edge],
    /// What edges share.
    pub ways: &'static [Way],
}

/// The point at which a path leaves the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown<'a> {
    /// The path before the unknown name: empty, or ending in a dot.
    pub before: &'a str,
    /// The name.
    pub name: &'a str,
    /// Whether the unknown name is in a list, whose objects are in `data`.
    pub is_at_list: bool,
}

impl Graph {
    /// Follows `path` from what an endpoint returns. Calls `ask` with every set of permissions
    /// along the way; reading needs one permission of each set. The first error of `ask` ends the
    /// walk.
    pub fn follow<'p, E>(
        &self,
        returned: &[Target],
        path: &'p str,
        mut ask: impl FnMut(&'static [Permission]) -> Result<(), E>,
    ) -> Result<Result<(), Unknown<'p>>, E> {
        let mut here = returned.to_vec();
        let mut start = 0;
        let mut names = path.split('.').peekable();
        while let Some(name) = names.next() {
            let is_last = names.peek().is_none();
            let field = self.fields.binary_search(&name).ok();
            let any = self.fields.first().filter(|first| **first == ANY);
            let any = any.map(|_| 0);
            let mut next = Vec::new();
            let mut is_known = false;
            for target in &here {
                if target.is_list {
                    is_known |= name == "data" || (is_last && name == "total_count");
                    if name == "data" {
                        let one = Target {
                            is_list: false,
                            ..*target
                        };
                        add(&mut next, one);
                    }
                } else if let Some(way) =
                    self.way(*target, field).or_else(|| self.way(*target, any))
                {
                    is_known = true;
                    way.targets
                        .iter()
                        .for_each(|target| add(&mut next, *target));
                    way.asks.iter().copied().try_for_each(&mut ask)?;
                }
            }
            if !is_known {
                return Ok(Err(Unknown {
                    before: path.get(..start).unwrap_or(""),
                    name,
                    is_at_list: here.iter().any(|target| target.is_list),
                }));
            }
            here = next;
            start += name.len() + 1;
        }
        Ok(Ok(()))
    }

    fn way(&self, target: Target, field: Option<usize>) -> Option<&Way> {
        let field = u16::try_from(field?).ok()?;
        let object = usize::from(target.object);
        let start = usize::from(*self.starts.get(object)?);
        let end = usize::from(*self.starts.get(object + 1)?);
        let edges = self.edges.get(start..end)?;
        let at = edges.binary_search_by_key(&field, |edge| edge.field).ok()?;
        self.ways.get(usize::from(edges.get(at)?.way))
    }
}

/// Adds `target` to the sorted `targets` if it is missing.
fn add(targets: &mut Vec<Target>, target: Target) {
    if let Err(place) = targets.binary_search(&target) {
        targets.insert(place, target);
    }
}
