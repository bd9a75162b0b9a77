//! What a push alters, in a few lines: which keys come, go and change.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The most ids that are named of one sort.
const MOST_NAMED: usize = 20;

/// The differences between the configuration at the target and the new one, a line each.
pub(super) fn summary(before: Option<&str>, after: &str) -> String {
    let read = |json: &str| serde_json::from_str(json).unwrap_or(Value::Null);
    let (before, after) = (read(before.unwrap_or("{}")), read(after));
    let mut text = String::new();
    for (what, pointer) in [
        ("keys", "/snapshot/keys"),
        ("accounts", "/snapshot/accounts"),
    ] {
        let (old, new) = (by_id(&before, pointer), by_id(&after, pointer));
        let added: Vec<&str> = new
            .keys()
            .filter(|id| !old.contains_key(*id))
            .copied()
            .collect();
        let removed: Vec<&str> = old
            .keys()
            .filter(|id| !new.contains_key(*id))
            .copied()
            .collect();
        let changed: Vec<&str> = new
            .iter()
            .filter(|(id, value)| old.get(*id).is_some_and(|old| old != *value))
            .map(|(id, _)| *id)
            .collect();
        for (sign, ids) in [("+", added), ("-", removed), ("~", changed)] {
            line(&mut text, sign, what, &ids);
        }
    }
    for (of, pointer) in [("snapshot", "/snapshot"), ("configuration", "")] {
        let empty = Map::new();
        let members = |value: &Value| value.pointer(pointer).and_then(Value::as_object).cloned();
        let (old, new) = (
            members(&before).unwrap_or_default(),
            members(&after).unwrap_or(empty),
        );
        let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let told = ["keys", "accounts", "revision", "issued_at", "snapshot"];
        let changed: Vec<&str> = names
            .into_iter()
            .filter(|name| !told.contains(&name.as_str()) && old.get(*name) != new.get(*name))
            .map(String::as_str)
            .collect();
        line(&mut text, "~", of, &changed);
    }
    if text.is_empty() {
        text.push_str("nothing but the revision and the time of issue\n");
    }
    text
}

fn line(text: &mut String, sign: &str, what: &str, ids: &[&str]) {
    if ids.is_empty() {
        return;
    }
    let named: Vec<&str> = ids.iter().take(MOST_NAMED).copied().collect();
    let rest = ids.len().saturating_sub(named.len());
    let more = if rest > 0 {
        format!(" and {rest} more")
    } else {
        String::new()
    };
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "{sign} {} {what}: {}{more}",
        ids.len(),
        named.join(", ")
    );
}

fn by_id<'a>(configuration: &'a Value, pointer: &str) -> BTreeMap<&'a str, &'a Value> {
    let list = configuration.pointer(pointer).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(|item| Some((item.get("id")?.as_str()?, item)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_goes_and_changes_is_named() {
        let before = r#"{"serve_mode": "live", "snapshot": {"revision": 1, "keys": [{"id": "a"}, {"id": "b"}, {"id": "c"}]}}"#;
        let after = r#"{"snapshot": {"revision": 2, "api_versions": [], "keys": [{"id": "b", "x": 1}, {"id": "c"}, {"id": "d"}]}}"#;
        let expected = "+ 1 keys: d\n- 1 keys: a\n~ 1 keys: b\n~ 1 snapshot: api_versions\n~ 1 configuration: serve_mode\n";
        assert_eq!(summary(Some(before), after), expected);
        assert_eq!(
            summary(Some(after), after),
            "nothing but the revision and the time of issue\n"
        );
    }
}
