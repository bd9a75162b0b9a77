//! A follower, with arbitrary answers from a source: it never panics, serves nothing unless a
//! verified head led to it, does not poll immediately after a failure, and never polls more than
//! once a second continuously.

use keyward::configuration::Configuration;
use keyward::feed::{Answer, Body, Call, Follower, Output, Surroundings, Wanted};
use serde_json::json;

use super::{STRIPE, take};

struct World {
    now: u64,
    tape: Vec<u8>,
    at: usize,
}

impl Surroundings for World {
    fn now(&mut self) -> u64 {
        self.now
    }

    fn random(&mut self) -> u32 {
        self.at += 1;
        self.tape
            .get(self.at)
            .copied()
            .map_or(7, |byte| u32::from(byte) * 997)
    }

    fn has_room(&mut self, bytes: usize) -> bool {
        bytes < 1 << 20
    }
}

/// Each answer is a byte for the result of the call, then headers and body, each after its length.
pub fn run(mut input: &[u8]) {
    let configuration = json!({
        "max_snapshot_age": 1,
        "feed": {"name": "prod", "cluster": "a", "authority": "a", "interval": 1,
                 "public_keys": ["RWQBAgMEBQYHCNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"]},
    });
    let configuration = Configuration::from_json(configuration.to_string().as_bytes()).unwrap();
    let feed = configuration.settings().feed.clone().unwrap();
    let mut world = World {
        now: 1_796_000_000_000,
        tape: input.to_vec(),
        at: 0,
    };
    let begin = world.now;
    let mut follower = Follower::new(feed, None);
    let mut asked = 0_u64;
    let mut pending: Vec<Call> = Vec::new();
    for _ in 0..200 {
        let out = follower.tick(&STRIPE, &mut world);
        carry_out(out, &mut pending, &mut asked);
        while let Some(call) = pending.pop() {
            let out = answer(&mut follower, &mut world, &call, &mut input);
            let before = asked;
            carry_out(out, &mut pending, &mut asked);
            // No key of this feed has signed anything, so no progress could cause an immediate
            // call.
            assert_eq!(asked, before, "a call after a failure");
        }
        assert!(follower.snapshot().is_none());
        if input.is_empty() {
            break;
        }
        let next = follower.next_tick(world.now);
        assert!((1..=1000).contains(&next));
        world.now += next;
    }
    let seconds = (world.now - begin) / 1000;
    assert!(asked <= seconds + 2, "{asked} calls in {seconds} s");
}

fn carry_out(out: Vec<Output>, pending: &mut Vec<Call>, asked: &mut u64) {
    for output in out {
        match output {
            Output::Call(call) => {
                *asked += 1;
                assert!(matches!(call.wanted, Wanted::Head { .. }));
                pending.push(call);
            }
            Output::Serve(_) | Output::Keep(_) | Output::Loaded { .. } => {
                panic!("nothing was signed")
            }
            Output::Trouble(_, why) => assert!(!why.contains('\n') && why.len() < 500, "{why}"),
            Output::Again(_) | Output::Recovered => {}
        }
    }
}

fn answer(
    follower: &mut Follower,
    world: &mut World,
    call: &Call,
    input: &mut &[u8],
) -> Vec<Output> {
    match take(input) % 4 {
        0 => follower.failed(call.id, world),
        1 => follower.answered(call.id, None, &STRIPE, world),
        _ => {
            let headers = part(input);
            let body = part(input);
            let pairs: Vec<(&[u8], &[u8])> = headers
                .split(|byte| *byte == b'\n')
                .filter_map(|line| {
                    let colon = line.iter().skip(1).position(|byte| *byte == b':')? + 1;
                    Some((&line[..colon], &line[colon + 1..]))
                })
                .collect();
            let answer = Answer::read(&pairs);
            let mut bytes = body;
            let answer = answer
                .as_ref()
                .map(|answer| -> (&Answer, &mut dyn Body) { (answer, &mut bytes) });
            follower.answered(call.id, answer, &STRIPE, world)
        }
    }
}

/// Takes four times as many bytes as the next byte says.
fn part<'i>(input: &mut &'i [u8]) -> &'i [u8] {
    let length = usize::from(take(input)) * 4;
    let (part, rest) = input.split_at(length.min(input.len()));
    *input = rest;
    part
}
