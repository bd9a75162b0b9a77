//! Reads keys and what they refer to.

use std::cmp::Ordering;

use super::accounts::LeftOut;
use super::grants::GrantSets;
use super::{check_owner, check_terms, time, wire};
use crate::account::{AccountForest, AccountIndex};
use crate::address::{parse_range, push_range};
use crate::digest::KeyDigest;
use crate::id::{self, is_id};
use crate::key::{KeyKind, Livemode};
use crate::mask::KnownPrefixes;
use crate::order::{seconds_of_equals, sort, sorted_numbers};
use crate::permission::PermissionRegistry;
use crate::refusal::{Place, Refusal, Sink};
use crate::rows::{Lists, Rows};
use crate::snapshot::interned::Interned;
use crate::snapshot::key_id::IdCoding;
use crate::snapshot::table::{KeyContext, KeyTable, NewRow, buckets_of};
use crate::snapshot::terms::{NONE, TERMS_ROW, TIMES_ROW, Terms, Times};
use crate::wire::{Integer, Text};

const TOO_MANY: &str = "too many keys";

/// Reads the keys of a snapshot, one after the other.
pub(super) struct KeyReader<'r, 'a> {
    accounts: &'r AccountForest,
    permissions: &'r PermissionRegistry,
    prefixes: &'r KnownPrefixes,
    grant_sets: &'r mut GrantSets<'a>,
    ips: Interned<Vec<u8>>,
    terms: Interned<[u8; TERMS_ROW]>,
    times: Interned<[u8; TIMES_ROW]>,
}

/// A key, after reading.
struct Key<'a> {
    digest: KeyDigest,
    id: Text<'a>,
    owner: AccountIndex,
    terms: u32,
    times: Option<u32>,
    user: Option<Text<'a>>,
}

impl<'r, 'a> KeyReader<'r, 'a> {
    pub(super) fn new(
        accounts: &'r AccountForest,
        permissions: &'r PermissionRegistry,
        prefixes: &'r KnownPrefixes,
        grant_sets: &'r mut GrantSets<'a>,
    ) -> Self {
        Self {
            accounts,
            permissions,
            prefixes,
            grant_sets,
            ips: Interned::default(),
            terms: Interned::default(),
            times: Interned::default(),
        }
    }

    /// Returns the keys, except those that were already left out.
    pub(super) fn keys<S: Sink>(
        mut self,
        mut listed: Vec<wire::Key<'_>>,
        empty: bool,
        mut left_out: LeftOut,
        (place, sink): (&Place, &mut S),
    ) -> Result<KeyTable, Refusal> {
        let place = place.then("keys");
        if listed.is_empty() != empty {
            sink.fault(no_keys(&place))?;
            listed.clear();
        }
        let names = std::mem::take(&mut left_out);
        let mut keys = Vec::with_capacity(listed.len());
        for (index, wire) in listed.into_iter().enumerate() {
            let key = if names.contains(index) || sink.is_left_out(&wire.owner.0) {
                None
            } else {
                sink.take(self.key(wire, &place.at(index)))?
            };
            match key {
                Some(key) => keys.push(key),
                None => left_out.push(index),
            }
        }
        let twice = |number: usize, member: &'static str, why| {
            let place = place.at(left_out.original(number)).then(member);
            place.refused(why)
        };
        let mut by_id = in_order(&keys, &[], &|a, b| a.id.0.cmp(&b.id.0));
        let same_id = by_id.seconds();
        for number in &same_id {
            sink.fault(twice(*number, "id", "duplicate id"))?;
        }
        let mut by_digest = in_order(&keys, &same_id, &|a, b| a.digest.cmp(&b.digest));
        let same_digest = by_digest.seconds();
        for number in &same_digest {
            sink.fault(twice(*number, "sha256", "duplicate digest"))?;
        }
        by_id.leave_out(&same_id);
        by_digest.leave_out(&same_digest);
        self.table(&keys, &by_id.numbers, &by_digest.numbers)
            .ok_or_else(|| place.refused(TOO_MANY))
    }

    fn key<'k>(&mut self, wire: wire::Key<'k>, place: &Place) -> Result<Key<'k>, Refusal> {
        let wire::Key {
            id,
            sha256,
            kind,
            livemode,
            owner,
            status,
            not_before,
            expires_at,
            allowed_ips,
            enforcement,
            grants,
            connect_grants,
            annotations,
        } = wire;
        let too_many = || place.refused(TOO_MANY);
        let digest = KeyDigest::from_hex(&sha256.0)
            .ok_or_else(|| place.then("sha256").expected("64 hexadecimal digits"))?;
        let mut set = |grants: Option<wire::Grants<'_>>, name| {
            let place = place.then(name);
            self.grant_sets
                .number(grants.as_ref(), self.permissions, &place)
        };
        let terms = Terms {
            kind,
            livemode: Livemode::from(livemode),
            status: status.unwrap_or_default(),
            enforcement: enforcement.unwrap_or_default(),
            grants: set(grants, "grants")?,
            connect_grants: set(connect_grants, "connect_grants")?,
            allowed_ips: match allowed(
                allowed_ips.as_deref().unwrap_or_default(),
                &place.then("allowed_ips"),
            )? {
                None => NONE,
                Some(ranges) => self.ips.number(ranges).ok_or_else(too_many)?,
            },
        };
        check_terms(&terms, place)?;
        let instant = |given: Option<Integer>, name: &'static str| {
            given
                .map(|seconds| time(seconds.0, &place.then(name)))
                .transpose()
        };
        if !is_id(&id.0) {
            return Err(place.then("id").expected(id::EXPECTED));
        }
        let owner = self.owner(&owner, terms.kind, &place.then("owner"))?;
        let times = Times {
            not_before: instant(not_before, "not_before")?,
            expires_at: instant(expires_at, "expires_at")?,
        };
        let times = if times.is_always() {
            None
        } else {
            Some(self.times.number(times.row()).ok_or_else(too_many)?)
        };
        Ok(Key {
            digest,
            id,
            owner,
            terms: self.terms.number(terms.row()).ok_or_else(too_many)?,
            times,
            user: annotations.and_then(|annotations| annotations.user_id(self.prefixes)),
        })
    }

    fn owner(&self, id: &Text<'_>, kind: KeyKind, place: &Place) -> Result<AccountIndex, Refusal> {
        let index = self.accounts.find(&id.0);
        let account = index.and_then(|index| self.accounts.account(index));
        check_owner(account, kind, place)?;
        index.ok_or_else(|| place.expected("the id of a listed account"))
    }

    /// Returns `None` if there are more of something than its number can express.
    fn table(self, keys: &[Key<'_>], by_id: &[usize], by_digest: &[usize]) -> Option<KeyTable> {
        let ids: Vec<&str> = by_id
            .iter()
            .filter_map(|number| keys.get(*number).map(|key| &*key.id.0))
            .collect();
        let coding = IdCoding::for_ids(&ids);
        let others = ids.iter().filter(|id| coding.rest(id).is_none());
        let others = Lists::collect(others.map(|id| id.as_bytes()))?;
        let mut users: Vec<&str> = keys.iter().filter_map(user).collect();
        sort(&mut users);
        users.dedup();
        let context = KeyContext {
            coding,
            others,
            terms: Rows::from_bytes(TERMS_ROW, self.terms.values.as_flattened()),
            times: Rows::from_bytes(TIMES_ROW, self.times.values.as_flattened()),
            ips: Lists::collect(self.ips.values.iter().map(Vec::as_slice))?,
            users: Lists::collect(users.iter().map(|user| user.as_bytes()))?,
            accounts: self.accounts.len(),
        };
        let keys: Vec<&Key<'_>> = by_digest
            .iter()
            .filter_map(|number| keys.get(*number))
            .collect();
        let width = context.row_width()?;
        let mut rows = Vec::with_capacity(width.checked_mul(keys.len())?);
        for key in &keys {
            let row = NewRow {
                digest: key.digest,
                id: &key.id.0,
                owner: key.owner,
                terms: key.terms,
                times: key.times,
                user: user(key),
            };
            context.push_row(&mut rows, &row)?;
        }
        let buckets = buckets_of(keys.iter().map(|key| key.digest.as_bytes()))?;
        KeyTable::new(context, buckets, Rows::from_bytes(width, &rows))
    }
}

/// Numbers of keys, in some order.
struct InOrder<'o> {
    numbers: Vec<usize>,
    compare: Box<dyn Fn(usize, usize) -> Ordering + 'o>,
}

/// Returns the numbers of keys in the order of `compare`, except those in `left_out`.
fn in_order<'o>(
    keys: &'o [Key<'_>],
    left_out: &[usize],
    compare: &'o dyn Fn(&Key<'_>, &Key<'_>) -> Ordering,
) -> InOrder<'o> {
    let compare = move |a: usize, b: usize| match (keys.get(a), keys.get(b)) {
        (Some(a), Some(b)) => compare(a, b),
        _ => Ordering::Equal,
    };
    let mut in_order = InOrder {
        numbers: sorted_numbers(keys.len(), &compare),
        compare: Box::new(compare),
    };
    in_order.leave_out(left_out);
    in_order
}

impl InOrder<'_> {
    /// Returns the keys that have an equal one before them.
    fn seconds(&self) -> Vec<usize> {
        seconds_of_equals(&self.numbers, &self.compare)
    }

    fn leave_out(&mut self, left_out: &[usize]) {
        if !left_out.is_empty() {
            self.numbers.retain(|number| !left_out.contains(number));
        }
    }
}

/// Returns the refusal for a snapshot whose `keys` and `empty` contradict each other.
pub(in crate::snapshot) fn no_keys(place: &Place) -> Refusal {
    place.expected("keys, or none together with `\"empty\": true`")
}

fn user<'k>(key: &'k Key<'_>) -> Option<&'k str> {
    key.user.as_ref().map(AsRef::as_ref)
}

/// Returns the address ranges of a key, if the key lists any.
fn allowed(listed: &[Text<'_>], place: &Place) -> Result<Option<Vec<u8>>, Refusal> {
    let mut ranges = Vec::new();
    for (index, text) in listed.iter().enumerate() {
        let range = parse_range(&text.0)
            .ok_or_else(|| place.at(index).expected("an address or CIDR range"))?;
        push_range(&mut ranges, range);
    }
    Ok((!ranges.is_empty()).then_some(ranges))
}
