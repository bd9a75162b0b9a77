//! What several objects of the API have in common.

use keyward::key::KeyKind;
use keyward::management::Granted;
use keyward::snapshot::Enforcement;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Value, json};

use crate::publish::Published;
use crate::time;

/// `customer_read`: canonical names, sorted, one for each permission.
pub(crate) fn granted_names(granted: &Granted) -> Vec<String> {
    let names = granted.iter();
    let mut names: Vec<String> = names
        .map(|(name, level)| format!("{name}_{}", level.name()))
        .collect();
    names.sort_unstable();
    names
}

/// A time, or null.
pub(crate) fn time_or_null(seconds: Option<u64>) -> Value {
    seconds.map_or(Value::Null, |seconds| json!(time::written(seconds)))
}

/// Stripe's two types: restricted and organization keys are secret ones.
pub(crate) fn key_type(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Secret | KeyKind::Restricted | KeyKind::Organization => "secret_key",
        KeyKind::Publishable => "publishable_key",
    }
}

/// `enforce` or `shadow`.
pub(crate) fn enforcement_name(enforcement: Enforcement) -> &'static str {
    match enforcement {
        Enforcement::Enforce => "enforce",
        Enforcement::Shadow => "shadow",
    }
}

/// How far a change has come. Until gateways are known it ends at `published`.
pub(crate) fn propagation(change: u64, published: Published) -> Value {
    let is_published = published.through >= change;
    json!({
        "change": change,
        "state": if is_published { "published" } else { "committed" },
        "revision": is_published.then_some(published.revision),
    })
}

/// Who made something, of the text that records keep.
pub(crate) fn made_by(text: Option<&str>) -> Value {
    let Some(text) = text else {
        return Value::Null;
    };
    let kind = if text.starts_with("mk_") {
        "api_key"
    } else if text.starts_with("local:") {
        "local"
    } else if text == "system" {
        "system"
    } else {
        "user"
    };
    json!({"type": kind, "id": text, "session": null})
}

/// A key's object, written with its value in place of the `null` at `secret_key.token`. The value is never put into another structure first.
pub(crate) struct WithToken<'a> {
    pub(crate) object: &'a Value,
    pub(crate) token: &'a str,
}

impl Serialize for WithToken<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(members) = self.object.as_object() else {
            return self.object.serialize(serializer);
        };
        let mut map = serializer.serialize_map(Some(members.len()))?;
        for (name, value) in members {
            if name == "secret_key" && value.is_object() {
                let inner = Token {
                    object: value,
                    token: self.token,
                };
                map.serialize_entry(name, &inner)?;
            } else {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

struct Token<'a> {
    object: &'a Value,
    token: &'a str,
}

impl Serialize for Token<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(members) = self.object.as_object() else {
            return self.object.serialize(serializer);
        };
        let mut map = serializer.serialize_map(Some(members.len()))?;
        for (name, value) in members {
            if name == "token" {
                map.serialize_entry(name, self.token)?;
            } else {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stands_in_one_place() {
        let object = json!({"id": "mk_1", "token": null, "secret_key": {"token": null, "encrypted_secret": null}});
        let shown = WithToken {
            object: &object,
            token: "rk_test_FAKE-alice-0001",
        };
        let expected = json!({"id": "mk_1", "token": null, "secret_key": {"token": "rk_test_FAKE-alice-0001", "encrypted_secret": null}});
        assert_eq!(serde_json::to_value(&shown).unwrap(), expected);
    }

    #[test]
    fn a_change_is_published_when_a_snapshot_goes_through_it() {
        let published = Published {
            through: 7,
            revision: 100,
        };
        assert_eq!(propagation(7, published)["state"], "published");
        assert_eq!(propagation(7, published)["revision"], 100);
        assert_eq!(propagation(8, published)["state"], "committed");
        assert_eq!(propagation(8, published)["revision"], Value::Null);
    }
}
