//! Headers that make a request conditional or repeatable, or that make it wait.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use axum::http::header::IF_MATCH;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method};
use sha2::{Digest, Sha256};

use super::failure::{Code, Failure};
use crate::caller::Caller;

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// How long an answer is held at most, in seconds.
const LONGEST_WAIT: u64 = 30;

/// What an answer is stored under, so that the request is carried out only once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Idempotency {
    pub(crate) principal: String,
    /// The SHA-256 of the key, in hexadecimal: a client may have put anything into the header.
    pub(crate) key: String,
    pub(crate) fingerprint: [u8; 32],
}

impl Idempotency {
    pub(crate) fn new(principal: String, key: &str, fingerprint: [u8; 32]) -> Self {
        Self {
            principal,
            key: hex::encode(Sha256::digest(key)),
            fingerprint,
        }
    }
}

/// Reads `Idempotency-Key` from a POST or DELETE.
pub(crate) fn idempotency(
    head: &Parts,
    caller: &Caller,
    body: &[u8],
) -> Result<Option<Idempotency>, Failure> {
    if head.method != Method::POST && head.method != Method::DELETE {
        return Ok(None);
    }
    let mut all = head.headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(first) = all.next() else {
        return Ok(None);
    };
    let text = first.to_str().ok().filter(|text| {
        all.next().is_none()
            && (1..=255).contains(&text.len())
            && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
    });
    let Some(key) = text else {
        return Err(Failure::new(
            Code::ParameterInvalid,
            "`Idempotency-Key` must be one header of 1 to 255 printable ASCII characters.",
        ));
    };
    let mut hash = Sha256::new();
    // Each part follows its length, so that no two requests hash the same bytes.
    for part in [
        head.method.as_str().as_bytes(),
        head.uri.to_string().as_bytes(),
        caller.acting_account().unwrap_or_default().as_bytes(),
        caller.mode_name().as_bytes(),
        body,
    ] {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    let fingerprint = hash.finalize().into();
    Ok(Some(Idempotency::new(caller.id(), key, fingerprint)))
}

/// Reads `If-Match`: `"v7"`.
pub(crate) fn expected_version(headers: &HeaderMap) -> Result<Option<u64>, Failure> {
    let Some(value) = headers.get(IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    let number = text
        .strip_prefix("\"v")
        .and_then(|text| text.strip_suffix('"'))
        .and_then(|text| text.parse().ok());
    match number {
        Some(number) => Ok(Some(number)),
        None => Err(Failure::new(
            Code::ParameterInvalid,
            "`If-Match` must be the ETag of an answer, such as \"v7\".",
        )),
    }
}

/// Reads `Prefer: wait=5` (RFC 7240). Ignores a preference that it cannot follow.
pub(crate) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let all = headers.get_all(PREFER).iter();
    let mut preferences = all
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','));
    preferences.find_map(|one| {
        let seconds: u64 = one.trim().strip_prefix("wait=")?.parse().ok()?;
        Some(Duration::from_secs(seconds.min(LONGEST_WAIT)))
    })
}

/// Requests in progress. Only this process uses the store, so memory is enough.
#[derive(Clone, Default)]
pub(crate) struct InFlight(Arc<Mutex<HashSet<(String, String)>>>);

/// A request in progress. It ends on drop.
pub(crate) struct Entered {
    all: InFlight,
    one: (String, String),
}

impl InFlight {
    /// Enters a request, unless one with the same key is in progress.
    pub(crate) fn enter(&self, one: &Idempotency) -> Result<Entered, Failure> {
        let one = (one.principal.clone(), one.key.clone());
        let mut all = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if !all.insert(one.clone()) {
            return Err(Failure::new(
                Code::IdempotencyKeyInUse,
                "A request with this `Idempotency-Key` is being carried out. Please retry.",
            )
            .retry_after(1));
        }
        Ok(Entered {
            all: self.clone(),
            one,
        })
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut all = self
            .all
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        all.remove(&self.one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn a_version_is_read_as_it_is_written() {
        assert_eq!(expected_version(&HeaderMap::new()).unwrap(), None);
        assert_eq!(
            expected_version(&headers(IF_MATCH, "\"v7\"")).unwrap(),
            Some(7)
        );
        for value in ["7", "\"7\"", "*", "W/\"v7\"", "\"v-1\""] {
            assert!(
                expected_version(&headers(IF_MATCH, value)).is_err(),
                "{value}"
            );
        }
    }

    #[test]
    fn nobody_waits_for_longer_than_a_connection_lasts() {
        assert_eq!(
            wait(&headers(PREFER, "wait=5")),
            Some(Duration::from_secs(5))
        );
        assert_eq!(
            wait(&headers(PREFER, "respond-async, wait=500")),
            Some(Duration::from_secs(30))
        );
        assert_eq!(wait(&headers(PREFER, "wait=soon")), None);
    }

    #[test]
    fn a_request_is_in_flight_once() {
        let all = InFlight::default();
        let one = Idempotency::new("mk_1".to_owned(), "a", [0; 32]);
        let entered = all.enter(&one).unwrap();
        assert!(all.enter(&one).err().unwrap().is(Code::IdempotencyKeyInUse));
        drop(entered);
        all.enter(&one).unwrap();
    }
}
