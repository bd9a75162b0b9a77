//! A request after the steps that all endpoints share, and its answer before them.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderValue, StatusCode};
use keyward::key::Livemode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::conditions::Idempotency;
use super::failure::{Code, Failure};
use super::query::{self, Pairs};
use crate::caller::Caller;

/// An authenticated request.
pub(crate) struct Call {
    /// The authenticated caller.
    pub(crate) caller: Caller,
    /// The id or name in the path, if the template has one.
    pub(crate) target: String,
    /// The path, without the query.
    pub(crate) path: String,
    /// The query, without its question mark.
    pub(crate) query: String,
    pub(crate) body: Bytes,
    /// The version in `If-Match`.
    pub(crate) expected_version: Option<u64>,
    /// How long the answer may be held, from `Prefer: wait`.
    pub(crate) wait: Option<Duration>,
    pub(crate) request_id: String,
    /// What the answer is stored under, if the client sent an `Idempotency-Key`.
    pub(crate) idempotency: Option<Idempotency>,
}

impl Call {
    /// Rejects all callers except the operator's keys and people. `message` says what is reserved
    /// for them.
    pub(crate) fn operators_only(&self, message: &str) -> Result<(), Failure> {
        if self.caller.is_operator() {
            return Ok(());
        }
        Err(Failure::new(Code::MorePermissionsRequired, message))
    }

    /// Rejects the operator's keys of test mode as well. `live` says why.
    pub(crate) fn live_operators_only(&self, message: &str, live: &str) -> Result<(), Failure> {
        self.operators_only(message)?;
        match self.caller.mode() {
            Some(Livemode::Live) | None => Ok(()),
            Some(Livemode::Test) => Err(Failure::new(Code::MorePermissionsRequired, live)),
        }
    }

    /// Parses the body's members. An empty body is an empty object, because Stripe's SDKs send no
    /// body for a call without parameters.
    pub(crate) fn members<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        members_of(&self.body)
    }

    /// Rejects members if the request has none. stripe-python sends `{}`.
    pub(crate) fn no_members(&self) -> Result<(), Failure> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        self.members::<Nothing>().map(|Nothing {}| ())
    }

    /// Rejects parameters if the request has none.
    pub(crate) fn no_parameters(&self) -> Result<(), Failure> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        query::read::<Nothing>(self.pairs()?).map(|Nothing {}| ())
    }

    /// Returns the version in `If-Match`, which is required to replace a whole document.
    pub(crate) fn required_version(&self) -> Result<u64, Failure> {
        self.expected_version.ok_or_else(|| {
            Failure::new(
                Code::PreconditionRequired,
                "This replaces a whole document. Say which state of it you have seen: `If-Match` with the ETag of its last answer.",
            )
        })
    }

    /// Parses the query's parameters.
    pub(crate) fn pairs(&self) -> Result<Pairs, Failure> {
        query::pairs(&self.query)
    }
}

/// Parses the members of a body.
pub(crate) fn members_of<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let body = if body.is_empty() { b"{}" } else { body };
    let members = serde_json::from_slice(body).map_err(|error| refusal_of(&error))?;
    // serde also accepts an array of the members' values.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Failure::new(
            Code::ParameterInvalid,
            "The body must be a JSON object.",
        ));
    }
    Ok(members)
}

/// Returns what is wrong with a body. serde's own message may quote what the client sent, so this
/// keeps only names that the program defines: the one at its beginning, and the list at its end.
fn refusal_of(error: &serde_json::Error) -> Failure {
    let text = error.to_string();
    let named = |before: &str| {
        let rest = text.strip_prefix(before)?;
        rest.split_once('`').map(|(name, _)| name.to_owned())
    };
    match error.classify() {
        serde_json::error::Category::Data => {}
        serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof
        | serde_json::error::Category::Io => {
            let (line, column) = (error.line(), error.column());
            return Failure::new(
                Code::JsonInvalid,
                format!("The body is not JSON: line {line}, column {column}."),
            );
        }
    }
    if let Some(name) = named("missing field `") {
        return Failure::new(Code::ParameterMissing, format!("`{name}` is missing.")).at(name);
    }
    if text.starts_with("unknown field `") {
        let expected = query::known(&text);
        return Failure::new(
            Code::ParameterUnknown,
            format!("The body has a member that this endpoint does not know; expected {expected}."),
        );
    }
    let (line, column) = (error.line(), error.column());
    Failure::new(
        Code::ParameterInvalid,
        format!(
            "A member of the body is not of the form that is documented: line {line}, column {column}."
        ),
    )
}

/// A handler's answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: HeaderValue,
    /// The answer in JSON. It may contain a value that is shown once, so it is wiped once it has
    /// been sent.
    pub(crate) body: Zeroizing<Vec<u8>>,
    /// The version of the object, for `ETag`.
    pub(crate) version: Option<u64>,
    /// The number of the change that was made.
    pub(crate) change: Option<u64>,
    /// Whether `Prefer: wait` was followed.
    pub(crate) waited: Option<Duration>,
    /// Whether this answer was given before.
    pub(crate) is_replayed: bool,
}

impl Answer {
    /// Serializes an object to JSON, with sorted members if `object` sorts them.
    pub(crate) fn of(object: &impl Serialize) -> Result<Self, Failure> {
        Ok(Self::written(written(object)?))
    }

    /// Makes an answer from a finished body.
    pub(crate) fn written(body: Zeroizing<Vec<u8>>) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: HeaderValue::from_static("application/json"),
            body,
            version: None,
            change: None,
            waited: None,
            is_replayed: false,
        }
    }
}

/// Writes JSON into one buffer that does not grow meanwhile, because the old copies of a growing
/// buffer would not be wiped.
pub(crate) fn written(object: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut size = Counter(0);
    let failed = |_| Failure::new(Code::Internal, "The answer cannot be written.");
    serde_json::to_writer_pretty(&mut size, object).map_err(failed)?;
    let mut body = Zeroizing::new(Vec::with_capacity(size.0.saturating_add(1)));
    serde_json::to_writer_pretty(&mut *body, object).map_err(failed)?;
    body.push(b'\n');
    Ok(body)
}

struct Counter(usize);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[allow(dead_code, reason = "only its form matters here")]
        name: String,
    }

    fn refused(text: &str) -> Failure {
        refusal_of(&serde_json::from_str::<Body>(text).unwrap_err())
    }

    #[test]
    fn a_refusal_names_what_was_expected_and_never_what_was_sent() {
        for (text, code) in [
            (r#"{"name": 4711}"#, Code::ParameterInvalid),
            (r#"{"name": "x", "4711": 1}"#, Code::ParameterUnknown),
            (
                r#"{"name": "x", "expected 4711": 1}"#,
                Code::ParameterUnknown,
            ),
            (
                r#"{"name": "x", "missing field `4711`": 1}"#,
                Code::ParameterUnknown,
            ),
            ("{}", Code::ParameterMissing),
            (r#"{"name": "4711"#, Code::JsonInvalid),
            ("4711", Code::ParameterInvalid),
        ] {
            let failure = refused(text);
            assert!(failure.is(code), "{text}");
            let body = failure.body().to_string();
            assert!(!body.contains("4711"), "{body}");
        }
        assert!(
            refused("{}")
                .body()
                .to_string()
                .contains(r#""param":"name""#)
        );
    }

    #[test]
    fn a_body_is_an_object() {
        for (text, is_taken) in [
            (r#" {"name": "x"}"#, true),
            (r#"["x"]"#, false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(
                members_of::<Body>(text.as_bytes()).is_ok(),
                is_taken,
                "{text}"
            );
        }
    }

    #[test]
    fn a_body_is_written_without_growing() {
        let body = written(&serde_json::json!({"a": "b"})).unwrap();
        assert_eq!(&body[..], b"{\n  \"a\": \"b\"\n}\n");
        assert_eq!(body.capacity(), body.len());
    }
}
