//! Ids of keys as rows store them. The keys of a snapshot tend to have ids of one form, such as
//! `mk_` and 16 letters and digits. So the common prefix is stored once, and each row has the
//! unchanged rest. Fewer bits per character would save a quarter of that, but every request would
//! pay for the decoding.

use crate::id::{Id, LONGEST, is_id_byte};
use crate::rows::width_of;

/// How the ids of one snapshot are spelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdCoding {
    prefix: Box<str>,
    /// The number of bytes after the prefix. A shorter rest is padded with zeros, which no id
    /// contains.
    length: usize,
}

impl IdCoding {
    /// Returns `None` if an id in this coding could be too long.
    pub(super) fn new(prefix: &str, length: usize) -> Option<Self> {
        let fits = prefix.len().checked_add(length)? <= LONGEST;
        (fits && prefix.bytes().all(is_id_byte)).then(|| Self {
            prefix: prefix.into(),
            length,
        })
    }

    /// Returns the coding that takes the fewest bytes for `ids`, which are sorted. A few ids that
    /// would make all rows longer may be stored separately.
    pub(super) fn for_ids(ids: &[&str]) -> Self {
        let at = |place: usize| ids.get(place).copied().unwrap_or("");
        // The common prefix of most ids. A few different ones must not spoil it.
        let eighth = ids.len() / 8;
        let first = at(eighth);
        let prefix = common_prefix(first, at(ids.len().saturating_sub(eighth + 1)));
        let mut rests = [0_usize; LONGEST + 1];
        let mut written_out = (0_usize, 0_usize);
        for id in ids {
            let count = id
                .strip_prefix(prefix)
                .and_then(|rest| rests.get_mut(rest.len()));
            match count {
                Some(count) => *count += 1,
                None => written_out = (written_out.0 + 1, written_out.1 + id.len() + 4),
            }
        }
        // Starts with the longest length. Each length that is given up moves its ids to the
        // separate list.
        let mut cheapest: Option<(usize, usize)> = None;
        for (length, of_length) in rests.iter().enumerate().rev() {
            if *of_length == 0 {
                continue;
            }
            let (count, bytes) = written_out;
            let cost = ids.len() * (length + width_of_count(count)) + bytes;
            if cheapest.is_none_or(|(least, _)| cost < least) {
                cheapest = Some((cost, length));
            }
            let each = prefix.len() + length + 4;
            written_out = (count + of_length, bytes + of_length * each);
        }
        Self {
            prefix: prefix.into(),
            length: cheapest.map_or(0, |(_, length)| length),
        }
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the size of an id in its row.
    pub(super) fn width(&self) -> usize {
        self.length
    }

    /// Returns the bytes of `id` that a row stores, if this coding can spell it.
    pub(super) fn rest<'a>(&self, id: &'a str) -> Option<&'a str> {
        let rest = id.strip_prefix(&*self.prefix)?;
        (rest.len() <= self.length).then_some(rest)
    }

    /// Decodes the id in `field`. Different fields never decode to the same id: a field with bytes
    /// after the id's end is `None`.
    pub(super) fn decode(&self, field: &[u8]) -> Option<Id> {
        let end = field.iter().position(|byte| *byte == 0);
        let (rest, filling) = field.split_at_checked(end.unwrap_or(field.len()))?;
        let is_filled = filling.iter().all(|byte| *byte == 0);
        is_filled.then(|| Id::of_parts(self.prefix.as_bytes(), rest))?
    }
}

fn width_of_count(count: usize) -> usize {
    u32::try_from(count).map_or(4, width_of)
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
            match coding.rest(id) {
                Some(rest) => {
                    let mut field = rest.as_bytes().to_vec();
                    field.resize(width, 0);
                    assert_eq!(coding.decode(&field).unwrap().as_str(), *id);
                    assert!(!left_out.contains(id), "{id}");
                }
                None => assert!(left_out.contains(id), "{id}"),
            }
        }
        coding
    }

    #[test]
    fn what_all_ids_begin_with_is_said_once() {
        let long = [
            "mk_0123456789ABCDEF",
            "mk_OPQRSTUVWXYZabcd",
            "mk_zyxwvutsrqponmlk",
        ];
        assert_spelled(&long, 16, &[]);
        assert_spelled(&["mk_1", "mk_2", "mk_3", "mk_10"], 2, &[]);
        assert_spelled(&["mk_1"], 0, &[]);
        assert_spelled(&["a", "aa", "aaa"], 2, &[]);
        assert_spelled(&[], 0, &[]);
        let longest = ["a".repeat(LONGEST), "b".repeat(LONGEST)];
        assert_spelled(&[&longest[0], &longest[1]], LONGEST, &[]);
    }

    #[test]
    fn a_few_others_do_not_make_all_longer() {
        let usual: Vec<String> = (0..400).map(|number| format!("mk_{number:05}")).collect();
        let other = "an-id.of-quite-another-form_and-as-long-as-an-id-can-ever-be-001";
        let long = "mk_00000-and-then-much-more-than-the-others-have";
        let mut ids: Vec<&str> = usual.iter().map(String::as_str).collect();
        ids.extend([other, long]);
        let coding = assert_spelled(&ids, 3, &[other, long]);
        assert_eq!(coding.prefix(), "mk_00");
    }

    #[test]
    fn what_would_not_be_written_is_not_read() {
        let coding = IdCoding::new("mk_", 4).unwrap();
        let read = |field: &[u8]| coding.decode(field).map(|id| id.as_str().to_owned());
        assert_eq!(read(b"ab\0\0").as_deref(), Some("mk_ab"));
        assert_eq!(read(b"abcd").as_deref(), Some("mk_abcd"));
        assert_eq!(read(b"\0\0\0\0").as_deref(), Some("mk_"));
        // Bytes after the end.
        assert_eq!(read(b"ab\0c"), None);
        assert_eq!(read(b"\0bcd"), None);
        // Bytes that no id contains.
        assert_eq!(read(b"ab\xff\xff"), None);
        // An id has at least one character.
        assert_eq!(IdCoding::new("", 1).unwrap().decode(b"\0"), None);
    }

    #[test]
    fn no_coding_spells_more_than_an_id_holds() {
        for (prefix, length) in [("mk ", 1), ("é", 1), ("mk_", 62), ("mk_", usize::MAX)] {
            assert_eq!(IdCoding::new(prefix, length), None, "`{prefix}` {length}");
        }
    }
}
