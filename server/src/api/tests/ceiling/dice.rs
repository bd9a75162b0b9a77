//! Repeatable random choices.

use std::collections::{BTreeMap, BTreeSet};

pub(super) const PERMISSIONS: [&str; 10] = [
    "customer_read",
    "customer_write",
    "charge_read",
    "charge_write",
    "balance_read",
    "invoice_write",
    "payout_write",
    "api_key_write",
    "management_api_key_write",
    "key_policy_write",
];

/// Repeatable random numbers.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from((mixed ^ (mixed >> 27)) % u64::try_from(bound).unwrap()).unwrap()
    }

    pub(super) fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Returns the permissions that a caller asks for: mostly permissions of the API, and sometimes
    /// ones that manage keys.
    pub(super) fn asked(&mut self, most: usize) -> Vec<String> {
        let all = if self.chance(88) {
            &PERMISSIONS[..7]
        } else {
            &PERMISSIONS
        };
        self.some(all, most)
    }

    pub(super) fn some(&mut self, all: &[&str], most: usize) -> Vec<String> {
        let count = self.below(most + 1);
        let chosen: BTreeSet<String> = (0..count).map(|_| self.of(all).to_owned()).collect();
        let mut levels = BTreeMap::new();
        for name in chosen {
            let (name, level) = name
                .rsplit_once('_')
                .map(|(name, level)| (name.to_owned(), level.to_owned()))
                .unwrap();
            levels.insert(name, level);
        }
        levels
            .into_iter()
            .map(|(name, level)| format!("{name}_{level}"))
            .collect()
    }
}
