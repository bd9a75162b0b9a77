//! Runs the corpus against the library.

use std::collections::BTreeSet;
use std::net::IpAddr;

use keyward::configuration::Configuration;
use keyward::decision::{Decision, Environment, decide};
use keyward::reason::DenyReason;
use keyward::reply::{Reply, RequestId};
use keyward::request::RequestHead;
use keyward::upstream::Handover;

use super::corpus::{self, Case, CaseFile, Runner};
use super::outcome::{self, End, Outcome};
use super::sent::{NOW, changed, sent, source};
use super::translate;
use crate::support::packed;

struct Surroundings {
    address: Option<IpAddr>,
}

impl Environment for Surroundings {
    fn now(&self) -> Option<u64> {
        Some(NOW)
    }

    fn client_address(&self) -> Option<IpAddr> {
        self.address
    }
}

#[test]
fn the_library_keeps_every_promise_of_the_corpus() {
    keeps_every_promise_of(&corpus::load());
}

#[test]
fn the_library_keeps_them_under_another_apis_profile() {
    let put = keeps_every_promise_of(&translate::load());
    translate::are_most(put, Runner::Library);
}

/// Runs all cases, and returns their number.
#[track_caller]
fn keeps_every_promise_of(files: &[CaseFile]) -> usize {
    let mut failures = Vec::new();
    let mut count = 0;
    for file in files {
        let json = file.configuration(NOW);
        let configuration = Configuration::from_json(json.as_bytes())
            .unwrap_or_else(|refusal| panic!("{}: {refusal}", file.name));
        let packed = packed(&json).map(|bytes| Configuration::read(&bytes).unwrap());
        let raw_keys = file.raw_keys();
        for case in file.cases_for(Runner::Library) {
            count += 1;
            let differences: Vec<String> = [Some(&configuration), packed.as_ref()]
                .into_iter()
                .flatten()
                .flat_map(|configuration| match run(configuration, case) {
                    Ok(outcome) => outcome.differences(case, file.api, &raw_keys),
                    Err(fault) => vec![fault],
                })
                .collect();
            if !differences.is_empty() {
                failures.push(format!(
                    "{}: {}\n    {}",
                    file.name,
                    case.description,
                    differences.join("\n    ")
                ));
            }
        }
    }
    outcome::none_failed(&failures, count);
    count
}

#[test]
fn the_corpus_has_every_reason_with_its_body_and_no_empty_file() {
    let files = corpus::load();
    let is_empty = |file: &&CaseFile| file.cases.is_empty() || file.description.is_empty();
    let empty: Vec<_> = files
        .iter()
        .filter(is_empty)
        .map(|file| &file.name)
        .collect();
    assert!(empty.is_empty(), "no case in {empty:?}");
    let denied: BTreeSet<_> = files
        .iter()
        .flat_map(|file| &file.cases)
        .filter_map(|case| match &case.expect {
            corpus::Expectation::Deny {
                reason,
                body: Some(_),
                headers,
                ..
            } if !headers.is_empty() => Some(reason.as_str()),
            _ => None,
        })
        .collect();
    // Only Envoy has host failures.
    let expected: BTreeSet<_> = DenyReason::all()
        .filter(|reason| *reason != DenyReason::HostFailure)
        .map(DenyReason::name)
        .collect();
    assert_eq!(denied, expected);
}

pub(super) fn run(configuration: &Configuration, case: &Case) -> Result<Outcome, String> {
    let request = &case.request;
    let sent = sent(request);
    let head = RequestHead::read(
        configuration.profile(),
        configuration.identity_names(),
        sent.iter()
            .map(|(name, value)| (name.as_bytes(), value.as_slice())),
        request.body.is_some(),
    );
    let surroundings = Surroundings {
        address: source(request.address.as_deref().unwrap_or("127.0.0.1")),
    };
    match decide(configuration, &head, &surroundings) {
        Decision::Allow(permit) => {
            let handover = Handover::new(configuration, &head, &permit);
            Ok(Outcome {
                state: Some(handover.state().to_owned()),
                end: End::Upstream(changed(sent.clone(), handover.changes())),
            })
        }
        Decision::Deny(denial) => {
            let reply = Reply::new(configuration, &denial, RequestId::new(u128::from(NOW)));
            let details = format!("keyward_denied{{{}}}", denial.reason().name());
            if reply.details != details {
                return Err(format!("details: {}", reply.details));
            }
            Ok(Outcome {
                state: Some(denial.to_string()),
                end: End::Reply {
                    status: reply.status,
                    headers: reply.headers,
                    body: Some(reply.body),
                },
            })
        }
    }
}
