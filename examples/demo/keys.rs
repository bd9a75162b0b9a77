//! The demo's keys. They are made when it starts, from the system's randomness, and never written
//! to a file.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward::digest::KeyDigest;
use keyward::mask::Masked;
use keyward::profile::Profile;

/// The length of Stripe's keys today.
const LENGTH: usize = 107;

/// A key. It has no `Debug`, and only [`Key::brief`] is printed, except once by `make run`.
pub(crate) struct Key {
    pub(crate) id: &'static str,
    pub(crate) raw: String,
}

impl Key {
    fn mint(source: &mut File, id: &'static str, prefix: &str) -> Result<Self> {
        const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut raw = prefix.to_owned();
        let mut byte = [0];
        while raw.len() < LENGTH {
            source.read_exact(&mut byte)?;
            let [byte] = byte;
            // 248 is four times 62. Bytes from there on would favour some digits.
            if let Some(digit) = DIGITS.get(usize::from(byte % 62)).filter(|_| byte < 248) {
                raw.push(char::from(*digit));
            }
        }
        Ok(Self { id, raw })
    }

    /// Returns the digest in the snapshot.
    pub(crate) fn digest(&self) -> String {
        KeyDigest::of(self.raw.as_bytes()).to_string()
    }

    /// Returns the header's value as `curl -u KEY:` sends it.
    pub(crate) fn basic(&self) -> String {
        STANDARD.encode(format!("{}:", self.raw))
    }

    /// Returns the key masked as everywhere, but with fewer stars.
    pub(crate) fn brief(&self) -> String {
        fewer_stars(&Masked::new(&self.raw, Profile::stripe().known_prefixes()).to_string())
    }
}

/// Shortens the stars of masked keys: a masked key is as long as the key, but four stars are enough
/// on a terminal.
pub(crate) fn fewer_stars(text: &str) -> String {
    let mut short = String::new();
    let mut stars = 0;
    for c in text.chars() {
        stars = if c == '*' { stars + 1 } else { 0 };
        if stars <= 4 {
            short.push(c);
        }
    }
    short
}

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident: $id:literal, $prefix:literal;)*) => {
        /// One key of each sort.
        pub(crate) struct Keys {
            $($(#[$doc])* pub(crate) $name: Key,)*
        }

        impl Keys {
            pub(crate) fn mint() -> Result<Self> {
                let random = "/dev/urandom";
                let mut source = File::open(random).context(random)?;
                Ok(Self { $($name: Key::mint(&mut source, $id, $prefix)?,)* })
            }

            pub(crate) fn all(&self) -> Vec<&Key> {
                vec![$(&self.$name,)*]
            }
        }
    };
}

keys! {
    /// The organization's key.
    organization: "mk_organization", "sk_org_test_";
    /// The platform's key with every permission.
    secret: "mk_secret", "sk_test_";
    /// The platform's key in live mode.
    live: "mk_live", "sk_live_";
    /// The platform's key that may read customers and write charges, and read the balance of
    /// connected accounts.
    support: "mk_support", "rk_test_";
    /// The platform's key that may read the balance, but has no permission on connected accounts.
    reports: "mk_reports", "rk_test_";
    /// The platform's key in shadow that may read customers.
    shadow: "mk_shadow", "rk_test_";
    /// The platform's key for client-side code.
    publishable: "mk_publishable", "pk_test_";
    /// A key of the shop, which has no connected accounts.
    shop: "mk_shop", "sk_test_";
    /// The shop's key for the office's addresses.
    office: "mk_office", "sk_test_";
    /// A key that expired an hour ago.
    expired: "mk_expired", "sk_test_";
    /// A key that becomes valid tomorrow.
    early: "mk_early", "sk_test_";
    /// A deleted key.
    deleted: "mk_deleted", "sk_test_";
    /// A key of a suspended account.
    suspended: "mk_suspended", "sk_test_";
    /// A key that is in no snapshot.
    stranger: "(none)", "sk_test_";
}
