//! Checks the routes to a feed if it is reached through a listener of this Envoy. They may end
//! calls that take too long.

use std::time::Duration;

use serde_json::Value;

use super::{CHECK, duration};
use crate::doctor::dump::{Dump, at, items};
use crate::doctor::exits::Exits;
use crate::doctor::report::{Level, Report};
use crate::doctor::upstreams::Upstreams;
use keyward::configuration::Feed;

/// Envoy's default timeout of a route.
const USUAL_TIMEOUT: Duration = Duration::from_secs(15);

/// Checks the routes of a listener of this Envoy to which the cluster may lead. They have their own
/// timeouts.
pub(super) fn check(dump: &Dump, feed: &Feed, least: Duration, report: &mut Report) {
    let mut leads = Upstreams::default();
    let exits = Exits {
        clusters: [&*feed.cluster].into(),
        ..Exits::default()
    };
    leads.add(dump, &exits);
    let managers = dump.managers();
    let head = format!("{}/head", feed.path);
    for manager in managers
        .iter()
        .filter(|manager| leads.is_at(manager.listener))
    {
        for routes in dump.routes(manager).into_iter().flatten() {
            for host in items(at(routes, "/virtual_hosts")) {
                check_host(host, &head, least, &manager.place, report);
            }
        }
    }
}

fn check_host(host: &Value, head: &str, least: Duration, place: &str, report: &mut Report) {
    for route in items(at(host, "/routes")) {
        let matches = matches(at(route, "/match"), head);
        let action = at(route, "/route");
        if matches != Some(false) && action.is_object() {
            let timeout = duration(at(action, "/timeout")).unwrap_or(USUAL_TIMEOUT);
            if !timeout.is_zero() && timeout < least {
                report.found(
                    Level::Warn,
                    CHECK,
                    &format!(
                        "{place}, virtual host `{}`",
                        at(host, "/name").as_str().unwrap_or("")
                    ),
                    format!(
                        "a route to the feed ends calls after {} s, and they may take {} s: long polls break off, and the gateway takes the feed for unreachable",
                        timeout.as_secs_f64(),
                        least.as_secs()
                    ),
                    "set the route's `timeout`, or lower `feed.wait`",
                );
            }
        }
        if matches == Some(true) {
            break;
        }
    }
}

/// Whether a route matches this path. `None` if that depends on more than the path.
fn matches(by: &Value, path: &str) -> Option<bool> {
    let depends = by.get("headers").is_some() || by.get("query_parameters").is_some();
    let takes = match (
        at(by, "/prefix").as_str(),
        at(by, "/path").as_str(),
        at(by, "/path_separated_prefix").as_str(),
    ) {
        (Some(prefix), _, _) => path.starts_with(prefix),
        (_, Some(exact), _) => path == exact,
        (_, _, Some(prefix)) => path
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        (None, None, None) => return None,
    };
    match (takes, depends) {
        (true, true) => None,
        (takes, _) => Some(takes),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_route_takes_a_path_by_its_prefix_or_as_a_whole() {
        for (by, expected) in [
            (json!({"prefix": "/"}), Some(true)),
            (json!({"prefix": "/feeds/test"}), Some(false)),
            (json!({"path": "/feeds/prod/head"}), Some(true)),
            (json!({"path_separated_prefix": "/feeds/prod"}), Some(true)),
            (json!({"path_separated_prefix": "/feeds/pro"}), Some(false)),
            (json!({"safe_regex": {"regex": ".*"}}), None),
            (json!({"prefix": "/", "headers": []}), None),
        ] {
            assert_eq!(matches(&by, "/feeds/prod/head"), expected, "{by}");
        }
    }
}
