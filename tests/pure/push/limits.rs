//! How many keys each way to Envoy carries, as stated in docs/push.md: `keyward push` accepts that
//! number, and rejects one more with a message that names an alternative.

use super::*;
use crate::support::command::command;
use crate::support::restricted::restricted;

/// A way to Envoy: the arguments of `keyward push`, and its message if there are too many keys.
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

/// Returns a folder for a test's targets.
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
    let output = command()
        .current_dir(desk.folder.path())
        .args(["push", "-c", "source.json", "--reissue"])
        .args(arguments)
        .args(if arguments.contains(&"keyward.pb") {
            &["--template", "keyward.yaml"][..]
        } else {
            &[]
        })
        .output()
        .unwrap();
    output.into()
}

/// Returns the number of keys in the page's row for this way.
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
