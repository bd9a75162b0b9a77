//! The key that signs a feed's head, in the format of OpenBSD's `signify`. That tool can create
//! such keys, sign with them and verify their signatures.
//!
//! Source: <https://cvsweb.openbsd.org/src/usr.bin/signify/signify.c>, `struct enckey`, `struct
//! pubkey` and `struct sig`

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey as Ed25519};
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use keyward::invariant::Held;
use keyward::management::{NoRandomness, Randomness};

/// The start of the first line of each `signify` file.
const COMMENT: &str = "untrusted comment: ";

/// The signature algorithm: Ed25519.
const ALGORITHM: &[u8] = b"Ed";

/// The key derivation function for passphrases. `signify` also writes it in keys that have no
/// passphrase.
const DERIVATION: &[u8] = b"BK";

const ROUNDS: usize = 4;
const SALT: usize = 16;
const CHECKSUM: usize = 8;
const NUMBER: usize = 8;
const SECRET: usize = 64;

/// The number of bytes of a secret key in its file.
const SECRET_FILE: usize = 2 + 2 + ROUNDS + SALT + CHECKSUM + NUMBER + SECRET;

/// A key that signs heads. Only [`SigningKey::secret_text`] shows it.
pub struct SigningKey {
    number: [u8; NUMBER],
    key: Ed25519,
}

/// Why a text is not a signing key. It quotes none of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningKeyFault {
    /// It does not have the two lines of `signify`, or has another algorithm.
    Format,
    /// It has a passphrase.
    Passphrase,
    /// Its checksum or its public half does not match its secret half.
    Damaged,
}

impl fmt::Display for SigningKeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => {
                "expected a secret key of signify: a line `untrusted comment: …` and a line of base64; `keyward feed key new` makes one"
            }
            Self::Passphrase => {
                "the key has a passphrase, which keyward does not ask for; make one without (`signify -G -n`, or `keyward feed key new`), and protect its file"
            }
            Self::Damaged => "the key is damaged: its checksum does not match",
        })
    }
}

impl std::error::Error for SigningKeyFault {}

impl SigningKey {
    /// Creates a new key.
    pub fn new(randomness: &mut impl Randomness) -> Result<Self, NoRandomness> {
        let mut seed = Zeroizing::new([0; 32]);
        let mut number = [0; NUMBER];
        randomness.fill(&mut *seed)?;
        randomness.fill(&mut number)?;
        Ok(Self {
            number,
            key: Ed25519::from_bytes(&seed),
        })
    }

    /// Reads the text of a secret key's file.
    pub fn read(text: &str) -> Result<Self, SigningKeyFault> {
        let mut lines = text.lines();
        let comment = lines.next().unwrap_or_default();
        let encoded = lines.next().unwrap_or_default();
        if !comment.starts_with(COMMENT) || lines.next().is_some() {
            return Err(SigningKeyFault::Format);
        }
        let bytes = STANDARD.decode(encoded).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| SigningKeyFault::Format)?;
        let rest = bytes.strip_prefix(ALGORITHM);
        let rest = rest.and_then(|rest| rest.strip_prefix(DERIVATION));
        let rest = rest.filter(|_| bytes.len() == SECRET_FILE);
        let fields = rest.and_then(|rest| {
            let (rounds, rest) = rest.split_at_checked(ROUNDS)?;
            let (_salt, rest) = rest.split_at_checked(SALT)?;
            let (checksum, rest) = rest.split_at_checked(CHECKSUM)?;
            let (number, secret) = rest.split_first_chunk()?;
            Some((
                rounds,
                checksum,
                *number,
                <&[u8; SECRET]>::try_from(secret).ok()?,
            ))
        });
        let (rounds, checksum, number, secret) = fields.ok_or(SigningKeyFault::Format)?;
        if rounds != [0; ROUNDS] {
            return Err(SigningKeyFault::Passphrase);
        }
        if !Sha512::digest(secret).starts_with(checksum) {
            return Err(SigningKeyFault::Damaged);
        }
        let key = Ed25519::from_keypair_bytes(secret);
        let key = key.map_err(|_| SigningKeyFault::Damaged)?;
        Ok(Self { number, key })
    }

    /// Returns the text of the secret key's file.
    #[must_use]
    pub fn secret_text(&self) -> Zeroizing<String> {
        let secret = Zeroizing::new(self.key.to_keypair_bytes());
        let digest = Sha512::digest(*secret);
        let checksum = digest
            .get(..CHECKSUM)
            .held("a digest is longer than its checksum");
        let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET_FILE));
        for part in [
            ALGORITHM,
            DERIVATION,
            &[0; ROUNDS],
            &[0; SALT],
            checksum,
            &self.number,
            &*secret,
        ] {
            bytes.extend_from_slice(part);
        }
        let encoded = Zeroizing::new(STANDARD.encode(&*bytes));
        Zeroizing::new(format!("{COMMENT}keyward feed secret key\n{}\n", *encoded))
    }

    /// Returns the public key as one line of base64, for `public_keys` in a configuration.
    #[must_use]
    pub fn public_key(&self) -> String {
        let public = self.key.verifying_key();
        STANDARD.encode([ALGORITHM, &self.number, public.as_bytes()].concat())
    }

    /// Returns the text of the public key's file.
    #[must_use]
    pub fn public_text(&self) -> String {
        format!("{COMMENT}keyward feed public key\n{}\n", self.public_key())
    }

    /// Returns the message after its signature, which covers every byte of the message, as `signify
    /// -S -e` does.
    #[must_use]
    pub fn sign(&self, comment: &str, message: &[u8]) -> Vec<u8> {
        let signature = self.key.sign(message).to_bytes();
        let signature = STANDARD.encode([ALGORITHM, &self.number, &signature].concat());
        let mut signed = format!("{COMMENT}{comment}\n{signature}\n").into_bytes();
        signed.extend_from_slice(message);
        signed
    }
}

/// Shows only the public half.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey")
            .field(&self.public_key())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::string_slice, reason = "these texts are ASCII")]

    use super::*;
    use crate::randomness::SystemRandomness;

    fn key() -> SigningKey {
        SigningKey::new(&mut SystemRandomness).unwrap()
    }

    #[test]
    fn a_key_reads_as_it_was_written() {
        let key = key();
        let again = SigningKey::read(&key.secret_text()).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        assert_eq!(again.sign("c", b"message"), key.sign("c", b"message"));
        assert!(
            key.public_text()
                .ends_with(&format!("{}\n", key.public_key()))
        );
    }

    #[test]
    fn what_is_no_key_says_why_and_quotes_nothing() {
        let good = key().secret_text();
        let encoded = good.lines().nth(1).unwrap();
        let bytes = STANDARD.decode(encoded).unwrap();
        let with = |place: usize, byte: u8| {
            let mut bytes = bytes.clone();
            bytes[place] = byte;
            format!("{COMMENT}x\n{}\n", STANDARD.encode(bytes))
        };
        use SigningKeyFault::{Damaged, Format, Passphrase};
        for (text, fault) in [
            (String::new(), Format),
            (encoded.to_owned(), Format),
            (format!("{COMMENT}x\nnot base64\n"), Format),
            (format!("{COMMENT}x\n{encoded}\nmore\n"), Format),
            (format!("{COMMENT}x\n{}\n", &encoded[..8]), Format),
            (key().public_text(), Format),
            (with(0, b'e'), Format),
            (with(2, b'X'), Format),
            (with(7, 42), Passphrase),
            (with(24, bytes[24] ^ 1), Damaged),
            (with(40, bytes[40] ^ 1), Damaged),
            (with(103, bytes[103] ^ 1), Damaged),
        ] {
            let refused = SigningKey::read(&text).unwrap_err();
            assert_eq!(refused, fault, "{text}");
            assert!(!refused.to_string().contains(&encoded[20..40]));
        }
    }

    #[test]
    fn nothing_shows_the_secret_half() {
        let key = key();
        let shown = format!("{key:?}");
        assert!(shown.contains(&key.public_key()), "{shown}");
        let secret = key.secret_text();
        assert!(!shown.contains(&secret.lines().nth(1).unwrap()[40..]));
    }
}
