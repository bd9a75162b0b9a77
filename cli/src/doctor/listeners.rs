//! Finds ways to the guarded upstreams that bypass keyward: other listeners, other chains, network
//! filters, and everything about these that is unknown.

use serde_json::Value;

use super::chain;
use super::dump::{Dump, Listener, Manager, at, is_of, items};
use super::exits::Exits;
use super::report::{Check, Level, Report};
use super::server::{self, Sockets};
use super::upstreams::{Upstreams, goes_anywhere, is_local};

const CHECK: Check = Check::Listeners;
const MEND: &str = "put keyward and its interlock into that chain, or take it away";

/// A way in without keyward, and without an interlock that blocks it.
struct Open<'a> {
    place: String,
    listener: &'a Value,
    exits: Exits<'a>,
}

/// Checks every listener.
pub(super) fn check<'a>(
    dump: &'a Dump,
    guarded: &[&Manager<'a>],
    unguarded: &[&Manager<'a>],
    sockets: &Sockets<'_>,
    report: &mut Report,
) {
    report.made(CHECK);
    let listeners = dump.listeners();
    let mut open: Vec<Open<'a>> = unguarded
        .iter()
        .filter(|manager| !chain::is_closed(manager.filters()))
        .map(|manager| Open {
            place: manager.place.clone(),
            listener: manager.listener,
            exits: Exits::of_manager(dump, manager),
        })
        .collect();
    for listener in &listeners {
        check_listener_filters(listener, report);
        open.extend(network_filters(dump, listener, report));
    }
    let mut upstreams = Upstreams::default();
    for manager in guarded {
        upstreams.add(dump, &Exits::of_manager(dump, manager));
    }
    // A listener that is an endpoint of a guarded cluster is the upstream, or leads to it.
    let mut others = open;
    loop {
        let (inner, outer): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|way| upstreams.is_at(way.listener));
        others = outer;
        if inner.is_empty() {
            break;
        }
        for way in inner {
            upstreams.add(dump, &way.exits);
            check_inner(&way, report);
            // An internal listener is only reached through the guarded chain.
            if way.listener.get("internal_listener").is_none() {
                server::check_open(&way.place, &way.exits, sockets, report);
            }
        }
    }
    for way in &others {
        check_outer(dump, way, &upstreams, report);
        server::check_open(&way.place, &way.exits, sockets, report);
    }
}

fn check_inner(way: &Open<'_>, report: &mut Report) {
    if !is_local(way.listener) {
        report.found(
            Level::Warn,
            CHECK,
            &way.place,
            "it is the upstream of a chain with keyward, and is reached from other machines as well, without keyward",
            "bind it to 127.0.0.1",
        );
    }
}

fn check_outer(dump: &Dump, way: &Open<'_>, upstreams: &Upstreams<'_>, report: &mut Report) {
    for cluster in &way.exits.clusters {
        if upstreams.has(dump, cluster) {
            report.found(
                Level::Fail,
                CHECK,
                &way.place,
                format!("it leads to `{cluster}`, which is guarded elsewhere, and keyward is not in its chain: a stranger gets in here"),
                MEND,
            );
        } else if dump.cluster(cluster).is_some_and(goes_anywhere) {
            report.found(
                Level::Warn,
                CHECK,
                &way.place,
                format!("`{cluster}` goes to whatever address it is asked for, and keyward is not in its chain: it may lead to a guarded upstream"),
                MEND,
            );
        }
    }
    for why in &way.exits.unknown {
        report.found(
            Level::Warn,
            CHECK,
            &way.place,
            format!("{why}, and keyward is not in its chain: it may lead to a guarded upstream"),
            MEND,
        );
    }
}

/// Returns the ways in through a listener's network filters, except connection managers.
fn network_filters<'a>(
    dump: &'a Dump,
    listener: &Listener<'a>,
    report: &mut Report,
) -> Vec<Open<'a>> {
    if listener.value.get("fcds_config").is_some() {
        report.found(
            Level::Warn,
            CHECK,
            &listener.place,
            "its filter chains come by discovery, and are not looked at",
            "write them into the listener",
        );
    }
    let mut open = Vec::new();
    let default = at(listener.value, "/default_filter_chain");
    let chains = items(at(listener.value, "/filter_chains"))
        .iter()
        .chain([default]);
    let of_udp = items(at(listener.value, "/listener_filters"))
        .iter()
        .filter(|filter| {
            at(filter, "/typed_config/@type")
                .as_str()
                .is_some_and(|url| url.contains(".filters.udp."))
        });
    for filter in chains
        .flat_map(|chain| items(at(chain, "/filters")))
        .chain(of_udp)
    {
        let name = at(filter, "/name").as_str().unwrap_or("");
        let place = format!("{}, `{name}`", listener.place);
        let typed = dump.typed(filter);
        match network_kind(typed) {
            Network::Manager | Network::Harmless => continue,
            Network::Proxy => {}
            Network::Unknown if typed.is_null() => report.found(
                Level::Warn,
                CHECK,
                &place,
                "it comes by discovery and is not in the dump: it may be a way to a guarded upstream",
                "ask again once Envoy has it",
            ),
            Network::Unknown => report.found(
                Level::Warn,
                CHECK,
                &place,
                "it handles connections, and is not known to do no harm: it may be a way to a guarded upstream, or change what keyward learns of a client",
                "take it away, or look at what it does",
            ),
        }
        let exits = Exits::of_network_filter(dump, typed);
        open.push(Open {
            place,
            listener: listener.value,
            exits,
        });
    }
    open
}

enum Network {
    /// Another check examines it.
    Manager,
    /// It rejects, counts or delays connections, or answers them itself.
    Harmless,
    /// It sends bytes to a cluster that its configuration names.
    Proxy,
    Unknown,
}

fn network_kind(typed: &Value) -> Network {
    let url = at(typed, "/@type").as_str().unwrap_or("");
    let message = url.rsplit_once('/').map_or("", |(_, message)| message);
    let kind = message.strip_prefix("envoy.extensions.filters.network.");
    match kind.and_then(|kind| kind.split('.').next()) {
        Some("http_connection_manager") => Network::Manager,
        Some(
            "connection_limit"
            | "direct_response"
            | "echo"
            | "local_ratelimit"
            | "ratelimit"
            | "rbac"
            | "set_filter_state"
            | "tcp_bandwidth_limit",
        ) => Network::Harmless,
        Some("tcp_proxy" | "mongo_proxy" | "redis_proxy" | "thrift_proxy" | "dubbo_proxy") => {
            Network::Proxy
        }
        _ if message == "envoy.extensions.filters.udp.udp_proxy.v3.UdpProxyConfig" => {
            Network::Proxy
        }
        _ => Network::Unknown,
    }
}

/// Checks the filters that run before a connection's chain is chosen.
fn check_listener_filters(listener: &Listener<'_>, report: &mut Report) {
    for filter in items(at(listener.value, "/listener_filters")) {
        let typed = at(filter, "/typed_config");
        let known = [
            "listener.tls_inspector.v3.TlsInspector",
            "listener.http_inspector.v3.HttpInspector",
            "listener.original_dst.v3.OriginalDst",
            "listener.original_src.v3.OriginalSrc",
            "listener.proxy_protocol.v3.ProxyProtocol",
            "listener.local_ratelimit.v3.LocalRateLimit",
            "listener.set_filter_state.v3.Config",
        ];
        let is_udp = at(typed, "/@type")
            .as_str()
            .is_some_and(|url| url.contains(".filters.udp."));
        if !is_udp && !known.iter().any(|kind| is_of(typed, kind)) {
            let name = at(filter, "/name").as_str().unwrap_or("");
            report.found(
                Level::Warn,
                CHECK,
                &listener.place,
                format!("the listener filter `{name}` is not known to do no harm: it may change what keyward learns of a connection"),
                "take it away, or look at what it does",
            );
        }
    }
}
