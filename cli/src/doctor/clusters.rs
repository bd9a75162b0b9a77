//! Checks what happens to a request in its last step, in its cluster. Filters there run after
//! everything else, and for each retry.

use serde_json::Value;

use super::dump::{Dump, Manager, at, items};
use super::headers::Names;
use super::instance::Plugin;
use super::mutations::{self, When};
use super::neighbours::kind;
use super::report::{Check, Level, Report};

const CHECK: Check = Check::Clusters;
pub(super) const OPTIONS: &str =
    "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// Checks the clusters of a guarded chain, and the filters that its router runs for all of them.
pub(super) fn check<'a>(
    dump: &Dump,
    manager: &Manager<'_>,
    plugins: &[Plugin<'_>],
    clusters: impl Iterator<Item = &'a str>,
    report: &mut Report,
) {
    report.made(CHECK);
    let names = Names::of(plugins);
    let router = manager.filters().last().unwrap_or(&Value::Null);
    let of_router = items(at(router, "/typed_config/upstream_http_filters"));
    check_filters(
        dump,
        of_router,
        &names,
        &format!("{}, router", manager.place),
        report,
    );
    for name in clusters {
        let place = format!("cluster `{name}`");
        let Some(cluster) = dump.cluster(name) else {
            report.found(
                Level::Warn,
                CHECK,
                &place,
                format!("{} leads to it, and it is not in the dump", manager.place),
                "ask again once Envoy has it",
            );
            continue;
        };
        // In a pointer, slashes must be escaped; these names have none.
        let filters = items(at(at(cluster, OPTIONS), "/http_filters"));
        check_filters(dump, filters, &names, &place, report);
        if at(cluster, "/original_dst_lb_config/use_http_header") == true {
            report.found(
                Level::Warn,
                CHECK,
                &place,
                "a header of the request names the address that it goes to",
                "take `use_http_header` away",
            );
        }
    }
}

fn check_filters(dump: &Dump, filters: &[Value], names: &Names, place: &str, report: &mut Report) {
    for filter in filters {
        let name = at(filter, "/name").as_str().unwrap_or("");
        let place = format!("{place}, `{name}`");
        let typed = dump.typed(filter);
        let mut changes = Vec::new();
        mutations::of(typed, &mut changes);
        match kind(typed) {
            Some(
                "upstream_codec" | "buffer" | "admission_control" | "body_size_limit" | "compressor" | "rbac"
                | "header_mutation",
            ) => {}
            // In an egress gateway, the upstream's own credential replaces the client's.
            Some("credential_injector") => {
                let credential = at(typed, "/credential/typed_config");
                let written = at(credential, "/header").as_str().unwrap_or("authorization");
                if !written.eq_ignore_ascii_case("authorization") {
                    changes.push(mutations::Change::Write(written));
                }
            }
            _ => report.found(
                Level::Warn,
                CHECK,
                &place,
                "it runs after the interlock, and is not known to do no harm there: the request that was decided about may not be the one that arrives",
                "take it away, or look at what it does; before keyward is the better place",
            ),
        }
        mutations::judge(&changes, When::After, names, CHECK, &place, report);
    }
}
