//! Ids of keys in a few bits per character. All keys of one snapshot tend to have ids of one form, `mk_` and 24 letters and digits, say: so what they begin with
//! is said once, and what follows is spelled in the symbols that occur, each in as few bits as that takes.

use std::fmt;

use super::convert::is_id;
use crate::rows::width_of;

/// The most bytes an id may have.
const LONGEST: usize = 64;

/// The id of a key, 1 to 64 characters `[A-Za-z0-9_.-]`.
#[derive(Clone, Copy)]
pub(super) struct KeyId {
    bytes: [u8; LONGEST],
    length: usize,
}

impl KeyId {
    /// `None` for more than 64 bytes; whether they spell an id is not looked at.
    pub(super) fn new(id: &[u8]) -> Option<Self> {
        let mut bytes = [0; LONGEST];
        bytes.get_mut(..id.len())?.copy_from_slice(id);
        Some(Self {
            bytes,
            length: id.len(),
        })
    }

    fn push(&mut self, byte: u8) -> Option<()> {
        *self.bytes.get_mut(self.length)? = byte;
        self.length += 1;
        Some(())
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        self.bytes
            .get(..self.length)
            .and_then(|id| std::str::from_utf8(id).ok())
            .unwrap_or("")
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the ids of one snapshot are spelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdCoding {
    prefix: Box<str>,
    symbols: Box<str>,
    /// The most characters behind the prefix.
    length: usize,
    /// Whether ids may be shorter than that. Then code 0 says that nothing follows, and the first symbol has code 1.
    is_padded: bool,
    bits: u32,
}

impl IdCoding {
    /// `None` where not every id that could be spelled would be one: `symbols` ascend, and prefix and `length` are at most 64 together.
    pub(super) fn new(prefix: &str, symbols: &str, length: usize, is_padded: bool) -> Option<Self> {
        let spelled = |text: &str| text.is_empty() || text.bytes().all(is_id_byte);
        let ascend = symbols
            .as_bytes()
            .windows(2)
            .all(|pair| matches!(pair, [a, b] if a < b));
        let fits = prefix.len().checked_add(length)? <= LONGEST;
        let says_all = length == 0 || !symbols.is_empty();
        if !(spelled(prefix) && spelled(symbols) && ascend && fits && says_all) {
            return None;
        }
        let codes = symbols.len() + usize::from(is_padded);
        Some(Self {
            prefix: prefix.into(),
            symbols: symbols.into(),
            length,
            is_padded,
            bits: codes.max(1).next_power_of_two().ilog2(),
        })
    }

    /// The coding that takes the fewest bytes for `ids`, which are sorted. Ids that would make all others longer may be left to be written out.
    pub(super) fn for_ids(ids: &[&str]) -> Self {
        let at = |place: usize| ids.get(place).copied().unwrap_or("");
        // What most have in common; a few that are different must not spoil it.
        let eighth = ids.len() / 8;
        let first = at(eighth);
        let prefix = common_prefix(first, at(ids.len().saturating_sub(eighth + 1)));
        let rests: Vec<&str> = ids
            .iter()
            .filter_map(|id| id.strip_prefix(prefix))
            .collect();
        let occurs = |length: &usize| rests.iter().any(|rest| rest.len() == *length);
        let lengths: Vec<usize> = (0..=LONGEST).filter(occurs).collect();
        let shortest = lengths.first().copied().unwrap_or(0);
        let exactly = lengths.iter().map(|length| (*length, *length));
        let up_to = lengths.iter().map(|length| (shortest, *length));
        exactly
            .chain(up_to)
            .filter_map(|range| {
                let coding = Self::for_rests(prefix, &rests, range)?;
                let (count, bytes) = ids
                    .iter()
                    .filter(|id| !has_rest(id, prefix, range))
                    .fold((0, 0), |(count, bytes), id| {
                        (count + 1, bytes + id.len() + 4)
                    });
                let row = coding.width() + width_of(count);
                Some((ids.len() * row + bytes, coding))
            })
            .min_by_key(|(cost, _)| *cost)
            .map_or_else(Self::nothing, |(_, coding)| coding)
    }

    /// For no ids at all.
    fn nothing() -> Self {
        Self {
            prefix: Box::default(),
            symbols: Box::default(),
            length: 0,
            is_padded: false,
            bits: 0,
        }
    }

    /// The coding for what has a length in this range.
    fn for_rests(prefix: &str, rests: &[&str], (least, most): (usize, usize)) -> Option<Self> {
        let mut occurs = [false; 128];
        let fit = rests
            .iter()
            .filter(|rest| (least..=most).contains(&rest.len()));
        for byte in fit.flat_map(|rest| rest.bytes()) {
            *occurs.get_mut(usize::from(byte))? = true;
        }
        let symbols: String = (0..128_u8)
            .filter(|byte| occurs.get(usize::from(*byte)) == Some(&true))
            .map(char::from)
            .collect();
        Self::new(prefix, &symbols, most, least < most)
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn symbols(&self) -> &str {
        &self.symbols
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    pub(super) fn is_padded(&self) -> bool {
        self.is_padded
    }

    /// The bytes of every id.
    pub(super) fn width(&self) -> usize {
        let bits = self.length * usize::try_from(self.bits).unwrap_or(0);
        bits.div_ceil(8)
    }

    /// Whether this coding spells `id`.
    pub(super) fn fits(&self, id: &str) -> bool {
        self.rest(id).is_some()
    }

    fn rest<'a>(&self, id: &'a str) -> Option<&'a str> {
        let rest = id.strip_prefix(&*self.prefix)?;
        let length_fits = if self.is_padded {
            rest.len() <= self.length
        } else {
            rest.len() == self.length
        };
        let known = |byte: u8| self.symbols.as_bytes().binary_search(&byte).is_ok();
        (length_fits && !id.is_empty() && rest.bytes().all(known)).then_some(rest)
    }

    /// The bytes of `id`, if this coding spells it. Codes stand one behind the other, the lowest bits first.
    pub(super) fn encode(&self, id: &str) -> Option<Vec<u8>> {
        let rest = self.rest(id)?;
        let mut field = vec![0; self.width()];
        let mut at = 0;
        for byte in rest.bytes() {
            let place = self.symbols.as_bytes().binary_search(&byte).ok()?;
            let code = u16::try_from(place + usize::from(self.is_padded)).ok()?;
            let [low, high] = (code << (at % 8)).to_le_bytes();
            // Codes of no bits have no byte, and the last one's byte has none behind it.
            for (byte, part) in field.iter_mut().skip(at / 8).zip([low, high]) {
                *byte |= part;
            }
            at += usize::try_from(self.bits).ok()?;
        }
        Some(field)
    }

    /// The id that `field` spells. Of two fields no two spell the same; one that [`Self::encode`] would not write is `None`.
    pub(super) fn decode(&self, field: &[u8]) -> Option<KeyId> {
        let mut id = KeyId::new(self.prefix.as_bytes())?;
        let symbols = self.symbols.as_bytes();
        let mut bytes = field.iter();
        let (mut window, mut held) = (0_u32, 0);
        for _ in 0..self.length {
            if held < self.bits {
                window |= u32::from(*bytes.next()?) << held;
                held += 8;
            }
            let code = usize::try_from(window & ((1 << self.bits) - 1)).ok()?;
            let place = if self.is_padded {
                match code.checked_sub(1) {
                    Some(place) => place,
                    // Nothing but zeros follows.
                    None => break,
                }
            } else {
                code
            };
            id.push(*symbols.get(place)?)?;
            window >>= self.bits;
            held -= self.bits;
        }
        (window == 0 && bytes.all(|byte| *byte == 0) && id.length > 0).then_some(id)
    }
}

fn is_id_byte(byte: u8) -> bool {
    let mut text = [0; 4];
    is_id(char::from(byte).encode_utf8(&mut text))
}

fn has_rest(id: &str, prefix: &str, (least, most): (usize, usize)) -> bool {
    id.strip_prefix(prefix)
        .is_some_and(|rest| (least..=most).contains(&rest.len()))
}

fn common_prefix<'a>(a: &'a str, b: &str) -> &'a str {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    a.get(..same).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_spelled(ids: &[&str], width: usize, left_out: &[&str]) -> IdCoding {
        let mut sorted = ids.to_vec();
        sorted.sort_unstable();
        let coding = IdCoding::for_ids(&sorted);
        assert_eq!(coding.width(), width, "{coding:?}");
        for id in ids {
            match coding.encode(id) {
                Some(field) => {
                    assert_eq!(field.len(), width);
                    assert_eq!(coding.decode(&field).unwrap().as_str(), *id);
                    assert!(!left_out.contains(id), "{id}");
                }
                None => assert!(left_out.contains(id), "{id}"),
            }
        }
        coding
    }

    #[test]
    fn ids_of_one_form_take_few_bytes() {
        let long = [
            "mk_0123456789ABCDEFGHIJKLMN",
            "mk_OPQRSTUVWXYZabcdefghijkl",
            "mk_zyxwvutsrqponmlkjihgfedc",
        ];
        assert_spelled(&long, 18, &[]);
        assert_spelled(&["mk_1", "mk_2", "mk_3", "mk_10"], 1, &[]);
        assert_spelled(&["mk_1"], 0, &[]);
        assert_spelled(&["mk_1", "mk_2"], 1, &[]);
        assert_spelled(&["a", "aa", "aaa"], 1, &[]);
        let coding = IdCoding::new("mk_", "1", 2, false).unwrap();
        assert_eq!(coding.encode("mk_11"), Some(Vec::new()));
        assert_eq!(coding.decode(&[]).unwrap().as_str(), "mk_11");
        assert_spelled(&[], 0, &[]);
    }

    #[test]
    fn all_characters_in_all_lengths_can_be_spelled() {
        let all: String = (0..=127_u8)
            .filter(|byte| is_id_byte(*byte))
            .map(char::from)
            .collect();
        assert_eq!(all.len(), 65);
        let forms: Vec<String> = (1..=64)
            .flat_map(|length| {
                [
                    all.chars().take(length).collect::<String>(),
                    all.chars().skip(65 - length).collect(),
                ]
            })
            .collect();
        let mut ids: Vec<&str> = forms.iter().map(String::as_str).collect();
        ids.sort_unstable();
        ids.dedup();
        let coding = IdCoding::for_rests("", &ids, (1, 64)).unwrap();
        for id in &ids {
            let field = coding.encode(id).unwrap();
            assert_eq!(coding.decode(&field).unwrap().as_str(), *id);
        }
    }

    #[test]
    fn a_few_others_do_not_make_all_longer() {
        let usual: Vec<String> = (0..400).map(|number| format!("mk_{number:05}")).collect();
        let other = "an-id.of-quite-another-form_and-as-long-as-an-id-can-ever-be-001";
        let mut ids: Vec<&str> = usual.iter().map(String::as_str).collect();
        ids.push(other);
        let coding = assert_spelled(&ids, 2, &[other]);
        assert_eq!(coding.prefix(), "mk_00");
        assert_eq!(coding.symbols(), "0123456789");
    }

    #[test]
    fn what_would_not_be_written_is_not_read() {
        let coding = IdCoding::new("mk_", "abc", 4, true).unwrap();
        assert_eq!(coding.width(), 1);
        let read =
            |coding: &IdCoding, field: &[u8]| coding.decode(field).map(|id| id.as_str().to_owned());
        assert_eq!(read(&coding, &[0b0000_1001]).as_deref(), Some("mk_ab"));
        // Something behind the end, and a code without a symbol.
        assert_eq!(read(&coding, &[0b0100_0001]), None);
        assert_eq!(read(&coding, &[0b0000_0100]), None);
        assert_eq!(read(&coding, &[]), None);
        let exact = IdCoding::new("", "abcde", 2, false).unwrap();
        assert_eq!(read(&exact, &[0b0010_0001]).as_deref(), Some("be"));
        assert_eq!(read(&exact, &[0b0110_0001]), None);
        assert_eq!(read(&exact, &[0b0000_0101]), None);
        assert_eq!(read(&exact, &[0b0010_0001, 1]), None);
        // An id has a character.
        assert_eq!(read(&IdCoding::new("", "a", 4, true).unwrap(), &[0]), None);
        assert_eq!(read(&IdCoding::new("", "", 0, false).unwrap(), &[]), None);
    }

    #[test]
    fn codings_spell_nothing_but_ids() {
        for (prefix, symbols, length) in [
            ("mk ", "ab", 1),
            ("mk_", "a b", 1),
            ("mk_", "ba", 1),
            ("mk_", "aa", 1),
            ("mk_", "é", 1),
            ("mk_", "", 1),
            ("mk_", "a", 62),
            ("mk_", "a", usize::MAX),
        ] {
            for is_padded in [false, true] {
                let coding = IdCoding::new(prefix, symbols, length, is_padded);
                assert_eq!(coding, None, "`{prefix}` `{symbols}` {length}");
            }
        }
    }
}
