//! Every route by callers who bypass the gateway: with no principal, with a forged one, without the
//! gateway's secret, as another user, and over TCP.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use keyward_server::routes::{ROUTES, Route};
use serde_json::{Value, json};

use super::{Objects, body_of, fresh};
use crate::refused::{principal, tcp_sockets};
use crate::world::{World, straight};

/// The id of a user as which none of the test's processes runs.
const ANOTHER_USER: u32 = 12_345;

/// The headers that a request needs.
struct Heads {
    /// The secret that Envoy sends.
    secret: String,
    /// The id of the first key, which may do everything.
    first: String,
}

impl Heads {
    fn of(world: &World) -> Self {
        let list = world.api("GET", "/v2/iam/api_keys?owner=acct_operator", None);
        let first = &list.json()["data"][0]["id"];
        Self {
            secret: world.gateway_secret(),
            first: first.as_str().unwrap().to_owned(),
        }
    }

    /// Returns the principal that keyward writes for this route.
    fn principal(&self, route: &Route, key: &str) -> String {
        let names = route.asked.names();
        principal(key, names.first().unwrap(), route.level.name())
    }
}

pub(super) fn no_way_around_the_gateway_is_believed(world: &World, objects: &Objects) {
    let heads = Heads::of(world);
    let mut cells = 0;
    for route in ROUTES {
        cells += by_the_socket(world, objects, &heads, route);
        by_tcp(world, objects, &heads, route);
    }
    assert_eq!(cells, 6 * ROUTES.len());
    // Over TCP, only the gateway can be reached.
    match tcp_sockets(world.server.id()) {
        Some(rows) => assert!(rows.is_empty(), "{rows:?}"),
        None => eprintln!("skipped: this machine does not show the sockets of a process"),
    }
    as_another_user(world, objects, &heads);
}

/// Sends requests as the user of Envoy, directly to the socket. Returns the number of combinations.
fn by_the_socket(world: &World, objects: &Objects, heads: &Heads, route: &Route) -> usize {
    let socket = world.data().join("run/api.sock");
    let (good, gone) = (
        heads.principal(route, &heads.first),
        heads.principal(route, "mk_none"),
    );
    let other = heads
        .principal(route, &heads.first)
        .replace("permission=\"", "permission=\"no_");
    let secret = ("x-keyward-gateway", heads.secret.as_str());
    let wrong = heads.secret.replace(heads.secret.split_at(1).0, "-");
    let name = "x-keyward-principal";
    let strangers: [(&str, Vec<(&str, &str)>); 6] = [
        ("nothing", vec![]),
        ("the secret and no principal", vec![secret]),
        ("a principal and no secret", vec![(name, &good)]),
        (
            "a principal and another secret",
            vec![(name, &good), ("x-keyward-gateway", &wrong)],
        ),
        ("a key that is not there", vec![(name, &gone), secret]),
        ("another permission", vec![(name, &other), secret]),
    ];
    let path = objects.path(route);
    if route.template.contains("api_keys/{id}") {
        fresh(world);
    }
    let ask = |head: &[(&str, &str)]| {
        let body = body_of(route);
        straight(&socket, route.method.name(), &path, head, body.as_ref())
    };
    let count = strangers.len();
    for (with, head) in strangers {
        let (status, body) = ask(&head);
        let place = format!("{} {path} with {with}", route.method.name());
        assert_refused(status, &body, &place);
    }
    // A good request passes, so each of the others was rejected for its own reason.
    let (status, body) = ask(&[(name, &good), secret]);
    assert_ne!(status, 401, "{path}: {body}");
    count
}

/// Sends requests over TCP, where the gateway receives them and these headers are a client's own.
fn by_tcp(world: &World, objects: &Objects, heads: &Heads, route: &Route) {
    let path = objects.path(route);
    let good = heads.principal(route, &heads.first);
    let body = body_of(route).map(|body| body.to_string());
    let body = body.unwrap_or_default();
    let length = body.len().to_string();
    let headers = [
        ("x-keyward-principal", good.as_str()),
        ("x-keyward-gateway", &heads.secret),
        ("content-type", "application/json"),
        ("content-length", &length),
    ];
    let denied = keyward_harness::http::request(
        world.gateway,
        route.method.name(),
        &path,
        &headers,
        body.as_bytes(),
    );
    assert_eq!(
        denied.header("x-keyward-denied"),
        Some("missing_credential"),
        "{} {path}",
        route.method.name()
    );
}

/// Sends requests with the right principal and the right secret to a socket that someone left open.
fn as_another_user(world: &World, objects: &Objects, heads: &Heads) {
    if Command::new("true").uid(ANOTHER_USER).status().is_err() {
        eprintln!("skipped: a caller of another user needs root, to become one");
        return;
    }
    let (data, run) = (world.data(), world.data().join("run"));
    for (path, mode) in [
        (data.as_path(), 0o755),
        (run.as_path(), 0o755),
        (&run.join("api.sock"), 0o666),
    ] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    for route in ROUTES {
        let path = objects.path(route);
        let Some((status, body)) = asked_as_another(&run.join("api.sock"), route, &path, heads)
        else {
            eprintln!("skipped: a folder above the test's own is closed to other users");
            break;
        };
        let place = format!("{} {path} as another user", route.method.name());
        assert_refused(status, &body, &place);
    }
    fs::set_permissions(data, fs::Permissions::from_mode(0o700)).unwrap();
}

fn asked_as_another(
    socket: &Path,
    route: &Route,
    path: &str,
    heads: &Heads,
) -> Option<(u16, Value)> {
    let principal = heads.principal(route, &heads.first);
    let mut curl = Command::new("curl");
    curl.args(["-q", "-sS", "--max-time", "10", "-X", route.method.name()])
        .arg("--unix-socket")
        .arg(socket)
        .args(["-w", "\n%{http_code}"])
        .args(["-H", &format!("x-keyward-gateway: {}", heads.secret)])
        .args(["-H", &format!("x-keyward-principal: {principal}")])
        .args(["-H", "content-type: application/json"])
        .arg(format!("http://localhost{path}"))
        .uid(ANOTHER_USER)
        .gid(ANOTHER_USER);
    if let Some(body) = body_of(route) {
        curl.args(["-d", &body.to_string()]);
    }
    let output = curl.output().unwrap();
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    Some((
        status.parse().unwrap(),
        serde_json::from_str(body).unwrap_or_default(),
    ))
}

#[track_caller]
fn assert_refused(status: u16, body: &Value, place: &str) {
    assert_eq!(
        (status, &body["error"]["code"]),
        (401, &json!("not_through_gateway")),
        "{place}"
    );
}
