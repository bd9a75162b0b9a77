//! What somebody may have meant by a name that is not there. The name itself is repeated only where it is spelled as names are, so that a key in its place is not shown.

use keyward::endpoint::ROWS;
use keyward::permission::PermissionRegistry;
use keyward::profile::Profile;
pub(super) use keyward_files::key_file::repeated as shown;

/// How alike two names must be (Jaro-Winkler, 1 is the same), how much less alike than the best one, and how many are told.
const ALIKE: f64 = 0.85;
const BEHIND: f64 = 0.05;
const MOST: usize = 4;

/// Those of `known` that are most like `name`, best first.
pub(super) fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let name = name.to_lowercase();
    let mut alike: Vec<(f64, &str)> = known
        .map(|known| (strsim::jaro_winkler(&name, &known.to_lowercase()), known))
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    alike.sort_by(|(a, one), (b, other)| b.total_cmp(a).then(one.cmp(other)));
    let first = alike.first().map_or(1.0, |(alike, _)| *alike);
    alike.retain(|(alike, _)| *alike >= first - BEHIND);
    let mut best: Vec<&str> = Vec::new();
    for (_, known) in alike {
        if !best.contains(&known) && best.len() < MOST {
            best.push(known);
        }
    }
    best
}

/// `did you mean …?`, or nothing.
pub(super) fn did_you_mean(near: &[&str]) -> Option<String> {
    (!near.is_empty()).then(|| format!("did you mean `{}`?", near.join("`, `")))
}

/// What is said of a permission that nobody knows.
pub(super) fn unknown_permission(registry: &PermissionRegistry, name: &str) -> String {
    let shown = shown(name, Profile::stripe().known_prefixes()).to_owned();
    let all = "docs/permissions.md lists all";
    // `refunds` are not alike to `charge`, which is what they need.
    if let Some(permission) = permission_of_resource(name) {
        return format!(
            "there is no permission `{shown}`: /v1/{shown} needs `{permission}`; {all}"
        );
    }
    let (bare, _) = super::grants::with_ending(name).unwrap_or((name, ""));
    let permissions: Vec<_> = registry.iter().collect();
    let names = permissions.iter().map(|known| registry.name(*known));
    let aliases = permissions.iter().flat_map(|known| {
        let aliases = registry
            .builtin(*known)
            .map_or(&[][..], |known| known.aliases);
        aliases.iter().copied()
    });
    let near = near(bare, names.chain(aliases));
    match did_you_mean(&near) {
        Some(question) => format!("there is no permission `{shown}`: {question} {all}"),
        None => format!("there is no permission `{shown}`; {all}"),
    }
}

/// The permission that reading `/v1/NAME` needs, where there is such a path at Stripe.
fn permission_of_resource(name: &str) -> Option<&'static str> {
    let row = ROWS
        .iter()
        .find(|row| row.path.strip_prefix("/v1/") == Some(name))?;
    row.permissions.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_said(name: &str, expected: &str) {
        assert_eq!(
            unknown_permission(&PermissionRegistry::stripe(), name),
            expected
        );
    }

    #[test]
    fn a_resource_is_answered_with_the_permission_it_needs() {
        assert_said(
            "refunds",
            "there is no permission `refunds`: /v1/refunds needs `charge`; docs/permissions.md lists all",
        );
        assert_said(
            "prices",
            "there is no permission `prices`: /v1/prices needs `plan`; docs/permissions.md lists all",
        );
    }

    #[test]
    fn a_slip_is_answered_with_near_names() {
        assert_said(
            "Customer",
            "there is no permission `Customer`: did you mean `customer`? docs/permissions.md lists all",
        );
    }

    #[test]
    fn a_key_in_place_of_a_name_is_not_repeated() {
        for key in ["sk_test_FAKE-alice-0001", "xrk_live_FAKE-alice-0001", "a b"] {
            let said = unknown_permission(&PermissionRegistry::stripe(), key);
            assert_eq!(
                said,
                "there is no permission `…`; docs/permissions.md lists all"
            );
        }
    }

    #[test]
    fn nothing_alike_is_nothing() {
        assert!(near("qqqq", ["customer", "charge"].into_iter()).is_empty());
        assert_eq!(did_you_mean(&[]), None);
    }
}
