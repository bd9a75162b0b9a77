//! The table of a delta's keys: records whose owners, grants and addresses already have the numbers
//! of the delta.

use std::collections::BTreeSet;

use crate::account::AccountIndex;
use crate::digest::KeyDigest;
use crate::id::Id;
use crate::rows::{Lists, Rows};
use crate::snapshot::interned::Interned;
use crate::snapshot::key_id::IdCoding;
use crate::snapshot::table::{KeyContext, KeyTable, NewRow, buckets_of};
use crate::snapshot::terms::{TERMS_ROW, TIMES_ROW, Terms, Times};
use crate::snapshot::wire::KeyIds;
use crate::wire::{Integer, Text};

/// A key of a delta.
pub(super) struct Record<'a> {
    pub(super) digest: KeyDigest,
    pub(super) id: Id,
    pub(super) owner: AccountIndex,
    pub(super) terms: Terms,
    pub(super) times: Option<Times>,
    pub(super) user: Option<&'a str>,
}

/// Makes the table of records that are sorted by digest, and says how it spells their ids. `None`
/// if there are more of something than its number can express.
pub(super) fn table(
    records: &[Record<'_>],
    ips: Lists,
    accounts: usize,
) -> Option<(KeyTable, KeyIds<Text<'static>>)> {
    let mut sorted: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
    sorted.sort_unstable();
    let coding = IdCoding::for_ids(&sorted);
    let others = sorted.iter().filter(|id| coding.rest(id).is_none());
    let users: BTreeSet<&str> = records.iter().filter_map(|record| record.user).collect();
    let mut terms: Interned<[u8; TERMS_ROW]> = Interned::default();
    let mut times: Interned<[u8; TIMES_ROW]> = Interned::default();
    let mut numbers = Vec::with_capacity(records.len());
    for record in records {
        let time = match record.times {
            None => None,
            Some(own) => Some(times.number(own.row())?),
        };
        numbers.push((terms.number(record.terms.row())?, time));
    }
    let ids = KeyIds {
        prefix: Text(coding.prefix().to_owned().into()),
        length: Integer(u64::try_from(coding.width()).ok()?),
    };
    let context = KeyContext {
        others: Lists::collect(others.map(|id| id.as_bytes()))?,
        coding,
        terms: Rows::from_bytes(TERMS_ROW, terms.values.as_flattened()),
        times: Rows::from_bytes(TIMES_ROW, times.values.as_flattened()),
        ips,
        users: Lists::collect(users.iter().map(|user| user.as_bytes()))?,
        accounts,
    };
    let mut bytes = Vec::new();
    for (record, (terms, times)) in records.iter().zip(&numbers) {
        let row = NewRow {
            digest: record.digest,
            id: record.id.as_str(),
            owner: record.owner,
            terms: *terms,
            times: *times,
            user: record.user,
        };
        context.push_row(&mut bytes, &row)?;
    }
    let buckets = buckets_of(records.iter().map(|record| record.digest.as_bytes()))?;
    let width = context.row_width()?;
    let table = KeyTable::new(context, buckets, Rows::from_bytes(width, &bytes))?;
    Some((table, ids))
}
