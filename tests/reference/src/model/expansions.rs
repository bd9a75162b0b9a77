//! Finds what a query expands in the reply: compares every row of the files by name.

use super::catalogue::Endpoint;
use super::{Edge, Graph, Request, names, query};

/// Returns what a key needs for what a query expands: lists of permissions, in order. The key must
/// be able to read with one permission from each list. The second value is whether something is
/// unknown.
pub(super) fn asked(
    graph: &Graph,
    endpoint: &Endpoint,
    request: &Request,
) -> (Vec<Vec<String>>, bool) {
    let returned = &endpoint.returned(graph);
    let mut asked = Vec::new();
    let mut is_unknown = false;
    for sent in query::pieces(request) {
        match read(&sent) {
            Reading::No => {}
            Reading::Unclear => is_unknown = true,
            Reading::Path(path) => {
                if !follow(graph, returned, &path, &mut asked) {
                    match endpoint.added(&path) {
                        Some(permission) => asked.push(vec![permission]),
                        None => is_unknown = true,
                    }
                }
            }
        }
    }
    (asked, is_unknown)
}

enum Reading {
    No,
    Unclear,
    /// The names of the path.
    Path(Vec<String>),
}

fn read(sent: &[u8]) -> Reading {
    let (name, value) = match sent.iter().position(|&byte| byte == b'=') {
        Some(at) => (&sent[..at], &sent[at + 1..]),
        None => (sent, &sent[sent.len()..]),
    };
    if is_expand(&query::decoded(name)) {
        return match path(&query::decoded(value)) {
            Some(names) => Reading::Path(names),
            None => Reading::Unclear,
        };
    }
    let is_read_so = names::readings(sent)
        .iter()
        .any(|reading| reading.is("expand"));
    if is_read_so || is_doubtful(sent) {
        Reading::Unclear
    } else {
        Reading::No
    }
}

/// Returns whether the name is `expand`, `expand[]` or `expand[0]`.
fn is_expand(name: &[u8]) -> bool {
    let Ok(name) = std::str::from_utf8(name) else {
        return false;
    };
    match name.strip_prefix("expand") {
        None => false,
        Some("") => true,
        Some(rest) => rest
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit())),
    }
}

/// Parses names of lower-case letters, digits and `_`, joined by dots.
fn path(value: &[u8]) -> Option<Vec<String>> {
    let value = std::str::from_utf8(value).ok()?;
    let names: Vec<String> = value.split('.').map(str::to_owned).collect();
    let is_name = |name: &String| {
        let mut letters = name.chars();
        !name.is_empty() && letters.all(|c| "abcdefghijklmnopqrstuvwxyz0123456789_".contains(c))
    };
    names.iter().all(is_name).then_some(names)
}

/// Returns whether a name has more to decode or is not text, or whether the decoded bytes are not
/// text and contain a byte that may separate parameters.
fn is_doubtful(sent: &[u8]) -> bool {
    let is_text = |text: &[u8]| std::str::from_utf8(text).is_ok();
    let mut names = sent.split(|&byte| byte == b';').map(|piece| {
        let end = piece.iter().position(|&byte| byte == b'=');
        query::decoded(&piece[..end.unwrap_or(piece.len())])
    });
    let mut text = sent.to_vec();
    names.any(|name| name.contains(&b'%') || !is_text(&name))
        || (0..3).any(|_| {
            text = query::decoded(&text);
            !is_text(&text) && text.iter().any(|byte| b"&;?#\n".contains(byte))
        })
}

/// Returns whether every step of the path is known.
fn follow(
    graph: &Graph,
    returned: &[String],
    path: &[String],
    asked: &mut Vec<Vec<String>>,
) -> bool {
    let mut here = returned.to_vec();
    for (at, name) in path.iter().enumerate() {
        let mut next = Vec::new();
        let mut is_known = false;
        here.sort();
        here.dedup();
        for object in &here {
            if let Some(element) = object.strip_prefix("list ") {
                if name == "data" {
                    next.push(element.to_owned());
                    is_known = true;
                }
                is_known |= name == "total_count" && at + 1 == path.len();
                continue;
            }
            let Some(edge) = edge(graph, object, name) else {
                continue;
            };
            is_known = true;
            next.extend(edge.targets.clone());
            if edge.expands {
                asked.extend(asks(graph, edge));
            }
        }
        if !is_known {
            return false;
        }
        here = next;
    }
    true
}

/// Returns the row of the field. A row kept by hand takes precedence over a generated one because
/// it comes later. A map has a row for any name.
fn edge<'a>(graph: &'a Graph, object: &str, field: &str) -> Option<&'a Edge> {
    let row = |field: &str| {
        let mut rows = graph.edges.iter();
        rows.rfind(|edge| edge.object == object && edge.field == field)
    };
    row(field).or_else(|| row("*"))
}

/// Returns the edge's own permission, or those of its targets.
fn asks(graph: &Graph, edge: &Edge) -> Vec<Vec<String>> {
    if !edge.instead.is_empty() {
        return vec![edge.instead.clone()];
    }
    let mut asks = Vec::new();
    for target in &edge.targets {
        let object = target.strip_prefix("list ").unwrap_or(target);
        if object.contains(':') {
            continue;
        }
        let (_, permissions) = graph
            .objects
            .iter()
            .find(|(name, _)| name == object)
            .unwrap_or_else(|| panic!("{object} is in no row"));
        if !permissions.is_empty() && !asks.contains(permissions) {
            asks.push(permissions.clone());
        }
    }
    asks
}
