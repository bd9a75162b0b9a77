//! What Prometheus reads. No metric is named after a key, an account or a caller.

use axum::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::fleet::{Fleet, GatewayState};
use crate::publish::Publisher;
use crate::time;

/// The counters of this process.
#[derive(Default)]
pub(crate) struct Metrics {
    requests: Family<Answered, Counter>,
    not_through_gateway: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    endpoint: &'static str,
    status: u16,
}

impl Metrics {
    /// Counts an answer.
    pub(crate) fn answered(
        &self,
        method: &'static str,
        endpoint: &'static str,
        status: StatusCode,
    ) {
        let labels = Answered {
            method,
            endpoint,
            status: status.as_u16(),
        };
        self.requests.get_or_create(&labels).inc();
    }

    /// Counts a request that reached the socket by another way than the gateway: an alarm.
    pub(crate) fn not_through_gateway(&self) {
        self.not_through_gateway.inc();
    }

    /// The text.
    pub(crate) fn text(&self, publisher: &Publisher, fleet: &Fleet, is_full: bool) -> String {
        let published = publisher.state();
        let mut registry = Registry::with_prefix("keyward_server");
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register(
            "not_through_gateway",
            "Requests on api.sock that did not come by the gateway",
            self.not_through_gateway.clone(),
        );
        registry.register(
            "published_revision",
            "The revision of the last snapshot that was published",
            gauge(published.revision),
        );
        registry.register(
            "published_change",
            "The last change that is in it",
            gauge(published.through),
        );
        registry.register(
            "storage_full",
            "Whether the disk has no room, so that only ends are taken",
            gauge(u64::from(is_full)),
        );
        registry.register(
            "time_seconds",
            "The server's clock. Far from Prometheus's own, gateways reject its heads",
            gauge(time::now()),
        );
        publishing(&mut registry, publisher);
        follow(&mut registry, fleet);
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &registry);
        text
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    result: &'static str,
}

/// How publishing goes.
fn publishing(registry: &mut Registry, publisher: &Publisher) {
    let pulses = publisher.pulses().iter();
    let (good, failed) = pulses.clone().map(|pulse| pulse.counts()).fold(
        (0_u64, 0_u64),
        |(good, failed), (more, more_failed)| {
            (
                good.saturating_add(more),
                failed.saturating_add(more_failed),
            )
        },
    );
    let publications = Family::<Ended, Counter>::default();
    for (result, number) in [("good", good), ("failed", failed)] {
        publications.get_or_create(&Ended { result }).inc_by(number);
    }
    registry.register("publications", "Publications, by result", publications);
    registry.register(
        "publish_failing",
        "Whether the last publication failed: gateways lack what was changed since",
        gauge(u64::from(pulses.clone().any(|pulse| pulse.is_failing()))),
    );
    registry.register(
        "publication_milliseconds",
        "How long the last publication took",
        gauge(pulses.map(|pulse| pulse.last()).max().unwrap_or(0)),
    );
    registry.register(
        "restored_store",
        "Whether gateways serve a later state than the store has, so that nothing is published until `resume`",
        gauge(u64::from(publisher.standing().restored().is_some())),
    );
    registry.register(
        "feed_mirrors_behind",
        "Mirrors that do not hold what the feed holds",
        gauge(publisher.mirrors_behind()),
    );
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Doubted {
    reason: &'static str,
}

fn gauge(value: u64) -> Gauge<i64> {
    let gauge = Gauge::<i64>::default();
    gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    gauge
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// The gateways that follow the feed. None is named: names are the operator's, and many.
fn follow(registry: &mut Registry, fleet: &Fleet) {
    /// How long before its end a gateway's key is to be replaced.
    const SOON: u64 = 14 * 86_400;
    let gateways = fleet.gateways();
    let states = Family::<InState, Gauge<i64>>::default();
    for state in GatewayState::ALL {
        let in_state = gateways.iter().filter(|gateway| gateway.state == state);
        let labels = InState {
            state: state.name(),
        };
        let number = i64::try_from(in_state.count()).unwrap_or(i64::MAX);
        states.get_or_create(&labels).set(number);
    }
    registry.register(
        "gateways",
        "Gateways that follow the feed, by state",
        states,
    );
    let doubts = Family::<Doubted, Counter>::default();
    for (doubt, number) in fleet.doubts() {
        let labels = Doubted {
            reason: doubt.name(),
        };
        doubts.get_or_create(&labels).inc_by(number);
    }
    registry.register(
        "feed_polls_without_proof",
        "Polls of the feed that prove nothing, by reason",
        doubts,
    );
    let lacking: usize = gateways
        .iter()
        .map(|gateway| gateway.all.saturating_sub(gateway.serving))
        .sum();
    registry.register(
        "feed_workers_behind",
        "Workers that were handed a head, and do not serve the newest revision",
        gauge(count(lacking)),
    );
    registry.register(
        "feed_key_expiring",
        "Keys of gateways that end within 14 days",
        gauge(count(fleet.keys_that_end_within(SOON))),
    );
    if let Some(issued_at) = fleet.oldest_head() {
        registry.register(
            "feed_head_issued_at_seconds",
            "When the oldest head that is served was signed",
            gauge(issued_at),
        );
    }
}
