//! Checks who else writes the filter state with keyward's verdict.

use std::collections::BTreeSet;

use serde_json::Value;

use super::dump::{Dump, MANAGER, at, collect, is_of, items};
use super::instance::Plugin;
use super::report::{Check, Level, Report};

const CHECK: Check = Check::FilterState;

/// Checks for several keyward filters in a chain that share a filter state.
pub(super) fn check_twins(plugins: &[Plugin<'_>], place: &str, report: &mut Report) {
    report.made(CHECK);
    let states: Vec<String> = plugins.iter().map(Plugin::state).collect();
    let distinct: BTreeSet<&String> = states.iter().collect();
    for state in distinct {
        if states.iter().filter(|other| *other == state).count() > 1 {
            report.found(
                Level::Fail,
                CHECK,
                place,
                format!("several keywards write `{state}`, and the last one's word counts"),
                "give each a different `filter_state`, and each an interlock",
            );
        }
    }
}

/// Checks the filters of the chain and of its listener. State that is written for a connection
/// applies to each of its requests.
pub(super) fn check_writers(
    dump: &Dump,
    listener: &Value,
    filters: &[Value],
    states: &BTreeSet<String>,
    place: &str,
    report: &mut Report,
) {
    let mut writers: Vec<&Value> = items(at(listener, "/listener_filters")).iter().collect();
    let mut chains = vec![at(listener, "/default_filter_chain")];
    chains.extend(items(at(listener, "/filter_chains")));
    let of_connection = chains
        .into_iter()
        .flat_map(|chain| items(at(chain, "/filters")));
    writers.extend(of_connection.filter(|filter| !is_of(at(filter, "/typed_config"), MANAGER)));
    writers.extend(filters);
    for filter in writers {
        let mut writes = Vec::new();
        let mut is_state = |value: &Value| {
            let key = at(value, "/object_key").as_str();
            key.is_some_and(|key| states.contains(key))
        };
        collect(dump.typed(filter), &mut is_state, &mut writes);
        for state in writes
            .into_iter()
            .filter_map(|value| at(value, "/object_key").as_str())
        {
            let name = at(filter, "/name").as_str().unwrap_or("");
            report.found(
                Level::Fail,
                CHECK,
                place,
                format!("`{name}` writes `{state}`, which is keyward's verdict"),
                "give that object another key",
            );
        }
    }
}
