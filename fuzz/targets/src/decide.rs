//! The whole decision agrees with the naive reference, from either form of the snapshot: same
//! verdict, same reason, same filter state, same identity header.

use std::sync::LazyLock;

use keyward::configuration::Configuration;

use super::{take, take_part};
use keyward_reference::asking::{Shown, ask, builtin, without_aliases};
use keyward_reference::model::{self, Builtin, Endpoints, Request};
use keyward_reference::packed::packed;
use keyward_reference::worlds::dice::Dice;
use keyward_reference::worlds::requests;
use keyward_reference::worlds::world::World;

pub(super) static BUILTIN: LazyLock<Builtin> = LazyLock::new(builtin);

/// The input begins with two parts for the configuration, each a length byte and that many choices.
/// For each request there follow its own choices, and bytes that are inserted somewhere.
pub fn run(mut input: &[u8]) {
    let (one, two) = (take_part(&mut input), take_part(&mut input));
    let world = World::roll(&mut Dice::new(&tape(&[one, two].concat())));
    let json = world.configuration.to_string();
    let configuration = Configuration::from_json(json.as_bytes())
        .unwrap_or_else(|refusal| panic!("{refusal}\n{json}"));
    let packed = packed(&json).map(|bytes| Configuration::read(&bytes).unwrap());
    let plain = without_aliases(&world.configuration);
    let endpoints = Endpoints::of(&plain, &BUILTIN);
    for _ in 0..MOST_REQUESTS {
        let mut request = requests::roll(&mut Dice::new(&tape(take_part(&mut input))), &world);
        splice(&mut input, &mut request);
        let (actual, _) = ask(&configuration, &request);
        let expected = model::decide_among(&endpoints, &plain, &BUILTIN, &request);
        assert_eq!(actual, expected, "\n{:#?}\n{json}", Shown(&request));
        if let Some(packed) = &packed {
            assert_eq!(ask(packed, &request).0, expected, "packed");
        }
        if input.is_empty() {
            break;
        }
    }
}

/// More would only slow libFuzzer down, because it learns from an input as a whole.
const MOST_REQUESTS: usize = 8;

/// Turns each byte into a choice, doubled so that it also covers a choice among more than 256.
fn tape(bytes: &[u8]) -> Vec<u32> {
    bytes.iter().map(|byte| u32::from(*byte) * 0x0101).collect()
}

/// Inserts bytes of the input somewhere, if a byte asks for it.
fn splice(input: &mut &[u8], request: &mut Request) {
    let place = take(input);
    if place < 128 {
        return;
    }
    let bytes = take_part(input).to_vec();
    let value = |name: &[u8], request: &mut Request| {
        let mut headers = request.headers.iter_mut();
        match headers.find(|(other, _)| other == name) {
            Some((_, value)) => value.clone_from(&bytes),
            None => request.headers.push((name.to_vec(), bytes.clone())),
        }
    };
    match place % 10 {
        0 => request.path = bytes,
        1 => request.path.extend(bytes),
        2 => request.path = [&request.path, &b"?"[..], &bytes].concat(),
        3 => request.method = bytes,
        4 => value(b"authorization", request),
        5 => value(b"stripe-version", request),
        6 => value(b"stripe-context", request),
        7 => value(b"stripe-account", request),
        8 => request.headers.push((b"authorization".to_vec(), bytes)),
        _ => {
            if let Some((_, value)) = request.headers.first_mut() {
                value.extend(bytes);
            }
        }
    }
}
