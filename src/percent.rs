//! Percent-decoding, shared by everything that needs it.
//!
//! Source: RFC 3986, section 2.1.

/// Decodes `text`. Invalid escapes stay unchanged.
pub(crate) fn decoded(text: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (first, tail) = rest.split_first()?;
        let escape = match (first, tail) {
            (b'%', [high, low, after @ ..]) => digit(*high)
                .zip(digit(*low))
                .map(|(high, low)| (high * 16 + low, after)),
            _ => None,
        };
        let (byte, after) = escape.unwrap_or((*first, tail));
        rest = after;
        Some(byte)
    })
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn valid_escapes_are_decoded_once_and_others_stand() {
        for (text, bytes) in [
            ("a%5Fb%5f", &b"a_b_"[..]),
            ("%255F", b"%5F"),
            ("%ff%00", b"\xff\0"),
            ("%", b"%"),
            ("%4", b"%4"),
            ("%zz%+1%4", b"%zz%+1%4"),
        ] {
            assert_eq!(
                decoded(text.as_bytes()).collect::<Vec<u8>>(),
                bytes,
                "{text}"
            );
        }
    }
}
