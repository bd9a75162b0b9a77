//! Checks spans: each contains the URL with its query, and the configured tags.

use serde_json::Value;

use super::dump::{Dump, Manager, at, collect};
use super::instance::Plugin;
use super::operators;
use super::report::{Check, Level, Report};
use super::shown::{Known, Shown};

const CHECK: Check = Check::Tracing;

pub(super) fn check(
    dump: &Dump,
    manager: &Manager<'_>,
    plugins: &[Plugin<'_>],
    report: &mut Report,
) {
    report.made(CHECK);
    let tracing = at(manager.value, "/tracing");
    let has_provider =
        tracing.get("provider").is_some() || dump.bootstrap().get("tracing").is_some();
    if !tracing.is_object() || !has_provider {
        return;
    }
    report.found(
        Level::Warn,
        CHECK,
        &manager.place,
        "each span has the tag `http.url`, a path with its query, which holds names, addresses and sometimes keys",
        "let the collector drop the tag, or take the query off it",
    );
    // A route may add tags.
    let mut owners = vec![tracing];
    for routes in dump.routes(manager).into_iter().flatten() {
        collect(
            routes,
            &mut |value| value.get("custom_tags").is_some(),
            &mut owners,
        );
    }
    let known = Known::of(plugins);
    for owner in owners {
        let texts =
            ["operation", "upstream_operation"].map(|member| at(owner, &format!("/{member}")));
        let tags = super::dump::items(at(owner, "/custom_tags"));
        let formats = tags.iter().map(|tag| at(tag, "/value")).chain(texts);
        let mut shown: Vec<Shown> = formats
            .filter_map(Value::as_str)
            .flat_map(|text| operators::shown_by(text, &known))
            .collect();
        let headers = tags
            .iter()
            .filter_map(|tag| at(tag, "/request_header/name").as_str());
        shown.extend(headers.filter_map(|name| known.by_header(name)));
        let metadata = tags
            .iter()
            .filter(|tag| at(tag, "/metadata/kind/request").is_object());
        shown.extend(metadata.map(|_| Shown::Unjudged("metadata of requests".to_owned())));
        for one in shown {
            report_one(&one, &manager.place, report);
        }
    }
}

fn report_one(shown: &Shown, place: &str, report: &mut Report) {
    let (level, what) = match shown {
        Shown::Credential(what) => (
            Level::Fail,
            format!("spans show `{what}`: every key ends up in the collector"),
        ),
        Shown::Secretive(what) => (
            Level::Warn,
            format!("spans show `{what}`, which holds credentials"),
        ),
        Shown::Query(what) => (
            Level::Warn,
            format!("spans show a path with its query (`{what}`)"),
        ),
        Shown::Unjudged(what) => (
            Level::Warn,
            format!("what `{what}` shows in spans cannot be judged"),
        ),
        // The URL reveals more.
        Shown::OriginalPath | Shown::RequestId => return,
    };
    report.found(level, CHECK, place, what, "take that tag away");
}
