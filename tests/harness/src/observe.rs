//! What a running Envoy reports: stats, logs, and what each of its workers serves.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::envoy::Envoy;
use super::host::Host;
use super::http::{Connection, NO_HEADERS, Response};
use super::wait::{BOUND, eventually};

impl Envoy {
    /// Returns the address of the admin interface.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// Sends a request to the admin interface.
    #[track_caller]
    pub fn admin(&self, method: &str, path: &str) -> Response {
        Connection::open(self.admin).request(method, path, NO_HEADERS, b"")
    }

    /// Returns a counter or gauge by its full name, as `/stats` shows it, or 0 if it does not
    /// exist: Envoy creates most of them on first use.
    #[track_caller]
    pub fn stat(&self, name: &str) -> u64 {
        let name = self.host.stat(name);
        self.stats(&format!("^{}$", escape_regex(&name)))
            .get(&name)
            .copied()
            .unwrap_or(0)
    }

    /// Like [`Self::stat`], but returns `None` if Envoy does not answer or has no such counter or
    /// gauge.
    pub fn try_stat(&self, name: &str) -> Option<u64> {
        let name = self.host.stat(name);
        let stats = self.try_stats(&format!("^{}$", escape_regex(&name)), BOUND)?;
        stats.get(&name).copied()
    }

    /// Returns the counters and gauges whose names match a regular expression (RE2).
    #[track_caller]
    pub fn stats(&self, regex: &str) -> BTreeMap<String, u64> {
        self.try_stats(regex, BOUND)
            .expect("Envoy's admin interface does not answer")
    }

    /// Returns keyward's counter of requests with this decision and reason.
    #[track_caller]
    pub fn requests_total(&self, decision: &str, reason: &str) -> u64 {
        self.gathered();
        self.stat(&format!(
            "wasmcustom.decision=.={decision};.;reason=.={reason};.;keyward_requests_total"
        ))
    }

    /// Returns keyward's counters of requests that are not 0.
    #[track_caller]
    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.gathered();
        let mut all = self.stats(match self.host {
            Host::Wasm => "keyward_requests_total$",
            Host::Native => "^keyward\\.requests_total\\.",
        });
        all.retain(|_, count| *count > 0);
        all
    }

    /// Waits until a native module has reported everything that it has counted so far. Workers
    /// count, and the main thread gathers the counts a tenth of a second after the first request,
    /// and then every second.
    #[track_caller]
    fn gathered(&self) {
        if self.host == Host::Native {
            let rounds = || self.stats("^keyward\\.counts_gathered_total\\.");
            // While the main thread answers this, it is not gathering counts.
            let before = rounds();
            eventually("every plugin's counts are gathered", BOUND, || {
                let now = rounds();
                let has_risen = |(name, count)| now.get(name).is_none_or(|now| now > count);
                before.iter().all(has_risen).then_some(())
            });
        }
    }

    /// Returns the page that Prometheus reads.
    #[track_caller]
    pub fn prometheus(&self) -> String {
        self.admin("GET", "/stats/prometheus").text().to_owned()
    }

    /// Returns `None` if the main thread is busy for longer than `timeout`, as with a big push.
    pub(super) fn try_stats(
        &self,
        regex: &str,
        timeout: Duration,
    ) -> Option<BTreeMap<String, u64>> {
        let mut connection = Connection::try_open(self.admin).ok()?.with_timeout(timeout);
        let page = connection
            .try_request(
                "GET",
                &format!(
                    "/stats?filter={}",
                    utf8_percent_encode(regex, NON_ALPHANUMERIC)
                ),
                NO_HEADERS,
                b"",
            )
            .ok()?;
        let lines = std::str::from_utf8(&page.body).ok()?.lines();
        // The same page also contains histograms and texts.
        let numbers = lines
            .filter_map(|line| line.rsplit_once(": "))
            .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)));
        Some(numbers.collect())
    }

    /// Returns everything that Envoy and the filter have logged.
    pub fn logs(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.path().join("envoy.log")).unwrap())
            .into_owned()
    }

    /// Returns the access log's lines so far. Envoy writes a line some milliseconds after the
    /// response: see [`Self::logged`].
    pub fn access_log(&self) -> Vec<Value> {
        let bytes = fs::read(self.folder.path().join("access.log")).unwrap();
        let start = usize::try_from(self.page.load(Ordering::Relaxed)).unwrap();
        let text = std::str::from_utf8(&bytes[start..]).unwrap();
        let whole = text.rfind('\n').map_or("", |end| text.split_at(end).0);
        whole
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }

    /// Returns the number of bytes in the access log's complete lines.
    pub(super) fn written(&self) -> u64 {
        let bytes = fs::read(self.folder.path().join("access.log")).unwrap();
        let end = bytes.iter().rposition(|byte| *byte == b'\n');
        u64::try_from(end.map_or(0, |end| end + 1)).unwrap()
    }

    /// Waits for the first line of the access log that `wanted` accepts, and returns it.
    #[track_caller]
    pub fn logged(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(what, BOUND, || {
            self.access_log().into_iter().find(|line| wanted(line))
        })
    }

    /// Waits for the access log's line of the request to this path, and returns it. The path is
    /// normalized as Envoy does it, without the query. For paths that are requested only once.
    #[track_caller]
    pub fn logged_path(&self, path: &str) -> Value {
        self.logged(&format!("`{path}` is in the access log"), |line| {
            line["path"] == path
        })
    }

    /// Polls `probe` on a connection to each worker until it succeeds on all of them. A connection
    /// stays on its worker, so this proves what every worker serves, rather than what one of them
    /// happens to serve. Nothing else may connect to this Envoy in the meantime.
    #[track_caller]
    pub fn on_every_worker<T>(
        &self,
        what: &str,
        bound: Duration,
        mut probe: impl FnMut(&mut Connection) -> Option<T>,
    ) -> Vec<T> {
        let connections = self.worker_connections().into_iter().enumerate();
        connections
            .map(|(worker, mut connection)| {
                eventually(&format!("{what} (worker {worker})"), bound, || {
                    probe(&mut connection)
                })
            })
            .collect()
    }

    /// Returns an open connection to each worker, in the workers' order. The kernel chooses a
    /// connection's worker, so some attempts are wasted.
    #[track_caller]
    pub fn worker_connections(&self) -> Vec<Connection> {
        let mut held: Vec<Option<Connection>> = (0..self.concurrency).map(|_| None).collect();
        eventually("every worker takes a connection", BOUND, || {
            let before = self.taken_per_worker();
            let connection = Connection::open(self.gateway);
            let taken = |now: Vec<u64>| {
                now.iter()
                    .zip(&before)
                    .position(|(now, before)| now > before)
            };
            let worker = eventually("a worker takes the connection", BOUND, || {
                taken(self.taken_per_worker())
            });
            held[worker].get_or_insert(connection);
            held.iter().all(Option::is_some).then_some(())
        });
        held.into_iter().flatten().collect()
    }

    /// Returns the number of connections that each worker has accepted.
    fn taken_per_worker(&self) -> Vec<u64> {
        // The listener got its name in the stats while its port was still 0.
        let name = |worker| format!("listener.127.0.0.1_0.worker_{worker}.downstream_cx_total");
        let stats = self.stats("^listener\\.127\\.0\\.0\\.1_0\\.worker_.*downstream_cx_total$");
        (0..self.concurrency)
            .map(|worker| stats[&name(worker)])
            .collect()
    }
}

fn escape_regex(text: &str) -> String {
    text.chars()
        .flat_map(|char| {
            (!char.is_ascii_alphanumeric() && char != '_')
                .then_some('\\')
                .into_iter()
                .chain([char])
        })
        .collect()
}
