//! Nothing that a client or an operator sends makes the core panic or echo a key.

use keyward::configuration::Configuration;
use keyward::decision::{Decision, decide};
use keyward::reply::{Reply, RequestId};
use keyward::upstream::Handover;
use proptest::prelude::*;
use serde_json::{Map, Value};

use keyward_reference::asking::{Surroundings, head};
use keyward_reference::worlds::dice::Dice;
use keyward_reference::worlds::requests;
use keyward_reference::worlds::world::World;

use super::check;

const PLANTED: &str = "sk_test_FAKE-planted-000";

/// Texts to plant: plain, and next to the words that mark where a parser's message is cut.
const PLANTS: [&str; 4] = [
    PLANTED,
    "a`, expected sk_test_FAKE-planted-000",
    "sk_test_FAKE-planted-000 at line 1 column 2",
    "missing field `sk_test_FAKE-planted-000`",
];

#[test]
fn any_bytes_are_decided_on_and_no_reply_repeats_a_key() {
    check(150, |tape, tapes| {
        let world = World::roll(&mut Dice::new(tape));
        let json = world.configuration.to_string();
        let configuration = Configuration::from_json(json.as_bytes()).unwrap();
        for tape in tapes {
            let mut dice = Dice::new(tape);
            let mut request = requests::roll(&mut dice, &world);
            scramble(&mut dice, &mut request);
            let head = head(&configuration, &request);
            match decide(&configuration, &head, &Surroundings(&request)) {
                Decision::Allow(permit) => {
                    let _ = Handover::new(&configuration, &head, &permit).changes();
                    prop_assert!(permit.to_string().starts_with("allow "));
                }
                Decision::Deny(denial) => {
                    let reply = Reply::new(&configuration, &denial, RequestId::new(7));
                    let shown = format!("{reply:?} {denial} {denial:?}");
                    for key in world.keys.iter().filter(|key| key.len() > 11) {
                        prop_assert!(!shown.contains(&**key), "{} in {}", key, shown);
                    }
                    prop_assert!(serde_json::from_str::<Value>(&reply.body).is_ok());
                    prop_assert!(denial.to_string().starts_with("deny "));
                }
            }
        }
        Ok(())
    });
}

/// Puts arbitrary bytes into arbitrary places.
fn scramble(dice: &mut Dice, request: &mut crate::reference::Request) {
    let mut bytes = |length: usize| -> Vec<u8> { (0..length).map(|_| dice.byte()).collect() };
    let (name, value, path) = (bytes(3), bytes(6), bytes(5));
    match dice.below(6) {
        0 => request.path = path,
        1 => request.path.extend(path),
        2 => request.headers.push((name, value)),
        3 => request.method = value,
        _ => {
            if let Some((name, sent)) = request.headers.first_mut() {
                match dice.below(3) {
                    0 => *sent = value,
                    1 => sent.extend(value),
                    _ => name.extend(value),
                }
            }
        }
    }
}

#[test]
fn mutated_json_is_taken_or_refused() {
    check(100, |tape, tapes| {
        let world = World::roll(&mut Dice::new(tape));
        let json = world.configuration.to_string().into_bytes();
        for tape in tapes {
            let mut dice = Dice::new(tape);
            let mut bytes = json.clone();
            for _ in 0..1 + dice.below(3) {
                let at = dice.below(bytes.len());
                match dice.below(5) {
                    0 => bytes[at] = dice.byte(),
                    1 => bytes.truncate(at.max(1)),
                    2 => bytes.insert(at, dice.of(br#"{}[]":,-\0"#)),
                    3 => drop(bytes.remove(at)),
                    _ => {
                        let until = (at + dice.below(40)).min(bytes.len());
                        let piece = bytes[at..until].to_vec();
                        bytes.splice(at..at, piece);
                    }
                }
                if bytes.is_empty() {
                    break;
                }
            }
            if let Err(refusal) = Configuration::from_json(&bytes) {
                let text = refusal.to_string();
                prop_assert!(!text.contains("FAKE") && text.len() < 400, "{}", text);
            }
        }
        Ok(())
    });
}

#[test]
fn no_refusal_repeats_what_was_planted() {
    check(3, |tape, _| {
        let world = World::roll(&mut Dice::new(tape));
        for place in 0.. {
            let mut variants = 0;
            for plant in PLANTS {
                for way in [Way::Replace, Way::Append, Way::Rename, Way::Add, Way::Twice] {
                    let mut left = place;
                    let planted = planted(&world.configuration, plant, way, &mut left);
                    if left != usize::MAX {
                        continue;
                    }
                    variants += 1;
                    if planted == world.configuration {
                        continue;
                    }
                    let mut json = planted.to_string();
                    if way == Way::Twice {
                        // A map cannot contain a member twice, so the text is changed.
                        json = json.replace("\\u0001", "");
                    }
                    if let Err(refusal) = Configuration::from_json(json.as_bytes()) {
                        let text = format!("{refusal} {refusal:?}");
                        prop_assert!(
                            !text.contains("FAKE") && !text.contains("planted"),
                            "{} for {}",
                            text,
                            json
                        );
                    }
                }
            }
            if variants == 0 {
                break;
            }
        }
        Ok(())
    });
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The planted text replaces a value.
    Replace,
    /// The planted text is appended to a text.
    Append,
    /// The member of a value is renamed to the planted text.
    Rename,
    /// An object gets a member with this name.
    Add,
    /// An object gets two members with this name.
    Twice,
}

/// Returns the configuration with `plant` at the `left`-th place, counted from 0 in the order of
/// the text. If there is such a place, `left` ends as `usize::MAX`.
fn planted(value: &Value, plant: &str, way: Way, left: &mut usize) -> Value {
    let here = *left == 0;
    *left = left.wrapping_sub(1);
    if here {
        match (way, value) {
            (Way::Replace, _) => return Value::String(plant.to_owned()),
            (Way::Append, Value::String(text)) => return Value::String(format!("{text}{plant}")),
            (Way::Add | Way::Twice, Value::Object(members)) => {
                let mut members = members.clone();
                members.insert(plant.to_owned(), Value::Null);
                if way == Way::Twice {
                    members.insert(format!("\u{1}{plant}"), Value::Null);
                }
                return Value::Object(members);
            }
            _ => return value.clone(),
        }
    }
    if *left == usize::MAX {
        return value.clone();
    }
    match value {
        Value::Array(elements) => elements
            .iter()
            .map(|element| planted_or_not(element, plant, way, left))
            .collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let is_renamed = way == Way::Rename && *left == 0;
                let name = if is_renamed { plant } else { name };
                (name.to_owned(), planted_or_not(value, plant, way, left))
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn planted_or_not(value: &Value, plant: &str, way: Way, left: &mut usize) -> Value {
    if *left == usize::MAX {
        value.clone()
    } else {
        planted(value, plant, way, left)
    }
}
