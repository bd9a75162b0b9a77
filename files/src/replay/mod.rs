//! The requests of access logs, decided once by one snapshot and once by another, by the same code that runs in Envoy. It does not guess what the log
//! does not contain: a request whose verdict the old snapshot does not explain is listed separately, with the reason.

mod outcome;
mod question;
mod side;
mod stand_ins;
mod sum;
mod unclear;

use anyhow::Result;

use crate::access_log::Record;
use crate::snapshot::Checked;
use keyward::decision::Environment;
use question::Question;
use stand_ins::StandIns;

pub use outcome::{Change, Outcome};
pub use side::Side;
pub use sum::{Extent, Group, Sum};
pub use unclear::Unclear;

/// Two snapshots to decide requests by.
pub struct Replay {
    old: Side,
    new: Side,
    stand_ins: StandIns,
}

/// The surroundings of a request of the log.
struct Given {
    now: u64,
    client: Option<std::net::IpAddr>,
}

impl Environment for Given {
    fn now(&self) -> Option<u64> {
        Some(self.now)
    }

    fn client_address(&self) -> Option<std::net::IpAddr> {
        self.client
    }
}

impl Replay {
    /// Of the snapshot that is served, and of the one that may follow.
    pub fn of(old: &Checked, new: &Checked) -> Result<Self> {
        let stand_ins = StandIns::of(old, new);
        Ok(Self {
            old: Side::new(old, &stand_ins)?,
            new: Side::new(new, &stand_ins)?,
            stand_ins,
        })
    }

    /// The snapshot that is served.
    #[must_use]
    pub fn before(&self) -> &Side {
        &self.old
    }

    /// The one that may follow.
    #[must_use]
    pub fn after(&self) -> &Side {
        &self.new
    }

    /// Adds a request of a log, decided as of `now`.
    pub fn add(&self, sum: &mut Sum, record: &Record<'_>, now: u64) {
        match self.compare(record, now) {
            Ok((before, after)) => sum.compared(&self.new, record, &before, &after),
            Err(why) => sum.unclear(why),
        }
    }

    /// What becomes of one request by either snapshot.
    fn compare(&self, record: &Record<'_>, now: u64) -> Result<(Outcome, Outcome), Unclear> {
        let (old, new) = (&self.old, &self.new);
        let state = record.state.as_ref().ok_or(Unclear::NoVerdict)?;
        if !record.path.as_str().starts_with('/') {
            return Err(Unclear::NoPath);
        }
        let asks_for =
            |(name, level)| old.asks_for(record.method.as_str(), record.path.as_str(), name, level);
        if !state.permission.is_none_or(asks_for) {
            return Err(Unclear::AnotherPermission);
        }
        let question = Question::of(record, state, old.profile(), &self.stand_ins)?;
        let given = Given {
            now,
            client: record.client,
        };
        let before = old.judge(&question, &given);
        let logged = Outcome::logged(state);
        if !before.is_like(&logged) {
            if let Some(reason) = logged
                .reason()
                .filter(|reason| sum::is_beyond_a_log(*reason))
            {
                return Err(Unclear::BeyondALog(reason));
            }
            // Decided by another snapshot, a request may have had another answer; decided by this one, the log lacks what it rested on.
            if state.revision == old.revision() {
                return Err(Unclear::NotExplained);
            }
        }
        Ok((before, new.judge(&question, &given)))
    }
}
