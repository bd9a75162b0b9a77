//! Checks the keyward-server that this Envoy leads to: whether keyward and the interlock are on
//! every way to its socket, and whether another gateway serves its pages or its API.

use std::collections::{BTreeMap, BTreeSet};

use keyward::endpoint::{EndpointCatalogue, Method, PlainPath, Row};
use serde_json::Value;

use super::chain;
use super::dump::{Dump, Manager, at, collect, items};
use super::exits::Exits;
use super::instance::Plugin;
use super::report::{Check, Level, Report};
use super::routes::only_enables;

const CHECK: Check = Check::Server;
const MEND: &str =
    "put keyward and its interlock on every way to the server, as envoy/control.yaml has them";

/// The file name of the server's socket, as `keyward-server init` sets it.
const SOCKET: &str = "api.sock";

/// The header with the secret that identifies the gateway to the server.
const SECRET: &str = "x-keyward-gateway";

/// The prefixes of the server's API and of its pages.
const API: [&str; 2] = ["/v2/iam", "/v2/keyward"];
const PAGES: [&str; 2] = ["/console", "/portal"];

/// The clusters that lead to the server, with the path of the socket.
#[derive(Debug)]
pub(super) struct Sockets<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Sockets<'a> {
    /// Finds clusters whose Unix socket has the server's name. Without any, finds those whose Unix
    /// socket receives the server's secret.
    pub(super) fn of(dump: &'a Dump) -> Self {
        let named = Self::at(dump, |_, path| path.rsplit('/').next() == Some(SOCKET));
        if !named.0.is_empty() {
            return named;
        }
        let mut told = BTreeSet::new();
        for manager in dump.managers() {
            for routes in dump.routes(&manager).into_iter().flatten() {
                let sends = ways(routes).into_iter().filter(Way::sends_secret);
                told.extend(sends.filter_map(|way| way.cluster));
            }
        }
        Self::at(dump, |cluster, _| told.contains(cluster))
    }

    fn at(dump: &'a Dump, is_server: impl Fn(&str, &str) -> bool) -> Self {
        let socket = |cluster: &'a Value| {
            let name = at(cluster, "/name").as_str()?;
            let path = pipes(cluster).find(|path| is_server(name, path))?;
            Some((name, path))
        };
        Self(dump.clusters().filter_map(socket).collect())
    }

    /// Returns the paths of the sockets, each once.
    pub(super) fn paths(&self) -> BTreeSet<&'a str> {
        self.0.values().copied().collect()
    }

    fn are_reached_by(&self, way: &Way<'_>) -> bool {
        way.cluster.is_some_and(|name| self.0.contains_key(name))
    }
}

fn pipes(cluster: &Value) -> impl Iterator<Item = &str> {
    items(at(cluster, "/load_assignment/endpoints"))
        .iter()
        .flat_map(|locality| items(at(locality, "/lb_endpoints")))
        .filter_map(|endpoint| at(endpoint, "/endpoint/address/pipe/path").as_str())
}

/// A route to one cluster.
struct Way<'a> {
    /// The objects that set its filters and headers: route configuration, virtual host, route,
    /// weighted cluster.
    owners: Vec<&'a Value>,
    matched: &'a Value,
    /// `None` if a request or a plugin names the cluster.
    cluster: Option<&'a str>,
}

impl Way<'_> {
    fn sends_secret(&self) -> bool {
        let added = self
            .owners
            .iter()
            .flat_map(|owner| items(at(owner, "/request_headers_to_add")));
        let mut names = added.filter_map(|header| at(header, "/header/key").as_str());
        names.any(|name| name.eq_ignore_ascii_case(SECRET))
    }

    /// Returns the start of the paths that match, as far as the route states it.
    fn path(&self) -> &str {
        let said = [
            "/prefix",
            "/path",
            "/path_separated_prefix",
            "/safe_regex/regex",
            "/path_match_policy/typed_config/path_template",
        ];
        let path = said
            .iter()
            .find_map(|member| at(self.matched, member).as_str());
        path.map_or("", |path| path.trim_start_matches('^'))
    }

    fn is_below(&self, root: &str) -> bool {
        let rest = self.path().strip_prefix(root);
        rest.is_some_and(|rest| {
            !rest
                .starts_with(|next: char| next.is_ascii_alphanumeric() || matches!(next, '-' | '_'))
        })
    }
}

fn ways(routes: &Value) -> Vec<Way<'_>> {
    let mut found = Vec::new();
    for host in items(at(routes, "/virtual_hosts")) {
        let mut below = Vec::new();
        collect(
            host,
            &mut |value| at(value, "/route").is_object(),
            &mut below,
        );
        for route in below {
            let (action, matched) = (at(route, "/route"), at(route, "/match"));
            let shares = items(at(action, "/weighted_clusters/clusters"));
            found.extend(shares.iter().map(|share| Way {
                owners: vec![routes, host, route, share],
                matched,
                cluster: at(share, "/name").as_str(),
            }));
            if shares.is_empty() {
                let cluster = at(action, "/cluster").as_str();
                found.push(Way {
                    owners: vec![routes, host, route],
                    matched,
                    cluster,
                });
            }
        }
    }
    found
}

/// Checks a chain that contains keyward or an interlock. `locks` are the names of its interlocks.
pub(super) fn check(
    dump: &Dump,
    manager: &Manager<'_>,
    plugins: &[Plugin<'_>],
    locks: &[String],
    sockets: &Sockets<'_>,
    report: &mut Report,
) {
    report.made(CHECK);
    let all: Vec<Way<'_>> = dump
        .routes(manager)
        .into_iter()
        .flatten()
        .flat_map(ways)
        .collect();
    let (inside, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|way| sockets.are_reached_by(way));
    if !inside.is_empty() {
        check_guard(dump, manager, report);
        check_versions(plugins, manager, report);
    }
    for way in &inside {
        check_overrides(way, plugins, locks, &manager.place, report);
    }
    for way in &others {
        check_elsewhere(way, &manager.place, report);
    }
    for plugin in plugins {
        check_pages(plugin, &inside, &manager.place, report);
    }
}

/// Checks a way in without keyward, such as another listener or a TCP proxy.
pub(super) fn check_open(
    place: &str,
    exits: &Exits<'_>,
    sockets: &Sockets<'_>,
    report: &mut Report,
) {
    for (name, path) in &sockets.0 {
        if exits.clusters.contains(name) {
            report.found(
                Level::Fail,
                CHECK,
                place,
                format!("it leads to `{name}`, which is the server's socket `{path}`, and keyward is not in its chain: a client writes `X-Keyward-Principal` itself, and with the gateway's secret, which a route may add, speaks for any key"),
                MEND,
            );
        } else if let Some(why) = exits.unknown.first() {
            report.found(
                Level::Warn,
                CHECK,
                place,
                format!("{why}, and keyward is not in its chain: it may lead to `{name}`, which is the server's socket `{path}`"),
                MEND,
            );
        }
    }
}

fn check_guard(dump: &Dump, manager: &Manager<'_>, report: &mut Report) {
    let mut open = |filters: &[Value], what: &str| {
        if !chain::is_guarded(dump, filters) {
            report.found(
                Level::Fail,
                CHECK,
                &manager.place,
                format!("{what} leads to the server's socket without keyward and its interlock directly before the router: where keyward does not run, a client writes `X-Keyward-Principal` itself"),
                MEND,
            );
        }
    };
    open(manager.filters(), "it");
    for upgrade in items(at(manager.value, "/upgrade_configs")) {
        let filters = items(at(upgrade, "/filters"));
        if !filters.is_empty() {
            let kind = at(upgrade, "/upgrade_type").as_str().unwrap_or("");
            open(filters, &format!("its upgrade `{kind}`"));
        }
    }
}

/// Checks that the snapshot of a management gateway lists no versions, as an edge gateway's does.
fn check_versions(plugins: &[Plugin<'_>], manager: &Manager<'_>, report: &mut Report) {
    const NO_VERSION: &str = "no version";
    let mut snapshots = plugins
        .iter()
        .filter_map(|plugin| plugin.configuration()?.snapshot());
    if snapshots.any(|snapshot| !snapshot.serves_version(NO_VERSION)) {
        report.found(
            Level::Warn,
            CHECK,
            &manager.place,
            "it leads to the server's socket, and its snapshot lists `api_versions`, as an edge gateway's does: a preview version that Stripe's SDK names for the server's API is refused unless it is listed",
            "publish to it with `group = \"control\"`, and lead no edge gateway to the server",
        );
    }
}

fn check_overrides(
    way: &Way<'_>,
    plugins: &[Plugin<'_>],
    locks: &[String],
    place: &str,
    report: &mut Report,
) {
    let ours = plugins.iter().map(|plugin| plugin.name);
    for name in ours.chain(locks.iter().map(String::as_str)) {
        let is_replaced = |owner: &&Value| {
            let owned = at(owner, "/typed_per_filter_config").get(name);
            owned.is_some_and(|one| !only_enables(one))
        };
        if way.owners.iter().any(is_replaced) {
            report.found(
                Level::Fail,
                CHECK,
                place,
                format!("the route {} leads to the server's socket, and a `typed_per_filter_config` replaces `{name}` there or switches it off: a client may write `X-Keyward-Principal` itself", way.matched),
                MEND,
            );
        }
    }
}

/// Checks for the server's API or its secret on a route that does not lead to the server.
fn check_elsewhere(way: &Way<'_>, place: &str, report: &mut Report) {
    let cluster = way.cluster.unwrap_or("a cluster that the request names");
    if API.iter().any(|root| way.is_below(root)) {
        report.found(
            Level::Warn,
            CHECK,
            place,
            format!("the route `{}` leads the server's API to `{cluster}`, which is not the server's socket: keys are made and ended through the management gateway, and this is an edge gateway", way.path()),
            "take the route away, or lead it to the server's socket as envoy/control.yaml does",
        );
    }
    if way.sends_secret() {
        report.found(
            Level::Fail,
            CHECK,
            place,
            format!("the route {} sends `{SECRET}` to `{cluster}`, which is not the server's socket: that upstream learns the secret that identifies the gateway to the server", way.matched),
            "set the header on the routes to the server only",
        );
    }
}

/// Checks for rows that serve the server's pages without a key, on a gateway that does not lead to
/// the server.
fn check_pages(plugin: &Plugin<'_>, inside: &[Way<'_>], place: &str, report: &mut Report) {
    let snapshot = plugin.configuration().and_then(|read| read.snapshot());
    let Some(endpoints) = snapshot.map(|snapshot| snapshot.endpoints()) else {
        return;
    };
    let is_open = |root: &&str| is_page(endpoints, root);
    let is_led = |root: &str| inside.iter().any(|way| way.is_below(root));
    let open: Vec<&str> = PAGES.into_iter().filter(is_open).collect();
    // If there is only one, it may be a page of the API itself.
    let level = if open.len() == PAGES.len() {
        Level::Fail
    } else {
        Level::Warn
    };
    for root in open.into_iter().filter(|root| !is_led(root)) {
        report.found(
            level,
            CHECK,
            place,
            format!("the snapshot of `{}` has `{root}` without a key (`\"auth\": \"none\"`), a page of the server, and no route leads that to the server's socket: on an edge gateway a stranger reaches the upstream by it", plugin.name),
            "take the row away; the pages belong to the management gateway only",
        );
    }
}

/// Whether a page, or a path below it, needs no key because of a row that does not also match other
/// paths.
fn is_page(endpoints: &EndpointCatalogue, root: &str) -> bool {
    ["", "/keyward-doctor"].into_iter().any(|below| {
        [Method::Get, Method::Post].into_iter().any(|method| {
            let page = public(endpoints, method, &format!("{root}{below}"));
            page.is_some() && page != public(endpoints, method, &format!("/keyward-doctor{below}"))
        })
    })
}

fn public(endpoints: &EndpointCatalogue, method: Method, path: &str) -> Option<Row> {
    let found = endpoints.find(method, PlainPath::parse(path.as_bytes())?)?;
    found.is_public().then_some(found.row)
}
