//! Names as some server may read them: the names of headers, and of parameters in a query.

use super::{Request, query};

/// Parameters that override the method or the path.
const OVERRIDES: [&str; 6] = [
    "_method",
    "_method_override",
    "x-http-method-override",
    "x-tunneled-method",
    "_url",
    "rest_route",
];

/// Returns a header's name in lower case, with `-` for every byte that is not a letter or digit.
pub(super) fn folded(name: &[u8]) -> String {
    let fold = |byte: &u8| match char::from(*byte) {
        letter if letter.is_ascii_alphanumeric() => letter.to_ascii_lowercase(),
        _ => '-',
    };
    name.iter().map(fold).collect()
}

/// Returns whether the query overrides the method or the path.
pub(super) fn has_override(request: &Request) -> bool {
    let pieces = query::pieces(request);
    let mut readings = pieces.iter().flat_map(|sent| readings(sent));
    readings.any(|reading| OVERRIDES.iter().any(|word| reading.is(word)))
}

/// What some server reads as a parameter: its name and everything after that.
pub(super) struct Reading {
    text: Vec<u8>,
    /// The value as sent, or `None` if the parameter is inside the value of another.
    pub(super) value: Option<Vec<u8>>,
}

/// Returns every reading of the bytes between two ampersands.
pub(super) fn readings(sent: &[u8]) -> Vec<Reading> {
    let mut readings = Vec::new();
    for piece in sent.split(|&byte| byte == b';') {
        let end = piece.iter().position(|&byte| byte == b'=');
        let name = query::unescaped(&piece[..end.unwrap_or(piece.len())]);
        let value = end.map_or(&[][..], |end| &piece[end + 1..]);
        for text in [careless(&name), name] {
            let value = Some(value.to_vec());
            readings.push(Reading { text, value });
        }
    }
    let mut text = sent.to_vec();
    for _ in 0..3 {
        text = query::unescaped(&text);
        for text in [careless(&text), text.clone()] {
            let parts = text.split(|byte| b"&;?#\n".contains(byte));
            readings.extend(parts.map(|text| Reading {
                text: text.to_vec(),
                value: None,
            }));
        }
    }
    readings
}

impl Reading {
    /// Returns whether the name is the word.
    pub(super) fn is(&self, word: &str) -> bool {
        let is_letter = |byte: &u8| byte.is_ascii_alphanumeric();
        let is_of_word = |byte: &u8| is_letter(byte) || b"_-".contains(byte);
        let is_marked = word.starts_with('_');
        let begins = |byte: &u8| {
            if is_marked {
                is_letter(byte)
            } else {
                is_of_word(byte)
            }
        };
        let Some(start) = self.text.iter().position(begins) else {
            return false;
        };
        if is_marked && self.text[..start].iter().all(|byte| b" +".contains(byte)) {
            return false;
        }
        let wanted = word.trim_start_matches('_').replace('-', "_");
        (start + 1..=self.text.len()).any(|end| {
            let rest = &self.text[end..];
            let next = rest.iter().find(|byte| !b" +".contains(byte));
            let is_name = next.is_some_and(|byte| *byte < 0x20 || b"[]=%.".contains(byte));
            plain(&self.text[start..end]) == wanted
                && !rest.first().is_some_and(is_of_word)
                && (self.value.is_some() || is_name)
        })
    }
}

/// Returns the text in lower case, with one `_` for everything between letters. Bytes that end a
/// name remain.
fn plain(text: &[u8]) -> String {
    let mut plain = String::new();
    for byte in text {
        match char::from(*byte) {
            letter if letter.is_ascii_alphanumeric() => plain.push(letter.to_ascii_lowercase()),
            end if "=&;?#\n".contains(end) => plain.push(end),
            _ if plain.ends_with('_') => {}
            _ => plain.push('_'),
        }
    }
    plain
}

/// Replaces overlong UTF-8 forms of ASCII with ASCII, if the text is not UTF-8.
fn careless(text: &[u8]) -> Vec<u8> {
    if std::str::from_utf8(text).is_ok() {
        return text.to_vec();
    }
    let mut plain = Vec::new();
    let mut rest = text;
    while let [first, ..] = rest {
        let (byte, skipped) = match rest {
            [0xf0, 0x80, high @ (0x80 | 0x81), low @ 0x80..=0xbf, ..]
            | [0xe0, high @ (0x80 | 0x81), low @ 0x80..=0xbf, ..]
            | [high @ (0xc0 | 0xc1), low @ 0x80..=0xbf, ..] => {
                let length = match first {
                    0xf0 => 4,
                    0xe0 => 3,
                    _ => 2,
                };
                ((high & 1) * 64 + (low & 0x3f), length)
            }
            _ => (*first, 1),
        };
        plain.push(byte);
        rest = &rest[skipped..];
    }
    plain
}
