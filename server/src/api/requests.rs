//! `GET /v2/keyward/api_keys/{id}/requests`: the requests with a key in the gateways' access logs,
//! newest first.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use keyward::mask::KnownPrefixes;
use keyward_files::access_log::{Record, Text, Verdict};
use keyward_files::log_files::{self, Go, Log};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::new_key::instant;
use crate::app::App;
use crate::http::call::{Answer, Call};
use crate::http::failure::{Code, Failure};
use crate::http::query;
use crate::route::Pending;
use crate::service::failure::Stored;
use crate::service::refusal;
use crate::time;

/// A page of requests, and how much was read for it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Requests {
    data: Vec<RequestObject>,
    keyward: Read,
    next_page_url: Option<String>,
    previous_page_url: Option<String>,
}

/// How much was read.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Read {
    /// Whether all files were read, to their ends.
    is_whole: bool,
    /// How many requests match; `data` has the newest of them.
    matching: u64,
    /// What was not read, and why.
    notes: Vec<String>,
}

/// A request, by the members of the access log. Texts that clients chose are in printable ASCII.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct RequestObject {
    access: Option<&'static str>,
    account: Option<String>,
    client_address: Option<String>,
    decision: &'static str,
    duration_ms: Option<u64>,
    key: Option<String>,
    method: String,
    missing_permission: Option<String>,
    object: &'static str,
    path: String,
    permission: Option<String>,
    reason: Option<&'static str>,
    request_id: Option<String>,
    response_code: u16,
    revision: Option<u64>,
    start_time: String,
}

/// The number of logs that are read at the same time, because reading keeps a core busy.
static READERS: Semaphore = Semaphore::const_new(1);

/// The time limit for reading them.
const LONGEST: Duration = Duration::from_secs(10);

/// From when on, where the caller does not say.
pub(super) const USUAL_SPAN: u64 = 7 * 86_400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    limit: Option<String>,
    decision: Option<String>,
    reason: Option<String>,
    since: Option<String>,
    until: Option<String>,
}

/// The conditions for the requests.
struct Question {
    key: String,
    limit: usize,
    decision: Option<String>,
    reason: Option<String>,
    since: u64,
    until: u64,
}

/// Handles `GET /v2/keyward/api_keys/{id}/requests`.
pub(crate) fn list(app: Arc<App>, call: Call) -> Pending {
    Box::pin(async move {
        let parameters: Parameters = query::read(call.pairs()?)?;
        let (scope, id) = (call.caller.scope(), call.target.clone());
        let found: Result<String, Stored> = app
            .store
            .read(move |reader| {
                let key = reader.key(&scope, &id)?;
                Ok(key.ok_or_else(|| refusal::missing("key", &id))?.key.id)
            })
            .await;
        let question = parameters.question(found.map_err(Failure::from)?)?;
        let of = Arc::clone(&app);
        let read = reading(&app, call.wait, move |reading| {
            read(reading, &question, of.profile.known_prefixes())
        });
        Answer::of(&read.await?)
    })
}

/// Files that are read, for at most so long.
pub(super) struct Reading {
    files: Vec<PathBuf>,
    longest: Duration,
}

/// Reads the logs, where no one else does.
pub(super) async fn reading<T: Send + 'static>(
    app: &App,
    wait: Option<Duration>,
    work: impl FnOnce(Reading) -> anyhow::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let files = app.requests.files()?;
    let longest = wait.unwrap_or(LONGEST).min(LONGEST);
    let turn = tokio::time::timeout(longest, READERS.acquire()).await;
    let Ok(Ok(_turn)) = turn else {
        return Err(Failure::new(
            Code::RateLimited,
            "Another request is reading the logs. Please retry.",
        )
        .retry_after(5));
    };
    let done = tokio::task::spawn_blocking(move || work(Reading { files, longest })).await;
    let failed = || Failure::new(Code::Internal, "The logs could not be read.");
    done.map_err(|_| failed())?.map_err(|_| failed())
}

impl Reading {
    /// Shows each request of a time, in Unix seconds. What was read, and how many of the requests `each` counts.
    pub(super) fn each(
        self,
        since: u64,
        until: u64,
        mut each: impl FnMut(&Record<'_>) -> bool,
    ) -> anyhow::Result<Read> {
        let log = Log {
            files: self.files,
            time: since.saturating_mul(1_000)..until.saturating_mul(1_000),
            follow: false,
            shown: str::to_owned,
        };
        let began = Instant::now();
        let (mut matching, mut is_over) = (0_u64, false);
        let tally = log_files::read_what_there_is(&log, &(), &mut |record| {
            // A line costs less than a look at the clock, but for one in a hundred it is nothing.
            if began.elapsed() > self.longest {
                is_over = true;
                return Ok(Go::Stop);
            }
            matching = matching.saturating_add(u64::from(each(record)));
            Ok(Go::On)
        })?;
        let mut notes = tally.sentences();
        if is_over {
            notes.push(format!(
                "Reading was ended after {} seconds.",
                self.longest.as_secs()
            ));
        }
        Ok(Read {
            is_whole: tally.is_whole() && !is_over,
            matching,
            notes,
        })
    }
}

impl Read {
    /// Says what is missing.
    pub(super) fn leaves_out(&mut self, note: String) {
        self.is_whole = false;
        self.notes.push(note);
    }
}

impl Parameters {
    fn question(self, key: String) -> Result<Question, Failure> {
        let wrong =
            |param: &str, message: &str| Failure::new(Code::ParameterInvalid, message).at(param);
        let limit = match self.limit.as_deref() {
            None => 10,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=100).contains(limit))
                .ok_or_else(|| wrong("limit", "`limit` is a number from 1 to 100."))?,
        };
        let time = |text: &Option<String>, name: &str| {
            text.as_deref().map(|text| instant(text, name)).transpose()
        };
        let now = time::now();
        Ok(Question {
            key,
            limit,
            decision: self.decision,
            reason: self.reason,
            since: time(&self.since, "since")?.unwrap_or(now.saturating_sub(USUAL_SPAN)),
            until: time(&self.until, "until")?.unwrap_or(u64::MAX / 2_000),
        })
    }
}

impl Question {
    fn fits(&self, record: &Record<'_>) -> bool {
        let Some(state) = &record.state else {
            return false;
        };
        let is_of_key = state.key.is_some_and(|key| key.id == self.key);
        let decision = self.decision.as_deref();
        let reason = self.reason.as_deref();
        is_of_key
            && decision.is_none_or(|wanted| wanted == state.verdict.name())
            && reason.is_none_or(|wanted| {
                state
                    .verdict
                    .reason()
                    .is_some_and(|one| one.name() == wanted)
            })
    }
}

fn read(
    reading: Reading,
    question: &Question,
    prefixes: &KnownPrefixes,
) -> anyhow::Result<Requests> {
    let mut newest = VecDeque::new();
    let read = reading.each(question.since, question.until, |record| {
        let fits = question.fits(record);
        if fits {
            newest.push_back((record.at, object(record, prefixes)));
            if newest.len() > question.limit.saturating_mul(2) {
                keep_newest(&mut newest, question.limit);
            }
        }
        fits
    })?;
    keep_newest(&mut newest, question.limit);
    Ok(Requests {
        data: newest.into_iter().map(|(_, object)| object).collect(),
        keyward: read,
        next_page_url: None,
        previous_page_url: None,
    })
}

/// Keeps the newest requests. Files are read in the order of their names, which may differ from the
/// order of their times.
fn keep_newest(all: &mut VecDeque<(u64, RequestObject)>, limit: usize) {
    let sorted = all.make_contiguous();
    sorted.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    all.truncate(limit);
}

fn object(record: &Record<'_>, prefixes: &KnownPrefixes) -> RequestObject {
    let state = record.state.as_ref();
    let verdict = state.map(|state| state.verdict);
    let text = |text: Option<&Text<'_>>| text.map(|text| text.shown(prefixes));
    let permission = state.and_then(|state| state.permission);
    let name = permission.map(|(name, _)| name.to_owned());
    let (needed, missing) = if record.missing() {
        (None, name)
    } else {
        (name, None)
    };
    RequestObject {
        access: permission.map(|(_, level)| level.name()),
        account: state.and_then(|state| state.account).map(str::to_owned),
        client_address: record.client.map(|address| address.to_string()),
        decision: verdict.map_or("none", Verdict::name),
        duration_ms: record.duration,
        key: state
            .and_then(|state| state.key)
            .map(|key| key.id.to_owned()),
        method: record.method.shown(prefixes),
        missing_permission: missing,
        object: "keyward.request",
        path: record.path.shown(prefixes),
        permission: needed,
        reason: verdict
            .and_then(Verdict::reason)
            .map(keyward::reason::DenyReason::name),
        request_id: text(record.response_request_id.or(record.request_id)),
        response_code: record.status,
        revision: state.and_then(|state| state.revision),
        start_time: written(record.at),
    }
}

/// `2026-11-20T10:00:00.123Z`
pub(super) fn written(milliseconds: u64) -> String {
    let whole = time::written(milliseconds / 1_000);
    match whole.strip_suffix(".000Z") {
        Some(whole) => format!("{whole}.{:03}Z", milliseconds % 1_000),
        None => whole,
    }
}
