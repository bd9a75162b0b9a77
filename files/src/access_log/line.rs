//! A line as JSON, and as what it says.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::error::Category;

use super::text::Text;
use keyward::reason::DenyReason;
use keyward::state::State;

/// Why a line is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Skip {
    /// It begins as a JSON object and is not one: cut off, or two lines in one.
    Torn,
    /// It is not JSON object, or one without a time and a `keyward` member: some other program's.
    Foreign,
    /// It is a line of the log in all but one member, which holds what it cannot.
    Malformed,
    /// It is longer than any line of the log.
    TooLong,
}

impl Skip {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Torn, Self::Foreign, Self::Malformed, Self::TooLong];

    /// One word, for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Torn => "torn",
            Self::Foreign => "foreign",
            Self::Malformed => "malformed",
            Self::TooLong => "too_long",
        }
    }

    /// What was found, for people.
    #[must_use]
    pub fn found(self) -> &'static str {
        match self {
            Self::Torn => "begun as JSON and broken off",
            Self::Foreign => "not of this log",
            Self::Malformed => "with a member that holds what it cannot",
            Self::TooLong => "longer than any line of this log",
        }
    }
}

/// A line's JSON. Other programs' members are ignored; one of ours that occurs twice makes the line malformed. The names after the first are those of Envoy's and Istio's own formats.
#[derive(Debug, Deserialize)]
pub struct Line<'a> {
    #[serde(borrow, default)]
    start_time: Option<Text<'a>>,
    /// Absent in another program's line, `null` without a verdict.
    #[serde(borrow, default, deserialize_with = "present")]
    keyward: Presence<'a>,
    #[serde(borrow, default)]
    method: Option<Text<'a>>,
    #[serde(borrow, default)]
    path: Option<Text<'a>>,
    #[serde(default)]
    response_code: Number,
    #[serde(borrow, default)]
    response_code_details: Option<Text<'a>>,
    #[serde(borrow, default)]
    response_flags: Option<Text<'a>>,
    #[serde(default, alias = "duration")]
    duration_ms: Number,
    #[serde(
        borrow,
        default,
        alias = "downstream_remote_address",
        alias = "client_ip"
    )]
    client_address: Option<Text<'a>>,
    #[serde(borrow, default)]
    request_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    response_request_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    upstream_host: Option<Text<'a>>,
}

/// One request, and its result.
#[derive(Clone, Debug)]
pub struct Record<'l> {
    /// When it began: milliseconds since 1970.
    pub at: u64,
    /// As the client sent it; empty where Envoy could not read one.
    pub method: &'l Text<'l>,
    /// Without its query.
    pub path: Text<'l>,
    /// The status of the reply; 0 where there was none.
    pub status: u16,
    /// Envoy's word on where the reply came from.
    pub details: Option<&'l Text<'l>>,
    /// Envoy's response flags.
    pub flags: Option<&'l Text<'l>>,
    /// Milliseconds.
    pub duration: Option<u64>,
    /// The client's address.
    pub client: Option<IpAddr>,
    /// Envoy's id of the request, `X-Request-Id`.
    pub request_id: Option<&'l Text<'l>>,
    /// The reply's own, `Request-Id`: keyward's of a refusal, the upstream's of what passed.
    pub response_request_id: Option<&'l Text<'l>>,
    /// Where it went.
    pub upstream: Option<&'l Text<'l>>,
    /// keyward's verdict. `None`: it gave none, because Envoy answered before it, or because it was out of order and the interlock answered.
    pub state: Option<State<'l>>,
}

impl Record<'_> {
    /// Whether the verdict's permission is one that the key lacks.
    #[must_use]
    pub fn missing(&self) -> bool {
        let reason = self.state.and_then(|state| state.verdict.reason());
        matches!(
            reason,
            Some(DenyReason::InsufficientPermission | DenyReason::NoConnectPermission)
        )
    }
}

static NO_TEXT: Text<'static> = Text::empty();

impl<'a> Line<'a> {
    /// Reads a line without its end.
    pub fn parse(line: &'a [u8]) -> Result<Self, Skip> {
        if line.trim_ascii_start().first() != Some(&b'{') {
            return Err(Skip::Foreign);
        }
        // Serde's own messages quote values.
        let line: Self = serde_json::from_slice(line).map_err(|error| match error.classify() {
            Category::Eof | Category::Syntax | Category::Io => Skip::Torn,
            Category::Data => Skip::Malformed,
        })?;
        match (&line.start_time, &line.keyward) {
            (Some(_), Presence::Null | Presence::There(_)) => Ok(line),
            (None, _) | (_, Presence::Absent) => Err(Skip::Foreign),
        }
    }

    /// What the line says.
    pub fn record(&self) -> Result<Record<'_>, Skip> {
        let at = self
            .start_time
            .as_ref()
            .and_then(|time| millis(time.as_str()));
        let state = match &self.keyward {
            Presence::There(text) => Some(State::parse(text.as_str()).ok_or(Skip::Malformed)?),
            Presence::Null | Presence::Absent => None,
        };
        let path = self.path.as_ref().unwrap_or(&NO_TEXT).as_str();
        // A query is never shown, whatever wrote it into the log.
        let end = memchr::memchr2(b'?', b'#', path.as_bytes());
        let path = end.and_then(|end| path.get(..end)).unwrap_or(path);
        Ok(Record {
            at: at.ok_or(Skip::Malformed)?,
            method: self.method.as_ref().unwrap_or(&NO_TEXT),
            path: Text::new(path),
            status: match self.response_code.0 {
                None => 0,
                Some(code) => u16::try_from(code)
                    .ok()
                    .filter(|code| *code < 1000)
                    .ok_or(Skip::Malformed)?,
            },
            details: self.response_code_details.as_ref(),
            flags: self.response_flags.as_ref(),
            duration: self.duration_ms.0,
            client: self
                .client_address
                .as_ref()
                .and_then(|text| address(text.as_str())),
            request_id: id(self.request_id.as_ref()),
            response_request_id: id(self.response_request_id.as_ref()),
            upstream: self.upstream_host.as_ref(),
            state,
        })
    }
}

/// The loggers write an empty text in the place of what is not an id.
fn id<'l>(text: Option<&'l Text<'l>>) -> Option<&'l Text<'l>> {
    text.filter(|text| !text.as_str().is_empty())
}

/// Milliseconds since 1970 of `2026-11-20T10:00:00.123Z`; no time before that.
fn millis(text: &str) -> Option<u64> {
    let time: Timestamp = text.parse().ok()?;
    u64::try_from(time.as_millisecond()).ok()
}

/// An address, with its port or without.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    let address = text.parse::<IpAddr>().or_else(|_| with_port()).ok()?;
    Some(address.to_canonical())
}

/// Whether a member is there.
#[derive(Debug, Default)]
enum Presence<'a> {
    #[default]
    Absent,
    Null,
    There(Text<'a>),
}

/// Envoy writes `null`, or `-`, for a filter state that is not there.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Presence<'a>, D::Error> {
    Ok(match Option::<Text<'a>>::deserialize(deserializer)? {
        Some(text) if text.as_str() == "-" => Presence::Null,
        Some(text) => Presence::There(text),
        None => Presence::Null,
    })
}

/// A number, as one or as a text, as formats of text write it; `null` and `-` are not numbers.
#[derive(Debug, Default)]
struct Number(Option<u64>);

struct NumberVisitor;

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
        Ok(Number(Some(number)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
        if text == "-" {
            return Ok(Number(None));
        }
        let number = text.parse().map_err(|_| E::custom("no number"))?;
        Ok(Number(Some(number)))
    }

    fn visit_unit<E: Error>(self) -> Result<Number, E> {
        Ok(Number(None))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}
