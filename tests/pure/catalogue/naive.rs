//! Finds a path's row in the slow and simple way.

use super::Row;

/// Returns the one row that a request names, after a look at every row. Returns `None` if a lenient
/// reader could confuse a segment with another literal.
pub fn naive<'a>(rows: &'a [Row], method: &str, path: &str) -> Option<&'a Row> {
    let method = if method == "HEAD" { "GET" } else { method };
    if !has_one_reading(path) {
        return None;
    }
    let segments = split(path);
    if rows.iter().any(|row| may_be_meant(row, &segments)) {
        return None;
    }
    let fitting = rows
        .iter()
        .filter(|row| row.method == method && fits(row, &segments));
    // From the left, a literal comes before a parameter, and a parameter before a wildcard.
    fitting.min_by_key(|row| {
        let kinds = split(&row.path).into_iter().map(|segment| match segment {
            wildcard if wildcard.starts_with("{*") => 2,
            parameter if parameter.starts_with('{') => 1,
            _ => 0,
        });
        kinds.collect::<Vec<u8>>()
    })
}

pub fn split(path: &str) -> Vec<&str> {
    path[1..].split('/').collect()
}

pub fn fits(row: &Row, segments: &[&str]) -> bool {
    let template = split(&row.path);
    let fit = |(named, sent): (&&str, &&str)| {
        named == sent || (named.starts_with('{') && !sent.is_empty())
    };
    let has_wildcard = template.last().is_some_and(|last| last.starts_with("{*"));
    let is_as_long =
        template.len() == segments.len() || (has_wildcard && template.len() < segments.len());
    is_as_long && template.iter().zip(segments).all(fit)
}

/// Returns whether the path leaves the row's template at a literal in another spelling, or with an
/// extension.
fn may_be_meant(row: &Row, segments: &[&str]) -> bool {
    let template = split(&row.path);
    for (named, sent) in template.iter().zip(segments) {
        if named.starts_with('{') {
            if sent.is_empty() || named.starts_with("{*") {
                return false;
            }
        } else if named != sent {
            let stem = sent.split(['.', '%']).next().unwrap();
            let decoded = sent
                .replace("%20", " ")
                .replace("%40", "@")
                .replace("%7C", "|");
            return [decoded.as_str(), stem]
                .iter()
                .any(|like| like.eq_ignore_ascii_case(named));
        }
    }
    false
}

/// Returns whether the path consists of characters that every server reads literally, and escapes
/// of characters that must be escaped.
fn has_one_reading(path: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-._~:@!$&'()*+,=|".contains(c);
    let without_escapes = path
        .replace("%20", "")
        .replace("%40", "")
        .replace("%7C", "");
    path.starts_with('/')
        && without_escapes.chars().all(is_plain)
        && !split(path)
            .iter()
            .any(|segment| [".", ".."].contains(segment))
        && !path.contains("//")
}
