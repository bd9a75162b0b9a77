//! A line of the log as JSON, and the record that it describes.

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
    /// It begins like a JSON object but is not one: cut off, or two lines in one.
    Torn,
    /// It is not a JSON object, or has no time or no `keyward` member: another program wrote it.
    Foreign,
    /// It looks like a line of the log, but one member has an invalid value.
    Malformed,
    /// It is longer than any line of the log.
    TooLong,
}

impl Skip {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Torn, Self::Foreign, Self::Malformed, Self::TooLong];

    /// Returns one word, for programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Torn => "torn",
            Self::Foreign => "foreign",
            Self::Malformed => "malformed",
            Self::TooLong => "too_long",
        }
    }

    /// Describes what was found, for people.
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

/// A line's JSON. Members of other programs are ignored; a known member that occurs twice makes the
/// line malformed. The aliases are the names in Envoy's and Istio's own formats.
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

/// One request and its result.
#[derive(Clone, Debug)]
pub struct Record<'l> {
    /// When it began: milliseconds since 1970.
    pub at: u64,
    /// The method as the client sent it; empty if Envoy could not read one.
    pub method: &'l Text<'l>,
    /// The path without its query.
    pub path: Text<'l>,
    /// The status of the reply, or 0 if there was none.
    pub status: u16,
    /// Envoy's description of where the reply came from.
    pub details: Option<&'l Text<'l>>,
    /// Envoy's response flags.
    pub flags: Option<&'l Text<'l>>,
    /// The duration in milliseconds.
    pub duration: Option<u64>,
    /// The client's address.
    pub client: Option<IpAddr>,
    /// Envoy's id of the request, `X-Request-Id`.
    pub request_id: Option<&'l Text<'l>>,
    /// The reply's `Request-Id`: from keyward if it denied the request, otherwise from the
    /// upstream.
    pub response_request_id: Option<&'l Text<'l>>,
    /// The upstream that received the request.
    pub upstream: Option<&'l Text<'l>>,
    /// keyward's verdict. `None` if there was none, because Envoy answered first, or because
    /// keyward was not working and the interlock answered.
    pub state: Option<State<'l>>,
}

impl Record<'_> {
    /// Whether the key lacks the permission in the verdict.
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
    /// Parses a line without its line end.
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

    /// Returns the record that the line describes.
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
        // A query is never shown, even if something wrote it into the log.
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

/// Returns the id. The loggers write an empty text if a header contains no id.
fn id<'l>(text: Option<&'l Text<'l>>) -> Option<&'l Text<'l>> {
    text.filter(|text| !text.as_str().is_empty())
}

/// Parses `2026-11-20T10:00:00.123Z` to milliseconds since 1970. `None` for earlier times.
fn millis(text: &str) -> Option<u64> {
    let time: Timestamp = text.parse().ok()?;
    u64::try_from(time.as_millisecond()).ok()
}

/// Parses an address with or without its port.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    let address = text.parse::<IpAddr>().or_else(|_| with_port()).ok()?;
    Some(address.to_canonical())
}

/// Whether a member is present.
#[derive(Debug, Default)]
enum Presence<'a> {
    #[default]
    Absent,
    Null,
    There(Text<'a>),
}

/// Reads a filter state. Envoy writes `null` or `-` for one that does not exist.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Presence<'a>, D::Error> {
    Ok(match Option::<Text<'a>>::deserialize(deserializer)? {
        Some(text) if text.as_str() == "-" => Presence::Null,
        Some(text) => Presence::There(text),
        None => Presence::Null,
    })
}

/// A number, or a string that contains one, as text formats write it. `null` and `-` mean none.
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
