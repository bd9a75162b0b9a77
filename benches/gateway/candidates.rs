//! The candidates: an Envoy for each, started from one bootstrap, and the request that is sent to
//! it.

use serde_json::Value;

use crate::authz;
use crate::bootstraps;
use crate::client::Client;
use crate::machine::Cores;
use crate::process;
use crate::support::builder::Builder;
use crate::support::pb::Wrapper;
use crate::support::{Ecds, Envoy, Host, LONG, Push};
use crate::world::{Kind, World, sdk_request, unknown};

/// The number of keys in a table, unless stated otherwise.
pub const KEYS: u32 = 1_000;

/// A running Envoy, and the requests to it.
pub struct Candidate {
    pub name: &'static str,
    pub envoy: Envoy,
    pub worker: u32,
    pub client: Client,
    pub expected: u16,
}

/// Names that the bounds use.
pub const BARE: &str = "bare Envoy";
pub const NOOP: &str = "no-op proxy-wasm filter";
pub const PROBE: &str = "proxy-wasm filter that makes the same host calls and decides nothing";
pub const NATIVE_RESTRICTED: &str = "keyward as a native module: restricted key";
pub const SECRET: &str = "keyward: secret key";
pub const RESTRICTED: &str = "keyward: restricted key";
pub const RESTRICTED_ONE: &str = "keyward: restricted key, one key";
pub const RESTRICTED_MOST: &str = "keyward: restricted key, the most keys";
pub const EXT_AUTHZ: &str = "ext_authz, HTTP service on loopback";

/// The number of connections for every candidate, all on one worker.
const CONNECTIONS: usize = 8;

/// The number of a table's keys that are used in turn.
const IN_USE: usize = 100;

/// Returns other builds of the filter, from `NAME=PATH,…` in `VARIANTS`. They are compared with the
/// released one only.
fn variants() -> Vec<(String, String)> {
    let named = std::env::var("VARIANTS").unwrap_or_default();
    let pairs = named.split(',').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, path)| (name.to_owned(), path.to_owned()))
        .collect()
}

/// Starts all candidates. `most` is the number of keys in the largest table.
pub fn start(cores: &Cores, most: u32) -> Vec<Candidate> {
    // First, the candidates that all others are compared with.
    let mut all = vec![
        bare(cores),
        nothing(cores, NOOP, "KEYWARD_NOOP_WASM", "noop"),
        nothing(cores, PROBE, "KEYWARD_PROBE_WASM", "probe"),
    ];
    let world = World::new(KEYS, Kind::Restricted);
    let of = |kind| world.keys_of(kind, IN_USE);
    let plain = |keys: &[String]| {
        keys.iter()
            .map(|key| sdk_request(key, None))
            .collect::<Vec<_>>()
    };
    let in_context = |keys: &[String]| {
        let requests = keys
            .iter()
            .map(|key| sdk_request(key, Some(&world.context())));
        requests.collect::<Vec<_>>()
    };
    let variants = variants();
    for (name, path) in &variants {
        for (kind, key) in [("secret", Kind::Secret), ("restricted", Kind::Restricted)] {
            let envoy = with_keyward(false)
                .wasm(path)
                .config(world.configuration(1, None))
                .start();
            let name = format!("{name}: {kind} key").leak();
            all.push(candidate(cores, name, envoy, plain(&of(key)), 200));
        }
    }
    let mut keyward = |host, name, interlock, requests, expected| {
        let envoy = with_keyward(interlock)
            .host(host)
            .config(world.configuration(1, None))
            .start();
        all.push(candidate(cores, name, envoy, requests, expected));
    };
    keyward(Host::Wasm, SECRET, false, plain(&of(Kind::Secret)), 200);
    keyward(
        Host::Wasm,
        RESTRICTED,
        false,
        plain(&of(Kind::Restricted)),
        200,
    );
    if !variants.is_empty() {
        return all;
    }
    keyward(
        Host::Native,
        "keyward as a native module: secret key",
        false,
        plain(&of(Kind::Secret)),
        200,
    );
    keyward(
        Host::Native,
        NATIVE_RESTRICTED,
        false,
        plain(&of(Kind::Restricted)),
        200,
    );
    keyward(
        Host::Native,
        "keyward as a native module: refused, unknown key",
        false,
        plain(&[unknown(Kind::Secret)]),
        401,
    );
    keyward(
        Host::Wasm,
        "keyward: organization key",
        false,
        in_context(&of(Kind::Organization)),
        200,
    );
    keyward(
        Host::Wasm,
        "keyward: refused, unknown key",
        false,
        plain(&[unknown(Kind::Secret)]),
        401,
    );
    keyward(
        Host::Wasm,
        "keyward and its interlock: secret key",
        true,
        plain(&of(Kind::Secret)),
        200,
    );
    keyward(
        Host::Wasm,
        "keyward and its interlock: restricted key",
        true,
        plain(&of(Kind::Restricted)),
        200,
    );
    for (name, size) in [(RESTRICTED_ONE, 1), (RESTRICTED_MOST, most)] {
        let world = World::new(size, Kind::Restricted);
        let envoy = with_keyward(false).ecds(Ecds::Pb).config("{}").start();
        let push = envoy.push_pb_and_wait(Wrapper::Bytes, &world.packed(1, None), LONG);
        assert_eq!(push, Push::Accepted);
        // Far more than a cache holds, if there are as many.
        let requests = plain(&world.keys_of(Kind::Restricted, 65_536));
        all.push(candidate(cores, name, envoy, requests, 200));
    }
    let keys = of(Kind::Restricted);
    let table: Vec<String> = Kind::ALL
        .iter()
        .flat_map(|kind| world.keys_of(*kind, usize::MAX))
        .collect();
    let mut other = |name, edit: Box<dyn FnOnce(&mut Value)>, requests| {
        let envoy = bare_builder().edit(edit).start();
        all.push(candidate(cores, name, envoy, requests, 200));
    };
    let filter = bootstraps::api_key_auth(&table);
    other(
        "native api_key_auth",
        Box::new(|bootstrap| bootstraps::replace(bootstrap, Some(filter))),
        plain(&keys),
    );
    let filter = bootstraps::lua(&table);
    other(
        "Lua, a table of keys",
        Box::new(|bootstrap| bootstraps::replace(bootstrap, Some(filter))),
        plain(&keys),
    );
    match bootstraps::jwt_authn() {
        Some((filter, token)) => other(
            "native jwt_authn, RS256, local JWKS",
            Box::new(|bootstrap| bootstraps::replace(bootstrap, Some(filter))),
            vec![sdk_request(&token, None)],
        ),
        None => eprintln!("bench: without Node there is no token to measure jwt_authn with"),
    }
    let service = authz::serve(table);
    other(
        EXT_AUTHZ,
        Box::new(move |bootstrap| bootstraps::ext_authz(bootstrap, service)),
        plain(&keys),
    );
    all
}

fn bare_builder() -> Builder {
    Envoy::builder().edit(bootstraps::strip)
}

fn with_keyward(interlock: bool) -> Builder {
    let builder = bare_builder();
    if interlock {
        builder
    } else {
        builder.without_interlock()
    }
}

fn bare(cores: &Cores) -> Candidate {
    let envoy = bare_builder()
        .edit(|bootstrap| bootstraps::replace(bootstrap, None))
        .start();
    let key = unknown(Kind::Secret);
    candidate(cores, BARE, envoy, vec![sdk_request(&key, None)], 200)
}

/// Starts an Envoy with a filter from `benches/noop`.
fn nothing(cores: &Cores, name: &'static str, variable: &str, built: &str) -> Candidate {
    let filter = bootstraps::noop(&bootstraps::noop_wasm(variable, built));
    let envoy = bare_builder()
        .edit(|bootstrap| bootstraps::replace(bootstrap, Some(filter)))
        .start();
    let key = unknown(Kind::Secret);
    candidate(cores, name, envoy, vec![sdk_request(&key, None)], 200)
}

fn candidate(
    cores: &Cores,
    name: &'static str,
    envoy: Envoy,
    requests: Vec<Vec<u8>>,
    expected: u16,
) -> Candidate {
    let worker = process::worker(envoy.process_id());
    cores.pin_worker(worker);
    let client = Client::new(envoy.address(), CONNECTIONS, requests);
    Candidate {
        name,
        envoy,
        worker,
        client,
        expected,
    }
}
