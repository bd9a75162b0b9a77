//! Asks the schemas and the code about the same JSON.

use boon::{Compiler, SchemaIndex, Schemas};
use keyward::configuration::Configuration;
use keyward::profile::Profile;
use keyward::snapshot::{Document, Snapshot};
use serde_json::Value;

use crate::support::find::root;

/// The messages (without the place) of rejections by the code that the schema cannot express. On
/// everything else both must agree.
const BEYOND_A_SCHEMA: [&str; 19] = [
    "duplicate member",
    "duplicate id",
    "duplicate digest",
    "duplicate method and path",
    "expected the id of a listed account",
    "expected the name of a grant set",
    "expected the name of a known permission",
    "expected an address or CIDR range",
    "an account is among its own ancestors",
    // A double of 2^53 or more, although `max_snapshot_age` accepts any integer, and `-0`.
    "expected a non-negative integer",
    "too many accounts",
    "too many endpoints",
    "too many permissions",
    "a prefix is given twice",
    "a header name is given twice",
    "the profile reads a header of this name",
    "accounts and organizations need different prefixes",
    // A name that has another meaning, in any case.
    "expected a header name of letters, digits and hyphens that has no other meaning here",
    // The length in bytes, and fields that the reason does not have.
    "expected a text of at most 1024 bytes whose fields in braces are known for this reason",
];

/// The same, if only the profile knows the prefixes of ids.
const BEYOND_WITH_OWN_IDS: [&str; 4] = [
    "expected an account's or organization's id with its prefix",
    "an organization has no parent",
    "expected an organization",
    "expected an account, not an organization",
];

/// A compiled schema.
pub struct Judge {
    schemas: Schemas,
    schema: SchemaIndex,
}

impl Judge {
    pub fn new(file: &str) -> Self {
        let mut schemas = Schemas::new();
        let path = folder().join(file);
        let schema = Compiler::new()
            .compile(path.to_str().unwrap(), &mut schemas)
            .unwrap();
        Self { schemas, schema }
    }

    pub fn judge(&self, value: &Value) -> Result<(), String> {
        self.schemas
            .validate(value, self.schema)
            .map_err(|error| format!("{error:#}"))
    }
}

pub fn folder() -> std::path::PathBuf {
    root().join("docs")
}

pub fn read(file: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder().join(file)).unwrap()).unwrap()
}

pub fn code(configuration: &Value) -> Result<(), String> {
    Configuration::from_json(configuration.to_string().as_bytes())
        .map(drop)
        .map_err(|refusal| refusal.to_string())
}

pub fn code_on_snapshot(snapshot: &Value) -> Result<(), String> {
    Snapshot::from_json(snapshot.to_string().as_bytes(), &Profile::stripe())
        .map(drop)
        .map_err(|refusal| refusal.to_string())
}

/// Returns whether the reason is a rule that no schema can express.
pub fn is_beyond(refusal: &str, has_own_ids: bool) -> bool {
    let text = refusal.rsplit_once(": ").map_or(refusal, |(_, text)| text);
    BEYOND_A_SCHEMA.contains(&text) || (has_own_ids && BEYOND_WITH_OWN_IDS.contains(&text))
}

/// Both schemas, for comparison with the code.
pub struct Bench {
    pub configuration: Judge,
    snapshot: Judge,
}

impl Bench {
    pub fn new() -> Self {
        Self {
            configuration: Judge::new("configuration.schema.json"),
            snapshot: Judge::new("snapshot.schema.json"),
        }
    }

    /// Returns whether schema and code accept `configuration`. Fails if they differ without an
    /// excuse.
    pub fn agree(&self, configuration: &Value, what: &str) -> bool {
        let (schema, code) = (self.configuration.judge(configuration), code(configuration));
        let has_own_ids = configuration.pointer("/profile/ids").is_some();
        compare(&schema, &code, has_own_ids, what);
        if let (Ok(()), Some(snapshot)) = (&schema, configuration.get("snapshot")) {
            round_trips(snapshot, what);
        }
        schema.is_ok() && code.is_ok()
    }

    /// Like [`Self::agree`], for a configuration's snapshot by itself.
    pub fn agree_on_snapshot(&self, configuration: &Value, what: &str) {
        if let Some(snapshot) = configuration.get("snapshot") {
            let (schema, code) = (self.snapshot.judge(snapshot), code_on_snapshot(snapshot));
            compare(&schema, &code, true, what);
        }
    }
}

/// Asserts that a document is written back unchanged, except for integers that were doubles.
#[track_caller]
fn round_trips(snapshot: &Value, what: &str) {
    let document: Document = serde_json::from_value(snapshot.clone())
        .unwrap_or_else(|error| panic!("{what}: no document: {error}"));
    let again = serde_json::to_value(&document).unwrap();
    assert_eq!(with_integers(&again), with_integers(snapshot), "{what}");
    assert_eq!(
        serde_json::from_value::<Document>(again).unwrap(),
        document,
        "{what}"
    );
}

/// Returns the value with every whole number written as an integer.
fn with_integers(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(double) if double.fract() == 0.0 && double.abs() < 1e15 => {
                serde_json::from_str(&format!("{double:.0}")).unwrap()
            }
            _ => value.clone(),
        },
        Value::Array(elements) => elements.iter().map(with_integers).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), with_integers(value)))
            .collect(),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

#[track_caller]
pub fn compare(
    schema: &Result<(), String>,
    code: &Result<(), String>,
    has_own_ids: bool,
    what: &str,
) {
    match (schema, code) {
        (Ok(()), Ok(())) | (Err(_), Err(_)) => {}
        (Ok(()), Err(refusal)) if is_beyond(refusal, has_own_ids) => {}
        (Ok(()), Err(refusal)) => {
            panic!("{what}: the schema takes what the code refuses: {refusal}")
        }
        (Err(error), Ok(())) => panic!("{what}: the code takes what the schema refuses: {error}"),
    }
}
