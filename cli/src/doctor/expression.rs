//! What a CEL expression may show. It can only show what it reads, so this module finds the
//! attributes that it reads. If one of them is not a name with literal keys, or contains a key, the
//! expression cannot be judged.

use super::shown::{Known, Shown};

/// The names under which Envoy provides a request's attributes.
const ROOTS: [&str; 10] = [
    "request",
    "response",
    "connection",
    "upstream",
    "source",
    "destination",
    "metadata",
    "filter_state",
    "upstream_filter_state",
    "xds",
];

/// Returns what an expression may show. `None` if it cannot be judged.
pub(super) fn shown_by(text: &str, known: &Known) -> Option<Vec<Shown>> {
    let mut shown = Vec::new();
    for read in reads(text)? {
        for one in attribute(&read.path, text, known)? {
            // It is unclear whether a longer expression shows a key that it reads.
            if !read.is_whole && matches!(one, Shown::Credential(_) | Shown::Secretive(_)) {
                return None;
            }
            if one != Shown::RequestId || !bounds_request_id(text) {
                shown.push(one);
            }
        }
    }
    Some(shown)
}

/// Whether the expression is the one in envoy/bootstrap.yaml, which shows only a UUID. Other tests
/// are not judged, because a pattern may match anything.
fn bounds_request_id(text: &str) -> bool {
    const ID: &str = "request.headers['x-request-id']";
    const UUID: &str = "'^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$'";
    text == format!("{ID}.matches({UUID}) ? {ID} : ''")
}

/// An attribute that the expression reads.
#[derive(Debug)]
struct Read {
    path: Vec<String>,
    /// Whether the expression consists only of this attribute.
    is_whole: bool,
}

fn attribute(path: &[String], text: &str, known: &Known) -> Option<Vec<Shown>> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    Some(match path.as_slice() {
        ["request", "headers"] => vec![Shown::Credential(text.to_owned())],
        ["request", "headers", name] => known.by_header(name).into_iter().collect(),
        ["request", "path" | "query" | "referer"] => vec![Shown::Query(text.to_owned())],
        ["request", "id"] => vec![Shown::RequestId],
        [
            "request",
            "url_path" | "host" | "scheme" | "method" | "time" | "size" | "total_size" | "duration"
            | "protocol" | "useragent",
        ] => Vec::new(),
        [
            "response" | "connection" | "upstream" | "source" | "destination",
            _,
            ..,
        ] => Vec::new(),
        ["filter_state", key] if known.is_state(key) => Vec::new(),
        _ => return None,
    })
}

/// Returns every attribute in an expression. Returns `None` if the expression contains anything
/// except attributes, literals, operators and functions.
fn reads(text: &str) -> Option<Vec<Read>> {
    let whole = text.trim();
    let mut rest = whole;
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        if matches!(first, '\'' | '"') {
            rest = literal(rest)?.1;
        } else if first.is_ascii_alphabetic() || first == '_' {
            let (name, after) = name(rest)?;
            let after = after.trim_start();
            if ROOTS.contains(&name) {
                let (path, after) = path(name, after)?;
                let is_whole = rest.len() == whole.len() && after.is_empty();
                found.push(Read { path, is_whole });
                rest = after;
            } else if after.starts_with('(') || matches!(name, "true" | "false" | "null" | "in") {
                rest = after;
            } else {
                return None;
            }
        } else if first == '.' {
            // A method of a result or of a literal.
            let (_, after) = name(rest.strip_prefix('.')?.trim_start())?;
            rest = after.trim_start();
            rest.strip_prefix('(')?;
        } else if first.is_ascii_digit() {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.');
        } else if first.is_whitespace() || "!=<>&|?:+-*/%(),".contains(first) {
            rest = rest.strip_prefix(first)?;
        } else {
            // Lists, maps, and indexes that are not literals.
            return None;
        }
    }
    Some(found)
}

/// Returns the path of an attribute that begins with `root`, and the text after it. A method at the
/// end is not part of the path.
fn path<'a>(root: &str, mut rest: &'a str) -> Option<(Vec<String>, &'a str)> {
    let mut path = vec![root.to_owned()];
    loop {
        if let Some(inside) = rest.strip_prefix('[') {
            let (key, after) = literal(inside.trim_start())?;
            path.push(key.to_owned());
            rest = after.trim_start().strip_prefix(']')?.trim_start();
        } else if let Some(member) = rest.strip_prefix('.') {
            let (name, after) = name(member.trim_start())?;
            let after = after.trim_start();
            if after.starts_with('(') {
                return Some((path, rest));
            }
            path.push(name.to_owned());
            rest = after;
        } else {
            return Some((path, rest));
        }
    }
}

fn name(text: &str) -> Option<(&str, &str)> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c| !is_of_name(c)).unwrap_or(text.len());
    let split = text.split_at_checked(end)?;
    (!split.0.is_empty()).then_some(split)
}

/// Returns a quoted string and the text after it. `None` for a string with an escape, which may
/// spell anything, or with triple quotes, which ends elsewhere.
fn literal(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let (inside, after) = text.strip_prefix(quote)?.split_once(quote)?;
    let is_triple = inside.is_empty() && after.starts_with(quote);
    (!inside.contains('\\') && !is_triple).then_some((inside, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<Vec<Shown>> {
        shown_by(text, &Known::new(["wasm.keyward".to_owned()], []))
    }

    #[test]
    fn an_attribute_is_judged_by_its_name() {
        for text in [
            "request.headers['authorization']",
            " request . headers[ \"Authorization\" ] ",
            "request['headers']['AUTHORIZATION']",
            "request.headers",
        ] {
            let shown = shown(text).unwrap();
            assert!(matches!(shown.as_slice(), [Shown::Credential(_)]), "{text}");
        }
        for text in [
            "request.path",
            "request['query']",
            "request.headers[':path']",
            "'x' + request.path.substring(1)",
        ] {
            let shown = shown(text).unwrap();
            assert!(matches!(shown.as_slice(), [Shown::Query(_)]), "{text}");
        }
        let id = Some(vec![Shown::RequestId]);
        assert_eq!(shown("request.headers['x-request-id']"), id);
        assert_eq!(shown("request.headers['x-request-id'] + '-'"), id);
        let ids = Some(vec![Shown::RequestId, Shown::RequestId]);
        for pattern in ["^.*$", "", "^[0-9a-f-]+$|.*"] {
            let text = format!(
                "request.headers['x-request-id'].matches('{pattern}') ? request.headers['x-request-id'] : ''"
            );
            assert_eq!(shown(&text), ids, "{pattern}");
        }
    }

    #[test]
    fn a_longer_expression_shows_no_more_than_it_reads() {
        for text in [
            "response.code",
            "request.url_path",
            "connection.mtls",
            "response.code >= 200 && !(request.size > 1.5)",
            "filter_state['wasm.keyward']",
            "request.headers['user-agent'].startsWith('curl') ? 'curl' : ''",
            "size(response.headers['request-id']) <= 64 ? response.headers['request-id'] : ''",
            // From envoy/bootstrap.yaml.
            "request.headers['x-request-id'].matches('^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$') ? request.headers['x-request-id'] : ''",
        ] {
            assert_eq!(shown(text), Some(Vec::new()), "{text}");
        }
    }

    #[test]
    fn what_is_not_sure_is_not_judged() {
        for text in [
            "request.headers['auth' + 'orization']",
            "request.headers['\\x61uthorization']",
            "'authorization' in request.headers",
            "request.headers.map(name, name)",
            "request.headers['authorization'] + ''",
            "request",
            "metadata.filter_metadata['x']",
            "filter_state['another']",
            "[request.headers]",
            "x.y",
            "r'a' + request.path",
            "'''a'''",
            "request.headers['a",
            "xds.route_name",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
    }
}
