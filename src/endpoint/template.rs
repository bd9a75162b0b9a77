//! Path templates: `/v1/charges/{id}/capture`, `/files/{*rest}`.

/// The maximum number of segments in a template.
const LONGEST_TEMPLATE: usize = 32;

/// A segment of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment<'a> {
    /// Matches itself.
    Literal(&'a str),
    /// Matches exactly one segment of at least one character.
    Parameter,
    /// Matches the rest of the path, at least one character.
    Rest,
}

/// Splits `text` into segments. Returns `None` if it is not a template. Literals consist of
/// characters that a path never needs to escape, and of `:@!$&'()*+,=`.
pub(super) fn parse(text: &str) -> Option<Vec<Segment<'_>>> {
    let segments: Vec<&str> = text
        .strip_prefix('/')?
        .split('/')
        .take(LONGEST_TEMPLATE + 1)
        .collect();
    if segments.len() > LONGEST_TEMPLATE {
        return None;
    }
    let last = segments.len().saturating_sub(1);
    segments
        .into_iter()
        .enumerate()
        .map(|(place, segment)| parse_segment(segment, place == last, place == 0))
        .collect()
}

fn parse_segment(segment: &str, is_last: bool, is_first: bool) -> Option<Segment<'_>> {
    match segment
        .strip_prefix('{')
        .and_then(|name| name.strip_suffix('}'))
    {
        Some(name) => match name.strip_prefix('*') {
            Some(name) => (is_last && is_name(name)).then_some(Segment::Rest),
            None => is_name(name).then_some(Segment::Parameter),
        },
        // Only the template `/` has an empty segment.
        None if segment.is_empty() => (is_first && is_last).then_some(Segment::Literal(segment)),
        None => {
            let spelled = segment.bytes().all(is_literal) && !matches!(segment, "." | "..");
            spelled.then_some(Segment::Literal(segment))
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:@!$&'()*+,=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_literals_parameters_and_a_rest() {
        assert_eq!(
            parse("/v1/charges/{id}/capture"),
            Some(vec![
                Segment::Literal("v1"),
                Segment::Literal("charges"),
                Segment::Parameter,
                Segment::Literal("capture"),
            ])
        );
        assert_eq!(
            parse("/files/{*rest}"),
            Some(vec![Segment::Literal("files"), Segment::Rest])
        );
        assert_eq!(parse("/"), Some(vec![Segment::Literal("")]));
    }

    #[test]
    fn anything_else_is_no_template() {
        let deep = "/a".repeat(33);
        for text in [
            "",
            "v1",
            "/v1/",
            "//",
            "/v1//x",
            "/{}",
            "/{*}",
            "/{*rest}/x",
            "/x{id}",
            "/{id}x",
            "/{i-d}",
            "/a b",
            "/%41",
            "/a;b",
            "/.",
            "/../x",
            "/ä",
            "/a?b",
            "/{a}{b}",
            &deep,
        ] {
            assert_eq!(parse(text), None, "`{text}`");
        }
    }
}
