//! Hostile but ordinary input, through a real Envoy: what a client can send over a raw socket, and
//! what the upstream then received. One Envoy handles a whole table under each of the [`SETTINGS`],
//! and after every table the test checks that the filter still works: see [`Gate::assert_sound`].

mod address;
mod bytes;
mod expansions;
mod forgery;
mod generous;
mod headers;
mod hop_by_hop;
mod known;
mod methods;
mod paths;
mod preflight;
mod pseudo;
mod secrecy;
mod split;
mod tricks;
mod upgrades;
mod wsgi;

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyward::digest::KeyDigest;
use serde_json::{Value, json};

use crate::fail_closed::plugin::address_of;
use crate::support::bootstrap::{at, hcm};
use crate::support::builder::Builder;
use crate::support::h2;
use crate::support::http::{Connection, Response};
use crate::support::pool::{Lent, Pool};
use crate::support::upstream::{Reply, Seen};
use crate::support::world::merge;
use crate::support::{Envoy, Host, Upstream};

/// The key that may read customers, and nothing else.
const LIMITED: &str = "rk_test_FAKE-limited-0001";
/// The key that may do everything.
const FULL: &str = "sk_test_FAKE-full-00000001";
/// The key that may call what is open to publishable keys.
const PUBLISHABLE: &str = "pk_test_FAKE-open-00000001";
/// Like [`LIMITED`], but in shadow: nothing is denied yet.
const SHADOW: &str = "rk_test_FAKE-shadow-00001";
/// Like [`FULL`], but only from documentation addresses.
const BOUND: &str = "sk_test_FAKE-bound-000001";
/// Like [`FULL`], but only from loopback.
const LOCAL: &str = "sk_test_FAKE-local-000001";

/// The endpoints of the API that the gateway protects: method, path and permission. Without a
/// permission they are public. `price` is open to publishable keys.
const ENDPOINTS: [(&str, &str, Option<&str>); 20] = [
    ("GET", "/v1/customers", Some("customer")),
    ("POST", "/v1/customers", Some("customer")),
    ("GET", "/v1/customers/search", Some("customer")),
    ("GET", "/v1/customers/export", Some("charge")),
    ("GET", "/v1/customers/{id}", Some("customer")),
    ("POST", "/v1/customers/{id}", Some("customer")),
    ("DELETE", "/v1/customers/{id}", Some("customer")),
    ("GET", "/v1/customers/{id}/charges", Some("charge")),
    ("GET", "/v1/charges", Some("charge")),
    ("POST", "/v1/charges", Some("charge")),
    ("GET", "/v1/charges/{id}", Some("charge")),
    ("GET", "/v1/balance", Some("balance")),
    ("GET", "/v1/prices", Some("price")),
    ("GET", "/v1/files/{*rest}", Some("file")),
    ("GET", "/admin", Some("file")),
    ("GET", "/healthz", None),
    ("POST", "/hooks/{name}", None),
    ("GET", "/open/{name}", None),
    ("GET", "/open/private", Some("charge")),
    ("GET", "/assets/{*rest}", None),
];

type Headers = Vec<(Vec<u8>, Vec<u8>)>;

/// Returns the plugin configuration of these tests, with other settings next to its snapshot.
fn configuration(settings: Value) -> Value {
    let endpoints: Vec<Value> = ENDPOINTS
        .iter()
        .map(|(method, path, permission)| match permission {
            None => json!({"method": method, "path": path, "auth": "none"}),
            Some("price") => {
                json!({"method": method, "path": path, "permission": "price", "publishable": true})
            }
            Some(name) => json!({"method": method, "path": path, "permission": name}),
        })
        .collect();
    let key = |id: &str, key: &str, kind: &str, more: Value| {
        let mut all = json!({"id": id, "sha256": KeyDigest::of(key.as_bytes()).to_string(), "kind": kind, "livemode": false, "owner": "acct_1"});
        merge(&mut all, more);
        all
    };
    let customers = json!({"customer": "read"});
    let mut all = json!({"snapshot": {
        "format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1_795_194_529,
        "catalogue": "none", "endpoints": endpoints,
        "accounts": [{"id": "acct_1"}, {"id": "acct_2", "parent": "acct_1"}],
        "keys": [
            key("mk_limited", LIMITED, "restricted", json!({"grants": customers, "connect_grants": customers})),
            key("mk_full", FULL, "secret", json!({})),
            key("mk_open", PUBLISHABLE, "publishable", json!({})),
            key("mk_shadow", SHADOW, "restricted", json!({"grants": customers, "enforcement": "shadow"})),
            key("mk_bound", BOUND, "secret", json!({"allowed_ips": ["203.0.113.7", "2001:db8::/32"]})),
            key("mk_local", LOCAL, "secret", json!({"allowed_ips": ["127.0.0.0/8", "::1"]})),
        ],
    }});
    merge(&mut all, settings);
    all
}

/// The response, or `None` if Envoy closed the connection or the stream without one.
type Answer = Option<Response>;

/// A name, and a change to the connection manager.
type Setting = (&'static str, fn(&mut Value));

/// How Envoy can treat a path before any filter sees it.
const SETTINGS: [Setting; 4] = [
    ("as sent", |_| {}),
    ("normalized", |hcm| hcm["normalize_path"] = json!(true)),
    ("merged", |hcm| {
        hcm["normalize_path"] = json!(true);
        hcm["merge_slashes"] = json!(true);
    }),
    ("unescaped", |hcm| {
        hcm["normalize_path"] = json!(true);
        hcm["path_with_escaped_slashes_action"] = json!("UNESCAPE_AND_FORWARD");
    }),
];

/// Returns the name of the listener that treats paths this way.
fn listener(setting: &str) -> String {
    format!("gateway, {setting}")
}

/// Adds a listener for each of the [`SETTINGS`]. Otherwise they are like the gateway's.
fn add_listeners(bootstrap: &mut Value) {
    for (setting, change) in SETTINGS {
        let all = at(bootstrap, "/static_resources/listeners");
        let all = all.as_array_mut().unwrap();
        let gateway = all.iter().find(|it| it["name"] == "gateway").unwrap();
        let mut own = gateway.clone();
        own["name"] = json!(listener(setting));
        change(at(&mut own, "/filter_chains/0/filters/0/typed_config"));
        all.push(own);
    }
}

/// An Envoy in front of an upstream that records what it received.
struct Gate {
    envoy: Envoy,
    /// Where requests go under each of the [`SETTINGS`].
    addresses: [SocketAddr; SETTINGS.len()],
    /// The setting in force.
    setting: Cell<usize>,
    sent: Cell<usize>,
    /// The requests that reached the upstream since the last call.
    seen: Arc<Mutex<Vec<Seen>>>,
    _upstream: Upstream,
}

/// Gates as keyward ships them, and gates that let names with underscores pass.
static GATES: Pool<Gate> = Pool::new();

impl Gate {
    /// Returns a gate as keyward ships it. Another test may have used it before.
    fn shipped() -> Lent<Self> {
        Self::lent("shipped", |builder| builder)
    }

    /// Like [`Self::shipped`], but Envoy lets names with underscores pass.
    fn with_underscores() -> Lent<Self> {
        Self::lent("underscores", Builder::allow_underscores)
    }

    fn lent(shape: &str, change: impl FnOnce(Builder) -> Builder) -> Lent<Self> {
        let gate = GATES.take(shape.to_owned(), || Self::open(json!({}), change));
        if gate.is_used() {
            gate.envoy.turn_the_page();
            gate.setting.set(0);
            gate.sent.set(0);
            gate.seen.lock().unwrap().clear();
        }
        gate
    }

    /// Starts Envoy and its upstream. `change` may make any change to what keyward ships.
    fn open(settings: Value, change: impl FnOnce(Builder) -> Builder) -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let upstream = Upstream::answering({
            let seen = Arc::clone(&seen);
            move |request: &Seen| {
                seen.lock().unwrap().push(request.clone());
                Reply::echo(request)
            }
        });
        let builder = Envoy::builder()
            .config(configuration(settings).to_string())
            .upstream(upstream.address())
            // Envoy closes a connection that sends no HTTP after this time. The default is 1 s.
            .edit(|all| hcm(all)["delayed_close_timeout"] = json!("0.01s"));
        let envoy = change(builder).edit(add_listeners).start();
        let addresses = SETTINGS.map(|(setting, _)| address_of(&envoy, &listener(setting)));
        Self {
            envoy,
            addresses,
            setting: Cell::new(0),
            sent: Cell::new(0),
            seen,
            _upstream: upstream,
        }
    }

    /// Yields the name of each of the [`SETTINGS`], and sends requests to its listener.
    fn settings(&self) -> impl Iterator<Item = &'static str> {
        SETTINGS.iter().enumerate().map(|(number, (name, _))| {
            self.setting.set(number);
            // Visible if a test fails.
            println!("{name}");
            *name
        })
    }

    /// Returns the number of requests, or of connections with several, so far.
    fn sent(&self) -> usize {
        self.sent.get()
    }

    /// Returns the address for the next request, and counts it.
    fn address(&self) -> SocketAddr {
        self.sent.set(self.sent.get() + 1);
        self.addresses[self.setting.get()]
    }

    /// Sends exactly this head over HTTP/1.1, with `Host` and, if there is a body, its length.
    fn http1(&self, method: &[u8], target: &[u8], headers: &Headers, body: &[u8]) -> Answer {
        let mut bytes = [method, b" ", target, b" HTTP/1.1\r\nhost: gate\r\n"].concat();
        for (name, value) in headers {
            bytes.extend([name.as_slice(), b": ", value, b"\r\n"].concat());
        }
        if !body.is_empty() {
            bytes.extend(format!("content-length: {}\r\n", body.len()).bytes());
        }
        bytes.extend(b"\r\n");
        bytes.extend(body);
        self.raw(&bytes)
    }

    /// Sends exactly these bytes.
    fn raw(&self, bytes: &[u8]) -> Answer {
        let mut connection = Connection::open(self.address()).with_timeout(Duration::from_secs(10));
        connection.send_raw(bytes).ok()?;
        match connection.read_response(bytes.starts_with(b"HEAD ")) {
            Ok(response) => Some(response),
            Err(error) => {
                use std::io::ErrorKind::{ConnectionReset, UnexpectedEof};
                assert!(
                    matches!(error.kind(), ConnectionReset | UnexpectedEof),
                    "{error}: {:?}",
                    shown(bytes)
                );
                None
            }
        }
    }

    /// Sends exactly this head over HTTP/2.
    fn http2(&self, method: &[u8], target: &[u8], headers: &Headers, body: &[u8]) -> Answer {
        let mut all: Vec<(&[u8], &[u8])> = vec![
            (b":method", method),
            (b":scheme", b"http"),
            (b":authority", b"gate"),
            (b":path", target),
        ];
        all.extend(headers.iter().map(|(name, value)| (&**name, &**value)));
        self.exchange(&all, body, &[])
    }

    /// Sends exactly these fields over HTTP/2.
    fn exchange(&self, all: &[(&[u8], &[u8])], body: &[u8], trailers: &[(&[u8], &[u8])]) -> Answer {
        h2::Connection::open(self.address())
            .exchange(all, body, trailers)
            .answer()
    }

    /// Sends exactly these fields over HTTP/2, and each piece in its own frame, all at once.
    fn frames(&self, all: &[(&[u8], &[u8])], pieces: &[&[u8]]) -> Answer {
        h2::Connection::open(self.address())
            .exchange_frames(all, pieces)
            .answer()
    }

    /// Runs `storm`. Returns its result, and the requests that reached the upstream meanwhile.
    fn seen_during<T>(&self, storm: impl FnOnce() -> T) -> (T, Vec<Seen>) {
        self.seen.lock().unwrap().clear();
        let result = storm();
        (result, std::mem::take(&mut self.seen.lock().unwrap()))
    }

    /// Asserts that a good request still passes, no VM trapped, no answer was a 5xx, and every line
    /// of the access log has the right state. At least `lines` requests must be logged.
    #[track_caller]
    fn assert_sound(&self, lines: usize) {
        println!("{} requests", self.sent.get());
        let last = "/v1/customers/the-last-one";
        let good = self.envoy.get(last, &[bearer(LIMITED)]);
        assert_eq!(good.status, 200, "{}", self.envoy.logs());
        self.envoy.logged_path(last);
        let log = self.envoy.access_log();
        assert!(log.len() >= lines, "{} of {lines} lines", log.len());
        for line in &log {
            let state = line["keyward"].as_str();
            let details = line["response_code_details"].as_str().unwrap_or("-");
            let code = line["response_code"].as_u64().unwrap();
            assert!(code < 500, "{line}");
            match state {
                Some(state) if state.starts_with("deny ") => {
                    let reason = state.split(' ').nth(1).unwrap();
                    assert_eq!(details, format!("keyward_denied{{{reason}}}"), "{line}");
                }
                Some(state) => {
                    assert!(state.starts_with("allow "), "{line}");
                    assert!(
                        !details.contains("keyward") && !details.contains("rbac"),
                        "{line}"
                    );
                }
                // Envoy answered itself, before the filters.
                None => {
                    assert!(code == 0 || (300..500).contains(&code), "{line}");
                    let own = !["keyward", "via_upstream", "wasm", "rbac"]
                        .iter()
                        .any(|not| details.contains(not));
                    assert!(own, "{line}");
                }
            }
        }
        let faults = self.envoy.stats(
            "^wasm\\..*(reload|fail|error)|rbac\\.denied$|keyward_interlock.*denied|downstream_rq_5xx|host_failure",
        );
        let shown = match self.envoy.host() {
            Host::Wasm => "wasm.keyward.vm_reload",
            Host::Native => "keyward.requests_total.decision.deny.reason.host_failure",
        };
        assert!(faults.contains_key(shown), "{faults:?}");
        assert!(faults.values().all(|count| *count == 0), "{faults:?}");
        let logs = self.envoy.logs();
        assert!(
            !logs.contains("panicked") && !logs.contains("Proxy-Wasm plugin in-VM backtrace"),
            "{logs}"
        );
    }
}

fn bearer(key: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {key}"))
}

/// Converts headers from text.
fn pairs(headers: &[(&str, &str)]) -> Headers {
    headers
        .iter()
        .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
        .collect()
}

/// Returns the headers of a caller with this key, or without a key.
fn caller(key: Option<&str>) -> Headers {
    key.map(|key| pairs(&[("authorization", &bearer(key).1)]))
        .unwrap_or_default()
}

/// Formats bytes for a message.
fn shown(bytes: &[u8]) -> String {
    let start = bytes.get(..300).unwrap_or(bytes);
    start.escape_ascii().to_string()
}

/// Returns a header's name as the most lenient of CGI, WSGI, Rack and PHP would read it.
fn folded(name: &[u8]) -> String {
    let fold = |byte: &u8| match char::from(*byte) {
        letter if letter.is_ascii_alphanumeric() => letter.to_ascii_lowercase(),
        _ => '-',
    };
    name.iter().map(fold).collect()
}

/// Returns all values that the upstream may find under this name, in any spelling.
fn values<'a>(seen: &'a Seen, name: &str) -> Vec<&'a [u8]> {
    let named = seen.headers.iter().filter(|(held, _)| folded(held) == name);
    named.map(|(_, value)| value.as_slice()).collect()
}
