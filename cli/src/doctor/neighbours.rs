//! Checks the filters around keyward. Filters that are known to do no harm in their position are
//! listed here. Every other filter is reported, because its effect on a request cannot be judged
//! from here.

use serde_json::Value;

use super::dump::{Dump, at, collect};
use super::headers::Names;
use super::instance::Plugin;
use super::mutations::{self, Change, When};
use super::report::{Check, Level, Report};

/// The position of a filter in its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// Before keyward, which decides on the request that the filter passes on.
    Before,
    /// Between keyward and the last interlock.
    Between,
    /// Between the last interlock and the router.
    After,
}

/// What is known about a filter in its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Harmless,
    /// Harmless if it writes none of keyward's headers.
    ByHeaders,
    /// Another check examines it.
    Elsewhere,
    Bad(&'static str),
    Unknown,
}

const CACHE_BEFORE: &str = "a cache sends its own request to the upstream, past keyward and the interlock, and answers a stranger with what came back";
const CACHE_AFTER: &str = "a cache answers one account with what was fetched for another";
const INJECTED: &str = "it puts a credential on every request, so that a stranger needs none";

/// Judges a filter. `kind` is the folder of Envoy's API with the filter's message.
fn judge(kind: Option<&str>, position: Position) -> Verdict {
    use Position::{After, Before, Between};
    let Some(kind) = kind else {
        return Verdict::Unknown;
    };
    match (kind, position) {
        ("cache" | "cache_v2", Before) => Verdict::Bad(CACHE_BEFORE),
        ("cache" | "cache_v2", Between | After) => Verdict::Bad(CACHE_AFTER),
        ("credential_injector", Before) => Verdict::Bad(INJECTED),
        ("tap", _) => Verdict::Elsewhere,
        // They answer by themselves, delay, count or read. None of them sends the request anywhere.
        (
            "adaptive_concurrency"
            | "admission_control"
            | "alternate_protocols_cache"
            | "bandwidth_limit"
            | "bandwidth_share"
            | "body_size_limit"
            | "buffer"
            | "cdn_loop"
            | "compressor"
            | "cors"
            | "csrf"
            | "decompressor"
            | "fault"
            | "file_system_buffer"
            | "grpc_stats"
            | "health_check"
            | "json_to_metadata"
            | "original_src"
            | "rbac"
            | "rate_limit_quota"
            | "set_filter_state"
            | "set_metadata"
            | "stateful_session",
            _,
        ) => Verdict::Harmless,
        // Their configuration names the headers that they write.
        (
            "geoip" | "header_to_metadata" | "ip_tagging" | "jwt_authn" | "local_ratelimit"
            | "ratelimit",
            _,
        ) => Verdict::ByHeaders,
        // They change the form of a request, and keyward sees the result.
        ("connect_grpc_bridge" | "grpc_http1_bridge" | "grpc_web" | "on_demand", Before) => {
            Verdict::Harmless
        }
        ("header_mutation", Before) => Verdict::ByHeaders,
        _ => Verdict::Unknown,
    }
}

/// Checks every filter of a chain, except keyward and the interlocks, whose positions are `locks`.
pub(super) fn check(
    dump: &Dump,
    filters: &[Value],
    plugins: &[Plugin<'_>],
    locks: &[usize],
    place: &str,
    report: &mut Report,
) {
    report.made(Check::Neighbours);
    let names = Names::of(plugins);
    let first = plugins.iter().map(|plugin| plugin.index).min();
    let last = locks.iter().max();
    let end = filters.len().saturating_sub(1);
    for (index, filter) in filters.iter().enumerate() {
        let is_ours = plugins.iter().any(|plugin| plugin.index == index);
        if is_ours || locks.contains(&index) {
            continue;
        }
        if index == end {
            check_end(dump, filter, place, report);
            continue;
        }
        let position = if first.is_none_or(|first| index < first) {
            Position::Before
        } else if last.is_none_or(|last| index < *last) {
            Position::Between
        } else {
            Position::After
        };
        check_one(dump, filter, position, &names, place, report);
    }
}

/// Checks the last filter, which must be the router: there Envoy passes a request to the upstream.
fn check_end(dump: &Dump, filter: &Value, place: &str, report: &mut Report) {
    if kind(dump.typed(filter)) != Some("router") {
        report.found(
            Level::Warn,
            Check::Neighbours,
            place,
            format!("`{}` ends the chain, and is not Envoy's router: what it does with a request cannot be judged", name(filter)),
            "end the chain with `envoy.filters.http.router`",
        );
    }
}

fn check_one(
    dump: &Dump,
    filter: &Value,
    position: Position,
    names: &Names,
    place: &str,
    report: &mut Report,
) {
    const CHECK: Check = Check::Neighbours;
    let typed = dump.typed(filter);
    let kind = kind(typed);
    let name = name(filter);
    let place = &format!("{place}, `{name}`");
    let when = match position {
        Position::Before => When::Before,
        Position::Between | Position::After => When::After,
    };
    let mut changes = Vec::new();
    mutations::of(typed, &mut changes);
    changes.extend(named_elsewhere(kind, typed));
    mutations::judge(&changes, when, names, CHECK, place, report);
    match judge(kind, position) {
        Verdict::Harmless | Verdict::ByHeaders | Verdict::Elsewhere => {}
        Verdict::Bad(why) => report.found(Level::Fail, CHECK, place, why, "take it away"),
        // The `interlock` check reports every filter after the interlock.
        Verdict::Unknown if position == Position::After => {}
        Verdict::Unknown => {
            let what = match position {
                Position::Before => {
                    "it comes before keyward and is not known to do no harm there: it may answer, send the request elsewhere, or put a key on it"
                }
                Position::Between | Position::After => {
                    "it comes after keyward and is not known to do no harm there: the request that was decided about may not be the one that arrives"
                }
            };
            report.found(
                Level::Warn,
                CHECK,
                place,
                what,
                "take it away, or look at what it does; before keyward is the better place",
            );
        }
    }
}

/// Returns headers that a filter writes and names in a member other than `header`.
fn named_elsewhere<'a>(kind: Option<&str>, typed: &'a Value) -> Vec<Change<'a>> {
    let (members, change): (&[&str], fn(&'a str) -> Change<'a>) = match kind {
        Some("jwt_authn") => (&["forward_payload_header", "header_name"], Change::Write),
        Some("ip_tagging") => (&["header"], Change::Write),
        Some("geoip") => (
            &[
                "country",
                "city",
                "region",
                "asn",
                "is_anon",
                "anon",
                "anon_vpn",
                "anon_hosting",
                "anon_tor",
                "anon_proxy",
                "isp",
                "apple_private_relay",
            ],
            Change::Write,
        ),
        // `remove` in such a rule is a boolean.
        Some("header_to_metadata") => {
            let mut removing = Vec::new();
            collect(
                typed,
                &mut |rule| at(rule, "/remove") == true,
                &mut removing,
            );
            let names = removing
                .into_iter()
                .filter_map(|rule| at(rule, "/header").as_str());
            return names.map(Change::Remove).collect();
        }
        _ => return Vec::new(),
    };
    let mut owners = Vec::new();
    collect(typed, &mut Value::is_object, &mut owners);
    let named = owners.into_iter().flat_map(|owner| {
        members
            .iter()
            .filter_map(move |member| owner.get(*member)?.as_str())
    });
    named.map(change).collect()
}

/// Returns `buffer` for `type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer`.
pub(super) fn kind(typed: &Value) -> Option<&str> {
    let url = at(typed, "/@type").as_str()?;
    let (_, message) = url.rsplit_once('/')?;
    message
        .strip_prefix("envoy.extensions.filters.http.")?
        .split('.')
        .next()
}

fn name(filter: &Value) -> &str {
    at(filter, "/name").as_str().unwrap_or("")
}
