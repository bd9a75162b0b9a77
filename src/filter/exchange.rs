//! One request, from its head to its entry in the ledger: it is read and judged, the ruling is carried out, and what became of the request is counted, once.

use super::host::{Host, LogLevel};
use super::ledger;
use super::ruling::{Answer, Course, Ruling};
use crate::configuration::Configuration;
use crate::decision::Denial;
use crate::judge::Entry;
use crate::reason::DenyReason;
use crate::reply::Reply;
use crate::upstream::{Handover, HeaderChange};

/// Whether a request goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Flow {
    /// To the next filter, and so to the upstream.
    Continue,
    /// Not at all: it was answered or reset.
    Stop,
}

/// Decides on one request, once, when its head is there. `has_body` shows whether more of it is to come.
pub fn run<H: Host>(configuration: &Configuration, host: &mut H, has_body: bool) -> Flow {
    let asked = &*host;
    let Ok(ruling) =
        asked.with_headers(|headers| Ruling::on(configuration, asked, headers, has_body))
    else {
        return refuse(configuration, host);
    };
    if ruling.exposes_secret {
        ledger::count_exposed_secret(host);
    }
    let flow = match ruling.course {
        Course::Pass(handover) => {
            if let Err(fault) = pass(configuration, host, &handover) {
                host.log(
                    LogLevel::Error,
                    &format!("keyward: the host refused to carry out a verdict: {fault}; denied"),
                );
                let key = ruling.entry.as_ref().and_then(Entry::key);
                return deny(
                    configuration,
                    host,
                    &Denial::not_carried_out(configuration, key),
                );
            }
            Flow::Continue
        }
        Course::Answer(answer) => stop(configuration, host, &answer),
    };
    if let Some(entry) = &ruling.entry {
        ledger::record(host, entry);
    }
    flow
}

/// Denies a request about which nothing is known, because the host failed.
pub fn refuse<H: Host>(configuration: &Configuration, host: &mut H) -> Flow {
    deny(
        configuration,
        host,
        &Denial::unread(DenyReason::HostFailure),
    )
}

fn deny<H: Host>(configuration: &Configuration, host: &mut H, denial: &Denial<'_>) -> Flow {
    let answer = Answer {
        reply: Reply::new(configuration, denial, super::ruling::request_id(host)),
        state: denial.state().into_text(),
    };
    let flow = stop(configuration, host, &answer);
    ledger::record(host, &Entry::denied(denial));
    flow
}

/// Tells the upstream who calls, and last of all the proxy that the request may pass: without that state the interlock denies it.
fn pass<H: Host>(
    configuration: &Configuration,
    host: &mut H,
    handover: &Handover<'_>,
) -> Result<(), H::Fault> {
    handover.each_change(|change| match change {
        HeaderChange::Remove(name) => host.remove_header(&name),
        HeaderChange::Add(name, value) => host.add_header(&name, &value),
    })?;
    host.set_state(&configuration.settings().filter_state, handover.state())
}

/// Answers in the upstream's stead. Whatever the host says to that, the request does not go on.
fn stop<H: Host>(configuration: &Configuration, host: &mut H, answer: &Answer) -> Flow {
    if host.reply(&answer.reply).is_err() {
        host.reset();
    }
    // A state that cannot be written is not a pass either: only `allow` lets a request through.
    let _ = host.set_state(&configuration.settings().filter_state, &answer.state);
    Flow::Stop
}

#[cfg(test)]
mod tests;
