//! A client of the store that the test kills: it sends one request after the other, each with a
//! new idempotency key, until the store stops answering.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};

use super::Dice;

/// A request that was sent, and its answer.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// The request's idempotency key.
    pub(super) idempotency: String,
    /// The whole line.
    pub(super) line: String,
    /// The action, and the key that it is for.
    pub(super) verb: Verb,
    /// The answer, if one came.
    pub(super) answer: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Rotate(String),
    End(String),
}

impl Sent {
    /// Returns the key that the answer names.
    pub(super) fn id(&self) -> Option<&str> {
        self.answer.as_deref()?.split(' ').nth(1)
    }

    /// Returns the value in the answer.
    pub(super) fn value(&self) -> Option<&str> {
        let value = self.answer.as_deref()?.split(' ').nth(2)?;
        Some(value).filter(|value| !value.is_empty())
    }
}

/// A running client.
pub(super) struct Client(JoinHandle<Vec<Sent>>);

impl Client {
    pub(super) fn start(stream: UnixStream, name: String, dice: Dice) -> Self {
        Self(thread::spawn(move || talk(stream, &name, dice)))
    }

    /// Returns the requests that it sent, once the store has stopped.
    pub(super) fn ended(self) -> Vec<Sent> {
        self.0.join().unwrap()
    }
}

fn talk(mut stream: UnixStream, name: &str, mut dice: Dice) -> Vec<Sent> {
    let mut answers = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut sent: Vec<Sent> = Vec::new();
    // This client's keys that it may still rotate or end.
    let mut free: Vec<String> = Vec::new();
    for number in 0_u32.. {
        let idempotency = format!("{name}-{number}");
        let of = |free: &mut Vec<String>, dice: &mut Dice| {
            let index = dice.below(u64::try_from(free.len()).unwrap());
            free.swap_remove(usize::try_from(index).unwrap())
        };
        let verb = match dice.below(4) {
            0 if !free.is_empty() => Verb::Rotate(of(&mut free, &mut dice)),
            1 if !free.is_empty() => Verb::End(of(&mut free, &mut dice)),
            _ => Verb::Create,
        };
        let line = match &verb {
            Verb::Create => format!("create {idempotency}"),
            Verb::Rotate(id) => format!("rotate {idempotency} {id}"),
            Verb::End(id) => format!("end {idempotency} {id}"),
        };
        let is_sent = writeln!(stream, "{line}").is_ok();
        let answer = is_sent.then(|| answers.next()).flatten();
        let answer = answer.and_then(Result::ok);
        let is_over = answer.is_none();
        if let Some(answer) = &answer {
            assert!(answer.starts_with("ok "), "{line}: {answer}");
        }
        let request = Sent {
            idempotency,
            line,
            verb,
            answer,
        };
        if request.verb == Verb::Create {
            free.extend(request.id().map(str::to_owned));
        }
        sent.push(request);
        if is_over {
            break;
        }
    }
    sent
}
