//! What `keyward wait` is told: whether every worker decides by one revision.
//!
//! The filter in wasm adds up its VMs, one a thread. Here one configuration serves all threads, so the sums are those of
//! as many equal parts as Envoy has threads. They are equal where it is certain that no worker has an older
//! configuration. Envoy destroys the old one once every worker has let go of it, and that is the proof. Streams that
//! outlive a push may hold it longer: then it counts as gone once it has taken no request for two rounds of the timer.

use std::collections::HashMap;

use keyward::snapshot::Revision;

/// What is told of one plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) sums: Option<Sums>,
    /// The last push, where it was refused, and the revision it named.
    pub(crate) refused: Option<Option<u64>>,
}

/// Sums over Envoy's threads: its workers and the main thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) threads: u64,
    pub(crate) revision: u64,
    pub(crate) fingerprint: u64,
}

/// One configuration among those of its plugin, in the order in which they were made.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) number: u64,
    pub(crate) plugin: Box<str>,
    pub(crate) revision: Option<Revision>,
    /// It is there to report usage, and serves no snapshot that anybody waits for.
    pub(crate) only_reports: bool,
    /// Envoy has kept it: one that it drops at once, because another part of the push is refused, has no first round.
    pub(crate) is_settled: bool,
    /// Rounds of the timer since it last took a request, while a newer one is settled.
    pub(crate) idle_rounds: u32,
}

/// Rounds without a request after which an old configuration counts as gone.
const GONE: u32 = 2;

impl Member {
    fn is_gone(&self) -> bool {
        self.idle_rounds >= GONE
    }
}

/// All configurations, and what was refused.
#[derive(Debug, Default)]
pub(crate) struct Members {
    all: Vec<Member>,
    refused: HashMap<Box<str>, Option<u64>>,
}

impl Members {
    /// A configuration of that plugin was taken: the last push is not refused.
    pub(crate) fn enter(&mut self, member: Member) {
        if !member.only_reports {
            self.refused.remove(&member.plugin);
        }
        self.all.push(member);
    }

    pub(crate) fn leave(&mut self, number: u64) {
        self.all.retain(|member| member.number != number);
    }

    pub(crate) fn refuse(&mut self, plugin: &str, revision: Option<u64>) {
        self.refused.insert(plugin.into(), revision);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// A round of one configuration's timer. `has_served` tells whether it took a request since the last. True in its
    /// first round.
    pub(crate) fn round(&mut self, number: u64, has_served: bool) -> bool {
        let Some(place) = self.all.iter().position(|member| member.number == number) else {
            return false;
        };
        let is_replaced = self.all.get(place).is_some_and(|member| {
            let newer = self.all.iter().skip(place + 1);
            newer
                .filter(|other| other.is_settled)
                .any(|other| other.plugin == member.plugin)
        });
        let Some(member) = self.all.get_mut(place) else {
            return false;
        };
        member.idle_rounds = match (is_replaced, has_served) {
            (true, false) => member.idle_rounds.saturating_add(1),
            (true, true) | (false, _) => 0,
        };
        !std::mem::replace(&mut member.is_settled, true)
    }

    /// What is known of a plugin in an Envoy of so many threads.
    pub(crate) fn census(&self, plugin: &str, threads: u64) -> Census {
        let serving = || {
            self.all.iter().filter(|member| {
                *member.plugin == *plugin
                    && member.is_settled
                    && !member.only_reports
                    && !member.is_gone()
            })
        };
        let newest = serving().next_back().map(|member| member.revision);
        let sums = newest.map(|newest| {
            let other = serving()
                .map(|member| member.revision)
                .find(|revision| *revision != newest);
            match other {
                None => Sums::of(newest, threads),
                // One part differs, which one does not matter.
                Some(other) => {
                    let (most, one) = (
                        Sums::of(newest, threads.saturating_sub(1)),
                        Sums::of(other, 1),
                    );
                    Sums {
                        threads,
                        revision: most.revision.saturating_add(one.revision),
                        fingerprint: most.fingerprint.saturating_add(one.fingerprint),
                    }
                }
            }
        });
        Census {
            sums,
            refused: self.refused.get(plugin).copied(),
        }
    }
}

impl Sums {
    fn of(revision: Option<Revision>, threads: u64) -> Self {
        let number = revision.map_or(0, Revision::number);
        let fingerprint = revision.map_or(0, Revision::fingerprint);
        Self {
            threads,
            revision: number.saturating_mul(threads),
            fingerprint: fingerprint.saturating_mul(threads),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(number: u64, revision: u64) -> Member {
        Member {
            number,
            plugin: "keyward".into(),
            revision: Revision::new(revision),
            only_reports: false,
            is_settled: false,
            idle_rounds: 0,
        }
    }

    fn told(members: &Members) -> Option<(u64, u64)> {
        let sums = members.census("keyward", 3).sums?;
        Some((sums.threads, sums.revision))
    }

    #[test]
    fn a_configuration_counts_from_its_first_round_on() {
        let mut members = Members::default();
        members.enter(member(1, 7));
        assert_eq!(told(&members), None);
        assert!(members.round(1, false));
        assert_eq!(told(&members), Some((3, 21)));
        assert!(!members.round(1, false));
    }

    #[test]
    fn a_push_is_served_once_the_old_one_is_gone() {
        let mut members = Members::default();
        members.enter(member(1, 7));
        members.round(1, true);
        members.enter(member(2, 8));
        members.round(2, true);
        assert_eq!(
            told(&members),
            Some((3, 23)),
            "one part in three has the old one"
        );
        members.leave(1);
        assert_eq!(told(&members), Some((3, 24)));
    }

    #[test]
    fn one_that_streams_hold_is_gone_after_two_rounds_without_a_request_and_may_come_back() {
        let mut members = Members::default();
        members.enter(member(1, 7));
        members.round(1, true);
        members.enter(member(2, 8));
        members.round(2, true);
        members.round(1, true);
        members.round(1, false);
        assert_eq!(told(&members), Some((3, 23)));
        members.round(1, false);
        assert_eq!(told(&members), Some((3, 24)));
        members.round(1, true);
        assert_eq!(told(&members), Some((3, 23)));
    }

    #[test]
    fn a_refusal_is_told_until_a_push_is_taken() {
        let mut members = Members::default();
        members.enter(member(1, 7));
        members.refuse("keyward", Some(8));
        assert_eq!(members.census("keyward", 3).refused, Some(Some(8)));
        assert_eq!(members.census("another", 3).refused, None);
        members.enter(member(2, 9));
        assert_eq!(members.census("keyward", 3).refused, None);
    }
}
