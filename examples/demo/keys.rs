//! The demo's keys: made from the system's randomness when it starts, and never written to a file.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyward::digest::KeyDigest;
use keyward::mask::Masked;
use keyward::profile::Profile;

/// The length of Stripe's current keys.
const LENGTH: usize = 107;

/// A key. It has no `Debug`. Output shows only [`Key::brief`], except for the one time that
/// `make run` shows the key.
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

    /// Returns the header that `curl -u KEY:` sends.
    pub(crate) fn basic(&self) -> String {
        STANDARD.encode(format!("{}:", self.raw))
    }

    /// Returns the masked form, with fewer stars.
    pub(crate) fn brief(&self) -> String {
        fewer_stars(&Masked::new(&self.raw, Profile::stripe().known_prefixes()).to_string())
    }
}

/// Shortens the stars: a masked key is as long as the key, and four stars are enough for a line of
/// a terminal.
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
        /// One key of each kind.
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
    /// A key of the organization.
    organization: "mk_organization", "sk_org_test_";
    /// A key of the platform with every permission.
    secret: "mk_secret", "sk_test_";
    /// A live key of the platform.
    live: "mk_live", "sk_live_";
    /// A key of the platform: customers read, charges write, and on connected accounts the balance.
    support: "mk_support", "rk_test_";
    /// A key of the platform: the balance, and nothing on connected accounts.
    reports: "mk_reports", "rk_test_";
    /// A key of the platform in shadow: customers read.
    shadow: "mk_shadow", "rk_test_";
    /// A key of the platform for client-side code.
    publishable: "mk_publishable", "pk_test_";
    /// A key of the shop, which has no connected accounts.
    shop: "mk_shop", "sk_test_";
    /// A key of the shop, limited to the office's addresses.
    office: "mk_office", "sk_test_";
    /// A key that expired an hour ago.
    expired: "mk_expired", "sk_test_";
    /// A key that works from tomorrow on.
    early: "mk_early", "sk_test_";
    /// A deleted key.
    deleted: "mk_deleted", "sk_test_";
    /// A key of a suspended account.
    suspended: "mk_suspended", "sk_test_";
    /// A key that is in no snapshot.
    stranger: "(none)", "sk_test_";
}
