//! The parameters of a query that expand something. What keyward reads as one is checked; what it does not, and some server may, is found all the same and has no reading.

use std::borrow::Cow;

use crate::percent;

/// A parameter that some server takes for `expand`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter<'a> {
    /// What to expand: names of `[a-z0-9_]`, joined by dots.
    Path(Cow<'a, str>),
    /// One that servers read in several ways, or whose value is no path. As it was sent.
    Unclear(&'a [u8]),
}

const EXPAND: &[u8] = b"expand";

/// The `expand` parameters of a query, in order. A query without any costs one look at its bytes.
pub fn parameters(query: &[u8]) -> impl Iterator<Item = Parameter<'_>> {
    let query = if may_expand(query) { query } else { &[] };
    query.split(|byte| *byte == b'&').filter_map(parameter)
}

/// Whether the word stands anywhere, or anything that could stand for its letters.
fn may_expand(query: &[u8]) -> bool {
    query.iter().enumerate().any(|(at, byte)| match byte {
        b'%' | 0x80.. => true,
        b'e' | b'E' => query
            .get(at..)
            .and_then(|rest| rest.get(..EXPAND.len()))
            .is_some_and(|word| word.eq_ignore_ascii_case(EXPAND)),
        _ => false,
    })
}

fn parameter(sent: &[u8]) -> Option<Parameter<'_>> {
    let (name, value) = named(sent);
    match Naming::of(name) {
        Naming::Clear => Some(path(value).map_or(Parameter::Unclear(sent), Parameter::Path)),
        Naming::Unclear => Some(Parameter::Unclear(sent)),
        Naming::Other => hides_another(sent).then_some(Parameter::Unclear(sent)),
    }
}

/// Name and value, as sent.
fn named(sent: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = sent.splitn(2, |byte| *byte == b'=');
    let name = parts.next().unwrap_or_default();
    (name, parts.next().unwrap_or_default())
}

/// The path that a value spells, decoded once.
fn path(value: &[u8]) -> Option<Cow<'_, str>> {
    let decoded: Cow<'_, [u8]> = if value.contains(&b'%') {
        Cow::Owned(percent::decoded(value).collect())
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

/// What a parameter's name says.
enum Naming {
    /// `expand`, `expand[]` or `expand[0]`: every server that knows the parameter reads it so.
    Clear,
    /// Some server reads it as `expand`, or cannot be known not to.
    Unclear,
    Other,
}

impl Naming {
    fn of(name: &[u8]) -> Self {
        if is_clear(name) {
            return Self::Clear;
        }
        let mut first = Word::default();
        let (mut is_escaped, mut is_ascii) = (false, true);
        for byte in percent::decoded(name) {
            first.push(byte);
            // A second decoding would read on.
            is_escaped |= byte == b'%';
            is_ascii &= byte.is_ascii();
        }
        // Careless decoders take overlong UTF-8 for letters.
        let is_text =
            is_ascii || std::str::from_utf8(&percent::decoded(name).collect::<Vec<u8>>()).is_ok();
        if is_escaped || !is_text || first.is_expand() {
            Self::Unclear
        } else {
            Self::Other
        }
    }
}

fn is_clear(name: &[u8]) -> bool {
    let mut name = percent::decoded(name);
    if !EXPAND.iter().all(|byte| name.next() == Some(*byte)) {
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

/// Whether a server that splits at `;`, or decodes before it splits, finds an `expand` in what is one parameter for others.
fn hides_another(sent: &[u8]) -> bool {
    let behind_semicolons = sent.split(|byte| *byte == b';').skip(1);
    for sent in behind_semicolons {
        match Naming::of(named(sent).0) {
            Naming::Clear | Naming::Unclear => return true,
            Naming::Other => {}
        }
    }
    let mut text = Cow::Borrowed(sent);
    for _ in 0..DECODINGS {
        if holds_expand(percent::decoded(&text)) {
            return true;
        }
        if percent::decoded(&text).all(|byte| byte != b'%' && byte.is_ascii()) {
            return false;
        }
        let decoded: Vec<u8> = percent::decoded(&text).collect();
        if std::str::from_utf8(&decoded).is_err() && decoded.iter().copied().any(separates) {
            return true;
        }
        text = Cow::Owned(decoded);
    }
    false
}

/// How often a query may be decoded on its way through an upstream.
const DECODINGS: usize = 3;

fn separates(byte: u8) -> bool {
    matches!(byte, b'&' | b';' | b'?' | b'#' | b'\n')
}

/// Whether the word stands first behind anything that separates parameters, and before what stands behind a name.
fn holds_expand(text: impl Iterator<Item = u8>) -> bool {
    let mut first = Word::default();
    for byte in text {
        match byte {
            byte if separates(byte) => first = Word::default(),
            // In text the word stands before another or a quote, in a name before one of these.
            b'[' | b']' | b'=' | b'%' | b'.' | 0..=0x1f if first.ends_here() => return true,
            _ => first.push(byte),
        }
    }
    false
}

/// The first word of a name, read byte by byte. Servers cut off what stands before it (blanks, brackets, a NUL) and what stands behind it.
#[derive(Default)]
struct Word {
    read: usize,
    state: State,
}

#[derive(Default, PartialEq, Eq)]
enum State {
    #[default]
    Before,
    Within,
    /// Behind it, and nothing but blanks since.
    Blank,
    Behind,
    Another,
}

impl Word {
    fn push(&mut self, byte: u8) {
        let is_of_word = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        self.state = match self.state {
            State::Before if !is_of_word => State::Before,
            State::Before | State::Within if is_of_word => {
                let expected = EXPAND.get(self.read);
                self.read += 1;
                if expected == Some(&byte.to_ascii_lowercase()) {
                    State::Within
                } else {
                    State::Another
                }
            }
            State::Within | State::Blank if matches!(byte, b' ' | b'+') => State::Blank,
            State::Before | State::Within | State::Blank | State::Behind => State::Behind,
            State::Another => State::Another,
        };
    }

    /// Whether it is `expand`, in any case.
    fn is_expand(&self) -> bool {
        self.read == EXPAND.len() && self.state != State::Another
    }

    /// Whether it is, and nothing but blanks stands behind it yet.
    fn ends_here(&self) -> bool {
        self.read == EXPAND.len() && matches!(self.state, State::Within | State::Blank)
    }
}
