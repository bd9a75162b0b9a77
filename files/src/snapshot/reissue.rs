//! Gives a configuration's JSON another revision. The text is not regenerated: with a hundred
//! megabytes of keys, every byte of them stays unchanged.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::value::{RawValue, to_raw_value};

type Members = BTreeMap<String, Box<RawValue>>;

/// Returns the configuration with these two members of its snapshot replaced, and without blanks
/// between its tokens.
pub fn reissue(json: &str, revision: u64, issued_at: u64) -> Result<String> {
    // Serde's own messages quote values.
    let read = |text: &str| -> Result<Members> {
        serde_json::from_str(text)
            .ok()
            .context("expected a JSON object")
    };
    let mut configuration = read(json)?;
    let snapshot = configuration
        .get_mut("snapshot")
        .context("there is no snapshot to issue: every request would be denied")?;
    let mut members = read(snapshot.get())?;
    members.insert("revision".to_owned(), to_raw_value(&revision)?);
    members.insert("issued_at".to_owned(), to_raw_value(&issued_at)?);
    *snapshot = to_raw_value(&members)?;
    Ok(compact(&serde_json::to_string(&configuration)?))
}

/// Returns the text without blanks between its tokens.
pub(super) fn compact(json: &str) -> String {
    let mut in_string = false;
    let mut is_escaped = false;
    let mut keep = |c: char| {
        if in_string {
            match c {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => in_string = false,
                _ => {}
            }
            return true;
        }
        in_string = c == '"';
        !matches!(c, ' ' | '\t' | '\n' | '\r')
    };
    json.chars().filter(|c| keep(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_members_alter_and_nothing_else() {
        let json = r#"{"serve_mode": "live", "snapshot": {"revision": 1, "issued_at": 2, "keys": [ {"id": "a b\" ,\\"} ]}}"#;
        let expected = r#"{"serve_mode":"live","snapshot":{"issued_at":9,"keys":[{"id":"a b\" ,\\"}],"revision":8}}"#;
        assert_eq!(reissue(json, 8, 9).unwrap(), expected);
    }

    #[test]
    fn without_a_snapshot_there_is_nothing_to_issue() {
        for json in ["{}", "[]", "{", r#"{"snapshot": 7}"#] {
            assert!(reissue(json, 8, 9).is_err(), "{json}");
        }
    }

    #[test]
    fn a_compact_text_is_the_same_json() {
        let json = "{ \"a\" : [ 1 , \"x \\\\\" , \" \\\" \" ] ,\n\t\"é\": null }";
        let parsed: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(compact(json), r#"{"a":[1,"x \\"," \" "],"é":null}"#);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&compact(json)).unwrap(),
            parsed
        );
    }
}
