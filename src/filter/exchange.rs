//! A request, from its head to its entry in the ledger. The filter reads and judges it, carries the
//! ruling out, and counts the outcome once.

use super::host::{Host, LogLevel};
use super::ledger;
use super::ruling::{Answer, Course, Ruling};
use crate::configuration::Configuration;
use crate::decision::Denial;
use crate::judge::Entry;
use crate::reason::DenyReason;
use crate::reply::Reply;
use crate::upstream::{Handover, HeaderChange};

/// Whether a request continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Flow {
    /// The request continues to the next filter, and so to the upstream.
    Continue,
    /// The request was answered or reset.
    Stop,
}

/// Decides on a request, once, when its head has arrived. `has_body` is true if more of it follows.
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

/// Changes the headers so that the upstream learns who the caller is. The last step sets the filter
/// state: without it, the interlock denies the request.
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

/// Answers instead of the upstream. The request does not continue, even if the host fails to send
/// the answer.
fn stop<H: Host>(configuration: &Configuration, host: &mut H, answer: &Answer) -> Flow {
    if host.reply(&answer.reply).is_err() {
        host.reset();
    }
    // If the state cannot be written, the request still does not pass: only `allow` lets it
    // through.
    let _ = host.set_state(&configuration.settings().filter_state, &answer.state);
    Flow::Stop
}

#[cfg(test)]
mod tests;
