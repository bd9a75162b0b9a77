//! The answer for `keyward wait`: whether every worker decides by the same revision.
//!
//! The wasm filter adds up its VMs, one per thread. Here, all threads share one configuration, so
//! the sums are those of as many equal parts as Envoy has threads. The parts are equal if it is
//! certain that no worker has an older configuration. Envoy destroys the old one after every worker
//! has released it, and that is the proof. Streams that outlive a push may keep it longer. In that
//! case, it counts as gone after it has received no request for two seconds.

use std::collections::HashMap;
use std::time::Duration;

use keyward::snapshot::Revision;

/// What is reported about a plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) sums: Option<Sums>,
    /// The last push, if it was rejected, and the revision that it named.
    pub(crate) refused: Option<Option<u64>>,
}

/// Sums over Envoy's threads: its workers, and the main thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) threads: u64,
    pub(crate) revision: u64,
    pub(crate) fingerprint: u64,
}

/// One configuration among those of its plugin, in the order of their creation.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) number: u64,
    pub(crate) plugin: Box<str>,
    pub(crate) revision: Option<Revision>,
    /// Whether its only purpose is to report usage. No one waits for a snapshot of such a
    /// configuration.
    pub(crate) only_reports: bool,
    /// Whether Envoy has kept it. If Envoy drops it at once, because another part of the push is
    /// rejected, it never has a first round.
    pub(crate) is_settled: bool,
    /// When it last received a request, or was last the newest. All times here count from the start
    /// of the process.
    pub(crate) seen: Duration,
}

/// An old configuration counts as gone after this long without a request.
const GONE: Duration = Duration::from_secs(2);

impl Member {
    fn is_gone(&self, now: Duration) -> bool {
        now.saturating_sub(self.seen) >= GONE
    }
}

/// All configurations, and the rejected pushes.
#[derive(Debug, Default)]
pub(crate) struct Members {
    all: Vec<Member>,
    refused: HashMap<Box<str>, Option<u64>>,
}

impl Members {
    /// Adds an accepted configuration. Its plugin's last push is then not a rejected one.
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

    /// Records that a configuration now serves another revision.
    pub(crate) fn serve(&mut self, number: u64, revision: Revision) {
        let mut all = self.all.iter_mut();
        if let Some(member) = all.find(|member| member.number == number) {
            member.revision = Some(revision);
        }
    }

    /// Returns whether it is the newest of its plugin that Envoy has kept, not counting usage
    /// reports.
    pub(crate) fn is_newest(&self, plugin: &str, number: u64) -> bool {
        let mut all = self.all.iter().rev();
        let newest = all
            .find(|member| *member.plugin == *plugin && member.is_settled && !member.only_reports);
        newest.is_some_and(|newest| newest.number == number)
    }

    /// Returns whether Envoy has kept a configuration that decides on requests.
    pub(crate) fn is_kept(&self, number: u64) -> bool {
        let mut all = self.all.iter();
        all.any(|member| member.number == number && member.is_settled && !member.only_reports)
    }

    /// Returns whether there is any configuration of that plugin.
    pub(crate) fn has(&self, plugin: &str) -> bool {
        self.all.iter().any(|member| *member.plugin == *plugin)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Runs a round of a configuration. `has_served` is true if it received a request since the
    /// last round. Returns true in the first round.
    pub(crate) fn round(&mut self, number: u64, has_served: bool, now: Duration) -> bool {
        let Some(place) = self.all.iter().position(|member| member.number == number) else {
            return false;
        };
        let is_replaced = self.all.get(place).is_some_and(|member| {
            let mut newer = self.all.iter().skip(place + 1);
            newer.any(|other| other.is_settled && other.plugin == member.plugin)
        });
        let Some(member) = self.all.get_mut(place) else {
            return false;
        };
        if has_served || !is_replaced {
            member.seen = now;
        }
        !std::mem::replace(&mut member.is_settled, true)
    }

    /// Returns what is known about a plugin in an Envoy with this many threads.
    pub(crate) fn census(&self, plugin: &str, threads: u64, now: Duration) -> Census {
        let settled = || {
            let all = self.all.iter().rev();
            all.filter(|member| {
                *member.plugin == *plugin && member.is_settled && !member.only_reports
            })
        };
        let sums = settled().next().map(|newest| {
            let older = settled().skip(1).filter(|member| !member.is_gone(now));
            let newest = newest.revision;
            let other = older
                .map(|member| member.revision)
                .find(|revision| *revision != newest);
            match other {
                None => Sums::of(newest, threads),
                // One part differs. It does not matter which.
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

    const T0: Duration = Duration::from_secs(100);

    fn after(milliseconds: u64) -> Duration {
        T0 + Duration::from_millis(milliseconds)
    }

    fn member(number: u64, revision: u64) -> Member {
        Member {
            number,
            plugin: "keyward".into(),
            revision: Revision::new(revision),
            only_reports: false,
            is_settled: false,
            seen: T0,
        }
    }

    fn told(members: &Members, now: Duration) -> Option<(u64, u64)> {
        let sums = members.census("keyward", 3, now).sums?;
        Some((sums.threads, sums.revision))
    }

    /// Returns members where 8 has replaced 7, and 7 still exists.
    fn replaced() -> Members {
        let mut members = Members::default();
        members.enter(member(1, 7));
        members.round(1, true, T0);
        members.enter(member(2, 8));
        members.round(2, true, T0);
        members
    }

    #[test]
    fn a_configuration_counts_from_its_first_round_on() {
        let mut members = Members::default();
        members.enter(member(1, 7));
        assert_eq!(told(&members, T0), None);
        assert!(members.round(1, false, T0));
        assert_eq!(told(&members, T0), Some((3, 21)));
        assert!(!members.round(1, false, after(60_000)));
        assert_eq!(
            told(&members, after(60_000)),
            Some((3, 21)),
            "the newest never ages"
        );
    }

    #[test]
    fn a_push_is_served_once_the_old_one_is_gone() {
        let mut members = replaced();
        assert_eq!(
            told(&members, T0),
            Some((3, 23)),
            "one part in three has the old one"
        );
        members.leave(1);
        assert_eq!(told(&members, T0), Some((3, 24)));
    }

    #[test]
    fn one_that_streams_hold_is_gone_after_two_seconds_without_a_request_and_may_come_back() {
        let mut members = replaced();
        members.round(1, true, after(1_000));
        members.round(1, false, after(2_500));
        assert_eq!(told(&members, after(2_999)), Some((3, 23)));
        assert_eq!(told(&members, after(3_000)), Some((3, 24)));
        members.round(1, true, after(4_000));
        assert_eq!(told(&members, after(4_000)), Some((3, 23)));
    }

    #[test]
    fn a_report_and_another_plugin_are_in_no_sum() {
        let mut members = replaced();
        members.leave(1);
        members.enter(Member {
            only_reports: true,
            ..member(3, 5)
        });
        members.enter(Member {
            plugin: "another".into(),
            ..member(4, 5)
        });
        members.round(3, true, T0);
        members.round(4, true, T0);
        assert_eq!(told(&members, T0), Some((3, 24)));
    }

    #[test]
    fn the_newest_is_the_last_that_envoy_has_kept() {
        let mut members = replaced();
        assert!(members.is_newest("keyward", 2) && !members.is_newest("keyward", 1));
        members.enter(member(3, 9));
        assert!(members.is_newest("keyward", 2), "3 may be dropped at once");
        members.enter(Member {
            only_reports: true,
            ..member(4, 5)
        });
        members.round(4, false, T0);
        assert!(members.is_newest("keyward", 2), "a report follows nothing");
        members.leave(2);
        assert!(members.is_newest("keyward", 1));
        assert!(!members.is_newest("another", 1));
    }

    #[test]
    fn what_a_feed_led_to_is_in_the_sums() {
        let mut members = replaced();
        members.leave(1);
        members.serve(2, Revision::new(9).unwrap());
        assert_eq!(told(&members, T0), Some((3, 27)));
    }

    #[test]
    fn a_refusal_is_told_until_a_push_is_taken() {
        let mut members = replaced();
        members.refuse("keyward", Some(8));
        assert_eq!(members.census("keyward", 3, T0).refused, Some(Some(8)));
        assert_eq!(members.census("another", 3, T0).refused, None);
        members.enter(member(3, 9));
        assert_eq!(members.census("keyward", 3, T0).refused, None);
    }
}
