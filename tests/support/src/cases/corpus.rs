//! Reads the corpus strictly: a misspelled or missing member is an error, so that no expectation is
//! skipped silently. `tests/cases/README.md` describes the format.

use std::collections::BTreeMap;
use std::path::Path;

use keyward::digest::KeyDigest;
use serde::Deserialize;
use serde_json::Value;

use crate::find::root;

/// One plugin configuration and the requests that are sent to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseFile {
    /// The file's name without its extension.
    #[serde(skip)]
    pub name: String,
    pub description: String,
    pub configuration: Value,
    pub cases: Vec<Case>,
    /// The API in whose names the expectations are written.
    #[serde(skip)]
    pub api: Api,
}

/// The names of an API that appear in every reply.
#[derive(Clone, Copy, Debug)]
pub struct Api {
    pub realm: &'static str,
    pub retry_header: &'static str,
    pub request_id_prefix: &'static str,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            realm: "Stripe",
            retry_header: "Stripe-Should-Retry",
            request_id_prefix: "req_",
        }
    }
}

/// One request and its expected result.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub description: String,
    pub request: Request,
    pub expect: Expectation,
    /// The runners that can run the case. All of them if absent.
    #[serde(default)]
    only: Option<Vec<Runner>>,
    /// Why only some runners can run the case.
    #[serde(default)]
    why: Option<String>,
    /// Why the case does not apply to an API other than Stripe's.
    #[serde(default)]
    pub(super) stripe_only: Option<String>,
}

/// What runs the corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Runner {
    Library,
    Envoy,
    Command,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub method: Text,
    /// The path with its query. Absent if the request has none.
    #[serde(default)]
    pub path: Option<Text>,
    /// The headers, in the order of sending.
    #[serde(default)]
    pub headers: Vec<(String, Text)>,
    /// The client's address. 127.0.0.1 if absent.
    #[serde(default)]
    pub address: Option<String>,
    #[serde(default)]
    pub body: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(
    tag = "decision",
    rename_all = "snake_case",
    rename_all_fields = "snake_case",
    deny_unknown_fields
)]
pub enum Expectation {
    Allow {
        /// The deny reason, or shadow's `would_deny`.
        #[serde(default)]
        reason: Option<String>,
        state: String,
        /// What the upstream receives: exactly one header with that name, or none.
        #[serde(default)]
        upstream: BTreeMap<String, Option<Text>>,
    },
    Deny {
        reason: String,
        status: u16,
        state: String,
        /// What the client receives: one header with that name, or none.
        #[serde(default)]
        headers: BTreeMap<String, Option<String>>,
        /// The body's lines.
        #[serde(default)]
        body: Option<Vec<String>>,
    },
}

/// Bytes, written as text whose characters up to U+00FF are one byte each.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Parts")]
pub struct Text(Vec<u8>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Parts {
    One(Part),
    Joined(Vec<Part>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Part {
    Literal(String),
    Repeat(Repeat),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeat {
    #[serde(rename = "$repeat")]
    repeat: (String, usize),
}

impl TryFrom<Parts> for Text {
    type Error = String;

    fn try_from(parts: Parts) -> Result<Self, String> {
        let parts = match parts {
            Parts::One(part) => vec![part],
            Parts::Joined(parts) => parts,
        };
        let text: String = parts.into_iter().map(Part::into_string).collect();
        let bytes = text.chars().map(u8::try_from).collect::<Result<_, _>>();
        bytes
            .map(Self)
            .map_err(|_| format!("a character above U+00FF in `{text}`"))
    }
}

impl Part {
    fn into_string(self) -> String {
        match self {
            Self::Literal(text) => text,
            Self::Repeat(Repeat {
                repeat: (text, count),
            }) => text.repeat(count),
        }
    }
}

impl Text {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes as text with one character per byte, as the files write it.
    pub fn to_latin1(&self) -> String {
        self.0.iter().copied().map(char::from).collect()
    }

    pub fn from_latin1(text: &str) -> Self {
        Self(text.chars().map(|c| u8::try_from(c).unwrap()).collect())
    }
}

impl CaseFile {
    /// Returns the plugin configuration in the form that a gateway accepts: keys as digests, times
    /// as Unix seconds.
    pub fn configuration(&self, now: u64) -> String {
        let mut configuration = self.configuration.clone();
        for key in keys_mut(&mut configuration) {
            if let Some(raw) = key.remove("key") {
                assert!(!key.contains_key("sha256"), "{}: key and sha256", self.name);
                let digest = KeyDigest::of(&raw_key(raw)).to_string();
                key.insert("sha256".to_owned(), digest.into());
            }
        }
        resolve_times(&mut configuration, now);
        configuration.to_string()
    }

    /// Returns the raw keys of the snapshot, which no reply and no log may contain.
    pub fn raw_keys(&self) -> Vec<Vec<u8>> {
        let mut configuration = self.configuration.clone();
        keys_mut(&mut configuration)
            .filter_map(|key| key.remove("key").map(raw_key))
            .collect()
    }

    /// Returns the cases for one runner.
    pub fn cases_for(&self, runner: Runner) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(move |case| case.runs_on(runner))
    }
}

impl Case {
    /// Returns whether `runner` can run the case.
    pub fn runs_on(&self, runner: Runner) -> bool {
        let only = self.only.as_ref();
        only.is_none_or(|only| only.contains(&runner))
    }
}

impl Expectation {
    /// Returns the deny reason, or shadow's `would_deny`.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Allow { reason, .. } => reason.as_deref(),
            Self::Deny { reason, .. } => Some(reason),
        }
    }

    /// Returns the filter state.
    pub fn state(&self) -> &str {
        match self {
            Self::Allow { state, .. } | Self::Deny { state, .. } => state,
        }
    }
}

/// Loads every file of the corpus, ordered by name.
pub fn load() -> Vec<CaseFile> {
    let folder = root().join("tests/cases");
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    paths.sort();
    paths.iter().map(|path| load_file(path)).collect()
}

fn load_file(path: &Path) -> CaseFile {
    let text = std::fs::read_to_string(path).unwrap();
    let mut file: CaseFile =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file.name = path.file_stem().unwrap().to_string_lossy().into_owned();
    for case in &file.cases {
        if let Err(fault) = check(case) {
            panic!("{}: {}: {fault}", path.display(), case.description);
        }
    }
    let mut descriptions: Vec<_> = file.cases.iter().map(|case| &case.description).collect();
    descriptions.sort();
    if let Some(pair) = descriptions.windows(2).find(|pair| pair[0] == pair[1]) {
        panic!("{}: two cases `{}`", path.display(), pair[0]);
    }
    file
}

/// Checks that a case which states something twice does not contradict itself.
fn check(case: &Case) -> Result<(), &'static str> {
    if case.only.is_some() != case.why.is_some() {
        return Err("`only` and `why` go together");
    }
    if case.stripe_only.as_ref().is_some_and(String::is_empty) {
        return Err("`stripe_only` says why");
    }
    let begins = match &case.expect {
        Expectation::Allow { reason: None, .. } => "allow ".to_owned(),
        Expectation::Allow {
            reason: Some(reason),
            ..
        } => format!("allow would_deny={reason} "),
        Expectation::Deny { reason, .. } => format!("deny {reason}"),
    };
    let state = case.expect.state();
    let shadowed = state.contains("would_deny") && case.expect.reason().is_none();
    if !state.starts_with(&begins) || shadowed {
        return Err("`state` does not fit decision and reason");
    }
    Ok(())
}

pub fn keys_mut(
    configuration: &mut Value,
) -> impl Iterator<Item = &mut serde_json::Map<String, Value>> {
    configuration
        .pointer_mut("/snapshot/keys")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
}

/// Returns a key as the files write it.
pub fn key_text(value: Value) -> Text {
    serde_json::from_value(value).unwrap()
}

fn raw_key(value: Value) -> Vec<u8> {
    key_text(value).0
}

const TIMES: [&str; 3] = ["issued_at", "not_before", "expires_at"];

/// Replaces values like `now-10` wherever a time is expected.
fn resolve_times(value: &mut Value, now: u64) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(text) if TIMES.contains(&name.as_str()) => {
                        *value = relative_time(text, now).into();
                    }
                    _ => resolve_times(value, now),
                }
            }
        }
        Value::Array(values) => values
            .iter_mut()
            .for_each(|value| resolve_times(value, now)),
        _ => {}
    }
}

fn relative_time(text: &str, now: u64) -> u64 {
    let offset: i64 = match text.strip_prefix("now") {
        Some("") => 0,
        Some(offset) => offset.parse().unwrap_or_else(|_| panic!("time `{text}`")),
        None => panic!("time `{text}`: expected `now`, `now-10` or `now+10`"),
    };
    now.checked_add_signed(offset).unwrap()
}

#[test]
fn times_are_relative_to_the_run() {
    assert_eq!(relative_time("now", 100), 100);
    assert_eq!(relative_time("now-10", 100), 90);
    assert_eq!(relative_time("now+3600", 100), 3700);
}

#[test]
fn a_text_is_one_byte_per_character() {
    let text = |json: &str| serde_json::from_str::<Text>(json);
    assert_eq!(text(r#""aÿ""#).unwrap().as_bytes(), b"a\xff");
    let joined = r#"["a", {"$repeat": ["bc", 2]}]"#;
    assert_eq!(text(joined).unwrap().as_bytes(), b"abcbc");
    assert!(text("\"\u{100}\"").is_err());
    assert!(text(r#"{"$repeat": ["a", 2], "x": 1}"#).is_err());
}

#[test]
fn a_misspelled_member_fails() {
    for (case, fits) in [
        (
            r#"{"description": "", "request": {"method": "GET"}, "expect": {"decision": "allow", "state": "allow public"}}"#,
            true,
        ),
        (
            r#"{"description": "", "request": {"method": "GET"}, "expect": {"decision": "allow", "state": "allow public", "status": 200}}"#,
            false,
        ),
        (
            r#"{"description": "", "request": {"method": "GET"}, "expect": {"decision": "deny", "state": "deny x", "reason": "x"}}"#,
            false,
        ),
        (
            r#"{"description": "", "request": {"method": "GET", "header": []}, "expect": {"decision": "allow", "state": "allow public"}}"#,
            false,
        ),
    ] {
        assert_eq!(serde_json::from_str::<Case>(case).is_ok(), fits, "{case}");
    }
}
