//! The secrets of a person: the token of a link, which works once, and the secret of a cookie. The
//! store contains only their digests.

use keyward::management::{NoRandomness, Randomness};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::randomness::System;

/// The prefix of a link's token.
const LINK: &str = "lt_";

/// The digits of 32 random bytes in hexadecimal.
const DIGITS: usize = 64;

/// The token of a link.
pub(crate) struct Token(Zeroizing<String>);

impl Token {
    /// Makes a new token.
    pub(crate) fn new() -> Result<Self, NoRandomness> {
        let secret = secret()?;
        let mut text = Zeroizing::new(String::with_capacity(LINK.len() + DIGITS));
        text.push_str(LINK);
        text.push_str(&secret);
        Ok(Self(text))
    }

    /// Reads a token, ignoring any text that was pasted around it.
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
    /// Makes a new cookie.
    pub(crate) fn new() -> Result<Self, NoRandomness> {
        Ok(Self(secret()?))
    }

    /// Reads a cookie.
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

/// Proves that a form comes from a session's pages: it is derived from the cookie's secret, so only
/// those pages have it. It differs in each answer because answers are compressed: otherwise an
/// attacker could use the sizes of many answers to guess what they have in common.
#[derive(Clone)]
pub(crate) struct FormToken {
    secret: Zeroizing<[u8; 32]>,
    shown: Zeroizing<String>,
}

/// The length of the random part of a form's token, in hexadecimal digits.
const SALT: usize = 32;

impl FormToken {
    /// Makes a new token for the next answer.
    pub(crate) fn of(cookie: &Cookie) -> Result<Self, NoRandomness> {
        let mut hash = Sha256::new();
        hash.update(b"keyward forms\0");
        hash.update(cookie.0.as_bytes());
        let secret = Zeroizing::new(hash.finalize().into());
        let mut salt = [0; SALT / 2];
        System.fill(&mut salt)?;
        let shown = salted(&secret, &hex::encode(salt));
        Ok(Self { secret, shown })
    }

    /// Returns the value for the hidden field of a form.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Returns whether `text` is a token of this session, from any answer.
    pub(crate) fn accepts(&self, text: &str) -> bool {
        let Some(salt) = text.get(..SALT) else {
            return false;
        };
        // This compares digests, so the duration reveals nothing about the expected token.
        Sha256::digest(salted(&self.secret, salt).as_bytes()) == Sha256::digest(text.as_bytes())
    }
}

fn salted(secret: &[u8; 32], salt: &str) -> Zeroizing<String> {
    let mut hash = Sha256::new();
    hash.update(secret);
    hash.update(salt.as_bytes());
    Zeroizing::new(format!("{salt}{}", hex::encode(hash.finalize())))
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
        let (mine, theirs) = (FormToken::of(&one).unwrap(), FormToken::of(&other).unwrap());
        for secret in [one.expose(), &hex::encode(one.digest())] {
            assert!(!mine.shown().contains(secret));
        }
        assert!(mine.accepts(mine.shown()));
        assert!(!mine.accepts(theirs.shown()));
        assert!(!theirs.accepts(mine.shown()));
    }

    #[test]
    fn each_answer_has_another_token_and_all_of_them_are_accepted() {
        let cookie = Cookie::new().unwrap();
        let (first, second) = (
            FormToken::of(&cookie).unwrap(),
            FormToken::of(&cookie).unwrap(),
        );
        assert_ne!(first.shown().get(..SALT), second.shown().get(..SALT));
        assert_ne!(first.shown().get(SALT..), second.shown().get(SALT..));
        assert!(first.accepts(second.shown()) && second.accepts(first.shown()));
        let shown = first.shown().to_owned();
        let (salt, rest) = shown.split_at(SALT);
        for wrong in [
            String::new(),
            salt.to_owned(),
            rest.to_owned(),
            shown.to_uppercase(),
            format!("{shown}0"),
            format!("{}{rest}", "0".repeat(SALT)),
            "é".repeat(SALT),
        ] {
            assert!(!first.accepts(&wrong), "{wrong}");
        }
    }
}
