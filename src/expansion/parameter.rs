//! Finds the parameters of a query that expand something. keyward checks the parameters that it can
//! read. It also finds parameters that only some servers may read as `expand`, but gives those no
//! reading.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use crate::parameter;

/// A parameter that some server may read as `expand`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter<'a> {
    /// The path to expand: names of `[a-z0-9_]`, joined by dots.
    Path(Cow<'a, str>),
    /// A parameter that servers read in several ways, or whose value is not a path, as the client
    /// sent it.
    Unclear(&'a [u8]),
}

const EXPAND: &str = "expand";

/// Returns the `expand` parameters of a query, in order. A query without any costs one pass over
/// its bytes.
pub fn parameters(query: &[u8]) -> impl Iterator<Item = Parameter<'_>> {
    let query = if may_expand(query) { query } else { &[] };
    query.split(|byte| *byte == b'&').filter_map(read)
}

/// Returns whether the query contains the word, or anything that could represent its letters.
fn may_expand(query: &[u8]) -> bool {
    query.iter().enumerate().any(|(at, byte)| match byte {
        b'%' | 0x80.. => true,
        b'e' | b'E' => query
            .get(at..)
            .and_then(|rest| rest.get(..EXPAND.len()))
            .is_some_and(|word| word.eq_ignore_ascii_case(EXPAND.as_bytes())),
        _ => false,
    })
}

fn read(sent: &[u8]) -> Option<Parameter<'_>> {
    match Naming::of(sent) {
        Naming::Clear => {
            let path = path(parameter::split(sent).1);
            Some(path.map_or(Parameter::Unclear(sent), Parameter::Path))
        }
        Naming::Unclear => Some(Parameter::Unclear(sent)),
        Naming::Other => None,
    }
}

/// Returns the path in a value, decoded once.
fn path(value: &[u8]) -> Option<Cow<'_, str>> {
    let decoded: Cow<'_, [u8]> = if value.contains(&b'%') {
        Cow::Owned(percent_decode(value).collect())
    } else {
        Cow::Borrowed(value)
    };
    let is_name = |name: &[u8]| {
        !name.is_empty()
            && name
                .iter()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    if !decoded.split(|byte| *byte == b'.').all(is_name) {
        return None;
    }
    match decoded {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}

/// How servers read a parameter's name.
enum Naming {
    /// `expand`, `expand[]` or `expand[0]`. Every server that has the parameter reads it in the
    /// same way.
    Clear,
    /// Some server reads it as `expand`, or may do so.
    Unclear,
    Other,
}

impl Naming {
    fn of(sent: &[u8]) -> Self {
        if is_clear(parameter::split(sent).0) {
            return Self::Clear;
        }
        let mut is_expand = false;
        parameter::each_name(sent, &mut |name| is_expand |= name.is(EXPAND));
        if is_expand || is_unknowable(sent) {
            Self::Unclear
        } else {
            Self::Other
        }
    }
}

fn is_clear(name: &[u8]) -> bool {
    let mut name = percent_decode(name);
    if !EXPAND.bytes().all(|byte| name.next() == Some(byte)) {
        return false;
    }
    match name.next() {
        None => true,
        Some(b'[') => {
            name.find(|byte| !byte.is_ascii_digit()) == Some(b']') && name.next().is_none()
        }
        Some(_) => false,
    }
}

/// Returns whether a name can be decoded further, or the decoded name is not text and may separate
/// parameters. It is impossible to know what a careless decoder makes of such a name.
fn is_unknowable(sent: &[u8]) -> bool {
    let mut pieces = sent.split(|byte| *byte == b';');
    let is_odd = |name: Vec<u8>| name.contains(&b'%') || std::str::from_utf8(&name).is_err();
    if pieces.any(|piece| is_odd(percent_decode(parameter::split(piece).0).collect())) {
        return true;
    }
    let mut text = Cow::Borrowed(sent);
    for _ in 0..parameter::DECODINGS {
        if !text.iter().any(|byte| *byte == b'%' || !byte.is_ascii()) {
            return false;
        }
        let decoded: Vec<u8> = percent_decode(&text).collect();
        if std::str::from_utf8(&decoded).is_err()
            && decoded.iter().copied().any(parameter::separates)
        {
            return true;
        }
        text = Cow::Owned(decoded);
    }
    false
}
