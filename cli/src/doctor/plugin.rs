//! Checks the plugin itself: what happens to a worker whose VM fails, what is served before the
//! first push, and keyward's configuration.

use serde_json::Value;

use super::dump::{at, items};
use super::instance::{Held, Host, Plugin};
use super::native;
use crate::borrowed;

use super::report::{Check, Level, Report};
use keyward::configuration::Configuration;
use keyward::snapshot::Enforcement;

pub(super) fn check(plugin: &Plugin<'_>, bootstrap: &Value, place: &str, report: &mut Report) {
    let place = &format!("{place}, `{}`", plugin.name);
    match plugin.host {
        Host::Wasm => {
            check_runtime(plugin, bootstrap, place, report);
            check_failure(plugin, place, report);
            check_code(plugin, place, report);
        }
        Host::Native => native::check(plugin, bootstrap, place, report),
    }
    check_discovery(plugin, place, report);
    match &plugin.held {
        // It serves no snapshot, and lets no request pass.
        Held::Read { .. } if plugin.only_reports() => report.made(Check::Configuration),
        Held::Read { configuration, .. } => check_settings(configuration, place, report),
        Held::Unread => report.found(
            Level::Warn,
            Check::Configuration,
            place,
            "keyward's own configuration is not looked at: it is neither a `StringValue` nor a `BytesValue`",
            "push it as one of these",
        ),
        Held::Refused(why) => report.found(
            Level::Warn,
            Check::Configuration,
            place,
            format!("what Envoy was given last is refused by this version of keyward ({why}); an older one is served, or none"),
            "look for `configuration refused` in Envoy's log, and push a good one",
        ),
    }
}

/// Checks that this Envoy can run the module.
fn check_runtime(plugin: &Plugin<'_>, bootstrap: &Value, place: &str, report: &mut Report) {
    const CHECK: Check = Check::Runtime;
    let wanted = at(plugin.plugin, "/vm_config/runtime")
        .as_str()
        .filter(|name| !name.is_empty());
    let wanted = wanted.unwrap_or("envoy.wasm.runtime.v8");
    let extensions = items(at(bootstrap, "/node/extensions"));
    if extensions.is_empty() {
        report.found(
            Level::Warn,
            CHECK,
            place,
            "the dump does not list this Envoy's extensions, so it may not run wasm",
            "take the dump from `/config_dump` as it is",
        );
        return;
    }
    report.made(CHECK);
    let is_there = |extension: &Value| {
        at(extension, "/category") == "envoy.wasm.runtime"
            && at(extension, "/name") == wanted
            && at(extension, "/disabled") != true
    };
    if !extensions.iter().any(is_there) {
        report.found(
            Level::Fail,
            CHECK,
            place,
            format!("this Envoy has no `{wanted}`: keyward does not run, and nothing passes"),
            "run an Envoy with V8, such as the one of func-e",
        );
    }
}

fn check_failure(plugin: &Plugin<'_>, place: &str, report: &mut Report) {
    const CHECK: Check = Check::FailurePolicy;
    const MEND: &str = "set `failure_policy: FAIL_RELOAD`";
    report.made(CHECK);
    let is_open = at(plugin.plugin, "/fail_open").as_bool() == Some(true);
    match at(plugin.plugin, "/failure_policy").as_str() {
        _ if is_open => report.found(
            Level::Fail,
            CHECK,
            place,
            "`fail_open` lets everything pass while a worker's VM is broken",
            MEND,
        ),
        Some("FAIL_OPEN") => report.found(
            Level::Fail,
            CHECK,
            place,
            "`FAIL_OPEN` lets everything pass while a worker's VM is broken",
            MEND,
        ),
        Some("FAIL_RELOAD") => {}
        _ => {
            let read = plugin.configuration();
            let follows = read.is_some_and(|read| read.settings().feed.is_some());
            let what = match follows {
                true => {
                    "a worker whose VM trapped answers 503 until the next push, and a feed is followed so that there is seldom one"
                }
                false => "a worker whose VM trapped answers 503 until the next push",
            };
            report.found(Level::Warn, CHECK, place, what, MEND);
        }
    }
}

/// Checks where the module comes from.
fn check_code(plugin: &Plugin<'_>, place: &str, report: &mut Report) {
    const CHECK: Check = Check::Code;
    report.made(CHECK);
    let vm = at(plugin.plugin, "/vm_config");
    let refuses = at(vm, "/nack_on_code_cache_miss").as_bool() == Some(true);
    if at(vm, "/code/remote").is_object() && !refuses {
        report.found(
            Level::Warn,
            CHECK,
            place,
            "a push that names a module which Envoy has yet to fetch ends the old filter, and the new one is skipped until it is there",
            "set `nack_on_code_cache_miss: true`, and push again",
        );
    }
}

fn check_discovery(plugin: &Plugin<'_>, place: &str, report: &mut Report) {
    const CHECK: Check = Check::Discovery;
    report.made(CHECK);
    if !plugin.has_default && !plugin.is_discovered {
        report.found(
            Level::Fail,
            CHECK,
            place,
            "nothing was taken yet and there is no `default_config`: every request is answered with a plain 500",
            "look for `rejected` in Envoy's log, and give it a default without a snapshot, as envoy/bootstrap.yaml does",
        );
        return;
    }
    if !plugin.has_default {
        report.found(
            Level::Warn,
            CHECK,
            place,
            "without a `default_config` everything is a plain 500 until the first good push",
            "give it a default without a snapshot, as envoy/bootstrap.yaml does",
        );
    }
    if !plugin.is_discovered {
        report.found(
            Level::Warn,
            CHECK,
            place,
            "no pushed configuration was taken yet; the default is served",
            "look for `configuration refused` in Envoy's log",
        );
    }
}

fn check_settings(configuration: &Configuration, place: &str, report: &mut Report) {
    const CHECK: Check = Check::Configuration;
    report.made(CHECK);
    let settings = configuration.settings();
    if settings.enforcement == Enforcement::Shadow {
        report.found(
            Level::Warn,
            CHECK,
            place,
            "`enforcement` is `shadow`: verdicts are counted and logged, and no request is denied",
            "take it away when the counts are as they should be",
        );
    }
    if configuration.snapshot().is_none() && settings.feed.is_none() {
        report.found(
            Level::Warn,
            CHECK,
            place,
            "there is no snapshot: keyward answers every request with 503",
            "push one",
        );
    }
    if let Some(text) = borrowed::told(configuration) {
        report.found(Level::Warn, CHECK, place, text, "see docs/your-own-api.md");
    }
    if settings.max_snapshot_age.is_none() {
        report.found(
            Level::Note,
            CHECK,
            place,
            "`max_snapshot_age` is off: if pushes stop arriving, revoked keys go on",
            "",
        );
    }
}
