//! From the packed form back to JSON: the same content, in the order of the packed tables. Of the annotations a packed form holds `user_id` alone.

use ipnet::IpNet;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::{Packed, Trust, read, wire};
use crate::account::{Account, AccountForest, Children};
use crate::address::AllowedIps;
use crate::digest::KeyDigest;
use crate::profile::Profile;
use crate::refusal::{Place, Refusal};
use crate::rows::index;
use crate::snapshot::key::{Enforcement, KeyStatus};
use crate::snapshot::table::{KeyRow, NONE};

/// A packed snapshot that serializes as the JSON form.
pub struct Unpacked<'a> {
    packed: &'a Packed,
    head: wire::Head<'a>,
}

impl Packed {
    /// Looks at everything, so that what is written as JSON is a snapshot that is taken.
    pub fn unpack(&self, profile: &Profile) -> Result<Unpacked<'_>, Refusal> {
        let place = Place::default();
        self.check(profile, Trust::Nothing, &place)?;
        let head = read::head(&self.head, &place)?;
        Ok(Unpacked { packed: self, head })
    }
}

impl Serialize for Unpacked<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let head = &self.head;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("format", &head.format)?;
        map.serialize_entry("revision", &head.revision)?;
        map.serialize_entry("issued_at", &head.issued_at)?;
        if !head.api_versions.is_empty() {
            map.serialize_entry("api_versions", &head.api_versions)?;
        }
        map.serialize_entry("accounts", &Accounts(&self.packed.accounts))?;
        if !head.grant_sets.is_empty() {
            map.serialize_entry("grant_sets", &GrantSets(self))?;
        }
        map.serialize_entry("catalogue", &head.catalogue)?;
        if !head.endpoints.is_empty() {
            map.serialize_entry("endpoints", &head.endpoints)?;
        }
        if head.empty {
            map.serialize_entry("empty", &true)?;
        }
        map.serialize_entry("keys", &Keys(self))?;
        map.end()
    }
}

struct Accounts<'a>(&'a AccountForest);

#[derive(Serialize)]
struct AccountText<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    children: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
}

impl Serialize for Accounts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|account| account_text(self.0, account)))
    }
}

fn account_text<'a>(forest: &'a AccountForest, account: Account<'a>) -> AccountText<'a> {
    let parent = account.parent().and_then(|parent| forest.account(parent));
    AccountText {
        id: account.id(),
        parent: parent.map(|parent| parent.id()),
        children: (account.children() == Children::Any).then_some("any"),
        status: account.is_suspended().then_some("suspended"),
    }
}

struct GrantSets<'a>(&'a Unpacked<'a>);

impl Serialize for GrantSets<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.0.head.grant_sets.iter().enumerate();
        serializer.collect_map(names.map(|(number, name)| (name, Granted(self.0, number))))
    }
}

/// The grants of one set, written out.
struct Granted<'a>(&'a Unpacked<'a>, usize);

impl Serialize for Granted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names: Vec<&str> = self
            .0
            .head
            .permissions
            .iter()
            .map(|name| &*name.0)
            .collect();
        let granted = self.0.packed.granted(self.1, &names).unwrap_or_default();
        serializer.collect_map(
            granted
                .into_iter()
                .map(|(name, level)| (name, level.name())),
        )
    }
}

/// The grants of one key: a set's name, or the grants themselves where it has none.
enum Grants<'a> {
    Named(&'a str),
    WrittenOut(Granted<'a>),
}

impl Serialize for Grants<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Named(name) => serializer.serialize_str(name),
            Self::WrittenOut(granted) => granted.serialize(serializer),
        }
    }
}

struct Keys<'a>(&'a Unpacked<'a>);

#[derive(Serialize)]
struct KeyText<'a> {
    id: &'a str,
    sha256: String,
    kind: &'static str,
    livemode: bool,
    owner: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed_ips: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enforcement: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grants: Option<Grants<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connect_grants: Option<Grants<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<AnnotationsText<'a>>,
}

#[derive(Serialize)]
struct AnnotationsText<'a> {
    user_id: &'a str,
}

impl Serialize for Keys<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let keys = &self.0.packed.keys;
        let mut list = serializer.serialize_seq(Some(keys.len()))?;
        for number in 0..keys.len() {
            // Every row was looked at: there is none without a key.
            let row = keys.row(number);
            if let Some(written) = row.and_then(|row| self.0.write_key(&row, &mut list)) {
                written?;
            }
        }
        list.end()
    }
}

impl Unpacked<'_> {
    fn write_key<L: SerializeSeq>(
        &self,
        row: &KeyRow<'_>,
        list: &mut L,
    ) -> Option<Result<(), L::Error>> {
        let keys = &self.packed.keys;
        let terms = keys.terms(row.terms)?;
        let times = keys.times(row.times)?;
        let id = keys.context().id(row.id)?;
        let ranges = match terms.allowed_ips {
            NONE => Vec::new(),
            number => AllowedIps::new(keys.context().ips.get(index(number)?)?)
                .ranges()
                .map(range_text)
                .collect(),
        };
        Some(list.serialize_element(&KeyText {
            id: id.as_str(),
            sha256: KeyDigest::from_bytes(*row.digest).to_string(),
            kind: terms.kind.name(),
            livemode: terms.livemode.is_live(),
            owner: self.packed.accounts.account(row.owner)?.id(),
            status: (terms.status == KeyStatus::Deleted).then_some("deleted"),
            not_before: times.not_before,
            expires_at: times.expires_at,
            allowed_ips: ranges,
            enforcement: (terms.enforcement == Enforcement::Shadow).then_some("shadow"),
            grants: self.grants(terms.grants),
            connect_grants: self.grants(terms.connect_grants),
            annotations: keys.user(row).map(|user_id| AnnotationsText { user_id }),
        }))
    }

    fn grants(&self, number: u32) -> Option<Grants<'_>> {
        if number == NONE {
            return None;
        }
        let number = index(number)?;
        Some(match self.head.grant_sets.get(number) {
            Some(name) => Grants::Named(&name.0),
            None => Grants::WrittenOut(Granted(self, number)),
        })
    }
}

/// A range of one address is written as the address.
fn range_text(range: IpNet) -> String {
    if range.prefix_len() == range.max_prefix_len() {
        range.addr().to_string()
    } else {
        range.to_string()
    }
}
