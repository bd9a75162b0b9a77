//! The plugin itself: what becomes of a worker whose VM fails, what is served before the first push, and what keyward was told to do.

use super::dump::{Held, Plugin, at};
use super::report::{Level, Report};
use crate::configuration::Configuration;
use crate::snapshot::Enforcement;

pub(super) fn check(plugin: &Plugin<'_>, place: &str, report: &mut Report) {
    let place = &format!("{place}, `{}`", plugin.name);
    check_failure(plugin, place, report);
    check_code(plugin, place, report);
    check_discovery(plugin, place, report);
    match &plugin.held {
        Held::Read { configuration, .. } => check_settings(configuration, place, report),
        Held::Unread => report.found(
            Level::Note,
            "configuration",
            place,
            "keyward's own configuration is not looked at: it is no `StringValue`",
            "",
        ),
        Held::Refused => report.found(
            Level::Warn,
            "configuration",
            place,
            "what Envoy was given last is refused by this version of keyward; an older one is served, or none",
            "look for `configuration refused` in Envoy's log, and push a good one",
        ),
    }
}

fn check_failure(plugin: &Plugin<'_>, place: &str, report: &mut Report) {
    const CHECK: &str = "failure-policy";
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
        _ => report.found(
            Level::Warn,
            CHECK,
            place,
            "a worker whose VM trapped answers 503 until the next push",
            MEND,
        ),
    }
}

/// Where the module comes from.
fn check_code(plugin: &Plugin<'_>, place: &str, report: &mut Report) {
    const CHECK: &str = "code";
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
    const CHECK: &str = "discovery";
    report.made(CHECK);
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
    const CHECK: &str = "configuration";
    report.made(CHECK);
    let settings = configuration.settings();
    if settings.enforcement == Enforcement::Shadow {
        report.found(
            Level::Warn,
            CHECK,
            place,
            "`enforcement` is `shadow`: verdicts are counted and logged, and nobody is denied",
            "take it away when the counts are as they should be",
        );
    }
    if configuration.snapshot().is_none() {
        report.found(
            Level::Warn,
            CHECK,
            place,
            "there is no snapshot: everything is answered with 503",
            "push one",
        );
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
