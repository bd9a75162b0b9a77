//! The keys for all measurements: as many as wanted, an account for every ten of them, 50 grant
//! sets, and ids as long as Stripe's. Also a request as Stripe's Python SDK sends it. The same
//! numbers give the same bytes on every machine.

#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark may fail loudly"
)]

use std::fmt::Write;

use keyward::configuration::packed_settings;
use keyward::digest::KeyDigest;
use keyward::snapshot::packed::Packed;

/// A kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Secret,
    Restricted,
    Publishable,
    Organization,
}

impl Kind {
    pub const ALL: [Self; 4] = [
        Self::Secret,
        Self::Restricted,
        Self::Publishable,
        Self::Organization,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Restricted => "restricted",
            Self::Publishable => "publishable",
            Self::Organization => "organization",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Secret => "sk_test_",
            Self::Restricted => "rk_test_",
            Self::Publishable => "pk_test_",
            Self::Organization => "sk_org_",
        }
    }
}

/// The keys of one snapshot.
#[derive(Clone, Copy, Debug)]
pub struct World {
    keys: u32,
    /// The kind, if there is only one key. Of more keys, the first 400 are of the four kinds in
    /// turn, and all others are restricted.
    sole: Kind,
}

const MIXED: u32 = 400;
const GRANT_SETS: u32 = 50;

impl World {
    pub fn new(keys: u32, sole: Kind) -> Self {
        Self { keys, sole }
    }

    fn kind(self, number: u32) -> Kind {
        match number {
            _ if self.keys == 1 => self.sole,
            0..MIXED => Kind::ALL[number as usize % Kind::ALL.len()],
            MIXED.. => Kind::Restricted,
        }
    }

    fn accounts(self) -> u32 {
        (self.keys / 10).max(1)
    }

    /// Returns keys of one kind, at most `most`.
    pub fn keys_of(self, kind: Kind, most: usize) -> Vec<String> {
        let of_kind = (0..self.keys).filter(|number| self.kind(*number) == kind);
        // Neighbours in this list are not neighbours in the snapshot, which is sorted by digest.
        of_kind.take(most).map(|number| key(kind, number)).collect()
    }

    /// Returns an account that every organization key reaches.
    pub fn context(self) -> String {
        account(0)
    }

    /// Returns the snapshot in JSON. `revoked` is the position of a deleted key.
    pub fn snapshot(self, revision: u64, revoked: Option<u32>) -> String {
        let mut json = String::with_capacity(256 * self.keys as usize + 65_536);
        let organization = organization();
        write!(
            json,
            r#"{{"format":"keyward.snapshot/v1","revision":{revision},"issued_at":1795194529,"accounts":[{{"id":"{organization}"}}"#
        )
        .unwrap();
        for number in 0..self.accounts() {
            // Every other account is connected to the one before it.
            let parent = match number % 2 {
                0 => organization.clone(),
                _ => account(number - 1),
            };
            write!(
                json,
                r#",{{"id":"{}","parent":"{parent}"}}"#,
                account(number)
            )
            .unwrap();
        }
        write!(json, r#"],"grant_sets":{{{}}},"keys":["#, grant_sets()).unwrap();
        for number in 0..self.keys {
            if number > 0 {
                json.push(',');
            }
            self.write_key(&mut json, number, revoked == Some(number));
        }
        json.push_str("]}");
        json
    }

    fn write_key(self, json: &mut String, number: u32, is_revoked: bool) {
        let kind = self.kind(number);
        let (id, name) = (id("mk_", number, 24), kind.name());
        let digest = KeyDigest::of(key(kind, number).as_bytes());
        let digest: String = digest
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let owner = match kind {
            Kind::Organization => organization(),
            Kind::Secret | Kind::Restricted | Kind::Publishable => {
                account(scatter(u64::from(number)) as u32 % self.accounts())
            }
        };
        write!(
            json,
            r#"{{"id":"{id}","sha256":"{digest}","kind":"{name}","livemode":false,"owner":"{owner}""#
        )
        .unwrap();
        if kind == Kind::Restricted {
            write!(json, r#","grants":"set-{}""#, number % GRANT_SETS).unwrap();
        }
        if is_revoked {
            json.push_str(r#","status":"deleted""#);
        }
        json.push('}');
    }

    /// Returns a plugin configuration with the snapshot.
    pub fn configuration(self, revision: u64, revoked: Option<u32>) -> String {
        format!(r#"{{"snapshot":{}}}"#, self.snapshot(revision, revoked))
    }

    /// Returns the same configuration in packed form.
    pub fn packed(self, revision: u64, revoked: Option<u32>) -> Vec<u8> {
        let (mut bytes, profile) = packed_settings(b"{}").unwrap();
        let json = self.snapshot(revision, revoked);
        let packed = Packed::from_json(json.as_bytes(), &profile).unwrap();
        drop(json);
        for chunk in packed.chunks().unwrap() {
            bytes.extend_from_slice(&chunk);
        }
        bytes
    }
}

/// Returns the key with this number, as long as Stripe's keys: two blocks of SHA-256. No secret
/// scanner mistakes it for a real key.
pub fn key(kind: Kind, number: u32) -> String {
    const LENGTH: usize = 107;
    let mut key = format!("{}FAKE", kind.prefix());
    while key.len() < LENGTH {
        write!(key, "-{number:08}").unwrap();
    }
    key.truncate(LENGTH);
    key
}

/// Returns a key of this kind that is in no snapshot.
pub fn unknown(kind: Kind) -> String {
    key(kind, 99_999_999)
}

fn account(number: u32) -> String {
    id("acct_", number, 16)
}

fn organization() -> String {
    id("org_", 0, 23)
}

/// Returns an id that looks random and is the same every time.
fn id(prefix: &str, number: u32, length: usize) -> String {
    const SYMBOLS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut state = u64::from(number) ^ (length as u64) << 40;
    let mut id = prefix.to_owned();
    for place in 0..length {
        if place % 8 == 0 {
            state = scatter(state);
        }
        id.push(char::from(
            SYMBOLS[(state >> (place % 8 * 8)) as usize % SYMBOLS.len()],
        ));
    }
    id
}

/// SplitMix64's step: maps each number to a different one, without a visible order.
fn scatter(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Returns grant sets that all read customers and write none, each with some twenty other
/// permissions.
fn grant_sets() -> String {
    let names = include_str!("../../catalogue/permissions.tsv").lines();
    let names = names.filter_map(|line| line.split('\t').next());
    let names: Vec<&str> = names
        .filter(|name| !name.starts_with('#') && *name != "customer")
        .collect();
    let sets = (0..GRANT_SETS as usize).map(|set| {
        let others = (0..20).map(|step| names[(set * 3 + step * 7) % names.len()]);
        let mut others: Vec<&str> = others.collect();
        others.sort_unstable();
        others.dedup();
        let others: String = others
            .iter()
            .map(|name| format!(r#","{name}":"write""#))
            .collect();
        format!(r#""set-{set}":{{"customer":"read"{others}}}"#)
    });
    sets.collect::<Vec<_>>().join(",")
}

/// Returns the headers that Stripe's Python SDK 16.1.0 sends with `requests` when it lists
/// customers, in its order, with the key and the context inserted.
pub fn sdk_headers(credential: &str, context: Option<&str>) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("Host", "127.0.0.1:10000".to_owned()),
        ("User-Agent", "Stripe/v1 PythonBindings/16.1.0".to_owned()),
        ("Accept-Encoding", "gzip, deflate".to_owned()),
        ("Accept", "*/*".to_owned()),
        ("Connection", "keep-alive".to_owned()),
        (
            "X-Stripe-Client-User-Agent",
            r#"{"bindings_version": "16.1.0", "lang": "python", "httplib": "requests", "telemetry_id": "e85e39dd0e06a21bd0f14dc6dc878ddf", "lang_version": "3.11.7", "platform": "Linux-6.1.0-31-amd64-x86_64-with-glibc2.36"}"#
                .to_owned(),
        ),
    ];
    if let Some(context) = context {
        headers.push(("Stripe-Context", context.to_owned()));
    }
    headers.push(("Authorization", format!("Bearer {credential}")));
    headers.push(("Stripe-Version", "2026-10-28.endive".to_owned()));
    headers
}

/// The request's target.
pub const TARGET: &str = "/v1/customers?limit=3";

/// Returns the whole request as it is sent.
pub fn sdk_request(credential: &str, context: Option<&str>) -> Vec<u8> {
    let mut request = format!("GET {TARGET} HTTP/1.1\r\n");
    for (name, value) in sdk_headers(credential, context) {
        write!(request, "{name}: {value}\r\n").unwrap();
    }
    request.push_str("\r\n");
    request.into_bytes()
}
