use super::*;
use crate::signify::tests::{pair, signed};

const HASH: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn revision(number: u64) -> Revision {
    Revision::new(number).unwrap()
}

fn delta(from: u64, to: u64) -> DeltaEntry {
    DeltaEntry {
        from: revision(from),
        to: revision(to),
        size: 200,
        sha256: Sha256([7; 32]),
    }
}

/// Returns a head at revision 12 over a base of revision 5.
fn sample() -> Head {
    Head {
        feed: "prod".into(),
        source: "file:3f0c".into(),
        line: "9f3c".into(),
        packed: PACKED,
        revision: revision(12),
        issued_at: 1_796_054_400,
        keys: 3,
        accounts: 2,
        base: BaseEntry {
            revision: revision(5),
            size: 1000,
            sha256: Sha256([1; 32]),
            urgent: false,
        },
        deltas: vec![delta(3, 5), delta(5, 10), delta(10, 11), delta(11, 12)],
    }
}

fn json(head: &Head) -> String {
    String::from_utf8(head.to_json().unwrap()).unwrap()
}

fn refusal(json: &str) -> String {
    Head::from_json(json.as_bytes()).unwrap_err().to_string()
}

#[test]
fn what_is_written_is_read_and_reads_as_documented() {
    let mut head = sample();
    let written = json(&head);
    assert!(written.starts_with(
        r#"{"format":"keyward.feed/v1","feed":"prod","source":"file:3f0c","line":"9f3c","packed":1,"revision":12,"issued_at":1796054400,"keys":3,"accounts":2,"base":{"revision":5,"size":1000,"sha256":"0101"#
    ));
    assert!(!written.contains("urgent"));
    assert_eq!(Head::from_json(written.as_bytes()), Ok(head.clone()));
    head.base.urgent = true;
    assert_eq!(Head::from_json(json(&head).as_bytes()), Ok(head));
}

#[test]
fn a_signed_head_opens_for_its_feed_and_its_keys_alone() {
    let head = sample();
    let text = signed(1, &head.to_json().unwrap());
    let (_, own) = pair(1);
    let (_, other) = pair(2);
    let keys = [own.clone()];
    assert_eq!(Head::open(&text, &keys, "prod"), Ok((head, &own)));
    assert_eq!(Head::open(&text, &keys, "test"), Err(HeadFault::OtherFeed));
    assert_eq!(
        Head::open(&text, &[other], "prod"),
        Err(HeadFault::Signature(SignatureFault::UnknownKey))
    );
    let long = signed(1, " ".repeat(LARGEST_HEAD).as_bytes());
    assert_eq!(Head::open(&long, &keys, "prod"), Err(HeadFault::TooLarge));
}

#[test]
fn nothing_is_read_before_the_signature_is_verified() {
    let (_, own) = pair(1);
    let mut text = signed(1, b"no JSON at all");
    let opened = Head::open(&text, std::slice::from_ref(&own), "prod");
    assert!(matches!(opened, Err(HeadFault::Grammar(_))), "{opened:?}");
    *text.last_mut().unwrap() ^= 1;
    assert_eq!(
        Head::open(&text, &[own], "prod"),
        Err(HeadFault::Signature(SignatureFault::Forged))
    );
}

#[test]
fn another_format_is_told_from_what_is_broken() {
    let newer = json(&sample()).replace("feed/v1", "feed/v2");
    assert_eq!(Head::from_json(newer.as_bytes()), Err(HeadFault::Format));
    let newer = r#"{"format": "keyward.feed/v2", "anything": [1]}"#;
    assert_eq!(Head::from_json(newer.as_bytes()), Err(HeadFault::Format));
}

#[test]
fn the_grammar_is_strict() {
    let good = json(&sample());
    for (from, to, why) in [
        (
            r#""line""#,
            r#""lane""#,
            "*: unknown member, expected one of `format`, `feed`, `source`, `line`, `packed`, `revision`, `issued_at`, `keys`, `accounts`, `base`, `deltas`",
        ),
        (r#""packed":1,"#, "", "missing member `packed`"),
        (
            r#""packed":1"#,
            r#""packed":1,"packed":1"#,
            "packed: duplicate member",
        ),
        (r#""packed":1"#, r#""packed":1.0"#, "packed: expected u64"),
        (r#""packed":1"#, r#""packed":-1"#, "packed: expected u64"),
        (r#""keys":3"#, r#""keys":null"#, "keys: expected u64"),
        (
            r#""revision":12"#,
            r#""revision":1000000000000000"#,
            "revision: expected an integer below 10^15",
        ),
        (
            r#""issued_at":1796054400"#,
            r#""issued_at":1796054400000"#,
            "issued_at: expected Unix seconds, not milliseconds",
        ),
        (
            r#""prod""#,
            r#""""#,
            "feed: expected an id of 1 to 64 letters, digits, `_`, `.` or `-`",
        ),
        (
            r#""9f3c""#,
            r#""9f/3c""#,
            "line: expected an id of 1 to 64 letters, digits, `_`, `.` or `-`",
        ),
        (
            r#""file:3f0c""#,
            r#""http://a""#,
            "source: expected `file:` or `server:`, and an id",
        ),
        (
            r#""base":{"revision":5"#,
            r#""base":{"revision":13"#,
            "base.revision: expected at most `revision`",
        ),
        (
            r#""size":1000"#,
            r#""size":0"#,
            "base.size: expected 1 to 134217728 bytes",
        ),
        (
            r#""size":1000"#,
            r#""size":134217729"#,
            "base.size: expected 1 to 134217728 bytes",
        ),
        (
            r#""from":3,"to":5"#,
            r#""from":5,"to":5"#,
            "deltas[0]: expected `from` below `to`, and `to` at most `revision`",
        ),
        (
            r#""from":11,"to":12"#,
            r#""from":11,"to":13"#,
            "deltas[3]: expected `from` below `to`, and `to` at most `revision`",
        ),
        (
            r#""to":12,"size":200"#,
            r#""to":12,"size":4194305"#,
            "deltas[3].size: expected 1 to 4194304 bytes",
        ),
        (
            r#""from":11,"to":12"#,
            r#""from":10,"to":11"#,
            "deltas: expected a way from `base` to `revision`",
        ),
        (
            "0101",
            "01g1",
            "base.sha256: expected 64 hexadecimal digits in lower case",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        assert_eq!(refusal(&good.replacen(from, to, 1)), why, "{from}");
    }
    let upper = good.replacen(&"07".repeat(32), &HASH.to_uppercase(), 1);
    assert_eq!(
        refusal(&upper),
        "deltas[0].sha256: expected 64 hexadecimal digits in lower case"
    );
    assert!(refusal(&format!("{good} {{}}")).contains("nothing after the JSON value"));
    assert!(
        refusal("[]").contains("expected an object"),
        "{}",
        refusal("[]")
    );
}

#[test]
fn there_are_at_most_64_deltas() {
    let mut head = sample();
    head.deltas = vec![delta(5, 12); MOST_DELTAS];
    assert!(head.to_json().is_ok());
    head.deltas.push(delta(5, 12));
    let expected = "deltas: expected at most 64 deltas";
    assert_eq!(head.to_json().unwrap_err().to_string(), expected);
}

#[test]
fn the_way_is_the_delta_that_leads_furthest() {
    let head = sample();
    let to = |from: Option<u64>| match head.way(from.map(revision)) {
        Way::There => "there".to_owned(),
        Way::Base(_) => "base".to_owned(),
        Way::Delta(delta) => delta.to.number().to_string(),
    };
    for (from, way) in [
        (None, "base"),
        (Some(2), "base"),
        (Some(3), "5"),
        (Some(4), "5"),
        (Some(5), "10"),
        (Some(9), "10"),
        (Some(10), "11"),
        (Some(12), "there"),
        // A revision above the head's is not treated as an older one. The follower judges such a
        // head.
        (Some(13), "base"),
    ] {
        assert_eq!(to(from), way, "{from:?}");
    }
    let mut shorter = sample();
    shorter.deltas.push(DeltaEntry {
        size: 100,
        ..delta(4, 10)
    });
    let Way::Delta(taken) = shorter.way(Some(revision(5))) else {
        panic!("no delta");
    };
    assert_eq!(taken.size, 100);
}
