//! What Prometheus reads. No metric is named after a key, an account or a caller.

use axum::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::publish::Published;

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
    pub(crate) fn text(&self, published: Published, is_full: bool) -> String {
        let mut registry = Registry::with_prefix("keyward_server");
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register(
            "not_through_gateway",
            "Requests on api.sock that did not come by the gateway",
            self.not_through_gateway.clone(),
        );
        let gauge = |value: u64| {
            let gauge = prometheus_client::metrics::gauge::Gauge::<i64>::default();
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            gauge
        };
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
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &registry);
        text
    }
}
