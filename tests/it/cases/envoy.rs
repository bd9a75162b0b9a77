//! Runs the corpus against a real Envoy, every case over HTTP/1.1.

use std::cell::RefCell;
use std::net::SocketAddr;

use serde_json::{Value, json};

use super::corpus::{self, Case, CaseFile, Runner};
use super::outcome::{self, End, Outcome};
use super::translate;
use crate::fail_closed::plugin::{Plugin, address_of, with_listener};
use crate::support::bootstrap::hcm;
use crate::support::builder::Builder;
use crate::support::world::now;
use crate::support::{BOUND, Envoy, Upstream, eventually, http};

#[test]
fn envoy_keeps_every_promise_of_the_corpus() {
    ours_keeps_every_promise_of(&corpus::load());
}

#[test]
fn envoy_keeps_them_under_another_apis_profile() {
    let put = ours_keeps_every_promise_of(&translate::load());
    translate::are_most(put, Runner::Envoy);
}

/// Runs all cases against the Envoy that keyward ships, and returns their number.
#[track_caller]
fn ours_keeps_every_promise_of(files: &[CaseFile]) -> usize {
    let plugins = Plugins::default();
    keeps_every_promise_of(files, Envoy::builder(), &|name, text| {
        plugins.entry(name, &text)
    })
}

/// Plugins like those that keyward ships, each with its own file.
#[derive(Default)]
pub struct Plugins(RefCell<Vec<Plugin>>);

impl Plugins {
    /// Returns the filter with this configuration.
    pub fn entry(&self, name: &'static str, configuration: &str) -> Value {
        let plugin = Plugin::new(name, name, name);
        plugin.push(configuration);
        let entry = plugin.entry();
        self.0.borrow_mut().push(plugin);
        entry
    }
}

/// One Envoy with a listener for each file of the corpus. A VM takes a second to start, so all
/// plugins share one.
pub struct Corpus {
    pub envoy: Envoy,
    pub upstream: Upstream,
    pub addresses: Vec<SocketAddr>,
}

impl Corpus {
    /// Starts the Envoy. `base` contains the chain, and `entry` makes the filter that replaces its
    /// first one, from a name and a configuration.
    pub fn start(
        files: &[CaseFile],
        base: Builder,
        entry: &dyn Fn(&'static str, String) -> Value,
    ) -> Self {
        let upstream = Upstream::start();
        let mut builder = as_the_corpus_asks(base, &upstream);
        let names: Vec<&'static str> = (0..files.len())
            .map(|number| &*format!("cases-{number}").leak())
            .collect();
        for (name, file) in names.iter().zip(files) {
            builder = with_listener(builder, name, entry(name, file.configuration(now())));
        }
        let envoy = builder.start();
        let addresses = names.iter().map(|name| address_of(&envoy, name)).collect();
        Self {
            envoy,
            upstream,
            addresses,
        }
    }
}

/// Runs all cases against one Envoy, and returns their number. See [`Corpus::start`].
#[track_caller]
pub fn keeps_every_promise_of(
    files: &[CaseFile],
    base: Builder,
    entry: &dyn Fn(&'static str, String) -> Value,
) -> usize {
    let corpus = Corpus::start(files, base, entry);
    let mut failures = Vec::new();
    let mut first = 0;
    for (address, file) in corpus.addresses.iter().zip(files) {
        let way = Way {
            envoy: &corpus.envoy,
            upstream: &corpus.upstream,
            address: *address,
            first,
        };
        failures.extend(failures_of(file, &way));
        first += file.cases_for(Runner::Envoy).count();
    }
    assert!(first > 200, "only {first} cases");
    outcome::none_failed(&failures, first);
    first
}

/// Cases set the client's address with X-Forwarded-For, spell headers with `_`, and request
/// upgrades. Envoy must let all of that through to the filter.
fn as_the_corpus_asks(builder: Builder, upstream: &Upstream) -> Builder {
    builder
        .upstream(upstream.address())
        .trusted_hops(1)
        .allow_underscores()
        .allow_upgrades(&["websocket"])
        .edit(|bootstrap| {
            let hcm = hcm(bootstrap);
            hcm["preserve_external_request_id"] = json!(true);
            hcm["max_request_headers_kb"] = json!(200);
        })
}

/// Where the cases of a file are sent.
struct Way<'a> {
    envoy: &'a Envoy,
    upstream: &'a Upstream,
    address: SocketAddr,
    /// The number of the first case, for the request ids.
    first: usize,
}

/// Returns the failures of one file.
fn failures_of(file: &CaseFile, way: &Way<'_>) -> Vec<String> {
    let envoy = way.envoy;
    let ends: Vec<_> = file
        .cases_for(Runner::Envoy)
        .enumerate()
        .map(|(number, case)| (way.first + number, case))
        .map(|(number, case)| (number, case, ask(way, case, number)))
        .collect();
    let log = eventually("every case is in the access log", BOUND, || {
        Some(envoy.access_log()).filter(|log| log.len() >= way.first + ends.len())
    });
    let raw_keys = file.raw_keys();
    let mut failures = Vec::new();
    for (number, case, end) in ends {
        let id = request_id(number);
        let Some(line) = log.iter().find(|line| line["request_id"] == id) else {
            let name = format!("{}: {}", file.name, case.description);
            failures.push(format!("{name}\n    Envoy answered by itself: {end:?}"));
            continue;
        };
        let state = line["keyward"].as_str().unwrap_or("none").to_owned();
        let outcome = Outcome {
            state: Some(state),
            end,
        };
        let mut differences = outcome.differences(case, file.api, &raw_keys);
        let details = line["response_code_details"].as_str().unwrap_or_default();
        if let corpus::Expectation::Deny { reason, .. } = &case.expect
            && details != format!("keyward_denied{{{reason}}}")
        {
            differences.push(format!("details: {details}"));
        }
        if !differences.is_empty() {
            failures.push(format!(
                "{}: {}\n    {}",
                file.name,
                case.description,
                differences.join("\n    ")
            ));
        }
    }
    let text = envoy.logs() + &format!("{log:?}");
    let is_public = |key: &[u8]| key.starts_with(b"pk_") || key.starts_with(b"acme_pk_");
    for key in raw_keys.iter().filter(|key| !is_public(key)) {
        if text.as_bytes().windows(key.len()).any(|part| part == key) {
            failures.push(format!("{}: a log shows a raw key", file.name));
        }
    }
    failures
}

fn request_id(number: usize) -> String {
    // The log contains only ids that are UUIDs.
    format!("{number:08x}-0000-4000-8000-000000000000")
}

fn ask(way: &Way<'_>, case: &Case, number: usize) -> End {
    let Way {
        upstream, address, ..
    } = way;
    let request = &case.request;
    let before = upstream.count();
    let mut connection = http::Connection::open(*address);
    connection.send_raw(&spell(case, number)).unwrap();
    let is_head = request.method.as_bytes() == b"HEAD";
    let response = connection.read_response(is_head).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if upstream.count() > before {
        let headers = upstream.last().headers;
        return End::Upstream(
            headers
                .into_iter()
                .map(|(name, value)| (text(&name), value))
                .collect(),
        );
    }
    End::Reply {
        status: response.status,
        headers: response
            .headers
            .iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect(),
        body: (!is_head).then(|| text(&response.body)),
    }
}

/// Returns the request's bytes, exactly as the case spells them.
fn spell(case: &Case, number: usize) -> Vec<u8> {
    let request = &case.request;
    let mut bytes = request.method.as_bytes().to_vec();
    bytes.push(b' ');
    match &request.path {
        Some(path) => bytes.extend_from_slice(path.as_bytes()),
        None => bytes.extend_from_slice(b"api.example.com:443"),
    }
    bytes.extend_from_slice(b" HTTP/1.1\r\nhost: api.example.com\r\n");
    let mut push = |name: &str, value: &[u8]| {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    };
    push("x-request-id", request_id(number).as_bytes());
    if let Some(address) = &request.address {
        push("x-forwarded-for", address.as_bytes());
    }
    for (name, value) in &request.headers {
        push(name, value.as_bytes());
        if name.eq_ignore_ascii_case("upgrade") {
            push("connection", b"upgrade");
        }
    }
    if let Some(body) = &request.body {
        push("content-length", body.len().to_string().as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(request.body.as_deref().unwrap_or("").as_bytes());
    bytes
}
