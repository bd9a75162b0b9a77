//! Checks for taps: Envoy's filter and transport socket that write complete requests somewhere,
//! with their keys.

use std::collections::BTreeSet;

use serde_json::Value;

use super::dump::{Dump, at, collect, is_of};
use super::report::{Check, Level, Report};

const CHECK: Check = Check::Tap;

pub(super) fn check(dump: &Dump, report: &mut Report) {
    report.made(CHECK);
    let mut taps = Vec::new();
    let mut is_tap = |value: &Value| is_of(value, ".tap.v3.Tap");
    collect(dump.everything(), &mut is_tap, &mut taps);
    // Everything in the bootstrap occurs a second time, in the listeners and clusters.
    let all = taps.into_iter().map(|tap| {
        let of_admin = at(tap, "/common_config/admin_config").is_object();
        (of_admin, at(tap, "/@type").as_str().unwrap_or(""))
    });
    for (of_admin, kind) in all.collect::<BTreeSet<_>>() {
        let (level, what) = if of_admin {
            (
                Level::Warn,
                "through the admin interface it hands out whole requests, with their keys",
            )
        } else {
            (Level::Fail, "it writes whole requests, with their keys")
        };
        let kind = kind.rsplit_once('/').map_or(kind, |(_, message)| message);
        report.found(level, CHECK, &format!("`{kind}`"), what, "take it away");
    }
}
