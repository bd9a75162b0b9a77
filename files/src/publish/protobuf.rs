//! Binary protobuf, for replacing one field of a message. All other fields are copied byte by byte,
//! even unknown ones.
//!
//! Source: <https://protobuf.dev/programming-guides/encoding/>

use std::borrow::Cow;

/// A message as its fields, in order.
#[derive(Debug, Default)]
pub(super) struct Message<'a>(Vec<Field<'a>>);

#[derive(Debug)]
struct Field<'a> {
    number: u64,
    wire: Wire,
    /// The payload of a length-delimited field, or the unchanged bytes of another field.
    content: Cow<'a, [u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    Varint,
    Fixed64,
    Delimited,
    Fixed32,
}

impl Wire {
    fn of(tag: u64) -> Option<Self> {
        match tag & 7 {
            0 => Some(Self::Varint),
            1 => Some(Self::Fixed64),
            2 => Some(Self::Delimited),
            5 => Some(Self::Fixed32),
            // proto3 has no groups.
            _ => None,
        }
    }

    fn number(self) -> u64 {
        match self {
            Self::Varint => 0,
            Self::Fixed64 => 1,
            Self::Delimited => 2,
            Self::Fixed32 => 5,
        }
    }
}

impl<'a> Message<'a> {
    /// Parses a message. `None` if it is malformed.
    pub(super) fn parse(mut bytes: &'a [u8]) -> Option<Self> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let tag = varint(&mut bytes)?;
            let wire = Wire::of(tag)?;
            let length = match wire {
                Wire::Varint => {
                    let mut rest = bytes;
                    varint(&mut rest)?;
                    bytes.len().checked_sub(rest.len())?
                }
                Wire::Fixed64 => 8,
                Wire::Fixed32 => 4,
                Wire::Delimited => usize::try_from(varint(&mut bytes)?).ok()?,
            };
            let (content, rest) = bytes.split_at_checked(length)?;
            bytes = rest;
            fields.push(Field {
                number: tag >> 3,
                wire,
                content: Cow::Borrowed(content),
            });
        }
        Some(Self(fields))
    }

    /// Returns the payload of the only length-delimited field with this number. As in protobuf, it
    /// is empty if the field is absent. `None` if there are several.
    pub(super) fn one(&self, number: u64) -> Option<&[u8]> {
        let mut named = self.0.iter().filter(|field| field.number == number);
        match (named.next(), named.next()) {
            (None, _) => Some(&[]),
            (Some(field), None) if field.wire == Wire::Delimited => Some(&field.content),
            _ => None,
        }
    }

    /// Returns the text of the only field with this number.
    pub(super) fn text(&self, number: u64) -> Option<&str> {
        std::str::from_utf8(self.one(number)?).ok()
    }

    /// Replaces the field's payload, or adds the field.
    pub(super) fn set(&mut self, number: u64, content: Vec<u8>) {
        let field = Field {
            number,
            wire: Wire::Delimited,
            content: Cow::Owned(content),
        };
        match self.0.iter_mut().find(|field| field.number == number) {
            Some(old) => *old = field,
            None => self.0.push(field),
        }
    }

    /// Sets a numeric field.
    pub(super) fn set_number(&mut self, number: u64, value: u64) {
        let mut content = Vec::new();
        put_varint(&mut content, value);
        self.0.push(Field {
            number,
            wire: Wire::Varint,
            content: Cow::Owned(content),
        });
    }

    /// Returns the message's bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let size: usize = self.0.iter().map(|field| field.content.len()).sum();
        let mut bytes = Vec::with_capacity(size.saturating_add(self.0.len().saturating_mul(15)));
        for field in &self.0 {
            put_varint(&mut bytes, field.number << 3 | field.wire.number());
            if field.wire == Wire::Delimited {
                put_varint(
                    &mut bytes,
                    u64::try_from(field.content.len()).unwrap_or(u64::MAX),
                );
            }
            bytes.extend_from_slice(&field.content);
        }
        bytes
    }
}

/// Reads a number from the front, and removes it.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A string, a number, eight bytes, four bytes, and a field with an unknown number.
    const SAMPLE: &[u8] = b"\x0a\x02hi\x10\x96\x01\x19abcdefgh\x25abcd\xfa\x7f\x01x";

    #[test]
    fn what_is_not_touched_stays_byte_by_byte() {
        let mut message = Message::parse(SAMPLE).unwrap();
        assert_eq!(message.encode(), SAMPLE);
        assert_eq!(message.text(1), Some("hi"));
        assert_eq!(message.one(9), Some(&b""[..]));
        message.set(1, b"there".to_vec());
        let expected = [b"\x0a\x05there", &SAMPLE[4..]].concat();
        assert_eq!(message.encode(), expected);
    }

    #[test]
    fn a_cut_or_foreign_message_is_none() {
        for bytes in [
            &b"\x0a\x05hi"[..],
            b"\x0a",
            b"\x80",
            b"\x0b",
            b"\x19abc",
            b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ] {
            assert!(Message::parse(bytes).is_none(), "{bytes:?}");
        }
        let twice = Message::parse(b"\x0a\x01a\x0a\x01b").unwrap();
        assert_eq!(twice.one(1), None);
    }
}
