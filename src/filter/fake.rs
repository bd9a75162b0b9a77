//! A host for tests. It shows the given headers, does and records what it is asked, and fails on
//! request.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::net::IpAddr;

use super::counter::Counter;
use super::host::{Header, Host, LogLevel};
use crate::reply::{Activity, Reply};
use crate::usage::Event;

/// A call to the host. [`Call::Headers`] and the calls of the environment only read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Headers,
    Now,
    Address,
    Activity(String),
    Report(usize),
    Remove(String),
    Add(String, String),
    State(String, String),
    Reply(u16, String),
    Reset,
    Count(Counter),
    CountKey(String, Event),
    CountNoKey,
    Log(LogLevel, String),
}

impl Call {
    /// Returns whether a host may fail this call.
    pub(super) fn can_fail(&self) -> bool {
        matches!(
            self,
            Self::Headers | Self::Remove(_) | Self::Add(..) | Self::State(..) | Self::Reply(..)
        )
    }
}

/// The failed call's number, among the calls that can fail.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused(usize);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.0)
    }
}

#[derive(Default)]
pub(super) struct FakeHost {
    /// The current headers, after removals and additions.
    pub(super) headers: Vec<(String, String)>,
    pub(super) peer: Option<IpAddr>,
    pub(super) own: Option<IpAddr>,
    /// The numbers of the calls that fail.
    pub(super) refuses: Vec<usize>,
    pub(super) last_reply: Option<Reply>,
    calls: RefCell<Vec<Call>>,
    asked: Cell<usize>,
}

pub(super) const NOW: u64 = 1_795_200_000;

impl FakeHost {
    pub(super) fn new(headers: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self {
            headers: headers.iter().map(own).collect(),
            ..Self::default()
        }
    }

    /// Returns every call so far.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.borrow().clone()
    }

    /// Returns the filter state's text, if one was set.
    pub(super) fn state(&self) -> Option<String> {
        let mut last = None;
        for call in self.calls() {
            if let Call::State(_, text) = call {
                last = Some(text);
            }
        }
        last
    }

    fn note(&self, call: Call) {
        self.calls.borrow_mut().push(call);
    }

    fn try_to(&self, call: Call) -> Result<(), Refused> {
        let number = self.asked.get();
        self.asked.set(number + 1);
        if self.refuses.contains(&number) {
            return Err(Refused(number));
        }
        self.note(call);
        Ok(())
    }
}

impl Host for FakeHost {
    type Fault = Refused;

    fn now(&self) -> Option<u64> {
        self.note(Call::Now);
        Some(NOW)
    }

    fn client_address(&self) -> Option<IpAddr> {
        self.note(Call::Address);
        self.peer
    }

    fn own_address(&self) -> Option<IpAddr> {
        self.own
    }

    fn entropy(&self) -> u128 {
        7
    }

    fn with_headers<R>(&self, read: impl FnOnce(&[Header<'_>]) -> R) -> Result<R, Refused> {
        self.try_to(Call::Headers)?;
        let shown: Vec<Header<'_>> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        Ok(read(&shown))
    }

    fn activity(&self, key: &str) -> Activity {
        self.note(Call::Activity(key.to_owned()));
        Activity {
            count: 3,
            last: Some(NOW - 60),
        }
    }

    fn usage_report(&self, from: usize) -> String {
        self.note(Call::Report(from));
        "{}\n".to_owned()
    }

    fn remove_header(&mut self, name: &[u8]) -> Result<(), Refused> {
        let name = String::from_utf8(name.to_vec()).unwrap();
        self.try_to(Call::Remove(name.clone()))?;
        self.headers.retain(|(other, _)| *other != name);
        Ok(())
    }

    fn add_header(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        self.try_to(Call::Add(name.to_owned(), value.to_owned()))?;
        self.headers.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    fn set_state(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        self.try_to(Call::State(name.to_owned(), value.to_owned()))
    }

    fn reply(&mut self, reply: &Reply) -> Result<(), Refused> {
        self.try_to(Call::Reply(reply.status, reply.details.clone()))?;
        self.last_reply = Some(reply.clone());
        Ok(())
    }

    fn reset(&mut self) {
        self.note(Call::Reset);
    }

    fn count(&mut self, counter: Counter) {
        self.note(Call::Count(counter));
    }

    fn count_key(&mut self, key: &str, event: Event) {
        self.note(Call::CountKey(key.to_owned(), event));
    }

    fn count_no_key(&mut self) {
        self.note(Call::CountNoKey);
    }

    fn log(&mut self, level: LogLevel, line: &str) {
        self.note(Call::Log(level, line.to_owned()));
    }
}
