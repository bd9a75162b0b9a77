//! Checks the chain: each row's digest must be that of the row, and must follow from the row before
//! it.

use std::fmt;
use std::io::BufRead;

use rusqlite::Connection;
use serde_json::Value as Json;

use super::row::{chained, rows};
use crate::store::columns::canonical;
use crate::store::error::{Result, StoreError};
use crate::store::head::{self, Head};
use crate::store::scope::Where;

/// A chain that is valid to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The number of its last row.
    pub sequence: u64,
    /// The digest of its last row.
    pub sha256: [u8; 32],
}

/// The first row that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The row's place in the chain.
    pub sequence: u64,
    /// The fault.
    pub what: &'static str,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}: {}", self.sequence, self.what)
    }
}

impl std::error::Error for Broken {}

const GAP: &str = "the row before it is missing, or it occurs twice";
const CHAIN: &str = "it does not follow from the row before it";
const CONTENT: &str = "it is not what was written";
const HEAD: &str = "the store's head says otherwise";
const NOTED: &str = "it is not the row that was noted";
const CUT: &str = "the chain ends before the row that was noted";
const UNREADABLE: &str = "it cannot be read";

/// Walks along a chain, from its first row or from the first row of a partial export.
struct Walk<'a> {
    at: Option<Verified>,
    noted: Option<&'a Verified>,
}

impl<'a> Walk<'a> {
    fn new(at: Option<Verified>, noted: Option<&'a Verified>) -> Self {
        Self { at, noted }
    }

    fn step(
        &mut self,
        sequence: u64,
        previous: [u8; 32],
        sha256: [u8; 32],
        computed: [u8; 32],
    ) -> std::result::Result<(), Broken> {
        let broken = |what| Err(Broken { sequence, what });
        if let Some(last) = &self.at {
            if sequence != last.sequence.saturating_add(1) {
                return broken(GAP);
            }
            if previous != last.sha256 {
                return broken(CHAIN);
            }
        }
        if sha256 != computed {
            return broken(CONTENT);
        }
        if let Some(noted) = self.noted
            && noted.sequence == sequence
            && noted.sha256 != sha256
        {
            return broken(NOTED);
        }
        self.at = Some(Verified { sequence, sha256 });
        Ok(())
    }

    fn end(self) -> std::result::Result<Verified, Broken> {
        let end = self.at.unwrap_or(Verified {
            sequence: 0,
            sha256: [0; 32],
        });
        match self.noted {
            Some(noted) if noted.sequence > end.sequence => Err(Broken {
                sequence: end.sequence.saturating_add(1),
                what: CUT,
            }),
            Some(_) | None => Ok(end),
        }
    }
}

/// Verifies the chain in the store up to its head.
pub(in crate::store) fn verify_store(
    connection: &Connection,
    noted: Option<&Verified>,
) -> Result<std::result::Result<Verified, Broken>> {
    let Head {
        sequence, sha256, ..
    } = head::require(connection)?;
    let start = Verified {
        sequence: 0,
        sha256: [0; 32],
    };
    let mut walk = Walk::new(Some(start), noted);
    let mut broken = None;
    let walked = rows(connection, &Where::new(), "ORDER BY seq", |row| {
        let step = walk.step(row.sequence, row.previous, row.sha256, row.computed());
        step.map_err(|found| {
            broken = Some(found);
            StoreError::Damaged("the chain of activity".to_owned())
        })
    });
    if let Some(broken) = broken {
        return Ok(Err(broken));
    }
    walked?;
    Ok(walk.end().and_then(|end| {
        if (end.sequence, end.sha256) == (sequence, sha256) {
            Ok(end)
        } else {
            Err(Broken {
                sequence: end.sequence,
                what: HEAD,
            })
        }
    }))
}

/// Verifies the chain in an export, one row per line. A part of a chain is valid from its first
/// line on.
pub fn verify_lines(
    lines: impl BufRead,
    noted: Option<&Verified>,
) -> std::io::Result<std::result::Result<Verified, Broken>> {
    let mut walk = Walk::new(None, noted);
    let mut next = 1_u64;
    for line in lines.lines() {
        let line = line?;
        let step = match read(&line) {
            Some((sequence, previous, sha256, computed)) => {
                next = sequence;
                walk.step(sequence, previous, sha256, computed)
            }
            None => Err(Broken {
                sequence: next,
                what: UNREADABLE,
            }),
        };
        if let Err(broken) = step {
            return Ok(Err(broken));
        }
        next = next.saturating_add(1);
    }
    Ok(walk.end())
}

type Link = (u64, [u8; 32], [u8; 32], [u8; 32]);

fn read(line: &str) -> Option<Link> {
    let Ok(Json::Object(mut members)) = serde_json::from_str(line) else {
        return None;
    };
    let mut digest = |name: &str| {
        let mut bytes = [0; 32];
        let text = members.remove(name)?;
        hex::decode_to_slice(text.as_str()?, &mut bytes).ok()?;
        Some(bytes)
    };
    let (previous, sha256) = (digest("previous_sha256")?, digest("sha256")?);
    let sequence = members.get("sequence")?.as_u64()?;
    let computed = chained(&previous, &canonical(&Json::Object(members)));
    Some((sequence, previous, sha256, computed))
}
