//! Remembers what polls claim about their sender: gateway, VM, revision and state. People use it to
//! find gateways that lag; no decision depends on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;
use serde::Serialize;

use super::claim::Claim;
use keyward::invariant::Held;

/// The maximum number of VMs that are remembered.
const MOST: usize = 20_000;

/// A VM is forgotten after this many seconds without a poll.
const FORGOTTEN: u64 = 600;

/// The senders of polls, and the last poll of each.
#[derive(Default)]
pub(super) struct Fleet(Arc<Mutex<HashMap<Who, Last>>>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Who {
    gateway: String,
    vm: String,
}

struct Last {
    version: String,
    revision: Option<u64>,
    state: String,
    at: u64,
    /// The number of its polls that wait for an answer.
    open: usize,
}

/// A poll that is being answered.
pub(super) struct Polling {
    all: Arc<Mutex<HashMap<Who, Last>>>,
    who: Option<Who>,
}

impl Drop for Polling {
    fn drop(&mut self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = self.who.as_ref().and_then(|who| all.get_mut(who)) {
            last.open = last.open.saturating_sub(1);
        }
    }
}

#[derive(Serialize)]
struct Page<'a> {
    note: &'static str,
    revision: Option<u64>,
    vms: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    gateway: &'a str,
    vm: &'a str,
    version: &'a str,
    revision: Option<u64>,
    state: &'a str,
    is_waiting: bool,
    seconds_since: u64,
}

impl Fleet {
    /// Records what a poll claims. Its sender counts as waiting until the result is dropped.
    pub(super) fn note(&self, headers: &HeaderMap, now: u64) -> Polling {
        let claim = Claim::of(headers);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut who = None;
        if let Some(claim) = claim {
            let sender = Who {
                gateway: claim.gateway,
                vm: claim.vm,
            };
            if all.len() >= MOST && !all.contains_key(&sender) {
                forget(&mut all, now);
            }
            if all.len() < MOST || all.contains_key(&sender) {
                let open = all.get(&sender).map_or(0, |last| last.open);
                let last = Last {
                    version: claim.version,
                    revision: claim.revision,
                    state: claim.state,
                    at: now,
                    open: open.saturating_add(1),
                };
                all.insert(sender.clone(), last);
                who = Some(sender);
            }
        }
        Polling {
            all: Arc::clone(&self.0),
            who,
        }
    }

    /// Returns the JSON of `/fleet`, with VMs that lag first.
    pub(super) fn page(&self, revision: Option<u64>, now: u64) -> String {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        forget(&mut all, now);
        let mut vms: Vec<Row<'_>> = all
            .iter()
            .map(|(who, last)| Row {
                gateway: &who.gateway,
                vm: &who.vm,
                version: &last.version,
                revision: last.revision,
                state: &last.state,
                is_waiting: last.open > 0,
                seconds_since: now.saturating_sub(last.at),
            })
            .collect();
        vms.sort_by_key(|row| (row.revision, row.gateway, row.vm));
        let page = Page {
            note: "what polls say of themselves; nothing verifies it",
            revision,
            vms,
        };
        let page = serde_json::to_string(&page);
        let mut page = page.ok().held("texts and numbers have a form in JSON");
        page.push('\n');
        page
    }
}

fn forget(all: &mut HashMap<Who, Last>, now: u64) {
    all.retain(|_, last| last.open > 0 || last.at.saturating_add(FORGOTTEN) > now);
}

#[cfg(test)]
mod tests {
    use axum::http::header;
    use serde_json::Value;

    use super::*;
    use crate::feed::serve::claim::LONGEST;

    fn poll(agent: &str) -> HeaderMap {
        [(header::USER_AGENT, agent.parse().unwrap())]
            .into_iter()
            .collect()
    }

    fn agent(gateway: &str, vm: &str, revision: u64) -> HeaderMap {
        poll(&format!(
            "keyward/0.1.0 (gw={gateway}; vm={vm}; rev={revision}; state=ok)"
        ))
    }

    fn page(fleet: &Fleet, now: u64) -> Value {
        serde_json::from_str(&fleet.page(Some(9), now)).unwrap()
    }

    #[test]
    fn each_vm_is_a_row_and_those_that_lag_come_first() {
        let fleet = Fleet::default();
        drop(fleet.note(&agent("edge", "b", 9), 1_000));
        drop(fleet.note(&agent("edge", "a", 7), 1_000));
        drop(fleet.note(&agent("edge", "a", 8), 1_001));
        let waits = fleet.note(&agent("edge", "b", 9), 1_002);
        let shown = page(&fleet, 1_003);
        assert_eq!(shown["revision"], 9);
        let row = |vm: &str, revision: u64, is_waiting: bool, since: u64| {
            serde_json::json!({"gateway": "edge", "vm": vm, "version": "0.1.0", "revision": revision,
                "state": "ok", "is_waiting": is_waiting, "seconds_since": since})
        };
        let rows = serde_json::json!([row("a", 8, false, 2), row("b", 9, true, 1)]);
        assert_eq!(shown["vms"], rows);
        // A waiting VM is not forgotten, however long it waits.
        assert_eq!(page(&fleet, 9_000)["vms"].as_array().unwrap().len(), 1);
        drop(waits);
        assert_eq!(page(&fleet, 9_000)["vms"].as_array().unwrap().len(), 0);
    }

    #[test]
    fn others_are_no_row_and_long_words_are_cut() {
        let fleet = Fleet::default();
        drop(fleet.note(&poll("curl/8"), 1));
        drop(fleet.note(&HeaderMap::new(), 1));
        assert_eq!(page(&fleet, 1)["vms"], serde_json::json!([]));
        drop(fleet.note(&agent(&"g".repeat(500), "v", 1), 1));
        let gateway = page(&fleet, 1)["vms"][0]["gateway"].clone();
        assert_eq!(gateway, "g".repeat(LONGEST));
    }

    #[test]
    fn strangers_cannot_fill_the_memory() {
        let fleet = Fleet::default();
        for number in 0..MOST + 50 {
            drop(fleet.note(&agent("x", &number.to_string(), 1), 1_000));
        }
        assert_eq!(fleet.0.lock().unwrap().len(), MOST);
        drop(fleet.note(&agent("edge", "late", 1), 1_000 + FORGOTTEN));
        assert_eq!(page(&fleet, 1_000 + FORGOTTEN)["vms"][0]["vm"], "late");
    }
}
