//! Signatures in OpenBSD's signify format: a public key as one line of base64, and a text that
//! follows its own signature.
//!
//! Source: <https://man.openbsd.org/signify>, and its `signify.c`.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};

/// The start of the first line.
const COMMENT: &[u8] = b"untrusted comment: ";

/// The maximum length of the first line that signify accepts, in bytes.
const LONGEST_COMMENT: usize = 1024;

/// The first bytes of keys and signatures. They mean Ed25519.
const ALGORITHM: [u8; 2] = *b"Ed";

/// The size of a public key: the algorithm, the key's number, the point.
const PUBLIC_KEY: usize = 2 + 8 + 32;

/// The size of a signature: the algorithm, the key's number, the signature itself.
const SIGNATURE: usize = 2 + 8 + 64;

/// The length of the base64 line that contains a signature.
const SIGNATURE_LINE: usize = SIGNATURE.div_ceil(3) * 4;

/// What an error message says it expected instead of something that is not a public key.
pub const PUBLIC_KEY_EXPECTED: &str = "a public key of signify: the second line of its `.pub` file, 56 characters that begin with `RW`";

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    number: [u8; 8],
    key: VerifyingKey,
}

impl PublicKey {
    /// Reads the second line of signify's `.pub` file. Also returns `None` for a point of small
    /// order, which would accept any signature.
    #[must_use]
    pub fn from_line(line: &str) -> Option<Self> {
        let bytes: [u8; PUBLIC_KEY] = STANDARD.decode(line).ok()?.try_into().ok()?;
        let (algorithm, rest) = bytes.split_first_chunk()?;
        let (number, point) = rest.split_first_chunk()?;
        let key = VerifyingKey::from_bytes(point.first_chunk()?).ok()?;
        (*algorithm == ALGORITHM && !key.is_weak()).then_some(Self {
            number: *number,
            key,
        })
    }

    /// Builds the key with that number and point, as a signer has them.
    #[must_use]
    pub fn from_parts(number: [u8; 8], point: &[u8; 32]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(point).ok()?;
        (!key.is_weak()).then_some(Self { number, key })
    }

    /// Returns the second line of signify's `.pub` file.
    #[must_use]
    pub fn line(&self) -> String {
        STANDARD.encode([&ALGORITHM[..], &self.number, self.key.as_bytes()].concat())
    }

    /// Returns the number that signatures use to name the key. It is random, and chosen when the key
    /// is generated.
    #[must_use]
    pub fn number(&self) -> [u8; 8] {
        self.number
    }
}

/// Shows the number in hexadecimal digits, as signify's own messages do.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// Why keyward does not trust a signed text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureFault {
    /// It does not begin with the two lines of a signature.
    Form,
    /// No trusted key has that number.
    UnknownKey,
    /// The key did not make this signature over these bytes.
    Forged,
}

impl fmt::Display for SignatureFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "expected signify's two lines, and the signed text after them",
            Self::UnknownKey => "it is signed by a key that is not among `public_keys`",
            Self::Forged => "its signature is not the key's",
        })
    }
}

/// Returns the text that follows its signature, and the key that signed it. The text itself is not
/// parsed.
pub fn open<'t, 'k>(
    signed: &'t [u8],
    keys: &'k [PublicKey],
) -> Result<(&'t [u8], &'k PublicKey), SignatureFault> {
    let (comment, rest) = line(signed, LONGEST_COMMENT).ok_or(SignatureFault::Form)?;
    let (signature, text) = line(rest, SIGNATURE_LINE).ok_or(SignatureFault::Form)?;
    if !comment.starts_with(COMMENT) || signature.len() != SIGNATURE_LINE {
        return Err(SignatureFault::Form);
    }
    let (number, signature) = signature_of(signature).ok_or(SignatureFault::Form)?;
    let mut fault = SignatureFault::UnknownKey;
    for key in keys.iter().filter(|key| key.number == number) {
        if key.key.verify_strict(text, &signature).is_ok() {
            return Ok((text, key));
        }
        fault = SignatureFault::Forged;
    }
    Err(fault)
}

/// Splits off the first line.
fn line(text: &[u8], longest: usize) -> Option<(&[u8], &[u8])> {
    let end = text
        .iter()
        .take(longest.checked_add(1)?)
        .position(|byte| *byte == b'\n')?;
    Some((text.get(..end)?, text.get(end.checked_add(1)?..)?))
}

fn signature_of(line: &[u8]) -> Option<([u8; 8], Signature)> {
    let bytes: [u8; SIGNATURE] = STANDARD.decode(line).ok()?.try_into().ok()?;
    let (algorithm, rest) = bytes.split_first_chunk()?;
    let (number, signature) = rest.split_first_chunk()?;
    (*algorithm == ALGORITHM).then_some((*number, Signature::from_bytes(signature.first_chunk()?)))
}

/// Puts a signature before a text, so that [`open`] and `signify -V -e` can open it. `signature` is
/// the Ed25519 signature over exactly `text`.
#[must_use]
pub fn seal(comment: &str, number: [u8; 8], signature: &[u8; 64], text: &[u8]) -> Vec<u8> {
    let line = STANDARD.encode([&ALGORITHM[..], &number, signature].concat());
    [
        COMMENT,
        comment.as_bytes(),
        b"\n",
        line.as_bytes(),
        b"\n",
        text,
    ]
    .concat()
}

#[cfg(test)]
pub(crate) mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;

    /// Derives a key pair for tests from one byte.
    pub(crate) fn pair(seed: u8) -> (SigningKey, PublicKey) {
        let secret = SigningKey::from_bytes(&[seed; 32]);
        let point = secret.verifying_key().to_bytes();
        let public = PublicKey::from_parts([seed; 8], &point).unwrap();
        (secret, public)
    }

    pub(crate) fn signed(seed: u8, text: &[u8]) -> Vec<u8> {
        let (secret, public) = pair(seed);
        let signature = secret.sign(text).to_bytes();
        seal("keyward feed", public.number(), &signature, text)
    }

    #[test]
    fn a_signed_text_opens_with_the_key_that_signed_it_alone() {
        let (_, own) = pair(1);
        let (_, other) = pair(2);
        let text = signed(1, b"{\"a\":1}");
        let keys = [other.clone(), own.clone()];
        assert_eq!(open(&text, &keys), Ok((&b"{\"a\":1}"[..], &own)));
        let others = std::slice::from_ref(&other);
        assert_eq!(open(&text, others), Err(SignatureFault::UnknownKey));
        assert_eq!(open(&text, &[]), Err(SignatureFault::UnknownKey));
    }

    #[test]
    fn every_changed_byte_behind_the_comment_is_noticed() {
        let (_, own) = pair(1);
        let keys = [own];
        let text = signed(1, b"{\"a\":1}");
        let start = text.iter().position(|byte| *byte == b'\n').unwrap();
        for place in start..text.len() {
            for change in [1_u8, 0x20, 0x80] {
                let mut forged = text.clone();
                forged[place] ^= change;
                assert!(open(&forged, &keys).is_err(), "byte {place} ^ {change}");
            }
            assert!(open(&text[..place], &keys).is_err(), "cut at {place}");
        }
        let longer = [&text[..], b" "].concat();
        assert_eq!(open(&longer, &keys), Err(SignatureFault::Forged));
    }

    #[test]
    fn two_keys_of_one_number_are_both_tried() {
        let (_, own) = pair(1);
        let (secret, _) = pair(2);
        let point = secret.verifying_key().to_bytes();
        let namesake = PublicKey::from_parts([1; 8], &point).unwrap();
        let text = signed(1, b"x");
        let only = std::slice::from_ref(&namesake);
        assert_eq!(open(&text, only), Err(SignatureFault::Forged));
        assert!(open(&text, &[namesake, own]).is_ok());
    }

    #[test]
    fn a_public_key_is_signifys_line_and_nothing_else() {
        let (_, own) = pair(1);
        let line = own.line();
        assert!(line.starts_with("RW") && line.len() == 56);
        assert_eq!(PublicKey::from_line(&line), Some(own));
        let weak = STANDARD.encode([&b"Ed"[..], &[7; 8], &[1], &[0; 31]].concat());
        for other in [
            "",
            "RW",
            line.get(..55).unwrap(),
            &format!("{line}\n"),
            &format!(" {line}"),
            &line.replacen("RW", "RX", 1),
            &weak,
        ] {
            assert_eq!(PublicKey::from_line(other), None, "{other}");
        }
    }

    #[test]
    fn a_comment_is_at_most_what_signify_takes() {
        let (secret, own) = pair(1);
        let signature = secret.sign(b"x").to_bytes();
        let keys = [own.clone()];
        let with = |length: usize| {
            let comment = "c".repeat(length - COMMENT.len());
            seal(&comment, own.number(), &signature, b"x")
        };
        assert!(open(&with(1024), &keys).is_ok());
        assert_eq!(open(&with(1025), &keys), Err(SignatureFault::Form));
        assert_eq!(open(b"", &keys), Err(SignatureFault::Form));
        assert_eq!(open(b"\n\n", &keys), Err(SignatureFault::Form));
    }
}
