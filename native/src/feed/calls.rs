//! Open calls, and what has arrived of their answers.

use keyward::feed::Answer;

use crate::abi::{Buffer, Header};
use crate::fault::Fault;

/// The maximum length of an answer, the same as Envoy stores for a wasm filter.
const LONGEST: usize = 32 << 20;

/// The calls of a configuration.
#[derive(Debug, Default)]
pub(super) struct Calls {
    all: Vec<Call>,
    made: u32,
}

#[derive(Debug)]
struct Call {
    /// Envoy's number for the call.
    number: u64,
    /// The follower's number for the call.
    token: u32,
    answer: Option<Answer>,
    body: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing needs the result any more.
    GivenUp,
}

/// An answer, complete or not.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) token: u32,
    pub(super) answer: Option<Answer>,
    pub(super) body: Vec<u8>,
}

impl Calls {
    /// Records that Envoy has made a call with that number.
    pub(super) fn begin(&mut self, number: u64) -> u32 {
        self.made = self.made.wrapping_add(1);
        self.all.push(Call {
            number,
            token: self.made,
            answer: None,
            body: Vec::new(),
            state: State::Open,
        });
        self.made
    }

    /// Returns all calls, by Envoy's numbers.
    pub(super) fn open(&self) -> impl Iterator<Item = u64> {
        self.all.iter().map(|call| call.number)
    }

    /// Returns the calls that must be ended.
    pub(super) fn given_up(&self) -> Vec<u64> {
        let all = self.all.iter();
        let all = all.filter(|call| call.state == State::GivenUp);
        all.map(|call| call.number).collect()
    }

    /// Returns whether it made the call with that number.
    pub(super) fn has(&self, number: u64) -> bool {
        self.open().any(|open| open == number)
    }

    fn find(&mut self, number: u64) -> Option<&mut Call> {
        let mut all = self.all.iter_mut();
        all.find(|call| call.number == number && call.state == State::Open)
    }

    pub(super) fn take_headers(&mut self, number: u64, headers: Result<&[Header<'_>], Fault>) {
        if let Some(call) = self.find(number) {
            let pairs = headers.and_then(|headers| {
                let pairs = headers.iter();
                let pairs = pairs.map(|header| Ok((header.name.text()?, header.value.text()?)));
                pairs.collect::<Result<Vec<_>, Fault>>()
            });
            call.answer = pairs.ok().and_then(|pairs| Answer::read(&pairs));
        }
    }

    /// Adds to the body of an answer. Returns true if the call is given up because of it.
    pub(super) fn take_data(&mut self, number: u64, chunks: Result<&[Buffer<'_>], Fault>) -> bool {
        let Some(call) = self.find(number) else {
            return false;
        };
        let is_taken = chunks.is_ok_and(|chunks| chunks.iter().all(|chunk| call.take(*chunk)));
        if !is_taken {
            call.state = State::GivenUp;
            call.answer = None;
            call.body = Vec::new();
        }
        !is_taken
    }

    /// Removes a call that has ended, in any state.
    pub(super) fn end(&mut self, number: u64) -> Option<Ended> {
        let place = self.all.iter().position(|call| call.number == number)?;
        let Call {
            token,
            answer,
            body,
            ..
        } = self.all.swap_remove(place);
        Some(Ended {
            token,
            answer,
            body,
        })
    }
}

impl Call {
    fn take(&mut self, chunk: Buffer<'_>) -> bool {
        let Ok(chunk) = chunk.whole() else {
            return false;
        };
        let is_short = self.body.len().saturating_add(chunk.len()) <= LONGEST;
        let has_room = is_short && self.body.try_reserve(chunk.len()).is_ok();
        if has_room {
            self.body.extend_from_slice(chunk);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<Header<'a>> {
        let own = pairs.iter().map(|(name, value)| Header {
            name: Buffer::of(name.as_bytes()),
            value: Buffer::of(value.as_bytes()),
        });
        own.collect()
    }

    #[test]
    fn an_answer_is_put_together_of_its_parts() {
        let mut calls = Calls::default();
        let (one, two) = (calls.begin(7), calls.begin(8));
        assert_ne!(one, two);
        calls.take_headers(8, Ok(&headers(&[(":status", "200")])));
        for part in ["ab", "", "c"] {
            assert!(!calls.take_data(8, Ok(&[Buffer::of(part.as_bytes())])));
        }
        let ended = calls.end(8).unwrap();
        assert_eq!((ended.token, &*ended.body), (two, &b"abc"[..]));
        assert!(ended.answer.is_some());
        assert!(calls.end(8).is_none());
        assert_eq!(calls.open().collect::<Vec<_>>(), [7]);
    }

    #[test]
    fn an_answer_that_is_too_long_or_not_there_is_given_up_and_is_none() {
        let long = vec![0; LONGEST];
        let more = Buffer::of(b"1");
        for chunks in [
            Ok(&[Buffer::of(&long), more][..]),
            Err(Fault("it is not there")),
        ] {
            let mut calls = Calls::default();
            calls.begin(1);
            calls.take_headers(1, Ok(&headers(&[(":status", "200")])));
            assert!(calls.take_data(1, chunks));
            assert_eq!(calls.given_up(), [1]);
            assert!(!calls.take_data(1, Ok(&[more])), "it is not kept again");
            let ended = calls.end(1).unwrap();
            assert!(ended.answer.is_none() && ended.body.is_empty());
        }
        let mut calls = Calls::default();
        calls.begin(1);
        assert!(!calls.take_data(1, Ok(&[Buffer::of(&long)])));
        assert_eq!(calls.end(1).unwrap().body.len(), LONGEST);
    }
}
