//! Envoy's format strings: plain text with operators such as `%REQ(X?Y):10%`, and `%%` for a
//! percent sign.
//!
//! Source: Envoy 1.40's regular expression for an operator,
//! `^%((?:[A-Z]|[0-9]|_)+)(?:\((.*?)\))?(?::([0-9]+))?%`. The parentheses end at the first `)`
//! after which the rest matches, so an argument may itself contain parentheses.

/// One operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operator<'a> {
    pub(super) name: &'a str,
    /// The text in parentheses, if there are any. The length limit is ignored, because the first
    /// characters of a key are also a leak.
    pub(super) argument: Option<&'a str>,
}

/// Returns the operators in `text`, in order. `None` if Envoy would not accept it.
pub(super) fn parse(text: &str) -> Option<Vec<Operator<'_>>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('%') {
        if let Some(after) = after.strip_prefix('%') {
            rest = after;
            continue;
        }
        let (operator, after) = operator(after)?;
        found.push(operator);
        rest = after;
    }
    Some(found)
}

/// Parses an operator from after its first `%`, and returns the text after its last `%`.
fn operator(text: &str) -> Option<(Operator<'_>, &str)> {
    let is_of_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let (name, after) = text.split_at_checked(text.find(|c| !is_of_name(c))?)?;
    if name.is_empty() {
        return None;
    }
    let Some(inside) = after.strip_prefix('(') else {
        let operator = Operator {
            name,
            argument: None,
        };
        return Some((operator, end(after)?));
    };
    inside.match_indices(')').find_map(|(at, _)| {
        let (argument, after) = inside.split_at_checked(at)?;
        let operator = Operator {
            name,
            argument: Some(argument),
        };
        Some((operator, end(after.strip_prefix(')')?)?))
    })
}

/// Returns the text after `:10%` or `%`.
fn end(text: &str) -> Option<&str> {
    if let Some(after) = text.strip_prefix('%') {
        return Some(after);
    }
    let (length, after) = text.strip_prefix(':')?.split_once('%')?;
    let is_number = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_read(text: &str, expected: &[(&str, Option<&str>)]) {
        let read = parse(text).unwrap();
        let read: Vec<_> = read.iter().map(|it| (it.name, it.argument)).collect();
        assert_eq!(read, expected, "{text}");
    }

    #[test]
    fn operators_are_read_as_envoy_reads_them() {
        assert_read("", &[]);
        assert_read("100%% of %% it", &[]);
        assert_read("%PROTOCOL%", &[("PROTOCOL", None)]);
        assert_read("%PATH()%", &[("PATH", Some(""))]);
        assert_read(
            "%REQ(X?Y):10% and %RESPONSE_CODE%%%",
            &[("REQ", Some("X?Y")), ("RESPONSE_CODE", None)],
        );
        assert_read(
            "%REQ(A)%%REQ(B):3%",
            &[("REQ", Some("A")), ("REQ", Some("B"))],
        );
        assert_read("%PROTOCOL:4%", &[("PROTOCOL", None)]);
        assert_read(
            "%START_TIME(%Y/%m/%d %s.%3f)%",
            &[("START_TIME", Some("%Y/%m/%d %s.%3f"))],
        );
        assert_read(
            "%CEL(string(request.headers['a']) + \"b\"):7%",
            &[("CEL", Some("string(request.headers['a']) + \"b\""))],
        );
        // An operator extends to the first end that matches, and no further.
        assert_read(
            "%REQ(A)% (%REQ(B)%)",
            &[("REQ", Some("A")), ("REQ", Some("B"))],
        );
    }

    /// `envoy --mode validate` rejects each of these.
    #[test]
    fn what_envoy_refuses_is_not_read() {
        for text in [
            "50% x",
            "%",
            "%REQ(A",
            "%REQ(A)",
            "%REQ(A)x%",
            "%REQ(A):%",
            "%REQ(A):x%",
            "%req(A)%",
            "%PROTOCOL",
            "%%%",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
