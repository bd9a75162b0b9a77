//! Every check that a packed snapshot must pass, each with its place: the checks of the JSON form,
//! and whether the tables are in order. The keys are read in one pass.

use std::cmp::Ordering;

use crate::account::{Account, AccountForest, RowFault};
use crate::address::AllowedIps;
use crate::id::{self, is_id};
use crate::invariant::Held;
use crate::mask::KnownPrefixes;
use crate::order::{second_of_equals, sorted_numbers};
use crate::permission::{Permission, PermissionRegistry};
use crate::profile::Profile;
use crate::refusal::{DUPLICATE_MEMBER, Place, Refusal};
use crate::rows::{Rows, index};
use crate::snapshot::annotations::{USER_ID, is_user_id};
use crate::snapshot::convert::{A_NAME, ACCOUNT_ID, check_owner, check_terms, refusal_of, time};
use crate::snapshot::table::{IdSpelling, KeyContext, KeyTable, bucket_bits, bucket_of};
use crate::snapshot::terms::{NONE, Terms, Times};
use crate::wire::Text;

const SORTED: &str = "rows in ascending order";

/// Returns the permissions to which the grants of a file refer by number.
pub(in crate::snapshot) fn permissions(
    names: &[Text<'_>],
    registry: &PermissionRegistry,
    place: &Place,
) -> Result<Vec<Permission>, Refusal> {
    let place = place.then("permissions");
    let mut found = Vec::with_capacity(names.len());
    for (number, name) in names.iter().enumerate() {
        let permission = registry
            .find(&name.0)
            .ok_or_else(|| place.at(number).expected("the name of a known permission"))?;
        found.push(permission);
    }
    refuse_twice(found.len(), &|a, b| found.get(a).cmp(&found.get(b)), &place)?;
    Ok(found)
}

/// Returns the names of the first grant sets.
pub(in crate::snapshot) fn set_names(
    names: &[Text<'_>],
    sets: usize,
    place: &Place,
) -> Result<(), Refusal> {
    let place = place.then("grant_sets");
    if names.len() > sets {
        return Err(place.expected("no more names than sets"));
    }
    if let Some(number) = names.iter().position(|name| !is_id(&name.0)) {
        return Err(place.at(number).expected(id::EXPECTED));
    }
    let name = |number: usize| names.get(number).map(|name| &*name.0);
    refuse_twice(names.len(), &|a, b| name(a).cmp(&name(b)), &place)
}

fn refuse_twice(
    count: usize,
    compare: &dyn Fn(usize, usize) -> Ordering,
    place: &Place,
) -> Result<(), Refusal> {
    let sorted = sorted_numbers(count, compare);
    match second_of_equals(&sorted, compare) {
        None => Ok(()),
        Some(_) => Err(place.refused(DUPLICATE_MEMBER)),
    }
}

pub(super) fn accounts(
    forest: &AccountForest,
    profile: &Profile,
    place: &Place,
) -> Result<(), Refusal> {
    let place = place.then("accounts");
    forest
        .check(&profile.names().ids)
        .map_err(|(index, fault)| {
            let place = place.at(index);
            match fault {
                RowFault::Forest(fault) => refusal_of(fault, &place),
                RowFault::Id => place.then("id").expected(ACCOUNT_ID),
                RowFault::Order => place.expected(SORTED),
                RowFault::Flags => place.expected("flags that fit the accounts"),
            }
        })
}

pub(super) fn keys(
    keys: &KeyTable,
    accounts: &AccountForest,
    grant_sets: usize,
    prefixes: &KnownPrefixes,
    place: &Place,
) -> Result<(), Refusal> {
    let context = keys.context();
    let terms = terms(context, grant_sets, place)?;
    times(&context.times, &place.then("times"))?;
    other_ids(context, prefixes, &place.then("other_ids"))?;
    users(context, prefixes, &place.then("users"))?;
    let place = place.then("keys");
    buckets(keys, &place)?;
    let accounts: Vec<Account<'_>> = accounts.iter().collect();
    let mut is_used = vec![false; context.others.len()];
    let mut has_keys = vec![false; context.users.len()];
    let mut fingerprints = Vec::with_capacity(keys.len());
    let mut before = None;
    for number in 0..keys.len() {
        let place = || place.at(number);
        let row = keys.row(number).ok_or_else(|| place().expected("a row"))?;
        match before.map(|before: &[u8; 32]| before.cmp(row.digest)) {
            None | Some(Ordering::Less) => before = Some(row.digest),
            Some(Ordering::Equal) => {
                return Err(place().then("sha256").refused("duplicate digest"));
            }
            Some(Ordering::Greater) => return Err(place().expected(SORTED)),
        }
        match row.id {
            IdSpelling::Coded(field) => {
                let id = context.coding.decode(field);
                let id = id.ok_or_else(|| place().then("id").expected(id::EXPECTED))?;
                if prefixes.begin(id.as_str()) {
                    return Err(place().then("id").expected(A_NAME));
                }
                fingerprints.push(fingerprint(field));
            }
            IdSpelling::Other(other) => {
                let used = is_used.get_mut(other);
                let used = used.ok_or_else(|| place().then("id").expected("an id of the file"))?;
                if std::mem::replace(used, true) {
                    return Err(place().then("id").refused("duplicate id"));
                }
            }
        }
        let terms = index(row.terms)
            .and_then(|number| terms.get(number))
            .ok_or_else(|| place().expected("terms of the file"))?;
        let is_timed = row
            .times
            .is_none_or(|times| index(times).is_some_and(|times| times < context.times.len()));
        if !is_timed {
            return Err(place().expected("times of the file"));
        }
        if let Some(user) = row.user {
            let user = index(user).and_then(|user| has_keys.get_mut(user));
            *user.ok_or_else(|| place().expected("a user of the file"))? = true;
        }
        let owner = index(row.owner.0).and_then(|owner| accounts.get(owner));
        if check_owner(owner.copied(), terms.kind, &Place::default()).is_err() {
            check_owner(owner.copied(), terms.kind, &place().then("owner"))?;
        }
    }
    if is_used.contains(&false) {
        return Err(place.expected("a key for every id of the file"));
    }
    if has_keys.contains(&false) {
        return Err(place.expected("a key for every user of the file"));
    }
    unique_ids(keys, &fingerprints, &place)
}

/// Checks and returns the terms that keys share.
fn terms(context: &KeyContext, grant_sets: usize, place: &Place) -> Result<Vec<Terms>, Refusal> {
    let ips_place = place.then("allowed_ips");
    if !context.ips.are_whole() {
        return Err(ips_place.expected("lists that end in ascending order"));
    }
    for number in 0..context.ips.len() {
        let list = AllowedIps::new(context.ips.get(number).unwrap_or(&[]));
        if !list.are_whole() {
            let place = ips_place.at(number);
            return Err(place.expected("addresses or CIDR ranges"));
        }
    }
    let place = place.then("terms");
    let is_known = |number: u32, count: usize| {
        number == NONE || index(number).is_some_and(|number| number < count)
    };
    context
        .terms
        .iter()
        .enumerate()
        .map(|(number, row)| {
            let place = place.at(number);
            let terms = Terms::read(row).ok_or_else(|| place.expected("known flags"))?;
            if !is_known(terms.grants, grant_sets) {
                return Err(place.then("grants").expected("a grant set of the file"));
            }
            if !is_known(terms.connect_grants, grant_sets) {
                let place = place.then("connect_grants");
                return Err(place.expected("a grant set of the file"));
            }
            if !is_known(terms.allowed_ips, context.ips.len()) {
                return Err(place.then("allowed_ips").expected("a list of the file"));
            }
            check_terms(&terms, &place).map(|()| terms)
        })
        .collect()
}

fn times(rows: &Rows, place: &Place) -> Result<(), Refusal> {
    for (number, row) in rows.iter().enumerate() {
        let place = place.at(number);
        let times = Times::read(row).filter(|times| !times.is_always());
        let times = times.ok_or_else(|| place.expected("a time"))?;
        for (given, name) in [
            (times.not_before, "not_before"),
            (times.expires_at, "expires_at"),
        ] {
            if let Some(seconds) = given {
                time(seconds, &place.then(name))?;
            }
        }
    }
    Ok(())
}

/// Checks the ids that are stored separately. None of them may fit in a row, so that no id has two
/// spellings.
fn other_ids(context: &KeyContext, prefixes: &KnownPrefixes, place: &Place) -> Result<(), Refusal> {
    if !context.others.are_whole() {
        return Err(place.expected("ids that end in ascending order"));
    }
    let mut before = "";
    for number in 0..context.others.len() {
        let place = || place.at(number);
        let id = context.others.get(number).unwrap_or(&[]);
        let id = std::str::from_utf8(id).ok().filter(|id| is_id(id));
        let id = id.ok_or_else(|| place().expected(id::EXPECTED))?;
        if prefixes.begin(id) {
            return Err(place().expected(A_NAME));
        }
        if id <= before {
            return Err(place().expected(SORTED));
        }
        if context.coding.rest(id).is_some() {
            return Err(place().expected("an id that does not fit into a row"));
        }
        before = id;
    }
    Ok(())
}

/// Checks the users. Each may be listed only once.
fn users(context: &KeyContext, prefixes: &KnownPrefixes, place: &Place) -> Result<(), Refusal> {
    if !context.users.are_whole() {
        return Err(place.expected("users that end in ascending order"));
    }
    let mut before = "";
    for number in 0..context.users.len() {
        let place = || place.at(number);
        let user = context.users.get(number).unwrap_or(&[]);
        let user = std::str::from_utf8(user).ok();
        let user = user.filter(|user| is_user_id(user, prefixes));
        let user = user.ok_or_else(|| place().expected(USER_ID))?;
        if user <= before {
            return Err(place().expected(SORTED));
        }
        before = user;
    }
    Ok(())
}

/// Checks that each bucket begins at the first row of its digests.
fn buckets(keys: &KeyTable, place: &Place) -> Result<(), Refusal> {
    let bits = bucket_bits(keys.len());
    let mut starts = keys.buckets().iter();
    let mut matches = |from: usize, to: usize, row: usize| {
        (from..to).all(|_| {
            let start = starts.next().and_then(|start| start.first_chunk::<4>());
            start.and_then(|start| index(u32::from_le_bytes(*start))) == Some(row)
        })
    };
    let mut reached = 0;
    let mut is_right = true;
    for (number, row) in keys.rows().iter().enumerate() {
        let bucket = row
            .first_chunk()
            .and_then(|digest| bucket_of(digest, bits))
            .unwrap_or(0);
        if bucket >= reached {
            is_right &= matches(reached, bucket + 1, number);
            reached = bucket + 1;
        }
    }
    is_right &= matches(reached, (1 << bits) + 1, keys.len());
    if is_right {
        Ok(())
    } else {
        Err(place.expected("buckets that begin where their keys do"))
    }
}

/// Folds the bytes of an id into one number, so that equal ids can be found by their numbers.
fn fingerprint(field: &[u8]) -> u64 {
    field.chunks(8).fold(0, |so_far: u64, part| {
        let part = match part.first_chunk() {
            Some(whole) => u64::from_le_bytes(*whole),
            None => part
                .iter()
                .rev()
                .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        };
        // An odd multiplier, 2^64 divided by the golden ratio, spreads every bit upwards.
        (so_far.rotate_left(29) ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    })
}

/// Rejects the first id that an earlier row has. Ids are compared only if their fingerprints are
/// equal, which is rare unless an attacker wants it. In that case the ids are sorted, so the check
/// takes no longer than sorting.
fn unique_ids(keys: &KeyTable, fingerprints: &[u64], place: &Place) -> Result<(), Refusal> {
    let alike = repeated(fingerprints);
    if alike.is_empty() {
        return Ok(());
    }
    let field = |number: usize| match keys.row(number)?.id {
        IdSpelling::Coded(field) => Some(field),
        IdSpelling::Other(_) => None,
    };
    let suspects: Vec<usize> = (0..keys.len())
        .filter(|number| {
            let fingerprint = field(*number).map(|field| fingerprint(field).max(1));
            fingerprint.is_some_and(|fingerprint| alike.binary_search(&fingerprint).is_ok())
        })
        .collect();
    let suspect = |number: usize| suspects.get(number).and_then(|row| field(*row));
    let compare = |a: usize, b: usize| suspect(a).cmp(&suspect(b));
    let sorted = sorted_numbers(suspects.len(), &compare);
    match second_of_equals(&sorted, &compare).and_then(|number| suspects.get(number)) {
        None => Ok(()),
        Some(row) => Err(place.at(*row).then("id").refused("duplicate id")),
    }
}

/// Returns, in ascending order, every number that occurs twice, and possibly some that do not.
/// Sorting all numbers would take as long and need ten times the code.
fn repeated(numbers: &[u64]) -> Vec<u64> {
    /// The maximum distance of a number from its place. A number further away counts as repeated.
    const FAR: usize = 64;
    // A third stays free, and 0 marks a free place.
    let size = numbers.len() + numbers.len() / 2 + FAR;
    let mut table = vec![0_u64; size];
    let mut found = Vec::new();
    for number in numbers.iter().map(|number| (*number).max(1)) {
        let places = u64::try_from(numbers.len()).unwrap_or(u64::MAX);
        let first = usize::try_from(((number >> 32) * places) >> 32).unwrap_or(0);
        // Spread over the table, neighbours apart.
        let near = table
            .get_mut(first + first / 2..)
            .held("a number has its place in the table");
        match near
            .iter_mut()
            .take(FAR)
            .find(|slot| **slot == 0 || **slot == number)
        {
            Some(slot) if *slot == 0 => *slot = number,
            Some(_) | None => found.push(number),
        }
    }
    let order = |a: usize, b: usize| found.get(a).cmp(&found.get(b));
    let sorted = sorted_numbers(found.len(), &order);
    sorted
        .iter()
        .filter_map(|number| found.get(*number).copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_twice_is_found_wherever_it_stands() {
        // Spread out, all in one place, and at the very end.
        let spread: Vec<u64> = (1..2_000_u64).map(|number| number << 53 | number).collect();
        let crowded: Vec<u64> = (1..2_000).collect();
        let last: Vec<u64> = (1..2_000).map(|number| u64::MAX - number).collect();
        assert_eq!(repeated(&spread), [0; 0]);
        assert_eq!(repeated(&[]), [0; 0]);
        for numbers in [spread, crowded, last] {
            for twice in [0, 1, 70, 1_998] {
                let again = numbers[twice];
                let found = repeated(&[&numbers[..], &[again]].concat());
                assert!(found.is_sorted());
                assert!(found.contains(&again), "{again}");
            }
        }
        assert_eq!(repeated(&[0, 0]), [1]);
    }
}
