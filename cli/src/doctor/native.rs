//! Checks a keyward that Envoy runs as a native module: where the module comes from, and what
//! happens to it.

use serde_json::Value;

use super::dump::{at, items};
use super::instance::Plugin;
use super::report::{Check, Level, Report};

pub(super) fn check(plugin: &Plugin<'_>, bootstrap: &Value, place: &str, report: &mut Report) {
    let module = at(plugin.plugin, "/dynamic_module_config");
    check_runtime(bootstrap, place, report);
    check_code(module, place, report);
    check_close(module, place, report);
    check_metrics(module, place, report);
}

/// Checks that this Envoy can run modules.
fn check_runtime(bootstrap: &Value, place: &str, report: &mut Report) {
    const CHECK: Check = Check::Runtime;
    let extensions = items(at(bootstrap, "/node/extensions"));
    if extensions.is_empty() {
        report.found(
            Level::Warn,
            CHECK,
            place,
            "the dump does not list this Envoy's extensions, so it may not run modules",
            "take the dump from `/config_dump` as it is",
        );
        return;
    }
    report.made(CHECK);
    let is_there = |extension: &Value| {
        at(extension, "/category") == "envoy.filters.http"
            && at(extension, "/name") == "envoy.extensions.filters.http.dynamic_modules"
            && at(extension, "/disabled") != true
    };
    if !extensions.iter().any(is_there) {
        report.found(
            Level::Fail,
            CHECK,
            place,
            "this Envoy has no `envoy.extensions.filters.http.dynamic_modules`: keyward does not run, and nothing passes",
            "run an Envoy of 1.39 or 1.40",
        );
    }
}

/// Checks the module's file. If Envoy does not have a module yet, or cannot have it, it leaves the
/// filter out of the chain.
fn check_code(module: &Value, place: &str, report: &mut Report) {
    const CHECK: Check = Check::Code;
    report.made(CHECK);
    if at(module, "/module/remote").is_object() {
        report.found(
            Level::Fail,
            CHECK,
            place,
            "its module is `remote`: until Envoy has fetched it, and where it cannot, the filter is left out and only the interlock denies",
            "put the file on this machine, and name it in `module.local.filename`",
        );
    }
}

/// Checks that Envoy keeps the module loaded. Otherwise it would unload the module with its last
/// configuration, and load it again with the next.
fn check_close(module: &Value, place: &str, report: &mut Report) {
    const CHECK: Check = Check::FailurePolicy;
    report.made(CHECK);
    if at(module, "/do_not_close").as_bool() != Some(true) {
        report.found(
            Level::Fail,
            CHECK,
            place,
            "without `do_not_close` Envoy may unload the module while it runs, and end",
            "set `do_not_close: true`",
        );
    }
}

fn check_metrics(module: &Value, place: &str, report: &mut Report) {
    let namespace = at(module, "/metrics_namespace").as_str().unwrap_or("");
    if namespace != "keyward" {
        report.found(
            Level::Note,
            Check::Stats,
            place,
            "its metrics are not named `envoy_keyward_…`, as alerts and dashboards expect",
            "set `metrics_namespace: keyward`",
        );
    }
}
