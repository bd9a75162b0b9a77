//! Limits how many answers are held open at the same time: of a principal, and in all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many a principal may hold open.
const OF_ONE: usize = 10;
/// How many there may be in all.
const IN_ALL: usize = 1_000;

/// The answers that are held open.
#[derive(Clone, Default)]
pub(crate) struct Waits(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    all: usize,
    of: HashMap<String, usize>,
}

/// A place for an answer that is held open. It is free again on drop.
pub(crate) struct Place {
    waits: Waits,
    principal: String,
}

impl Waits {
    /// Takes a place, if there is one. A request without a place is answered at once.
    pub(crate) fn enter(&self, principal: &str) -> Option<Place> {
        let mut counts = self.counts();
        let own = counts.of.get(principal).copied().unwrap_or_default();
        if own >= OF_ONE || counts.all >= IN_ALL {
            return None;
        }
        counts.all = counts.all.saturating_add(1);
        counts
            .of
            .insert(principal.to_owned(), own.saturating_add(1));
        Some(Place {
            waits: self.clone(),
            principal: principal.to_owned(),
        })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.waits.counts();
        counts.all = counts.all.saturating_sub(1);
        if let Some(own) = counts.of.get_mut(&self.principal) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                counts.of.remove(&self.principal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_holds_ten_open_and_all_together_a_thousand() {
        let waits = Waits::default();
        let mut places = Vec::new();
        for principal in 0..100 {
            let name = format!("mk_{principal}");
            places.extend((0..10).map(|_| waits.enter(&name).unwrap()));
            assert!(waits.enter(&name).is_none(), "an eleventh");
        }
        assert!(waits.enter("mk_new").is_none(), "beyond a thousand");
        places.pop();
        let place = waits.enter("mk_new").unwrap();
        drop((place, places));
        assert!(waits.counts().of.is_empty());
        assert_eq!(waits.counts().all, 0);
    }
}
