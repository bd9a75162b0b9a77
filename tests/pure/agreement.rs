//! The decision agrees with the naive reference: same verdict, same reason, same filter state, same
//! identity header.
//!
//! `KEYWARD_PROPTEST_CASES` sets the number of configurations. Each gets [`REQUESTS`] requests. The
//! numbers are drawn from a fixed seed, so another run repeats them.

mod expansions;
mod hardness;

use std::cell::RefCell;
use std::collections::BTreeMap;

use keyward::configuration::Configuration;
use keyward::reason::DenyReason;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestError, TestRng, TestRunner};

use crate::reference;
use crate::support::packed;
use keyward_reference::asking::{Shown, ask, builtin, without_aliases};
use keyward_reference::worlds::dice::Dice;
use keyward_reference::worlds::requests;
use keyward_reference::worlds::world::World;

/// The number of requests to each configuration.
const REQUESTS: usize = 16;

/// The number of configurations in the long run, and how often it must meet each outcome.
const CASES: u32 = 1_500;
const ENOUGH: usize = 5;

/// As many as `make test` has time for.
const FEW: u32 = 400;

fn wanted() -> Option<u32> {
    let cases = std::env::var("KEYWARD_PROPTEST_CASES").ok()?;
    Some(cases.parse().expect("a number of cases"))
}

/// Runs `test` on tapes of numbers: one for the configuration, one for each request.
pub(crate) fn check(cases: u32, test: impl Fn(&[u32], &[Vec<u32>]) -> TestCaseResult) {
    let config = Config {
        cases: wanted().unwrap_or(cases),
        failure_persistence: None,
        max_shrink_iters: 4_000,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let tapes = (vec(any::<u32>(), 300), vec(vec(any::<u32>(), 60), REQUESTS));
    let result = TestRunner::new_with_rng(config, rng)
        .run(&tapes, |(world, requests)| test(&world, &requests));
    match result {
        Ok(()) => {}
        // The tapes themselves would not help a reader.
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

#[test]
fn the_decision_agrees_with_the_reference() {
    agrees(FEW);
}

#[test]
fn over_many_cases_the_decision_agrees_and_meets_every_outcome() {
    agrees(CASES);
}

fn agrees(cases: u32) {
    let builtin = builtin();
    let met = RefCell::new(BTreeMap::new());
    check(cases, |tape, tapes| {
        let world = World::roll(&mut Dice::new(tape));
        let json = world.configuration.to_string();
        let configuration = Configuration::from_json(json.as_bytes())
            .map_err(|refusal| TestCaseError::fail(format!("{refusal}\n{json}")))?;
        // The packed form gives the same decision.
        let packed = packed(&json).map(|bytes| Configuration::read(&bytes).unwrap());
        let plain = without_aliases(&world.configuration);
        for tape in tapes {
            let request = requests::roll(&mut Dice::new(tape), &world);
            let (actual, kind) = ask(&configuration, &request);
            let expected = reference::decide(&plain, &builtin, &request);
            prop_assert_eq!(&actual, &expected, "\n{:#?}\n{}", Shown(&request), json);
            if let Some(packed) = &packed {
                let of_packed = ask(packed, &request).0;
                prop_assert_eq!(&of_packed, &expected, "\n{:#?}\n{}", Shown(&request), json);
            }
            let outcome = match actual.reason {
                Some(reason) => format!("{kind} {reason}"),
                None if kind == "key" => whose(&actual.state),
                None => kind.to_owned(),
            };
            *met.borrow_mut().entry(outcome).or_insert(0) += 1;
        }
        Ok(())
    });
    let met = met.into_inner();
    let is_whole = wanted().unwrap_or(cases) >= CASES;
    let enough = if is_whole { ENOUGH } else { 0 };
    let missed: Vec<String> = outcomes()
        .filter(|outcome| met.get(outcome).copied().unwrap_or(0) < enough)
        .collect();
    println!("{met:#?}");
    assert!(missed.is_empty(), "hardly met: {missed:?} in {met:#?}");
}

/// Returns what a run has to meet: every kind of pass, and every reason, both as a denial and
/// (except for rule 1) as a pass in shadow.
fn outcomes() -> impl Iterator<Item = String> {
    // Only the filter can see failures of the host.
    let reasons = DenyReason::all().filter(|reason| *reason != DenyReason::HostFailure);
    let passes = [
        "public",
        "preflight",
        "full secret key at home",
        "full secret key, connected",
        "full organization key at home",
        "full organization key, connected",
        "limited secret key at home",
        "limited secret key, connected",
        "limited restricted key at home",
        "limited restricted key, connected",
        "limited publishable key at home",
        "limited organization key at home",
        "limited organization key, connected",
    ]
    .map(str::to_owned);
    passes.into_iter().chain(reasons.flat_map(|reason| {
        let shadow = (reason.rule() >= 2).then(|| format!("shadow {}", reason.name()));
        [format!("deny {}", reason.name())]
            .into_iter()
            .chain(shadow)
    }))
}

/// Returns which kind of key passes, and where.
fn whose(state: &str) -> String {
    let kinds = ["secret", "restricted", "publishable", "organization"];
    let is = |kind: &&str| state.contains(&format!("kind={kind}"));
    let kind = kinds.into_iter().find(is).unwrap();
    let authority = if state.contains("permission=") {
        "limited"
    } else {
        "full"
    };
    let is_connected = state.split("path=\"").nth(1).is_some_and(|path| {
        let path = path.split('"').next().unwrap_or_default();
        path.contains('/')
    });
    let place = if is_connected {
        ", connected"
    } else {
        " at home"
    };
    format!("{authority} {kind} key{place}")
}
