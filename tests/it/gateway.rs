//! The simplest test of the filter in a real Envoy: a known key passes, a stranger does not.

use keyward::digest::KeyDigest;
use serde_json::json;

use crate::support::Envoy;

#[test]
fn a_known_key_passes_and_a_stranger_does_not() {
    let key = "sk_test_FAKE-alice-0001";
    let configuration = json!({"snapshot": {
        "format": "keyward.snapshot/v1", "revision": 7, "issued_at": 1_795_194_529,
        "accounts": [{"id": "acct_1"}],
        "keys": [{"id": "mk_1", "sha256": KeyDigest::of(key.as_bytes()).to_string(), "kind": "secret", "livemode": false, "owner": "acct_1"}],
    }});
    let envoy = Envoy::builder().config(configuration.to_string()).start();
    let allowed = envoy.get(
        "/v1/balance",
        &[("authorization", &format!("Bearer {key}"))],
    );
    assert_eq!(allowed.status, 200, "{}", envoy.logs());
    let principal =
        "key=\"mk_1\", kind=secret, livemode=?0, account=\"acct_1\", path=\"acct_1\", revision=7";
    assert_eq!(allowed.json()["principal"], principal);
    let denied = envoy.get(
        "/v1/balance",
        &[("authorization", "Bearer sk_test_FAKE-nobody-01")],
    );
    assert_eq!(denied.status, 401);
    assert_eq!(denied.header("x-keyward-denied"), Some("unknown_key"));
    assert_eq!(envoy.requests_total("allow", "key"), 1);
    assert_eq!(envoy.requests_total("deny", "unknown_key"), 1);
}

#[test]
fn the_filter_is_at_most_700_kib() {
    let size = std::fs::metadata(crate::support::find::wasm())
        .unwrap()
        .len();
    assert!(size <= 700 * 1024, "{size} bytes");
}

#[test]
fn envoy_finds_the_callbacks_that_the_filter_implements_and_no_others() {
    let module = std::fs::read(crate::support::find::wasm()).unwrap();
    let mut functions = exported_functions(&module);
    functions.sort_unstable();
    let expected = [
        "_initialize",
        "proxy_abi_version_0_2_1",
        "proxy_on_configure",
        "proxy_on_context_create",
        "proxy_on_delete",
        "proxy_on_done",
        "proxy_on_http_call_response",
        "proxy_on_memory_allocate",
        "proxy_on_request_headers",
        "proxy_on_tick",
        "proxy_on_vm_start",
    ];
    assert_eq!(functions, expected);
}

/// Returns the names of the functions in a module's export section.
fn exported_functions(module: &[u8]) -> Vec<&str> {
    const EXPORTS: u8 = 7;
    const FUNCTION: u8 = 0;
    let mut rest = module.strip_prefix(b"\0asm\x01\0\0\0").unwrap();
    loop {
        let section = take(&mut rest, 1)[0];
        let length = number(&mut rest);
        let mut content = take(&mut rest, length);
        if section != EXPORTS {
            continue;
        }
        let all = (0..number(&mut content)).map(|_| {
            let length = number(&mut content);
            let name = std::str::from_utf8(take(&mut content, length)).unwrap();
            let kind = take(&mut content, 1)[0];
            number(&mut content);
            (kind == FUNCTION).then_some(name)
        });
        return all.flatten().collect();
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(length);
    *rest = left;
    taken
}

/// Reads an unsigned number in LEB128.
fn number(rest: &mut &[u8]) -> usize {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let byte = take(rest, 1)[0];
        number |= usize::from(byte & 127) << shift;
        if byte < 128 {
            break;
        }
    }
    number
}
