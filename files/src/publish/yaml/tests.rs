use serde_json::json;

use super::*;

#[track_caller]
fn assert_replaced(text: &str, pointer: &str, value: Value, expected: &str) {
    assert_eq!(replace(text, 0, &[(pointer, value)]).unwrap(), expected);
}

#[test]
fn comments_and_spelling_stay() {
    let text = "# é\na:   # x\n- 'b': \"old\" # y\n  c: [1,\n   2]\n";
    assert_replaced(
        text,
        "/a/0/b",
        json!("it's"),
        "# é\na:   # x\n- 'b': 'it''s' # y\n  c: [1,\n   2]\n",
    );
}

#[test]
fn every_kind_of_scalar_is_replaced() {
    for old in ["x", "'x'", "\"x\"", "'x\n  y'", "{}", "[1, 2]"] {
        assert_replaced(
            &format!("a: {old}\nb: 1\n"),
            "/a",
            json!("{\"é\"}"),
            "a: \"{\\\"é\\\"}\"\nb: 1\n",
        );
    }
    assert_replaced("a: |\n  x\n  y\nb: 1\n", "/a", json!("z"), "a: 'z'\nb: 1\n");
    assert_replaced("a:\nb: 1\n", "/a", json!("z"), "a: 'z'\nb: 1\n");
}

#[test]
fn an_object_is_written_as_the_one_before() {
    let value = json!({"k": [1, {"l": "1"}], "m": "x"});
    assert_replaced(
        "a: {x: 1} # c\nb: 1\n",
        "/a",
        value.clone(),
        "a: {\"k\":[1,{\"l\":\"1\"}],\"m\":\"x\"} # c\nb: 1\n",
    );
    let block = "s:\n  a:\n    x: 1\n    y:\n    - 2 # c\n  # d\n  b: 1\n";
    let expected = "s:\n  a:\n    k:\n    - 1\n    - l: '1'\n    m: x # c\n  # d\n  b: 1\n";
    assert_replaced(block, "/s/a", value, expected);
}

#[test]
fn what_is_not_there_is_added_where_it_belongs() {
    for (text, expected) in [
        ("# a\nk: 1 # b\n", "# a\nm:\n  o:\n    'x/y': z\nk: 1 # b\n"),
        (
            "m: # a\n  # b\n  k: 1\nl: 2\n",
            "m: # a\n  # b\n  o:\n    'x/y': z\n  k: 1\nl: 2\n",
        ),
        (
            "m: {k: on, l: 2}  # a\n",
            "m: {\"o\":{\"x/y\":\"z\"}, k: on, l: 2}  # a\n",
        ),
        ("m: {} # a\n", "m: {\"o\":{\"x/y\":\"z\"}} # a\n"),
        ("m:\n  o:\n", "m:\n  o: {\"x/y\":\"z\"}\n"),
        ("m:\n  o:\n    k: 1\n", "m:\n  o:\n    'x/y': z\n    k: 1\n"),
        (
            "m:\n  o:\n    'x/y': old # a\n",
            "m:\n  o:\n    'x/y': 'z' # a\n",
        ),
    ] {
        let put = put(text, 0, "/m/o/x~1y", json!("z")).unwrap();
        assert_eq!(put, expected);
    }
    for text in ["m: []\n", "m: 1\n", "- m\n"] {
        assert!(put(text, 0, "/m/o/x~1y", json!("z")).is_err(), "{text}");
    }
}

#[test]
fn the_document_that_is_meant_is_edited() {
    let text = "a: 1\n---\na: 1 # here\n---\na: 1\n";
    let edited = replace(text, 1, &[("/a", json!("z"))]).unwrap();
    assert_eq!(edited, "a: 1\n---\na: 'z' # here\n---\na: 1\n");
}

#[test]
fn what_cannot_be_edited_in_place_is_an_error() {
    for text in ["b: 1\n", "x: &x {a: 1}\ny: *x\n", "a: [\n"] {
        assert!(replace(text, 0, &[("/y/a", json!("z"))]).is_err(), "{text}");
    }
}
