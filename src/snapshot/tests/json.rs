//! Tests of text that is not JSON, or is JSON that keyward does not read.

use super::*;

#[test]
fn text_that_is_no_json_is_refused_with_line_and_column() {
    assert_text_refused(
        "",
        "line 1 column 0: expected JSON, and the text ends too early",
    );
    assert_text_refused(
        "{\n  \"format",
        "line 2 column 9: expected JSON, and the text ends too early",
    );
    assert_text_refused("{\"format\" \"x\"}", "line 1 column 11: expected JSON");
    assert_text_refused("{'format': 1}", "line 1 column 2: expected JSON");
    assert_text_refused("sk_test_FAKE", "line 1 column 1: expected JSON");
    assert_refused(
        "\"revision\": 7,",
        "\"revision\": 1e999,",
        "line 3 column 21: expected JSON",
    );
    assert_refused(
        "\"since\": 2.5",
        "\"since\": 2.5,",
        "line 26 column 79: expected JSON, and no comma before a closing bracket",
    );
    assert_text_refused(
        &format!("{VALID} x"),
        "line 37 column 3: expected nothing after the JSON value",
    );
    for end in 1..VALID.len() {
        let cut = &VALID.as_bytes()[..end];
        let refusal = Snapshot::from_json(cut, &Profile::stripe()).unwrap_err();
        let refusal = refusal.to_string();
        assert!(refusal.starts_with("line "), "{end}: {refusal}");
        assert!(
            refusal.ends_with(": expected JSON, and the text ends too early"),
            "{refusal}"
        );
    }
    let foreign = [VALID.as_bytes(), b"\xff"].concat();
    let refusal = Snapshot::from_json(&foreign, &Profile::stripe()).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "line 37 column 2: expected nothing after the JSON value"
    );
}

#[test]
fn deep_nesting_is_refused() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    // It is five levels deep itself.
    assert_taken("{\"deep\": null}", &deep(127 - 5));
    let expected = "expected JSON of at most 127 levels";
    for levels in [128 - 5, 100_000] {
        let refusal = read(&changed("{\"deep\": null}", &deep(levels)))
            .unwrap_err()
            .to_string();
        assert!(refusal.ends_with(expected), "{refusal}");
    }
}

#[test]
fn lone_surrogates_and_control_characters_are_no_text() {
    for wrong in ["\\ud800", "\u{1}", "\\x41"] {
        let refusal = read(&changed("\"mk_3\"", &format!("\"{wrong}\"")))
            .unwrap_err()
            .to_string();
        assert!(refusal.starts_with("line 33 column "), "{refusal}");
    }
    // JSON has no byte order mark.
    assert_text_refused(
        &format!("\u{feff}{VALID}"),
        "line 1 column 1: expected JSON",
    );
}
