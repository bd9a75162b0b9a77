//! The name of this Envoy, for the user agent of a feed's calls. Envoy gives a module its node neither with a configuration nor with a request, so the module reads the
//! command line that Envoy was started with. It opens no file for that.

use std::ffi::OsString;
use std::sync::LazyLock;

/// Envoy's option that names the node. It overrides the bootstrap's `node.id`.
const OPTION: &str = "--service-node";

/// Where the option is not given: what a container's runtime calls the machine.
const MACHINE: &str = "HOSTNAME";

static NAME: LazyLock<String> =
    LazyLock::new(|| of(std::env::args_os(), std::env::var_os(MACHINE)));

/// A claim, and empty where nothing is known.
pub(crate) fn name() -> &'static str {
    &NAME
}

fn of(arguments: impl Iterator<Item = OsString>, machine: Option<OsString>) -> String {
    let mut arguments = arguments.map(|argument| argument.to_string_lossy().into_owned());
    let mut named = None;
    while let Some(argument) = arguments.next() {
        match argument.strip_prefix(OPTION) {
            Some("") => named = arguments.next(),
            Some(rest) if rest.starts_with('=') => named = rest.get(1..).map(str::to_owned),
            Some(_) | None => {}
        }
    }
    let machine = || machine.map(|name| name.to_string_lossy().into_owned());
    named
        .filter(|name| !name.is_empty())
        .or_else(machine)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(line: &str, machine: Option<&str>) -> String {
        of(
            line.split(' ').map(OsString::from),
            machine.map(OsString::from),
        )
    }

    #[test]
    fn the_option_comes_first_and_then_the_machine() {
        for (line, machine, expected) in [
            ("envoy -c a.yaml --service-node edge-7", Some("m"), "edge-7"),
            ("envoy --service-node=edge-7 -c a.yaml", None, "edge-7"),
            ("envoy --service-node= -c a.yaml", Some("m"), "m"),
            ("envoy --service-node", Some("m"), "m"),
            ("envoy --service-nodes edge-7", Some("m"), "m"),
            ("envoy -c a.yaml", Some("m"), "m"),
            ("envoy -c a.yaml", None, ""),
        ] {
            assert_eq!(named(line, machine), expected, "{line}");
        }
    }
}
