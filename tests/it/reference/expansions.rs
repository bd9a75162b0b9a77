//! What a query expands in the reply: every row of the files is compared, by name.

use super::catalogue::Endpoint;
use super::{Edge, Graph, Request, query};

/// What is asked of a key for what a query expands: lists of permissions, one of each of which is needed to read, in order. The second is whether something is unknown.
pub(super) fn asked(
    graph: &Graph,
    endpoint: &Endpoint,
    request: &Request,
) -> (Vec<Vec<String>>, bool) {
    let returned = &endpoint.returned(graph);
    let mut asked = Vec::new();
    let mut is_unknown = false;
    for sent in pieces(request) {
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

/// What stands between the ampersands, as it was sent.
fn pieces(request: &Request) -> Vec<Vec<u8>> {
    let path = String::from_utf8_lossy(&request.path);
    match path.contains('?') {
        false => Vec::new(),
        true => {
            let at = request.path.iter().position(|&byte| byte == b'?').unwrap();
            request.path[at + 1..]
                .split(|&byte| byte == b'&')
                .map(<[u8]>::to_vec)
                .collect()
        }
    }
}

enum Reading {
    No,
    Unclear,
    /// Its names.
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
    let behind_semicolons = sent.split(|&byte| byte == b';').skip(1).map(|sent| {
        let end = sent.iter().position(|&byte| byte == b'=');
        &sent[..end.unwrap_or(sent.len())]
    });
    let is_doubtful = is_doubtful(name)
        || behind_semicolons
            .into_iter()
            .any(|name| is_expand(&query::decoded(name)) || self::is_doubtful(name))
        || hides_expand(sent);
    if is_doubtful {
        Reading::Unclear
    } else {
        Reading::No
    }
}

/// `expand`, `expand[]`, `expand[0]`
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

/// Names of small letters, digits and `_`, joined by dots.
fn path(value: &[u8]) -> Option<Vec<String>> {
    let value = std::str::from_utf8(value).ok()?;
    let names: Vec<String> = value.split('.').map(str::to_owned).collect();
    let is_name = |name: &String| {
        let mut letters = name.chars();
        !name.is_empty() && letters.all(|c| "abcdefghijklmnopqrstuvwxyz0123456789_".contains(c))
    };
    names.iter().all(is_name).then_some(names)
}

/// A name whose first word is `expand` in any case, or that has more to decode, or is no text.
fn is_doubtful(name: &[u8]) -> bool {
    let name = query::decoded(name);
    name.contains(&b'%') || std::str::from_utf8(&name).is_err() || first_word(&name).0 == "expand"
}

/// The first word in small letters, and the byte behind it and its blanks.
fn first_word(text: &[u8]) -> (String, Option<u8>) {
    let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'-';
    let Some(start) = text.iter().position(is_of_word) else {
        return (String::new(), None);
    };
    let rest = &text[start..];
    let end = rest
        .iter()
        .position(|byte| !is_of_word(byte))
        .unwrap_or(rest.len());
    let word = String::from_utf8_lossy(&rest[..end]).to_lowercase();
    let next = rest[end..].iter().find(|byte| !b" +".contains(byte));
    (word, next.copied())
}

/// Whether, decoded once, twice or three times, it holds another parameter, or cannot be known not to.
fn hides_expand(sent: &[u8]) -> bool {
    let mut text = sent.to_vec();
    (0..3).any(|_| {
        text = query::decoded(&text);
        let is_text = std::str::from_utf8(&text).is_ok();
        holds_expand(&text) || (!is_text && text.iter().any(|byte| b"&;?#\n".contains(byte)))
    })
}

/// Whether, behind anything that separates parameters, the word stands before what stands behind a name.
fn holds_expand(decoded: &[u8]) -> bool {
    decoded
        .split(|byte| b"&;?#\n".contains(byte))
        .map(first_word)
        .any(|(word, next)| {
            let is_name = next.is_some_and(|byte| byte < 0x20 || b"[]=%.".contains(&byte));
            word == "expand" && is_name
        })
}

/// Whether the path is known all the way.
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

/// The row of the field: one kept by hand goes before a generated one, for it stands behind it. A map has a row for any name.
fn edge<'a>(graph: &'a Graph, object: &str, field: &str) -> Option<&'a Edge> {
    let row = |field: &str| {
        let mut rows = graph.edges.iter();
        rows.rfind(|edge| edge.object == object && edge.field == field)
    };
    row(field).or_else(|| row("*"))
}

/// The edge's own permission, or those of its targets.
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
