//! What must hold after a crash: an acknowledged request was carried out once. Any other request
//! was carried out completely or not at all, and its idempotency key shows which. The chain is
//! valid, and the store's own check finds nothing.

use std::collections::HashMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::client::{Sent, Verb};
use super::process::PRINCIPAL;
use crate::store::activity::Row;
use crate::store::tests::{NOW, options, wait};
use crate::store::{Reader, Remembered, Result, Scope, Store, StoreError};

/// Faults that a crash can cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Violation {
    /// The store acknowledged the request, but does not know the idempotency key.
    Lost { line: String },
    /// The store carried out the same request twice, or the answer differs.
    Other { line: String, what: String },
    /// The store contains a part of the request.
    Half { line: String, what: String },
    /// The store's own check found a fault.
    Found { what: String },
}

pub(super) fn judge(folder: &Path, sent: &[Sent]) -> Vec<Violation> {
    let store = match Store::open(folder, &options()) {
        Ok(store) => store,
        Err(error) => {
            let what = error.to_string();
            return vec![Violation::Found { what }];
        }
    };
    let sent = sent.to_vec();
    wait(store.write(move |tx| -> Result<Vec<Violation>> {
        let mut violations = Vec::new();
        let remembered: Result<Vec<Remembered>> = sent
            .iter()
            .map(|sent| {
                let fingerprint: [u8; 32] = Sha256::digest(sent.line.as_bytes()).into();
                tx.remembered(PRINCIPAL, &sent.idempotency, &fingerprint, NOW)
            })
            .collect();
        let reader = tx.read();
        let mut rows: HashMap<String, Vec<Row>> = HashMap::new();
        for row in reader.activity_after(&Scope::everything(), 0, u32::MAX)? {
            let request = row.entry.request_id.clone().unwrap_or_default();
            rows.entry(request).or_default().push(row);
        }
        for (sent, remembered) in sent.iter().zip(remembered?) {
            let rows = rows.get(&sent.idempotency).map_or(&[][..], Vec::as_slice);
            violations.extend(one(&reader, sent, &remembered, rows)?);
        }
        let found = reader.check()?.into_iter();
        violations.extend(found.map(|finding| Violation::Found {
            what: finding.to_string(),
        }));
        Ok(violations)
    }))
    .unwrap_or_else(|error: StoreError| {
        vec![Violation::Found {
            what: error.to_string(),
        }]
    })
}

/// Checks the result of one request.
fn one(
    reader: &Reader<'_>,
    sent: &Sent,
    remembered: &Remembered,
    rows: &[Row],
) -> Result<Vec<Violation>> {
    let line = sent.line.clone();
    let half = |what: &str| Violation::Half {
        line: line.clone(),
        what: what.to_owned(),
    };
    let other = |what: &str| Violation::Other {
        line: line.clone(),
        what: what.to_owned(),
    };
    let id = match remembered {
        Remembered::New if sent.answer.is_some() => return Ok(vec![Violation::Lost { line }]),
        Remembered::New => {
            let left = (!rows.is_empty()).then(|| half("activity without an answer"));
            let name = sent.idempotency.clone();
            let filter = crate::store::lists::KeyFilter {
                query: Some(name.clone()),
                ..Default::default()
            };
            let mut made = false;
            reader.each_key(&Scope::everything(), &filter, |stored| {
                made |= stored.key.name.as_deref() == Some(name.as_str());
                Ok(())
            })?;
            let made = made.then(|| half("a key without an answer"));
            return Ok(left.into_iter().chain(made).collect());
        }
        Remembered::Other => return Ok(vec![other("another request has its idempotency key")]),
        Remembered::Same { body, .. } => body,
    };
    let mut violations = Vec::new();
    if sent.id().is_some_and(|answered| answered != id) {
        violations.push(other("the answer that is kept is another"));
    }
    match rows {
        [row] if row.entry.object.as_ref().is_some_and(|(_, of)| of == id) => {}
        [] => violations.push(half("an answer without activity")),
        [_] => violations.push(half("activity of another key")),
        _ => violations.push(other("it was carried out more than once")),
    }
    let everything = Scope::everything();
    let Some(key) = reader.key(&everything, id)?.map(|stored| stored.key) else {
        violations.push(half("an answer without a key"));
        return Ok(violations);
    };
    match &sent.verb {
        Verb::Create => {}
        Verb::End(_) if key.is_deleted() => {}
        Verb::End(_) => violations.push(half("an end that did not happen")),
        Verb::Rotate(old) => {
            let old = reader.key(&everything, old)?;
            let replaced = old.and_then(|stored| stored.key.replaced_by);
            if replaced.as_ref() != Some(id) || key.replaces.is_none() {
                violations.push(half("a rotation without its links"));
            }
        }
    }
    Ok(violations)
}
