//! Checks the feed that a gateway follows: whether Envoy's cluster leads there, who can read the
//! traffic, and what interrupts long polls and partial downloads on the way.

mod names;
mod routes;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use crate::doctor::clusters::OPTIONS;
use crate::doctor::dump::{Dump, Manager, at, collect, is_of, items};
use crate::doctor::instance::{Host, Plugin};
use crate::doctor::mutations::{self, Change};
use crate::doctor::neighbours::kind;
use crate::doctor::report::{Check, Level, Report};
use crate::doctor::upstreams;
use keyward::configuration::Feed;

pub(super) use names::check_names;

const CHECK: Check = Check::Feed;

/// How much longer than `wait` a call for the head may take, with some room: 40 s in total if
/// `wait` is 25.
const BEYOND_WAIT: u64 = 15;

/// How many calls one VM makes at the same time, for the pieces of an object.
const CALLS: u64 = 4;

/// Envoy's default for a threshold.
const USUAL_THRESHOLD: u64 = 1024;

/// Checks the feed of one plugin, if it follows one.
pub(super) fn check(dump: &Dump, manager: &Manager<'_>, plugin: &Plugin<'_>, report: &mut Report) {
    let Some(feed) = of(plugin) else { return };
    report.made(CHECK);
    check_streams(manager, plugin, report);
    let place = format!("feed `{}`, cluster `{}`", feed.name, feed.cluster);
    let Some(cluster) = dump.cluster(&feed.cluster) else {
        report.found(
            Level::Warn,
            CHECK,
            &place,
            "this Envoy has no such cluster: the gateway follows nothing, and denies once `max_snapshot_age` is over",
            "add the cluster, or correct `feed.cluster`",
        );
        return;
    };
    if is_original_destination(cluster) {
        report.found(
            Level::Warn,
            CHECK,
            &place,
            "it is of type `ORIGINAL_DST`, and a call of the gateway's has no destination to go to: the gateway follows nothing",
            "make it `STRICT_DNS`, `STATIC` or EDS; in a ServiceEntry, `resolution: DNS`",
        );
    }
    check_transport(cluster, &place, report);
    check_filters(dump, cluster, &place, report);
    check_retries(cluster, &place, report);
    let least = Duration::from_secs(feed.wait.saturating_add(BEYOND_WAIT));
    check_stream_duration(cluster, least, &place, report);
    routes::check(dump, feed, least, report);
}

/// Checks that circuit breakers leave room for every VM. If the number of workers is unknown,
/// because a dump does not contain it, assumes one.
pub(super) fn check_room(
    dump: &Dump,
    plugins: &[Plugin<'_>],
    workers: Option<u64>,
    report: &mut Report,
) {
    let mut seen = BTreeSet::new();
    for plugin in plugins {
        let Some(feed) = of(plugin) else { continue };
        let Some(cluster) = dump.cluster(&feed.cluster) else {
            continue;
        };
        if !seen.insert((&*feed.cluster, &*feed.name)) {
            continue;
        }
        let vms = match plugin.host {
            Host::Wasm => workers.unwrap_or(1).saturating_add(1),
            Host::Native => 1,
        };
        // While code is being replaced, VMs with the old code also poll.
        let needed = vms.saturating_mul(CALLS).saturating_mul(2);
        let thresholds = at(cluster, "/circuit_breakers/thresholds");
        let of_hosts = at(cluster, "/circuit_breakers/per_host_thresholds");
        let is_usual = |threshold: &&Value| {
            let priority = at(threshold, "/priority").as_str();
            priority.is_none_or(|priority| priority == "DEFAULT")
        };
        let mut usual = items(thresholds).iter().filter(is_usual);
        let threshold = usual.next().unwrap_or(&Value::Null);
        let of_host = items(of_hosts).iter().find(is_usual);
        let place = format!("feed `{}`, cluster `{}`", feed.name, feed.cluster);
        let set = |owner: &Value, name: &str| owner.get(name).and_then(Value::as_u64);
        for (owner, name, otherwise) in [
            (Some(threshold), "max_connections", Some(USUAL_THRESHOLD)),
            (Some(threshold), "max_requests", Some(USUAL_THRESHOLD)),
            (of_host, "max_connections", None),
        ] {
            let found = owner.and_then(|owner| set(owner, name).or(otherwise));
            let Some(found) = found.filter(|found| *found < needed) else {
                continue;
            };
            report.found(
                Level::Warn,
                CHECK,
                &place,
                format!(
                    "its circuit breaker has `{name}` {found}, and {vms} VMs may need {needed}: each makes {CALLS} calls at once, and the old code's VMs run next to the new ones"
                ),
                "raise it in `circuit_breakers.thresholds`",
            );
        }
    }
}

fn of<'a>(plugin: &'a Plugin<'_>) -> Option<&'a Feed> {
    plugin.configuration()?.settings().feed.as_ref()
}

/// Checks for endless streams: a VM with other code does not know that it was replaced, so it
/// continues to poll until its last stream ends.
fn check_streams(manager: &Manager<'_>, plugin: &Plugin<'_>, report: &mut Report) {
    let idle = at(manager.value, "/stream_idle_timeout");
    let longest = at(
        manager.value,
        "/common_http_protocol_options/max_stream_duration",
    );
    let is_endless = duration(idle) == Some(Duration::ZERO) && longest.is_null();
    if plugin.host == Host::Wasm && is_endless {
        report.found(
            Level::Note,
            CHECK,
            &manager.place,
            "streams have no idle time-out: after a push of other code, the old VM goes on asking the feed until its last stream ends",
            "",
        );
    }
}

fn is_original_destination(cluster: &Value) -> bool {
    let kind = at(cluster, "/cluster_type/name").as_str().unwrap_or("");
    at(cluster, "/type") == "ORIGINAL_DST" || kind.contains("original_dst")
}

/// Checks that the feed is encrypted on the way. A signature hides nothing.
fn check_transport(cluster: &Value, place: &str, report: &mut Report) {
    const MEND: &str = "give the cluster a `transport_socket` with TLS that verifies the server";
    let own = at(cluster, "/transport_socket");
    let matches = items(at(cluster, "/transport_socket_matches"));
    let matched = matches.iter().map(|one| at(one, "/transport_socket"));
    let mut contexts = Vec::new();
    let mut is_plain = false;
    // Check each socket separately, because the feed may go through any of them.
    for socket in matched.chain((own.is_object() || matches.is_empty()).then_some(own)) {
        let before = contexts.len();
        let mut wanted = |value: &Value| {
            is_of(value, "UpstreamTlsContext") || is_of(value, "transport_sockets.alts.v3.Alts")
        };
        collect(socket, &mut wanted, &mut contexts);
        is_plain |= contexts.len() == before;
    }
    if is_plain {
        let addresses = upstreams::addresses(cluster);
        if addresses.is_empty() {
            report.found(
                Level::Warn,
                CHECK,
                place,
                "it is plain text, and the hosts are not known here: anyone who can read the traffic learns digests, accounts and grants",
                MEND,
            );
        }
        if let Some(other) = addresses.iter().find(|address| !is_here(address)) {
            report.found(
                Level::Warn,
                CHECK,
                place,
                format!("it is plain text to `{other}`: anyone who can read the traffic learns digests, accounts and grants"),
                MEND,
            );
        }
    }
    let of_tls = contexts
        .into_iter()
        .filter(|context| is_of(context, "UpstreamTlsContext"));
    if of_tls.into_iter().any(|context| !verifies(context)) {
        report.found(
            Level::Warn,
            CHECK,
            place,
            "its TLS does not verify the server's certificate: anyone in between can read the feed, and the credentials that the cluster adds",
            "set `validation_context.trusted_ca`, and `match_typed_subject_alt_names` or `auto_sni_san_validation`",
        );
    }
}

/// Whether a TLS client verifies the server. A context without anything to compare a certificate
/// with accepts every certificate.
fn verifies(context: &Value) -> bool {
    let common = at(context, "/common_tls_context");
    let is_by_discovery = [
        "/validation_context_sds_secret_config",
        "/combined_validation_context/validation_context_sds_secret_config",
    ]
    .iter()
    .any(|place| at(common, place).is_object());
    let own = [
        "/validation_context",
        "/combined_validation_context/default_validation_context",
    ];
    let own = own.map(|place| at(common, place));
    let accepts_all =
        |context: &&Value| at(context, "/trust_chain_verification") == "ACCEPT_UNTRUSTED";
    let holds = |context: &&Value| {
        [
            "trusted_ca",
            "system_root_certs",
            "ca_certificate_provider_instance",
            "verify_certificate_hash",
            "verify_certificate_spki",
        ]
        .iter()
        .any(|member| context.get(member).is_some())
    };
    (is_by_discovery || own.iter().any(holds)) && !own.iter().any(accepts_all)
}

/// Whether an address is on this machine.
fn is_here(address: &str) -> bool {
    if address.starts_with("pipe:") || address.starts_with("internal:") {
        return true;
    }
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host == "localhost" || host.parse().is_ok_and(|host: IpAddr| host.is_loopback())
}

/// Checks the cluster's own filters, through which the calls go.
fn check_filters(dump: &Dump, cluster: &Value, place: &str, report: &mut Report) {
    for filter in items(at(at(cluster, OPTIONS), "/http_filters")) {
        let name = at(filter, "/name").as_str().unwrap_or("");
        let place = format!("{place}, `{name}`");
        let typed = dump.typed(filter);
        match kind(typed) {
            Some(
                "upstream_codec" | "aws_request_signing" | "credential_injector"
                | "admission_control",
            ) => {}
            Some("compressor" | "decompressor") => report.found(
                Level::Warn,
                CHECK,
                &place,
                "it asks for, or makes, compressed answers: a server that compresses ignores `Range`, and the gateway takes no answer with a `content-encoding`",
                "take it away",
            ),
            Some("header_mutation") => {
                let mut changes = Vec::new();
                mutations::of(typed, &mut changes);
                for change in changes {
                    check_change(change, &place, report);
                }
            }
            _ => report.found(
                Level::Warn,
                CHECK,
                &place,
                "it is not known to leave the calls for the feed as they are",
                "take it away, or look at what it does to `Range`, `If-None-Match` and `Prefer`",
            ),
        }
    }
}

fn check_change(change: Change<'_>, place: &str, report: &mut Report) {
    let (name, removes) = match change {
        Change::Write(name) => (name, false),
        Change::Remove(name) | Change::RemoveWithKey(name) => (name, true),
        Change::Unknown => ("any", false),
    };
    let is_ours = ["range", "if-none-match", "prefer"]
        .iter()
        .any(|ours| name.eq_ignore_ascii_case(ours));
    let asks = name.eq_ignore_ascii_case("accept-encoding") && !removes;
    if is_ours || asks || change == Change::Unknown {
        report.found(
            Level::Warn,
            CHECK,
            place,
            format!("it changes `{name}`: the gateway asks for pieces by `Range`, for changes by `If-None-Match` and `Prefer`, and takes nothing that is compressed"),
            "take it away",
        );
    }
}

/// Checks that Envoy does not retry: the gateway retries calls itself, with its own pauses.
fn check_retries(cluster: &Value, place: &str, report: &mut Report) {
    if at(at(cluster, OPTIONS), "/retry_policy").is_object() {
        report.found(
            Level::Warn,
            CHECK,
            place,
            "it retries by itself: a source that fails is asked more than once a second",
            "take `retry_policy` away",
        );
    }
}

fn check_stream_duration(cluster: &Value, least: Duration, place: &str, report: &mut Report) {
    let options = at(cluster, OPTIONS);
    let longest = at(options, "/common_http_protocol_options/max_stream_duration");
    let is_short = |found: &Duration| !found.is_zero() && *found < least;
    if let Some(found) = duration(longest).filter(is_short) {
        report.found(
            Level::Warn,
            CHECK,
            place,
            format!(
                "its `max_stream_duration` of {} s ends calls that may take {} s",
                found.as_secs_f64(),
                least.as_secs()
            ),
            "raise it, or lower `feed.wait`",
        );
    }
}

/// Parses a `Duration` as JSON spells it: `15s`, `0.250s`.
fn duration(value: &Value) -> Option<Duration> {
    let seconds: f64 = value.as_str()?.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn durations_are_read_as_json_spells_them() {
        assert_eq!(duration(&json!("0.250s")), Some(Duration::from_millis(250)));
        assert_eq!(duration(&json!("0s")), Some(Duration::ZERO));
        for other in [json!("-1s"), json!("1"), json!(1), Value::Null] {
            assert_eq!(duration(&other), None, "{other}");
        }
    }

    #[test]
    fn this_machine_is_what_loopback_and_sockets_lead_to() {
        for here in [
            "127.0.0.1:80",
            "::1:80",
            "localhost:80",
            "pipe:/run/a",
            "internal:a",
        ] {
            assert!(is_here(here), "{here}");
        }
        for other in ["10.0.0.1:80", "feed.example:443", "::2:80"] {
            assert!(!is_here(other), "{other}");
        }
    }
}
