//! The wire form of a header map from the host: a count, the sizes of all names and values, then
//! the names and values, each followed by NUL. Numbers are 32 bits, little-endian.
//!
//! Source: <https://github.com/proxy-wasm/spec/tree/main/abi-versions/v0.2.1#serialized-map>

/// Returns the pairs of a serialized map, in order. If a size points outside the map, the whole map
/// is unreadable: `None`.
#[must_use]
pub fn pairs(map: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    if map.is_empty() {
        return Some(Vec::new());
    }
    let (count, rest) = number(map)?;
    let (mut sizes, mut data) = rest.split_at_checked(count.checked_mul(8)?)?;
    let mut pairs = Vec::with_capacity(count);
    while !sizes.is_empty() {
        let (name_size, after) = number(sizes)?;
        let (value_size, after) = number(after)?;
        sizes = after;
        let (name, after) = text(data, name_size)?;
        let (value, after) = text(after, value_size)?;
        data = after;
        pairs.push((name, value));
    }
    Some(pairs)
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*number)).ok()?, rest))
}

fn text(bytes: &[u8], size: usize) -> Option<(&[u8], &[u8])> {
    let (text, rest) = bytes.split_at_checked(size)?;
    Some((text, rest.get(1..)?))
}

/// Serializes pairs. Sizes above 32 bits cannot occur: keyward wrote every pair itself.
#[must_use]
pub fn serialize(pairs: &[(String, String)]) -> Vec<u8> {
    let mut map = Vec::new();
    let mut push = |size: usize| {
        map.extend_from_slice(&u32::try_from(size).unwrap_or(0).to_le_bytes());
    };
    push(pairs.len());
    for (name, value) in pairs {
        push(name.len());
        push(value.len());
    }
    for (name, value) in pairs {
        map.extend_from_slice(name.as_bytes());
        map.push(0);
        map.extend_from_slice(value.as_bytes());
        map.push(0);
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn what_is_serialized_is_read() {
        let map = serialize(&owned(&[("a", "1"), ("stripe-context", ""), ("", "x")]));
        let expected: Vec<(&[u8], &[u8])> =
            vec![(b"a", b"1"), (b"stripe-context", b""), (b"", b"x")];
        assert_eq!(pairs(&map), Some(expected));
    }

    #[test]
    fn bytes_of_any_value_are_read() {
        let mut map = serialize(&owned(&[("a", "1234")]));
        let end = map.len() - 1;
        map[end - 4..end].copy_from_slice(&[0xff, 0, 0x80, b'\n']);
        let expected: Vec<(&[u8], &[u8])> = vec![(b"a", b"\xff\0\x80\n")];
        assert_eq!(pairs(&map), Some(expected));
    }

    #[test]
    fn a_torn_map_is_not_read() {
        let map = serialize(&owned(&[("a", "1"), ("b", "2")]));
        assert_eq!(pairs(&[]), Some(Vec::new()));
        for end in 1..map.len() {
            assert_eq!(pairs(&map[..end]), None, "{end}");
        }
        assert_eq!(pairs(&[255, 255, 255, 255]), None);
        assert_eq!(
            pairs(&[1, 0, 0, 0, 255, 255, 255, 255, 1, 0, 0, 0, 0]),
            None
        );
    }
}
