//! A feed on loopback that behaves or misbehaves as a test wants. It signs with its own keys, each
//! of one repeated byte.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use ed25519_dalek::{Signer, SigningKey};
use keyward::feed::head::{BaseEntry, DeltaEntry, FORMAT, Head, PACKED, Sha256};
use keyward::profile::Profile;
use keyward::signify::{PublicKey, seal};
use keyward::snapshot::delta::{Delta, Touched};
use keyward::snapshot::packed::{Packed, Trust};
use keyward::snapshot::{Revision, Snapshot};
use serde_json::{Value, json};
use sha2::Digest;

use super::upstream::{Reply, Seen, Upstream};

/// The name of the cluster and of the feed.
pub const CLUSTER: &str = "keyward_feed";
pub const NAME: &str = "prod";

/// The number of deltas that a head lists before a single one replaces them.
const LISTED: usize = 16;

/// Returns the public key of the signer with this number, in the form that a configuration uses.
pub fn public_key(signer: u8) -> String {
    let point = SigningKey::from_bytes(&[signer; 32])
        .verifying_key()
        .to_bytes();
    PublicKey::from_parts([signer; 8], &point).unwrap().line()
}

/// Returns a configuration that follows the feed.
pub fn configuration() -> Value {
    json!({
        "max_snapshot_age": 86400,
        "feed": {
            "name": NAME, "cluster": CLUSTER, "authority": "feed.test", "path": "/feeds/prod",
            "public_keys": [public_key(1)], "wait": 2, "interval": 1,
        },
    })
}

/// Returns a cluster with this name and address.
pub fn cluster(name: &str, address: SocketAddr) -> Value {
    json!({
        "name": name, "type": "STATIC", "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {
            "address": {"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}},
        }}]}]},
    })
}

/// The reply that the source sends. The function receives the request and the correct reply.
pub type Manner = Arc<dyn Fn(&Seen, Reply) -> Reply + Send + Sync>;

struct Published {
    head: Option<Head>,
    signed: Vec<u8>,
    objects: BTreeMap<String, Arc<[u8]>>,
    state: Option<(Packed, Snapshot)>,
    /// The revision of the base, from which one delta replaces many, and what was touched since.
    base: Option<(Revision, Touched)>,
    /// Keys and accounts of the base that no snapshot mentions. They stay.
    others: (usize, usize),
    signer: u8,
    waits: bool,
    manner: Option<Manner>,
    is_over: bool,
}

type Shared = Arc<(Mutex<Published>, Condvar)>;

/// A feed and its source.
pub struct Feed {
    shared: Shared,
    source: Upstream,
}

impl Feed {
    /// Starts a feed with this snapshot published. Its source waits for changes, as
    /// `keyward feed serve` does.
    pub fn start(first: &Value) -> Self {
        let feed = Self::empty();
        feed.publish(first);
        feed
    }

    /// Starts a source that has published nothing yet.
    pub fn empty() -> Self {
        let published = Published {
            head: None,
            signed: Vec::new(),
            objects: BTreeMap::new(),
            state: None,
            base: None,
            others: (0, 0),
            signer: 1,
            waits: true,
            manner: None,
            is_over: false,
        };
        let shared: Shared = Arc::new((Mutex::new(published), Condvar::new()));
        let answers = Arc::clone(&shared);
        let source = Upstream::answering(move |seen| {
            let reply = answer(&answers, seen);
            let manner = answers.0.lock().unwrap().manner.clone();
            match manner {
                Some(manner) => manner(seen, reply),
                None => reply,
            }
        });
        Self { shared, source }
    }

    pub fn address(&self) -> SocketAddr {
        self.source.address()
    }

    /// Returns every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.source.seen()
    }

    pub fn forget(&self) {
        self.source.forget();
    }

    fn with<R>(&self, change: impl FnOnce(&mut Published) -> R) -> R {
        let result = change(&mut self.shared.0.lock().unwrap());
        self.shared.1.notify_all();
        result
    }

    /// Sets the key that signs from now on.
    pub fn signer(&self, signer: u8) {
        self.with(|it| it.signer = signer);
    }

    /// Sets whether the source waits for changes.
    pub fn waits(&self, waits: bool) {
        self.with(|it| it.waits = waits);
    }

    /// Sets how the source behaves from now on. With `None` it behaves correctly.
    pub fn manner(&self, manner: Option<Manner>) {
        self.with(|it| it.manner = manner);
    }

    /// Returns the current signed head.
    pub fn signed(&self) -> Vec<u8> {
        self.with(|it| it.signed.clone())
    }

    /// Serves these bytes as the head.
    pub fn show(&self, signed: Vec<u8>) {
        self.with(|it| it.signed = signed);
    }

    /// Publishes the next snapshot: the first as a base, every other as a delta.
    pub fn publish(&self, snapshot: &Value) {
        let packed =
            Packed::from_json(snapshot.to_string().as_bytes(), &Profile::stripe()).unwrap();
        let next = packed.snapshot(&Profile::stripe(), Trust::Nothing).unwrap();
        self.with(|it| it.publish(packed, next));
    }

    /// Publishes a base that has more than a snapshot: `all` in JSON has it as well. The snapshots that follow do not mention the rest, and it stays as it is.
    pub fn publish_among(&self, all: &[u8], snapshot: &Value) {
        let profile = Profile::stripe();
        let all = Packed::from_json(all, &profile).unwrap();
        let packed = Packed::from_json(snapshot.to_string().as_bytes(), &profile).unwrap();
        let next = packed.snapshot(&profile, Trust::Nothing).unwrap();
        let whole = all.snapshot(&profile, Trust::Nothing).unwrap();
        let others = (
            whole.key_count() - next.key_count(),
            whole.accounts().len() - next.accounts().len(),
        );
        drop(whole);
        self.with(|it| {
            it.others = others;
            it.state = None;
            it.publish_base(&all, packed, next);
        });
    }

    /// Publishes it as a base, which is the only way there.
    pub fn publish_base(&self, snapshot: &Value) {
        self.with(|it| it.state = None);
        self.publish(snapshot);
    }

    /// Signs an altered copy of the current head.
    pub fn alter(&self, alter: impl FnOnce(&mut Head)) {
        self.with(|it| {
            alter(it.head.as_mut().unwrap());
            it.sign();
        });
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.with(|it| it.is_over = true);
    }
}

impl Published {
    /// A head of that state, without objects.
    fn next_head(&self, next: &Snapshot) -> Head {
        let count = |count: usize| u64::try_from(count).unwrap();
        Head {
            feed: NAME.into(),
            source: "file:test".into(),
            line: self
                .head
                .as_ref()
                .map_or_else(|| "l1".into(), |head| head.line.clone()),
            packed: PACKED,
            revision: next.revision(),
            issued_at: now(),
            keys: count(next.key_count() + self.others.0),
            accounts: count(next.accounts().len() + self.others.1),
            base: BaseEntry {
                revision: next.revision(),
                size: 0,
                sha256: Sha256::new([0; 32]),
                urgent: true,
            },
            deltas: Vec::new(),
        }
    }

    fn publish(&mut self, packed: Packed, next: Snapshot) {
        let mut head = self.next_head(&next);
        match (&self.head, &self.state, &mut self.base) {
            (Some(before), Some((_, old)), Some((base, since))) => {
                head.base = before.base;
                head.deltas.clone_from(&before.deltas);
                let touched = Touched::between(old, &next);
                since.add(touched.clone());
                let mut step = (old.revision(), &touched);
                // As publishers do: a head stays short, and one delta leads from the base to it.
                if head.deltas.len() >= LISTED {
                    head.deltas.clear();
                    step = (*base, since);
                }
                let (from, to) = (step.0, next.revision());
                let bytes = Delta::write(&packed, step.1, from);
                let (sha256, size) = self.add(bytes.unwrap(), "delta");
                head.deltas.push(DeltaEntry {
                    from,
                    to,
                    size,
                    sha256,
                });
            }
            _ => {
                self.others = (0, 0);
                return self.publish_base(&packed.clone(), packed, next);
            }
        }
        self.head = Some(head);
        self.state = Some((packed, next));
        self.sign();
    }

    /// `all` is what is published, and `packed` what is known of it from now on.
    fn publish_base(&mut self, all: &Packed, packed: Packed, next: Snapshot) {
        let mut head = self.next_head(&next);
        let (sha256, size) = self.add(all.chunks().unwrap().concat(), "base");
        head.base.size = size;
        head.base.sha256 = sha256;
        self.base = Some((next.revision(), Touched::default()));
        self.head = Some(head);
        self.state = Some((packed, next));
        self.sign();
    }

    fn add(&mut self, bytes: Vec<u8>, kind: &str) -> (Sha256, u32) {
        let hash = Sha256::new(sha2::Sha256::digest(&bytes).into());
        let size = u32::try_from(bytes.len()).unwrap();
        self.objects
            .insert(format!("o/{hash}.{kind}"), bytes.into());
        (hash, size)
    }

    fn sign(&mut self) {
        let json = self.head.as_ref().unwrap().to_json().unwrap();
        assert!(json.starts_with(format!("{{\"format\":\"{FORMAT}\"").as_bytes()));
        let signature = SigningKey::from_bytes(&[self.signer; 32])
            .sign(&json)
            .to_bytes();
        self.signed = seal("keyward feed", [self.signer; 8], &signature, &json);
    }
}

/// Returns a revision for tests.
pub fn revision(number: u64) -> Revision {
    Revision::new(number).unwrap()
}

pub fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs()
}

fn reply(status: u16, headers: Vec<(&str, String)>, body: Vec<u8>) -> Reply {
    let headers = headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    Reply {
        status,
        headers: headers.collect(),
        body,
    }
}

fn answer(shared: &Shared, seen: &Seen) -> Reply {
    let path = String::from_utf8_lossy(&seen.path).into_owned();
    match path.strip_prefix("/feeds/prod/") {
        Some("head") => head(shared, seen),
        Some(name) => {
            let object = shared.0.lock().unwrap().objects.get(name).cloned();
            match object {
                Some(object) => ranged(seen, &object),
                None => reply(404, Vec::new(), b"no such object".to_vec()),
            }
        }
        None => reply(404, Vec::new(), b"no such feed".to_vec()),
    }
}

fn head(shared: &Shared, seen: &Seen) -> Reply {
    let known = seen.header("if-none-match").map(str::to_owned);
    let wait = seen
        .header("prefer")
        .and_then(|it| it.strip_prefix("wait=")?.parse::<u64>().ok());
    let is_old = |it: &mut Published| it.waits && !it.is_over && known == Some(tag(&it.signed));
    let published = shared.0.lock().unwrap();
    let bound = Duration::from_secs(wait.unwrap_or(0));
    let (published, _) = shared
        .1
        .wait_timeout_while(published, bound, is_old)
        .unwrap();
    if published.signed.is_empty() {
        return reply(404, Vec::new(), Vec::new());
    }
    let tag = tag(&published.signed);
    let mut headers = vec![("etag", tag.clone())];
    // A server applies only a preference that the request has (RFC 7240, 3).
    if let Some(wait) = wait.filter(|_| published.waits) {
        headers.push(("preference-applied", format!("wait={wait}")));
    }
    if known == Some(tag) {
        return reply(304, headers, Vec::new());
    }
    reply(200, headers, published.signed.clone())
}

fn tag(signed: &[u8]) -> String {
    format!("\"{}\"", Sha256::new(sha2::Sha256::digest(signed).into()))
}

/// Ranges as nginx answers them.
fn ranged(seen: &Seen, object: &[u8]) -> Reply {
    let range = seen.header("range").and_then(|range| {
        let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
        Some((first.parse::<usize>().ok()?, last.parse::<usize>().ok()?))
    });
    let Some((first, last)) = range else {
        return reply(200, Vec::new(), object.to_vec());
    };
    let last = last.min(object.len() - 1);
    let range = format!("bytes {first}-{last}/{}", object.len());
    reply(
        206,
        vec![("content-range", range)],
        object[first..=last].to_vec(),
    )
}
