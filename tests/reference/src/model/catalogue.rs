//! Finds the endpoint of a request: compares every row, segment by segment.

use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::{Builtin, Graph, Row, flag, list, text, texts};

/// A row of the catalogue in force.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    method: String,
    template: Vec<String>,
    pub(super) permissions: Vec<String>,
    access: Option<String>,
    pub(super) is_publishable: bool,
    /// Whether the row has `"auth": "none"`.
    pub(super) is_public: bool,
    /// The built-in template that the row has or replaces.
    pub(super) built_in: Option<String>,
    /// Paths that may be expanded in addition to the known ones, and the permissions that this
    /// requires.
    added: Vec<(String, String)>,
}

impl Endpoint {
    /// Returns the endpoint's own level, or else the method's.
    pub(super) fn level(&self) -> String {
        match &self.access {
            Some(access) => access.clone(),
            None if self.method == "GET" => "read".to_owned(),
            None => "write".to_owned(),
        }
    }

    /// Returns what a success returns, if it is known.
    pub(super) fn returned(&self, graph: &Graph) -> Vec<String> {
        let known = graph.returns.iter().find(|(method, path, _)| {
            *method == self.method && Some(path) == self.built_in.as_ref()
        });
        known
            .map(|(_, _, returned)| returned.clone())
            .unwrap_or_default()
    }

    /// Returns the permission that the row itself requires to expand this path. A step `*` matches
    /// any name.
    pub(super) fn added(&self, path: &[String]) -> Option<String> {
        let fits = |pattern: &str| {
            let steps: Vec<&str> = pattern.split('.').collect();
            let mut pairs = steps.iter().zip(path);
            steps.len() == path.len() && pairs.all(|(step, name)| *step == "*" || step == name)
        };
        let mut added = self.added.iter();
        added
            .find(|(pattern, _)| fits(pattern))
            .map(|(_, permission)| permission.clone())
    }

    /// Returns the template without the names of its parameters.
    fn shape(&self) -> Vec<String> {
        let pieces = self.template.iter();
        pieces
            .map(|piece| match kind(piece) {
                Kind::Literal => piece.clone(),
                Kind::Parameter => "{}".to_owned(),
                Kind::Wildcard => "{*}".to_owned(),
            })
            .collect()
    }

    /// Returns the row's rank. Smaller is preferred: at the leftmost difference, a literal comes
    /// before a parameter, and a parameter before a wildcard.
    fn rank(&self) -> Vec<Kind> {
        self.template.iter().map(|piece| kind(piece)).collect()
    }
}

/// Returns the built-in rows, unless the snapshot drops them, with the snapshot's own rows added or
/// put in their place.
pub(super) fn effective(builtin: &Builtin, snapshot: &Value) -> Vec<Arc<Endpoint>> {
    let mut endpoints = Vec::new();
    if text(snapshot, "catalogue") != Some("none") {
        let read = || {
            let rows = builtin.rows.iter();
            rows.map(|row| Arc::new(built_in(row))).collect()
        };
        endpoints.extend_from_slice(builtin.read.0.get_or_init(read));
    }
    for mut own in list(snapshot, "endpoints").iter().map(custom) {
        let (method, shape) = (own.method.clone(), own.shape());
        // Their lengths already distinguish most rows.
        let is_same = |other: &Arc<Endpoint>| {
            let is_as_long = other.template.len() == shape.len();
            other.method == method && is_as_long && other.shape() == shape
        };
        let replaced = endpoints.iter().find(|other| is_same(other));
        own.built_in = replaced.and_then(|other| other.built_in.clone());
        endpoints.retain(|other| !is_same(other));
        endpoints.push(Arc::new(own));
    }
    endpoints
}

/// The built-in rows with their templates parsed, once for all configurations.
#[derive(Clone, Debug, Default)]
pub struct Read(OnceLock<Vec<Arc<Endpoint>>>);

fn built_in(row: &Row) -> Endpoint {
    Endpoint {
        method: row.method.clone(),
        template: segments(&row.path),
        permissions: row.permissions.clone(),
        access: row.access.clone(),
        is_publishable: row.publishable,
        is_public: false,
        built_in: Some(row.path.clone()),
        added: Vec::new(),
    }
}

fn custom(row: &Value) -> Endpoint {
    let mut permissions = texts(row, "any_of");
    permissions.extend(text(row, "permission").map(str::to_owned));
    Endpoint {
        method: text(row, "method").unwrap_or_default().to_owned(),
        template: segments(text(row, "path").unwrap_or_default()),
        permissions,
        access: text(row, "access").map(str::to_owned),
        is_publishable: flag(row, "publishable"),
        is_public: text(row, "auth") == Some("none"),
        built_in: None,
        added: row
            .get("expansions")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(path, permission)| Some((path.clone(), permission.as_str()?.to_owned())))
            .collect(),
    }
}

/// Returns the row that a method and a path (with its query) match. Also `None` if servers read the
/// path differently.
pub(super) fn find(
    endpoints: &[Arc<Endpoint>],
    method: &[u8],
    path: &[u8],
) -> Option<Arc<Endpoint>> {
    let method = if method == b"HEAD" { b"GET" } else { method };
    let path = segments(&one_reading(path)?);
    let is_in_doubt = endpoints
        .iter()
        .any(|endpoint| misses_by_case(&endpoint.template, &path, endpoints));
    if is_in_doubt {
        return None;
    }
    let mut found: Vec<&Arc<Endpoint>> = endpoints
        .iter()
        .filter(|endpoint| endpoint.method.as_bytes() == method)
        .filter(|endpoint| matches(&endpoint.template, &path))
        .collect();
    found.sort_by_key(|endpoint| endpoint.rank());
    found.first().copied().cloned()
}

/// Returns whether an upstream may read `/v2` at the path's beginning. A path with several readings
/// may begin at any of its segments.
pub(super) fn may_be_v2(path: &[u8]) -> bool {
    let is_v2 = |segment: &str| {
        let name: String = segment
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == '-')
            .collect();
        name.eq_ignore_ascii_case("v2")
    };
    match one_reading(path) {
        Some(path) => is_v2(&segments(&path)[0]),
        None => {
            let path = path.split(|&byte| byte == b'?').next().unwrap_or_default();
            let twice = unescaped(&unescaped(path));
            String::from_utf8_lossy(&twice)
                .split(['/', '\\', ';', '?', '#'])
                .any(is_v2)
        }
    }
}

/// Returns the path without its query if every server reads it the same way.
fn one_reading(path: &[u8]) -> Option<String> {
    let path = path.split(|&byte| byte == b'?').next()?;
    if path.first() != Some(&b'/') {
        return None;
    }
    for (at, &byte) in path.iter().enumerate() {
        // No space either: an HTTP/1 request line would end there.
        if !byte.is_ascii_graphic() || b"\\;#".contains(&byte) {
            return None;
        }
        if byte == b'%' {
            let escaped = escape(path, at)?;
            let is_unreserved = escaped.is_ascii_alphanumeric() || b"-._~".contains(&escaped);
            if is_unreserved
                || b"/\\;%?#".contains(&escaped)
                || escaped.is_ascii_control()
                || escaped >= 0x80
            {
                return None;
            }
        }
    }
    let path = String::from_utf8(path.to_vec()).ok()?;
    let has_dots = path
        .split('/')
        .any(|segment| segment == "." || segment == "..");
    (!has_dots && !path.contains("//")).then_some(path)
}

/// Decodes the percent-escape at this position.
fn escape(text: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    u8::try_from(digit(at + 1)? * 16 + digit(at + 2)?).ok()
}

/// Returns what is between the slashes, beginning after the first one. The path `/` is one empty
/// segment.
fn segments(path: &str) -> Vec<String> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split('/').map(str::to_owned).collect()
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Literal,
    Parameter,
    Wildcard,
}

fn kind(piece: &str) -> Kind {
    match piece.strip_prefix('{').and_then(|x| x.strip_suffix('}')) {
        Some(name) if name.starts_with('*') => Kind::Wildcard,
        Some(_) => Kind::Parameter,
        None => Kind::Literal,
    }
}

fn matches(template: &[String], path: &[String]) -> bool {
    match (template.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((piece, template)), Some((segment, path))) => match kind(piece) {
            Kind::Literal => piece == segment && matches(template, path),
            Kind::Parameter => !segment.is_empty() && matches(template, path),
            Kind::Wildcard => !segment.is_empty(),
        },
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Compares the template and the path at the first segment that differs. Returns whether the path
/// has the template's literal in another spelling, or with a suffix that frameworks cut off.
fn misses_by_case(template: &[String], path: &[String], endpoints: &[Arc<Endpoint>]) -> bool {
    for (at, (piece, segment)) in template.iter().zip(path).enumerate() {
        match kind(piece) {
            Kind::Literal if piece == segment => {}
            Kind::Literal => {
                let stem = segment.split(['.', '%']).next().unwrap_or_default();
                let is_named = || {
                    endpoints.iter().any(|other| {
                        other.template.get(at) == Some(segment)
                            && same_shape(&other.template[..at], &template[..at])
                    })
                };
                return fold_alike(piece, segment)
                    || (stem != segment && fold_alike(piece, stem) && !is_named());
            }
            Kind::Parameter if !segment.is_empty() => {}
            Kind::Parameter | Kind::Wildcard => return false,
        }
    }
    false
}

fn same_shape(one: &[String], other: &[String]) -> bool {
    one.iter().zip(other).all(|(one, other)| match kind(one) {
        Kind::Literal => one == other,
        Kind::Parameter | Kind::Wildcard => kind(one) == kind(other),
    })
}

fn fold_alike(one: &str, other: &str) -> bool {
    if one.contains('%') || other.contains('%') {
        folded(one) == folded(other)
    } else {
        one.eq_ignore_ascii_case(other)
    }
}

/// Returns the segment percent-decoded and in lower case.
fn folded(segment: &str) -> Vec<u8> {
    unescaped(segment.as_bytes()).to_ascii_lowercase()
}

/// Percent-decodes the bytes once.
fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = if byte == b'%' {
            escape(bytes, at)
        } else {
            None
        };
        decoded.push(escaped.unwrap_or(byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    decoded
}
