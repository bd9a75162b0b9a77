//! keyward-server with an Envoy in front of it: the shipped `envoy/control.yaml`, and the findings
//! if its routes, its cluster or its pages are elsewhere.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::*;
use crate::support::bootstrap::{at, cluster, hcm, remove_http_filter};
use crate::support::process::Folder;

/// The server's socket, without a process that answers on it.
struct Socket {
    folder: Folder,
    _listener: UnixListener,
}

impl Socket {
    fn bind(name: &str) -> Self {
        let folder = Folder::new("server");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o750)).unwrap();
        let _listener = UnixListener::bind(folder.path().join(name)).unwrap();
        Self { folder, _listener }
    }
}

fn lead_to(bootstrap: &mut Value, socket: &Path) {
    let endpoint = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/pipe/path";
    *at(cluster(bootstrap, "keyward_server"), endpoint) = json!(socket);
}

/// Starts the gateway in front of the server, with one change.
fn control(socket: &str, change: impl FnOnce(&mut Value) + 'static) -> (Envoy, Socket) {
    control_with(configuration(), socket, change)
}

fn control_with(
    configuration: Value,
    socket: &str,
    change: impl FnOnce(&mut Value) + 'static,
) -> (Envoy, Socket) {
    let bound = Socket::bind(socket);
    let path = bound.folder.path().join(socket);
    let envoy = Envoy::builder()
        .bootstrap("envoy/control.yaml")
        .config(configuration.to_string())
        .edit(move |all| {
            lead_to(all, &path);
            change(all);
        })
        .start();
    (envoy, bound)
}

/// Returns all lines of the findings of the check `server` at this level.
fn said(diagnosis: &Diagnosis, level: &str) -> Vec<String> {
    let start = format!("{level}  server at ");
    let mut lines = diagnosis.text.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if line.starts_with(&start) {
            found.push(format!("{line} {}", lines.next().unwrap()));
        }
    }
    found
}

/// Checks the findings from an Envoy's dump only, without this machine's processes.
#[track_caller]
fn assert_dump(envoy: &Envoy, expected: &[(&str, &str)], told: &[&str]) {
    let dump = envoy.admin("GET", "/config_dump").body;
    let diagnosis = Diagnosis::read(&keyward(&["doctor", "--dump", "-"], &dump));
    diagnosis.assert_found(expected);
    for told in told {
        assert!(diagnosis.text.contains(told), "{told}: {}", diagnosis.text);
    }
}

fn routes(bootstrap: &mut Value) -> &mut Vec<Value> {
    let routes = at(hcm(bootstrap), "/route_config/virtual_hosts/0/routes");
    routes.as_array_mut().unwrap()
}

fn with_pages(paths: &[&str]) -> Value {
    let row = |path: &&str| json!({"method": "GET", "path": path, "auth": "none"});
    let mut all = configuration();
    all["snapshot"]["endpoints"] = paths.iter().map(row).collect();
    all
}

/// The shipped configuration has no failure. The one warning is that the tests and Envoy run as the
/// same user.
#[test]
fn the_shipped_gateway_before_the_server_has_no_failure() {
    let (envoy, socket) = control("api.sock", |_| {});
    assert_dump(
        &envoy,
        &[],
        &["the dump comes from a file: whether another process runs as Envoy's user"],
    );
    let diagnosis = Diagnosis::of(&envoy, &[]);
    diagnosis.assert_found(&[("warn", "server")]);
    let said = said(&diagnosis, "warn");
    let [shared] = said.as_slice() else {
        panic!("{}", diagnosis.text)
    };
    let path = socket.folder.path().join("api.sock");
    for part in [
        format!("the server's socket `{}`", path.display()),
        "processes run as Envoy's user".to_owned(),
        format!("the port of `{}`", envoy.admin_address()),
        "with mode 0750".to_owned(),
    ] {
        assert!(shared.contains(&part), "{part}: {shared}");
    }
}

#[test]
fn a_folder_in_which_others_may_replace_the_socket() {
    let (envoy, socket) = control("api.sock", |_| {});
    fs::set_permissions(socket.folder.path(), Permissions::from_mode(0o777)).unwrap();
    let diagnosis = Diagnosis::of(&envoy, &[]);
    let is_told = said(&diagnosis, "warn")
        .iter()
        .any(|line| line.contains("may change its folder") && line.contains("with mode 0777"));
    assert!(is_told, "{}", diagnosis.text);
    // With the sticky bit, others cannot replace the socket.
    fs::set_permissions(socket.folder.path(), Permissions::from_mode(0o1777)).unwrap();
    let diagnosis = Diagnosis::of(&envoy, &[]);
    assert!(
        !diagnosis.text.contains("may change its folder"),
        "{}",
        diagnosis.text
    );
}

#[test]
fn a_socket_that_is_not_here_is_not_judged() {
    let (envoy, socket) = control("api.sock", |_| {});
    drop(socket);
    let diagnosis = Diagnosis::of(&envoy, &["--strict"]);
    diagnosis.assert_found(&[]);
    let notes = said(&diagnosis, "note");
    assert!(notes[0].contains("was not looked at"), "{notes:?}");
}

#[test]
fn another_listener_leads_to_the_socket() {
    let (envoy, _socket) = control("api.sock", |all| {
        let listeners = at(all, "/static_resources/listeners");
        let listeners = listeners.as_array_mut().unwrap();
        let mut second = listeners[0].clone();
        second["name"] = json!("second");
        let filters = at(
            &mut second,
            "/filter_chains/0/filters/0/typed_config/http_filters",
        );
        filters
            .as_array_mut()
            .unwrap()
            .retain(|filter| filter["name"] == "envoy.filters.http.router");
        listeners.push(second);
    });
    assert_dump(
        &envoy,
        &[("FAIL", "listeners"), ("FAIL", "server")],
        &["it leads to `keyward_server`, which is the server's socket"],
    );
}

/// No other chain leads to the server, so `listeners` has nothing to compare with. The doctor
/// recognizes the socket by the secret that Envoy sends to it, whatever its name.
#[test]
fn the_only_way_to_the_socket_has_no_keyward() {
    for socket in ["api.sock", "other.sock"] {
        let (envoy, _socket) = control(socket, |all| {
            let listeners = at(all, "/static_resources/listeners");
            let listeners = listeners.as_array_mut().unwrap();
            let mut second = listeners[0].clone();
            second["name"] = json!("second");
            let manager = at(&mut second, "/filter_chains/0/filters/0/typed_config");
            manager["http_filters"]
                .as_array_mut()
                .unwrap()
                .retain(|filter| filter["name"] == "envoy.filters.http.router");
            // The second listener has only the server's five routes, and the first no longer has
            // them.
            let own = at(manager, "/route_config/virtual_hosts/0/routes");
            own.as_array_mut().unwrap().truncate(5);
            listeners.push(second);
            routes(all).drain(..5);
        });
        assert_dump(&envoy, &[("FAIL", "server")], &["speaks for any key"]);
    }
}

#[test]
fn bytes_go_to_the_socket_as_they_are() {
    let (envoy, _socket) = control("api.sock", |all| {
        let listeners = at(all, "/static_resources/listeners");
        let kind = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
        let proxy = json!({"@type": kind, "stat_prefix": "tcp", "cluster": "keyward_server"});
        listeners.as_array_mut().unwrap().push(json!({
            "name": "bytes",
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
            "filter_chains": [{"filters": [{"name": "tcp", "typed_config": proxy}]}],
        }));
    });
    assert_dump(
        &envoy,
        &[("FAIL", "listeners"), ("FAIL", "server")],
        &["at listener `bytes`, `tcp`"],
    );
}

#[test]
fn a_route_to_the_socket_switches_a_filter_off() {
    for name in ["keyward", "keyward.interlock"] {
        let (envoy, _socket) = control("api.sock", move |all| {
            let off = json!({"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true});
            routes(all)[0]["typed_per_filter_config"] = json!({name: off});
        });
        assert_dump(
            &envoy,
            &[("FAIL", "routes"), ("FAIL", "server")],
            &[&format!(
                "a `typed_per_filter_config` replaces `{name}` there"
            )],
        );
    }
    // A route to another upstream does not endanger the server.
    let (envoy, _socket) = control("api.sock", |all| {
        let off = json!({"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true});
        routes(all)[5]["typed_per_filter_config"] = json!({"keyward": off});
    });
    assert_dump(&envoy, &[("FAIL", "routes")], &[]);
}

#[test]
fn the_chain_to_the_socket_has_no_interlock() {
    let (envoy, _socket) = control("api.sock", |all| {
        remove_http_filter(all, "keyward.interlock");
    });
    assert_dump(
        &envoy,
        &[("FAIL", "interlock"), ("FAIL", "server")],
        &["it leads to the server's socket without keyward and its interlock"],
    );
}

#[test]
fn an_edge_gateway_has_the_api() {
    let (envoy, _socket) = control("api.sock", |all| {
        let routes = routes(all);
        routes.drain(1..2);
        let route = &mut routes[0];
        route["route"]["cluster"] = json!("upstream");
        route
            .as_object_mut()
            .unwrap()
            .remove("request_headers_to_add");
    });
    assert_dump(
        &envoy,
        &[("warn", "server")],
        &["the route `/v2/iam/` leads the server's API to `upstream`"],
    );
    // The same route, with the secret on it.
    let (envoy, _socket) = control("api.sock", |all| {
        routes(all)[1]["route"]["cluster"] = json!("upstream");
    });
    assert_dump(
        &envoy,
        &[("FAIL", "server"), ("warn", "server")],
        &["sends `x-keyward-gateway` to `upstream`"],
    );
    // Another API under a name with the same beginning.
    let (envoy, _socket) = control("api.sock", |all| {
        let route = json!({"match": {"prefix": "/v2/iamb"}, "route": {"cluster": "upstream"}});
        routes(all).insert(0, route);
    });
    assert_dump(&envoy, &[], &[]);
}

#[test]
fn an_edge_gateways_snapshot_before_the_server() {
    let mut edge = configuration();
    edge["snapshot"]["api_versions"] = json!(["2026-01-28.clover"]);
    let (envoy, _socket) = control_with(edge, "api.sock", |_| {});
    assert_dump(
        &envoy,
        &[("warn", "server")],
        &["its snapshot lists `api_versions`, as an edge gateway's does"],
    );
}

#[test]
fn an_edge_gateway_has_the_pages() {
    const ALL: &[&str] = &["/console", "/console/{*rest}", "/portal", "/portal/{*rest}"];
    let edge = |paths| {
        Envoy::builder()
            .config(with_pages(paths).to_string())
            .start()
    };
    assert_dump(
        &edge(ALL),
        &[("FAIL", "server")],
        &["`/console` without a key", "`/portal` without a key"],
    );
    // The API itself may have such a path.
    assert_dump(
        &edge(&["/portal/{*rest}"]),
        &[("warn", "server")],
        &["`/portal` without a key"],
    );
    // Neither is a page of the server.
    assert_dump(&edge(&["/healthz", "/{page}"]), &[], &[]);
    let page = |path: &str| json!({"match": {"path_separated_prefix": path}, "route": {"cluster": "keyward_server"}});
    let (envoy, _socket) = control_with(with_pages(ALL), "api.sock", move |all| {
        routes(all).splice(0..0, [page("/console"), page("/portal")]);
    });
    assert_dump(&envoy, &[], &[]);
    // In front of the server, but on the way to the other upstream.
    let (envoy, _socket) = control_with(with_pages(ALL), "api.sock", |all| {
        routes(all).retain(|route| route["match"]["path_separated_prefix"] != "/portal");
    });
    assert_dump(&envoy, &[("FAIL", "server")], &[]);
}
