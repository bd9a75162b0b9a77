//! How a part of Envoy's configuration changes the headers of a request.

use serde_json::Value;

use super::dump::{at, is_of, items};
use super::headers::{Meaning, Names, fold};
use super::report::{Check, Level, Report};

/// One change to a request's headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change<'a> {
    /// Adds or replaces a header.
    Write(&'a str),
    /// Removes every header with this name.
    Remove(&'a str),
    /// Removes every header with this name, in a list that also removes the key. The upstream is
    /// then a third party that should learn nothing about the caller.
    RemoveWithKey(&'a str),
    /// Something other than a name decides what changes.
    Unknown,
}

/// Collects every change in `value`: in a route, a virtual host, a weighted cluster, or a filter's
/// own configuration. Changes of responses are ignored.
pub(super) fn of<'a>(value: &'a Value, found: &mut Vec<Change<'a>>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| of(item, found)),
        Value::Object(members) => {
            if let Some(name) = at(value, "/header/key").as_str() {
                found.push(Change::Write(name));
            }
            for (member, value) in members {
                match member.as_str() {
                    "remove" => found.extend(value.as_str().map(Change::Remove)),
                    "request_headers_to_remove" => {
                        let names = || items(value).iter().filter_map(Value::as_str);
                        let takes_key = names().any(|name| fold(name) == "authorization");
                        let change = if takes_key {
                            Change::RemoveWithKey
                        } else {
                            Change::Remove
                        };
                        found.extend(names().map(change));
                    }
                    "remove_on_match" | "query_parameter_mutations" => found.push(Change::Unknown),
                    // An internal redirect turns a response into a request.
                    "response_headers_to_copy" => {
                        let names = items(value).iter().filter_map(Value::as_str);
                        found.extend(names.map(Change::Write));
                    }
                    _ if member.starts_with("response") => {}
                    _ => of(value, found),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// When a change is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Before keyward decides on the changed request.
    Before,
    /// After keyward has decided.
    After,
}

/// Reports the changes that matter to keyward.
pub(super) fn judge(
    changes: &[Change<'_>],
    when: When,
    names: &Names,
    check: Check,
    place: &str,
    report: &mut Report,
) {
    for change in changes {
        if let Some((level, what, mend)) = judge_one(*change, when, names) {
            report.found(level, check, place, what, mend);
        }
    }
}

fn judge_one(
    change: Change<'_>,
    when: When,
    names: &Names,
) -> Option<(Level, String, &'static str)> {
    let (verb, name) = match change {
        Change::Write(name) => ("writes", name),
        Change::Remove(name) | Change::RemoveWithKey(name) => ("takes off", name),
        Change::Unknown => {
            let what = "which headers or parameters it changes is not a list of names, and cannot be judged";
            return (when == When::After).then(|| {
                (
                    Level::Warn,
                    what.to_owned(),
                    "name each header that it changes",
                )
            });
        }
    };
    let meaning = names.meaning(name)?;
    let (level, follows) = match (when, change, meaning) {
        (When::Before, Change::Write(_), Meaning::Credential) => (
            Level::Fail,
            "a key that Envoy puts on a request lets every stranger in",
        ),
        // keyward decides on the remaining headers, and replaces its own.
        (When::Before, ..) => return None,
        // The upstream gets no key, as with `forward_credential: false`.
        (When::After, Change::RemoveWithKey(_), Meaning::Identity) => return None,
        (
            When::After,
            Change::Remove(_) | Change::RemoveWithKey(_),
            Meaning::Credential | Meaning::Dispatch,
        ) => return None,
        (When::After, _, Meaning::Credential) => (
            Level::Warn,
            "the upstream gets another key than the one that was decided about",
        ),
        (When::After, Change::Remove(_), Meaning::Identity) => {
            (Level::Warn, "the upstream does not learn who calls")
        }
        (When::After, _, Meaning::Identity) => (Level::Fail, "by it the upstream knows who calls"),
        (When::After, _, Meaning::Target) => (
            Level::Fail,
            "the request is about another account than the one that was decided about",
        ),
        (When::After, _, Meaning::Version) => (
            Level::Warn,
            "the request has another version than the one that was decided about",
        ),
        (When::After, _, Meaning::Dispatch) => (
            Level::Fail,
            "frameworks take another method or path from it than the one that was decided about",
        ),
    };
    Some((
        level,
        format!("it {verb} `{name}`: {follows}"),
        "take it away",
    ))
}

/// Checks the changes that Envoy makes before any filter of the chain runs.
pub(super) fn check_early(manager: &Value, names: &Names, place: &str, report: &mut Report) {
    for extension in items(at(manager, "/early_header_mutation_extensions")) {
        let typed = at(extension, "/typed_config");
        let place = format!("{place}, `early_header_mutation_extensions`");
        if is_of(
            typed,
            "early_header_mutation.header_mutation.v3.HeaderMutation",
        ) {
            let mut changes = Vec::new();
            of(typed, &mut changes);
            judge(
                &changes,
                When::Before,
                names,
                Check::Neighbours,
                &place,
                report,
            );
        } else {
            report.found(
                Level::Warn,
                Check::Neighbours,
                &place,
                "it changes headers before keyward sees them, and how cannot be judged",
                "use `envoy.http.early_header_mutation.header_mutation`",
            );
        }
    }
}
