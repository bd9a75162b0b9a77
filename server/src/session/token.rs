//! What a person has: the token of a link, which is used once, and the secret of a cookie. The store has their digests.

use keyward::management::{NoRandomness, Randomness};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::randomness::System;

/// What a link's token begins with.
const LINK: &str = "lt_";

/// 32 random bytes in hexadecimal.
const DIGITS: usize = 64;

/// The token of a link.
pub(crate) struct Token(Zeroizing<String>);

impl Token {
    /// A new one.
    pub(crate) fn new() -> Result<Self, NoRandomness> {
        let secret = secret()?;
        let mut text = Zeroizing::new(String::with_capacity(LINK.len() + DIGITS));
        text.push_str(LINK);
        text.push_str(&secret);
        Ok(Self(text))
    }

    /// Reads one, pasted with what is around it.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.rsplit_once('#').map_or(text, |(_, token)| token);
        let digits = text.strip_prefix(LINK)?;
        is_secret(digits).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

/// The secret of a cookie.
pub(crate) struct Cookie(Zeroizing<String>);

impl Cookie {
    /// A new one.
    pub(crate) fn new() -> Result<Self, NoRandomness> {
        Ok(Self(secret()?))
    }

    /// Reads one.
    pub(crate) fn read(text: &str) -> Option<Self> {
        is_secret(text).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    pub(crate) fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

/// The token that each form of a session has: made of the cookie's secret, so only that session's pages know it.
pub(crate) fn csrf_of(cookie: &Cookie) -> Zeroizing<String> {
    let mut hash = Sha256::new();
    hash.update(b"keyward forms\0");
    hash.update(cookie.0.as_bytes());
    Zeroizing::new(hex::encode(hash.finalize()))
}

fn is_secret(text: &str) -> bool {
    text.len() == DIGITS
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn secret() -> Result<Zeroizing<String>, NoRandomness> {
    let mut bytes = Zeroizing::new([0; DIGITS / 2]);
    System.fill(bytes.as_mut())?;
    Ok(Zeroizing::new(hex::encode(bytes.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_with_the_link_around_it() {
        let token = Token::new().unwrap();
        let text = token.expose().to_owned();
        for pasted in [
            text.clone(),
            format!("  {text}\n"),
            format!("https://keys.example.com/console/enter#{text}"),
        ] {
            assert_eq!(Token::read(&pasted).unwrap().digest(), token.digest());
        }
        for none in [
            "",
            "lt_",
            "lt_00",
            &text.to_uppercase(),
            text.trim_start_matches("l"),
        ] {
            assert!(Token::read(none).is_none(), "{none}");
        }
    }

    #[test]
    fn the_token_of_forms_says_nothing_of_the_cookie() {
        let (one, other) = (Cookie::new().unwrap(), Cookie::new().unwrap());
        assert_ne!(*csrf_of(&one), *csrf_of(&other));
        assert_ne!(csrf_of(&one).as_str(), one.expose());
        assert_ne!(csrf_of(&one).as_str(), hex::encode(one.digest()));
    }
}
