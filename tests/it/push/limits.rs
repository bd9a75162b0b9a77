//! How much each way to Envoy carries, as docs/push.md states it: the number of keys there still goes through `keyward push`, and one more is refused with what to use instead.

use super::*;

/// Restricted keys as an API with many customers has them: ids of 24 letters and digits, ten keys to an account, fifty named sets of grants.
pub fn restricted(keys: usize) -> Value {
    const SETS: usize = 50;
    let accounts = keys.div_ceil(10);
    let account =
        |number: usize| json!({"id": id("acct_", 16, number), "parent": "org_0000000000000001"});
    let set = |number: usize| {
        let grants = json!({"customer": "read", "charge": "write", "balance": if number.is_multiple_of(2) { "read" } else { "write" }});
        (format!("set_{number:02}"), grants)
    };
    let key = |number: usize| {
        json!({"id": id("mk_", 24, number), "sha256": digest(&id("rk_test_FAKE", 24, number)), "kind": "restricted", "livemode": true,
            "owner": id("acct_", 16, number / 10), "grants": format!("set_{:02}", number % SETS)})
    };
    let organization = json!({"id": "org_0000000000000001"});
    let accounts: Vec<Value> = std::iter::once(organization)
        .chain((0..accounts).map(account))
        .collect();
    json!({"max_snapshot_age": 10_000_000_000_u64, "snapshot": {
        "format": "keyward.snapshot/v1", "revision": 1_795_194_529, "issued_at": 1_795_194_529,
        "accounts": accounts, "grant_sets": (0..SETS).map(set).collect::<serde_json::Map<_, _>>(),
        "keys": (0..keys).map(key).collect::<Vec<_>>()}})
}

/// An id that looks random, and is the same each time.
fn id(prefix: &str, length: usize, number: usize) -> String {
    const SYMBOLS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut state = number as u64;
    let mut text = prefix.to_owned();
    for _ in 0..length {
        // splitmix64
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        text.push(char::from(
            SYMBOLS[(mixed ^ (mixed >> 31)) as usize % SYMBOLS.len()],
        ));
    }
    text
}

/// A way to Envoy: what is said to `keyward push`, and what it says when there is too much.
const WAYS: [(&str, &[&str], &str); 7] = [
    (
        "WasmPlugin",
        &[
            "--wasm-plugin",
            "--image",
            "oci://registry.example/keyward:0.1.0",
        ],
        "push to a file that Envoy reads (--ecds FILE.pb, and --packed)",
    ),
    (
        "EnvoyExtensionPolicy",
        &[
            "--envoy-extension-policy",
            "--image",
            "registry.example/keyward:0.1.0",
            "--gateway",
            "eg",
        ],
        "push to a file that Envoy reads (--ecds FILE.pb, and --packed)",
    ),
    (
        "ConfigMap, .json",
        &["--config-map", "--ecds", "keyward.json"],
        "push it packed into a .pb file (--packed)",
    ),
    (
        "ConfigMap, .yaml",
        &["--config-map", "--ecds", "keyward.yaml"],
        "push it packed into a .pb file (--packed)",
    ),
    (
        "ConfigMap, .pb",
        &["--config-map", "--ecds", "keyward.pb"],
        "push it packed into a .pb file (--packed)",
    ),
    (
        "ConfigMap, .yaml, packed",
        &["--config-map", "--packed", "--ecds", "keyward.yaml"],
        "push it into a .pb file",
    ),
    (
        "ConfigMap, .pb, packed",
        &["--config-map", "--packed", "--ecds", "keyward.pb"],
        "put it on a volume",
    ),
];

/// A folder for files that are pushed to.
fn desk() -> Desk {
    let desk = Desk::new();
    let shipped = crate::support::bootstrap::shipped_ecds();
    fs::write(desk.path("keyward.json"), shipped.to_string()).unwrap();
    fs::copy(
        find::root().join("envoy/ecds/keyward.yaml"),
        desk.path("keyward.yaml"),
    )
    .unwrap();
    desk
}

fn push(desk: &Desk, arguments: &[&str], keys: usize) -> Said {
    fs::write(desk.path("source.json"), restricted(keys).to_string()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_keyward"))
        .current_dir(desk.folder.path())
        .args(["push", "-c", "source.json", "--reissue"])
        .args(arguments)
        .args(if arguments.contains(&"keyward.pb") {
            &["--template", "keyward.yaml"][..]
        } else {
            &[]
        })
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The number of keys in the page's row for this way.
fn stated(way: &str) -> usize {
    let page = fs::read_to_string(find::root().join("docs/push.md")).unwrap();
    let cell = page.lines().find_map(|line| {
        line.strip_prefix(&format!("| {way} | "))?
            .split(" | ")
            .next()
    });
    let cell = cell.unwrap_or_else(|| panic!("docs/push.md has no row `{way}`"));
    cell.replace(',', "")
        .parse()
        .unwrap_or_else(|_| panic!("`{cell}`"))
}

#[test]
fn each_way_carries_what_the_page_says_and_not_one_key_more() {
    for (way, arguments, instead) in WAYS {
        let (desk, keys) = (desk(), stated(way));
        let said = push(&desk, arguments, keys);
        assert_eq!(said.code, Some(0), "{way}: {}", said.err);
        let said = push(&desk, arguments, keys + 1);
        assert_eq!((said.code, said.out.as_str()), (Some(4), ""), "{way}");
        assert!(said.err.contains(instead), "{way}: {}", said.err);
    }
}
