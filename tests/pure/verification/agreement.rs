//! A verification and a decision never disagree about a key: whatever the configuration and the
//! request, both fail the same one of rules 1 to 6, or none.

use std::cell::Cell;
use std::collections::BTreeSet;

use keyward::configuration::Configuration;
use keyward::decision::{Decision, Verification, decide, verify};
use keyward::reason::DenyReason;
use keyward::reply::{Activity, Reply, RequestId};
use proptest::prelude::*;

use crate::agreement::check;
use keyward_reference::asking::{Shown, Surroundings, head};
use keyward_reference::worlds::dice::Dice;
use keyward_reference::worlds::requests;
use keyward_reference::worlds::world::World;

#[test]
fn rules_1_to_6_are_the_decisions() {
    let valid = Cell::new(0);
    let reasons = std::cell::RefCell::new(BTreeSet::new());
    check(800, |tape, tapes| {
        let mut world = World::roll(&mut Dice::new(tape));
        let settings = world.configuration.as_object_mut().unwrap();
        // Shadow lets requests pass, but verification reports the key itself.
        settings.remove("enforcement");
        let read = |json: String| Configuration::from_json(json.as_bytes()).unwrap();
        let plain = read(world.configuration.to_string());
        world.configuration["verify_path"] = "/verify.me".into();
        let verifying = read(world.configuration.to_string());
        for tape in tapes {
            let mut request = requests::roll(&mut Dice::new(tape), &world);
            let query = request.path.iter().position(|byte| *byte == b'?');
            let query = query.map_or(Vec::new(), |start| request.path[start..].to_vec());
            request.path = [&b"/verify.me"[..], &query].concat();
            request.method = b"GET".to_vec();
            let surroundings = Surroundings(&request);
            let head = head(&plain, &request);
            let expected = match decide(&plain, &head, &surroundings) {
                Decision::Deny(denial) if denial.reason().rule() <= 6 => Some(denial.reason()),
                Decision::Deny(_) => None,
                Decision::Allow(permit) if permit.identity().is_some() => None,
                // A wildcard in the snapshot may make the path public.
                Decision::Allow(_) => continue,
            };
            let told = verify(&verifying, &head, &surroundings).unwrap();
            let id = RequestId::new(7);
            let (actual, reply) = match &told {
                Verification::Valid(verified) => (
                    None,
                    Reply::verified(&verifying, verified, Activity::default(), id),
                ),
                Verification::Refused(denial) => (
                    Some(denial.reason()),
                    Reply::not_verified(&verifying, denial, id),
                ),
            };
            prop_assert_eq!(actual, expected, "{:#?}", Shown(&request));
            let state = match &told {
                Verification::Valid(verified) => verified.to_string(),
                Verification::Refused(denial) => denial.to_string(),
            };
            prop_assert!(!state.starts_with("allow"), "{}", state);
            let is_good = reply.status == 200;
            prop_assert_eq!(is_good, expected.is_none());
            prop_assert_eq!(is_good, reply.body.contains("\"is_valid\": true"));
            match expected {
                None => valid.set(valid.get() + 1),
                Some(reason) => {
                    // Rules 2 to 5 all have the same answer.
                    let rules = reason.rule();
                    let uniform = (2..=5).contains(&rules);
                    prop_assert_eq!(uniform, reply.body.contains("API_KEY_INVALID"));
                    reasons.borrow_mut().insert(reason);
                }
            }
            // Any other path is not a verification.
            let mut other = request.clone();
            other.path = b"/verify.me/".to_vec();
            let other_head = keyward_reference::asking::head(&verifying, &other);
            prop_assert!(verify(&verifying, &other_head, &Surroundings(&other)).is_none());
        }
        Ok(())
    });
    assert!(valid.get() > 100, "{}", valid.get());
    let all: BTreeSet<DenyReason> = DenyReason::all()
        .filter(|reason| reason.rule() <= 6 && *reason != DenyReason::HostFailure)
        .collect();
    let met = reasons.into_inner();
    assert!(all.is_subset(&met), "{met:?}");
}
