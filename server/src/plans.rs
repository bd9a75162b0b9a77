//! Plans, between the request that makes one and the request that carries it out: to end many keys at once, or to take in a key file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use keyward::management::Override;

use crate::store::Scope;
use crate::store::lists::KeyFilter;

/// How many plans are kept; the oldest goes for a new one.
const MOST: usize = 1_000;

/// How many bytes the key files of all plans have at most.
const MOST_BYTES: usize = 16 << 20;

/// How long a plan holds, in seconds.
pub(crate) const HOLDS: u64 = 600;

/// Plans that were made, in memory: after a restart a new one is made.
#[derive(Default)]
pub(crate) struct Plans(Mutex<HashMap<String, Plan>>);

/// One of them.
#[derive(Clone)]
pub(crate) struct Plan {
    /// Who made it.
    pub(crate) principal: String,
    pub(crate) work: Work,
    /// The digest of what it does: of the ids that a filter found, or of the changes.
    pub(crate) set: [u8; 32],
    pub(crate) count: u64,
    /// Until when it holds, Unix seconds.
    pub(crate) until: u64,
}

/// What it does.
#[derive(Clone)]
pub(crate) enum Work {
    /// Ends keys.
    Revoke(Scope, Box<KeyFilter>),
    /// Takes in a key file.
    File {
        file: Arc<PlannedFile>,
        /// Whether it does nothing but end records.
        only_ends: bool,
    },
}

/// A key file, as it was sent: one text or several.
pub(crate) struct PlannedFile {
    /// Its name here.
    pub(crate) name: String,
    /// By the names that faults use.
    pub(crate) texts: Vec<(String, String)>,
    pub(crate) passes_policy: Override,
}

impl Plan {
    fn bytes(&self) -> usize {
        match &self.work {
            Work::Revoke(..) => 0,
            Work::File { file, .. } => file.texts.iter().map(|(_, text)| text.len()).sum(),
        }
    }
}

impl Plans {
    /// Keeps a plan, by its id.
    pub(crate) fn keep(&self, id: String, plan: Plan, now: u64) {
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plans.retain(|_, plan| plan.until > now);
        let room = MOST_BYTES.saturating_sub(plan.bytes());
        while plans.len() >= MOST || plans.values().map(Plan::bytes).sum::<usize>() > room {
            let of_files = plan.bytes() > 0 && plans.len() < MOST;
            let may_go = plans.iter().filter(|(_, old)| !of_files || old.bytes() > 0);
            let oldest = may_go.min_by_key(|(_, old)| old.until);
            let Some(oldest) = oldest.map(|(id, _)| id.clone()) else {
                break;
            };
            plans.remove(&oldest);
        }
        plans.insert(id, plan);
    }

    /// Takes a plan out: it is carried out once, and by who made it.
    pub(crate) fn take(&self, id: &str, principal: &str) -> Option<Plan> {
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plans.get(id).filter(|plan| plan.principal == principal)?;
        plans.remove(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: usize, until: u64) -> Plan {
        Plan {
            principal: "mk_1".to_owned(),
            work: Work::File {
                file: Arc::new(PlannedFile {
                    name: "billing".to_owned(),
                    texts: vec![("keyward.toml".to_owned(), "#".repeat(bytes))],
                    passes_policy: Override::None,
                }),
                only_ends: false,
            },
            set: [0; 32],
            count: 1,
            until,
        }
    }

    fn revocation(until: u64) -> Plan {
        Plan {
            work: Work::Revoke(Scope::everything(), Box::default()),
            ..file(0, until)
        }
    }

    #[test]
    fn the_oldest_files_make_room_for_a_new_one_and_no_revocation_does() {
        let plans = Plans::default();
        plans.keep("plan_r".to_owned(), revocation(50), 1);
        for number in 0..9 {
            plans.keep(format!("plan_{number}"), file(4 << 20, 100 + number), 1);
        }
        let kept: Vec<bool> = (0..9)
            .map(|number| plans.take(&format!("plan_{number}"), "mk_1").is_some())
            .collect();
        assert_eq!(
            kept,
            [false, false, false, false, false, true, true, true, true]
        );
        assert!(plans.take("plan_r", "mk_1").is_some());
    }

    #[test]
    fn a_plan_is_taken_once_and_by_who_made_it() {
        let plans = Plans::default();
        plans.keep("plan_1".to_owned(), revocation(50), 1);
        assert!(plans.take("plan_1", "mk_2").is_none());
        assert!(plans.take("plan_1", "mk_1").is_some());
        assert!(plans.take("plan_1", "mk_1").is_none());
    }

    #[test]
    fn the_oldest_plan_makes_room_for_one_too_many() {
        let plans = Plans::default();
        for number in 0..1_001 {
            plans.keep(format!("plan_{number}"), revocation(50 + number), 1);
        }
        assert!(plans.take("plan_0", "mk_1").is_none());
        assert!(plans.take("plan_1", "mk_1").is_some());
        assert!(plans.take("plan_1000", "mk_1").is_some());
    }
}
