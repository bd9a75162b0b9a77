//! Flattens the rows' templates to a tree of segments. Each node's literals and leaves end where
//! those of the next node begin.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;

use crate::endpoints::Row;

#[derive(Default)]
struct Node<'a> {
    /// Sorted by bytes. For lower-case literals, a lenient reader compares in the same order.
    literals: BTreeMap<&'a str, usize>,
    parameter: Option<usize>,
    /// The method, whether the row ends in a wildcard, and the row.
    leaves: Vec<(&'static str, bool, usize)>,
}

pub(crate) struct Tree<'a>(Vec<Node<'a>>);

impl<'a> Tree<'a> {
    pub(crate) fn of(rows: &[Row<'a>]) -> Result<Self, Box<dyn Error>> {
        let mut tree = Self(vec![Node::default()]);
        for (number, row) in rows.iter().enumerate() {
            tree.add(number, row)
                .ok_or_else(|| format!("catalogue/stripe.tsv: `{}` cannot be added", row.path))?;
        }
        Ok(tree)
    }

    /// Adds a row. Returns `None` if it is not a template of plain, lower-case literals, or if such
    /// a row already exists.
    fn add(&mut self, number: usize, row: &Row<'a>) -> Option<()> {
        let mut segments = row.path.strip_prefix('/')?.split('/').peekable();
        let (mut place, mut is_rest) = (0, false);
        while let Some(segment) = segments.next() {
            let next = self.0.len();
            let node = self.0.get_mut(place)?;
            let braced = segment
                .strip_prefix('{')
                .and_then(|name| name.strip_suffix('}'));
            match braced {
                Some(name) if name.starts_with('*') => {
                    is_rest = true;
                    if segments.peek().is_some() {
                        return None;
                    }
                    continue;
                }
                Some(_) => place = *node.parameter.get_or_insert(next),
                None if is_literal(segment) => {
                    place = *node.literals.entry(segment).or_insert(next);
                }
                None => return None,
            }
            if place == next {
                self.0.push(Node::default());
            }
        }
        let leaves = &mut self.0.get_mut(place)?.leaves;
        let is_taken = leaves
            .iter()
            .any(|(method, rest, _)| *method == row.method && *rest == is_rest);
        leaves.push((row.method, is_rest, number));
        (!is_taken).then_some(())
    }

    pub(crate) fn write(&self, code: &mut String) -> Result<(), Box<dyn Error>> {
        let (mut literals, mut leaves) = (String::new(), String::new());
        let (mut literal_count, mut leaf_count) = (0, 0);
        writeln!(code, "static NODES: &[Node] = &[")?;
        for node in &self.0 {
            // The root is not a child of any node, so 0 can mean "no child".
            let parameter = node.parameter.unwrap_or(0);
            writeln!(
                code,
                "Node {{ literals: {literal_count}, leaves: {leaf_count}, parameter: {parameter} }},"
            )?;
            for (text, child) in &node.literals {
                let first = first_bytes(text);
                writeln!(
                    literals,
                    "Literal {{ first: {first:#018x}, text: {text:?}, child: {child} }},"
                )?;
                literal_count += 1;
            }
            for (method, is_rest, row) in &node.leaves {
                writeln!(
                    leaves,
                    "Leaf {{ method: Method::{method}, is_rest: {is_rest}, row: {row} }},"
                )?;
                leaf_count += 1;
            }
        }
        writeln!(
            code,
            "Node {{ literals: {literal_count}, leaves: {leaf_count}, parameter: 0 }},\n];"
        )?;
        writeln!(code, "static LITERALS: &[Literal] = &[\n{literals}];")?;
        writeln!(code, "static LEAVES: &[Leaf] = &[\n{leaves}];")?;
        Ok(())
    }
}

fn is_literal(segment: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
    !matches!(segment, "" | "." | "..") && segment.bytes().all(plain)
}

/// Returns the first eight bytes as a number that sorts like them. Shorter texts are padded with
/// zeros.
fn first_bytes(text: &str) -> u64 {
    let bytes = text.bytes().chain(std::iter::repeat(0)).take(8);
    bytes.fold(0, |number, byte| number << 8 | u64::from(byte))
}
