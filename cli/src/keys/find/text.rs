//! The text to search, read up to a limit and then decoded from every encoding that tools use for
//! keys. It reports what it could not read.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::Read;

use anyhow::{Context, Result};
use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use keyward::invariant::Held;

/// The maximum number of bytes that are read.
const MOST: usize = 16 << 20;

/// The maximum number of bytes that are searched, including decoded text.
const MOST_DECODED: usize = 8 * MOST;

/// How often decoded text is decoded again.
const LAYERS: usize = 4;

/// The maximum length of a text that is also read without its blanks, to find a key that spans
/// several lines.
const LONGEST_WRAPPED: usize = 64 << 10;

/// The minimum length of base64 that can contain a key.
const SHORTEST_BASE64: usize = 12;

/// The content of standard input.
#[derive(Clone)]
pub(super) struct Text {
    bytes: Vec<u8>,
    /// What could not be read, in words.
    pub(super) unread: Vec<String>,
}

impl Text {
    /// Reads up to [`MOST`] bytes.
    pub(super) fn read(input: impl Read) -> Result<Self> {
        let limit = u64::try_from(MOST).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::new();
        let mut input = input.take(limit);
        input
            .read_to_end(&mut bytes)
            .context("standard input cannot be read")?;
        Ok(Self::new(bytes))
    }

    pub(super) fn new(mut bytes: Vec<u8>) -> Self {
        let mut unread = Vec::new();
        if bytes.len() > MOST {
            bytes.truncate(MOST);
            let mebibytes = MOST >> 20;
            unread.push(format!(
                "the text is longer than {mebibytes} MiB, and what follows was not read: give the rest in parts"
            ));
        }
        if let Some(text) = utf16(&bytes) {
            bytes = text.into_bytes();
        }
        let nuls = memchr::memchr_iter(0, &bytes).count();
        if nuls > 0 {
            unread.push(format!("{nuls} bytes are NUL: the text holds binary data"));
        }
        let invalid = bytes.utf8_chunks();
        let invalid = invalid.filter(|chunk| !chunk.invalid().is_empty()).count();
        if invalid > 0 {
            unread.push(format!(
                "{invalid} places are no UTF-8: the text holds binary or compressed data, or is in another encoding"
            ));
        }
        Self { bytes, unread }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.unread.is_empty() && self.bytes.trim_ascii().is_empty()
    }

    /// Passes to `look` the original text and everything that it can be decoded to, each with
    /// whether its words are still separate.
    pub(super) fn each_reading(&mut self, mut look: impl FnMut(&[u8], bool)) {
        let mut open: VecDeque<(Cow<'_, [u8]>, usize, bool)> = VecDeque::new();
        open.push_back((Cow::Borrowed(&self.bytes), 0, true));
        let mut looked_at = 0;
        let mut is_cut_short = false;
        while let Some((reading, layer, is_spaced)) = open.pop_front() {
            looked_at += reading.len();
            if looked_at > MOST_DECODED {
                is_cut_short = true;
                break;
            }
            look(&reading, is_spaced);
            let decoders = [unescaped, quoted_printable, base64, without_nuls];
            for decoded in decoders.iter().filter_map(|decode| decode(&reading)) {
                if layer < LAYERS {
                    open.push_back((Cow::Owned(decoded), layer + 1, is_spaced));
                } else {
                    is_cut_short = true;
                }
            }
            if let Some(joined) = unwrapped(&reading) {
                open.push_back((Cow::Owned(joined), layer + 1, false));
            }
        }
        drop(open);
        if is_cut_short {
            let why = "some of the text is encoded in more layers than are read";
            self.unread.push(why.to_owned());
        }
    }
}

/// Decodes UTF-16 with a byte order mark, as Windows' shells write it.
fn utf16(bytes: &[u8]) -> Option<String> {
    let (rest, read): (_, fn([u8; 2]) -> u16) = match bytes {
        [0xff, 0xfe, rest @ ..] => (rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => (rest, u16::from_be_bytes),
        _ => return None,
    };
    let (units, _) = rest.as_chunks::<2>();
    let units: Vec<u16> = units.iter().map(|unit| read(*unit)).collect();
    Some(String::from_utf16_lossy(&units))
}

/// Decodes the escapes of JSON, programming languages, URLs and HTML once. `None` if there are no
/// escapes.
fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memchr3(b'\\', b'%', b'&', text)?;
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        let escape = match first {
            b'\\' => backslash(behind),
            b'%' => hexadecimal(behind, 2),
            b'&' => entity(behind),
            _ => None,
        };
        match escape {
            Some((character, length)) => {
                decoded.extend(character.encode_utf8(&mut [0; 4]).bytes());
                rest = behind.get(length..).held("an escape is in the text");
            }
            None => {
                decoded.push(*first);
                rest = behind;
            }
        }
    }
    (decoded.len() < text.len()).then_some(decoded)
}

/// Returns the character that a backslash and the text after it mean, and the length of that text.
fn backslash(behind: &[u8]) -> Option<(char, usize)> {
    match behind {
        [b'u', rest @ ..] => {
            hexadecimal(rest, 4).map(|(character, length)| (character, length + 1))
        }
        [b'x', rest @ ..] => {
            hexadecimal(rest, 2).map(|(character, length)| (character, length + 1))
        }
        [b'n' | b'r' | b't', ..] => Some((' ', 1)),
        [b'"' | b'\'' | b'/' | b'\\', ..] => behind.first().map(|byte| (char::from(*byte), 1)),
        _ => None,
    }
}

/// Decodes `&#95;`, `&#x5f;`, `&quot;` and `&amp;`, given without the ampersand.
fn entity(behind: &[u8]) -> Option<(char, usize)> {
    let end = behind.iter().take(10).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(behind.get(..end)?).ok()?;
    let character = match (name, name.strip_prefix('#')) {
        (_, Some(number)) => {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)?
        }
        ("quot", None) => '"',
        ("apos", None) => '\'',
        ("amp", None) => '&',
        ("lt", None) => '<',
        ("gt", None) => '>',
        ("lowbar", None) => '_',
        _ => return None,
    };
    Some((character, end + 1))
}

fn hexadecimal(text: &[u8], digits: usize) -> Option<(char, usize)> {
    let text = std::str::from_utf8(text.get(..digits)?).ok()?;
    let is_number = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let code = u32::from_str_radix(text, 16).ok().filter(|_| is_number)?;
    char::from_u32(code).map(|character| (character, digits))
}

/// Decodes the encoding of mail: `=5F`, and a `=` at the end of a line that continues.
///
/// Source: RFC 2045, section 6.7
fn quoted_printable(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memchr(b'=', text)?;
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        rest = match (first, behind) {
            (b'=', [b'\r', b'\n', after @ ..] | [b'\n', after @ ..]) => after,
            (b'=', _) => match hexadecimal(behind, 2).filter(|(found, _)| found.is_ascii()) {
                Some((character, length)) => {
                    decoded.extend(character.encode_utf8(&mut [0; 4]).bytes());
                    behind.get(length..).held("an escape is in the text")
                }
                None => {
                    decoded.push(*first);
                    behind
                }
            },
            _ => {
                decoded.push(*first);
                behind
            }
        };
    }
    (decoded.len() < text.len()).then_some(decoded)
}

/// Decodes every base64 value that contains text, one per line, as in `Authorization: Basic` or a
/// Kubernetes Secret.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engines = [&STANDARD, &URL_SAFE].map(|alphabet| GeneralPurpose::new(alphabet, config));
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    let mut decoded = Vec::new();
    let runs = text.split(|byte| !is_digit(byte));
    // The position of the sign distinguishes `data=…` from `…==`.
    let values = runs.flat_map(|run| {
        let end = run
            .iter()
            .rposition(|byte| *byte != b'=')
            .map_or(0, |last| last + 1);
        run.get(..end)
            .held("the end is in the run")
            .split(|byte| *byte == b'=')
    });
    for value in values.filter(|value| value.len() >= SHORTEST_BASE64) {
        let texts = engines
            .iter()
            .filter_map(|engine| engine.decode(value).ok());
        let is_text = |text: &Vec<u8>| {
            let is_shown = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
            text.iter().all(is_shown)
        };
        if let Some(text) = texts.into_iter().find(is_text) {
            decoded.extend(text);
            decoded.push(b'\n');
        }
    }
    (!decoded.is_empty()).then_some(decoded)
}

fn without_nuls(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memchr(0, text)?;
    Some(text.iter().copied().filter(|byte| *byte != 0).collect())
}

/// Removes blanks and line ends, to find a key that a terminal or a page has wrapped.
fn unwrapped(text: &[u8]) -> Option<Vec<u8>> {
    let text = Some(text).filter(|text| text.len() <= LONGEST_WRAPPED)?;
    let bytes = text.iter().copied();
    let decoded: Vec<u8> = bytes.filter(|byte| !byte.is_ascii_whitespace()).collect();
    (decoded.len() < text.len()).then_some(decoded)
}
