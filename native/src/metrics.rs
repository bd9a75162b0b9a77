//! The metrics of a filter configuration. They belong to its own scope in Envoy's statistics, and
//! end with it unless another configuration has the same metrics by then. So creating a
//! configuration defines all of them and touches all counters, before Envoy drops the configuration
//! that is replaced.

use keyward::filter::counter::{Counter, FEED_TROUBLES, REQUESTS};
use keyward::filter::monitor::{BUILD, Gauge};
use keyward::snapshot::Snapshot;
use keyward::word::Word;

use crate::abi::{Config, Kind, Metric};
use crate::census::Census;
use crate::fault::Fault;
use crate::workers::Workers;

/// Left out of names: with `metrics_namespace: keyward` in the bootstrap, Envoy adds a prefix that
/// itself begins with `keyward`.
const PREFIX: &str = "keyward_";

/// Counts how often a plugin's counts were gathered, at least once a second. If it does not rise,
/// no counter rises.
const GATHERED: &str = "keyward_counts_gathered_total";

pub(crate) struct Metrics {
    requests: Metric,
    gathered: Metric,
    secrets: Metric,
    rollbacks: Metric,
    feed_troubles: Metric,
    feed_bases: Metric,
    feed_bytes: Metric,
    feed_loads: Metric,
    feed_load_time: Metric,
    revision: Metric,
    issued_at: Metric,
    keys: Metric,
    max_age: Metric,
    behind: Metric,
    vms: Metric,
    revision_sum: Metric,
    fingerprint_sum: Metric,
    push_refused: Metric,
    refused_revision: Metric,
    build_info: Metric,
}

impl Metrics {
    pub(crate) fn define(config: &Config<'_>, plugin: &str) -> Result<Self, Fault> {
        let define = |kind, name: &str, labels: &[&str]| {
            config.define(kind, name.strip_prefix(PREFIX).unwrap_or(name), labels)
        };
        let counter = |name, labels: &[&str]| define(Kind::Counter, name, labels);
        let gauge = |gauge: Gauge, labels: &[&str]| define(Kind::Gauge, gauge.name(), labels);
        let metrics = Self {
            requests: counter(REQUESTS, &["decision", "reason"])?,
            gathered: counter(GATHERED, &["plugin"])?,
            secrets: counter(Counter::SecretKeysInQuery.name(), &[])?,
            rollbacks: counter(Counter::Rollbacks.name(), &[])?,
            feed_troubles: counter(FEED_TROUBLES, &["reason"])?,
            feed_bases: counter(Counter::FeedBases.name(), &[])?,
            feed_bytes: counter(Counter::FeedBytes.name(), &[])?,
            feed_loads: counter(Counter::FeedLoads.name(), &[])?,
            feed_load_time: counter(Counter::FeedLoadTime.name(), &[])?,
            revision: gauge(Gauge::Revision, &[])?,
            issued_at: gauge(Gauge::IssuedAt, &[])?,
            keys: gauge(Gauge::Keys, &[])?,
            max_age: gauge(Gauge::MaxAge, &[])?,
            behind: gauge(Gauge::WorkersBehind, &[])?,
            vms: gauge(Gauge::Vms, &["plugin"])?,
            revision_sum: gauge(Gauge::VmsRevisionSum, &["plugin"])?,
            fingerprint_sum: gauge(Gauge::VmsFingerprintSum, &["plugin"])?,
            push_refused: gauge(Gauge::PushRefused, &["plugin"])?,
            refused_revision: gauge(Gauge::RefusedRevision, &["plugin"])?,
            build_info: gauge(Gauge::BuildInfo, &["version", "commit"])?,
        };
        for each in Counter::all() {
            metrics.add(config, each, 0)?;
        }
        config.record(metrics.gathered, &[plugin], 0)?;
        Ok(metrics)
    }

    fn add(&self, config: &Config<'_>, counter: Counter, count: u64) -> Result<(), Fault> {
        match counter {
            Counter::Requests(slot) => {
                let (decision, reason) = slot.labels();
                config.record(self.requests, &[decision, reason], count)
            }
            Counter::SecretKeysInQuery => config.record(self.secrets, &[], count),
            Counter::Rollbacks => config.record(self.rollbacks, &[], count),
            Counter::FeedTroubles(trouble) => {
                config.record(self.feed_troubles, &[trouble.word()], count)
            }
            Counter::FeedBases => config.record(self.feed_bases, &[], count),
            Counter::FeedBytes => config.record(self.feed_bytes, &[], count),
            Counter::FeedLoads => config.record(self.feed_loads, &[], count),
            Counter::FeedLoadTime => config.record(self.feed_load_time, &[], count),
        }
    }

    /// Adds what the plugin's workers have counted since the last time.
    pub(crate) fn gather(&self, config: &Config<'_>, workers: &Workers) {
        for worker in workers.all() {
            worker.take_counts(|counter, count| {
                // Every counter was touched when it was defined. If Envoy no longer accepts one,
                // the others are still gathered.
                let _ = self.add(config, counter, count);
            });
        }
    }

    /// Counts one gathering. The last one, when the configuration goes away, is not counted.
    pub(crate) fn count_gathered(&self, config: &Config<'_>, plugin: &str) {
        let _ = config.record(self.gathered, &[plugin], 1);
    }

    pub(crate) fn count_rollback(&self, config: &Config<'_>) {
        self.count(config, Counter::Rollbacks, 1);
    }

    /// Adds to a counter, on the main thread.
    pub(crate) fn count(&self, config: &Config<'_>, counter: Counter, by: u64) {
        let _ = self.add(config, counter, by);
    }

    /// Reports which snapshot is served from now on. No worker can serve an older one, because all
    /// share one snapshot.
    pub(crate) fn announce(
        &self,
        config: &Config<'_>,
        snapshot: Option<&Snapshot>,
        max_age: Option<u64>,
    ) {
        let keys = |snapshot: &Snapshot| u64::try_from(snapshot.key_count()).unwrap_or(u64::MAX);
        if let Some(snapshot) = snapshot {
            let _ = config.record(self.revision, &[], snapshot.revision().number());
            let _ = config.record(self.issued_at, &[], snapshot.issued_at());
            let _ = config.record(self.keys, &[], keys(snapshot));
            let _ = config.record(self.max_age, &[], max_age.unwrap_or(0));
        }
        let _ = config.record(self.behind, &[], 0);
        let _ = config.record(self.build_info, &BUILD, 1);
    }

    /// Reports what is known about all configurations of the plugin together.
    pub(crate) fn tell(&self, config: &Config<'_>, plugin: &str, census: &Census) {
        let set = |metric: Metric, value: u64| {
            let _ = config.record(metric, &[plugin], value);
        };
        if let Some(sums) = census.sums {
            set(self.vms, sums.threads);
            set(self.revision_sum, sums.revision);
            set(self.fingerprint_sum, sums.fingerprint);
        }
        set(self.push_refused, u64::from(census.refused.is_some()));
        let revision = census.refused.flatten().unwrap_or(0);
        set(self.refused_revision, revision);
    }
}
