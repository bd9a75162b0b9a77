//! HTTP/2 puts into fields what HTTP/1.1 puts into a line. A field that would be more than its part
//! of the line, occurs twice or is missing reaches nothing. And fields that Envoy once did not
//! count.

use serde_json::json;

use super::generous::served;
use super::paths::is_granted;
use super::{FULL, Gate, LIMITED, bearer, values};

type Field<'a> = (&'a [u8], &'a [u8]);

const GOOD: [Field; 4] = [
    (b":method", b"GET"),
    (b":scheme", b"http"),
    (b":authority", b"gate"),
    (b":path", b"/v1/customers"),
];

/// CVE-2023-27491: fields that turn into another request line for the upstream.
const LINES: [(&[u8], &[u8]); 22] = [
    (b":method", b"GET /v1/charges HTTP/1.1\r\nx: y"),
    (b":method", b"GET /v1/charges?"),
    (b":method", b"GET\r\n"),
    (b":method", b"GET "),
    (b":method", b" GET"),
    (b":method", b"GET\t/v1/charges"),
    (b":method", b""),
    (
        b":path",
        b"/v1/customers HTTP/1.1\r\nhost: gate\r\n\r\nGET /v1/charges",
    ),
    (b":path", b"/v1/customers HTTP/1.1"),
    (b":path", b"/v1/customers\r\nx-original-url: /v1/charges"),
    (b":path", b"/v1/customers\nx: y"),
    (b":path", b" /v1/charges"),
    (b":path", b"/v1/charges "),
    (b":path", b""),
    (b":path", b"v1/charges"),
    (b":scheme", b"http://gate/v1/charges?"),
    (b":scheme", b"http\r\nx: y"),
    (b":scheme", b""),
    (b":authority", b"gate/v1/charges?"),
    (b":authority", b"gate\r\nx-original-url: /v1/charges"),
    (b":authority", b"a@gate"),
    (b":authority", b""),
];

/// Pseudo-header fields that do not belong to a request, occur twice, or come too late.
const STRANGE: [Field; 8] = [
    (b":path", b"/v1/charges"),
    (b":method", b"POST"),
    (b":status", b"200"),
    (b":protocol", b"websocket"),
    (b":x-original-url", b"/v1/charges"),
    (b":Path", b"/v1/charges"),
    (b": path", b"/v1/charges"),
    (b"path", b"/v1/charges"),
];

/// Sends these fields, and checks that what reached the upstream is what the key may do.
fn send(gate: &Gate, fields: &[Field]) -> usize {
    let (answer, seen) = gate.seen_during(|| gate.exchange(fields, b"", &[]));
    let shown: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}: {}", name.escape_ascii(), value.escape_ascii()))
        .collect();
    let status = answer.as_ref().map_or(0, |answer| answer.status);
    assert!(status < 500, "{shown:?}: {status}");
    for seen in &seen {
        let whole = [&seen.method[..], &seen.path].concat();
        assert!(
            !whole.iter().any(|byte| byte.is_ascii_whitespace()),
            "{shown:?}: {seen:?}"
        );
        for endpoint in served(seen) {
            assert!(
                is_granted(Some(LIMITED), endpoint),
                "{shown:?} reached {endpoint:?}"
            );
        }
        let told = values(seen, "x-keyward-principal");
        assert!(
            told.len() == 1 && told[0].starts_with(b"key=\"mk_limited\", "),
            "{shown:?}: {told:?}"
        );
    }
    seen.len()
}

#[test]
fn no_field_of_http_2_becomes_another_request_line() {
    let gate = Gate::with_underscores();
    let authorization = bearer(LIMITED).1;
    let key = (&b"authorization"[..], authorization.as_bytes());
    for _ in gate.settings() {
        for (name, value) in LINES {
            let mut fields = GOOD.to_vec();
            fields.iter_mut().find(|(held, _)| *held == name).unwrap().1 = value;
            fields.push(key);
            send(&gate, &fields);
        }
        for strange in STRANGE {
            for place in [0, 2, 4, 5] {
                let mut fields = [&GOOD[..], &[key]].concat();
                fields.insert(place, strange);
                send(&gate, &fields);
            }
        }
        for missing in 0..GOOD.len() {
            let mut fields = [&GOOD[..], &[key]].concat();
            fields.remove(missing);
            send(&gate, &fields);
        }
        // After the key, and then the key without them.
        let late = [&[key][..], &GOOD].concat();
        assert_eq!(send(&gate, &late), 0, "pseudo-header fields come first");
        assert_eq!(send(&gate, &[key]), 0);
        // The unchanged request does pass.
        assert_eq!(send(&gate, &[&GOOD[..], &[key]].concat()), 1);
    }
    gate.assert_sound(5);
}

/// CVE-2026-73547: without a path, others dereferenced a null pointer.
#[test]
fn a_request_without_a_path_is_denied_by_name() {
    let gate = Gate::open(json!({}), |builder| builder.allow_upgrades(&["CONNECT"]));
    for _ in gate.settings() {
        for (key, reason) in [
            (None, "missing_credential"),
            (Some(LIMITED), "unknown_endpoint"),
            (Some(FULL), "unknown_endpoint"),
        ] {
            let authorization = key.map(|key| bearer(key).1);
            let mut fields: Vec<Field> =
                vec![(b":method", b"CONNECT"), (b":authority", b"gate:80")];
            fields.extend(
                authorization
                    .iter()
                    .map(|value| (&b"authorization"[..], value.as_bytes())),
            );
            let (answer, seen) = gate.seen_during(|| gate.exchange(&fields, b"", &[]));
            assert!(seen.is_empty(), "{key:?}");
            assert_eq!(
                answer.unwrap().header("x-keyward-denied"),
                Some(reason),
                "{key:?}"
            );
            let own = authorization
                .map(|it| format!("authorization: {it}\r\n"))
                .unwrap_or_default();
            let head = format!("CONNECT gate:80 HTTP/1.1\r\nhost: gate:80\r\n{own}\r\n");
            let (answer, seen) = gate.seen_during(|| gate.raw(head.as_bytes()));
            assert!(seen.is_empty(), "{key:?}");
            assert_eq!(
                answer.unwrap().header("x-keyward-denied"),
                Some(reason),
                "{key:?}"
            );
        }
    }
    gate.assert_sound(gate.sent());
}

/// CVE-2026-73550 and CVE-2026-47774: fields that Envoy accepted without counting them.
#[test]
fn a_request_of_very_many_fields_is_judged_or_refused_whole() {
    let gate = Gate::shipped();
    let authorization = bearer(LIMITED).1;
    let key = (&b"authorization"[..], authorization.as_bytes());
    let long = "a".repeat(3_000);
    for _ in gate.settings() {
        for (name, value) in [
            (&b"cookie"[..], "a=b"),
            (b"cookie", &long),
            (b"host", "gate"),
            (b"host", &long),
            (b"x-keyward-principal", "key=\"mk_forged\""),
            (b"stripe-context", "acct_1"),
            (b"x-other", ""),
        ] {
            for count in [50, 150, 1_000] {
                let many = vec![(name, value.as_bytes()); count];
                let fields = [&GOOD[..], &[key], &many].concat();
                let passed = send(&gate, &fields);
                let is_context = name == b"stripe-context";
                assert!(
                    passed == 0
                        || (count == 50 && !is_context)
                        || name == b"host"
                        || name == b"cookie",
                    "{count}"
                );
            }
        }
    }
    gate.assert_sound(4);
}
