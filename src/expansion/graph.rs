//! The graph of objects: which fields lead from one to others, and what reading those asks for.

use crate::permission::Permission;

/// The name of a field that stands for any: its object is a map.
const ANY: &str = "*";

/// An object, or a list of them, that is at some place of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// Its number in the graph.
    pub object: u16,
    /// A list holds its objects in `data`.
    pub is_list: bool,
}

/// A field of an object.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// Its name's number.
    pub field: u16,
    /// Where it leads: the number of a way.
    pub way: u16,
}

/// What a field leads to.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// One of these.
    pub targets: &'static [Target],
    /// Of each of these sets one permission is asked for, to read.
    pub asks: &'static [&'static [Permission]],
}

/// Objects and their fields, as tables.
#[derive(Clone, Copy, Debug)]
pub struct Graph {
    /// Names of fields, sorted. `*` is the first where it is one.
    pub fields: &'static [&'static str],
    /// Where the fields of each object begin among the edges; one more than there are objects.
    pub starts: &'static [u16],
    /// By object, then by field.
    pub edges: &'static [Edge],
    /// What edges have in common.
    pub ways: &'static [Way],
}

/// Where a path leaves the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unknown<'a> {
    /// The path before the name that is unknown there: empty, or ending in a dot.
    pub before: &'a str,
    /// The name.
    pub name: &'a str,
    /// Whether it is at a list, whose objects are in `data`.
    pub is_at_list: bool,
}

impl Graph {
    /// Follows `path` from what an endpoint returns. `ask` gets every set of permissions on the way, and reading needs one of each set; its first error ends the walk.
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

/// Adds what `targets`, which are in order, do not hold.
fn add(targets: &mut Vec<Target>, target: Target) {
    if let Err(place) = targets.binary_search(&target) {
        targets.insert(place, target);
    }
}
