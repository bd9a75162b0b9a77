//! Plans to end many keys at once, between the request that makes one and the request that carries it out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::store::Scope;
use crate::store::lists::KeyFilter;

/// How many plans are kept; the oldest goes for a new one.
const MOST: usize = 1_000;

/// Plans that were made, in memory: after a restart a new one is made.
#[derive(Default)]
pub(crate) struct Plans(Mutex<HashMap<String, Plan>>);

/// One of them.
#[derive(Clone)]
pub(crate) struct Plan {
    /// Who made it.
    pub(crate) principal: String,
    pub(crate) scope: Scope,
    pub(crate) filter: KeyFilter,
    /// The digest of the ids that the filter found.
    pub(crate) set: [u8; 32],
    pub(crate) count: u64,
    /// Until when it holds, Unix seconds.
    pub(crate) until: u64,
}

impl Plans {
    /// Keeps a plan, by its id.
    pub(crate) fn keep(&self, id: String, plan: Plan, now: u64) {
        let mut plans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        plans.retain(|_, plan| plan.until > now);
        if plans.len() >= MOST {
            let oldest = plans.iter().min_by_key(|(_, plan)| plan.until);
            if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
                plans.remove(&oldest);
            }
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
