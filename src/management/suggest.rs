//! Suggests what a caller may have meant by an unknown name.

use super::names::with_ending;
use crate::endpoint::ROWS;
use crate::permission::PermissionRegistry;

/// How similar two names must be (Jaro-Winkler, 1 is equal), how much less similar than the best
/// match they may be, and how many are listed.
const ALIKE: f64 = 0.85;
const BEHIND: f64 = 0.05;
const MOST: usize = 4;

/// Returns those of `known` that are most similar to `name`, best first.
#[must_use]
pub fn near<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
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

/// What a caller may have meant by an unknown permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meant {
    /// The name is a resource of Stripe's API, `/v1/NAME`, which needs this permission. For
    /// example, `refunds` needs `charge`, a name that is not similar.
    Resource(&'static str),
    /// Permissions with similar names, if any.
    Near(Vec<String>),
}

/// Returns what a caller may have meant by an unknown permission.
pub(super) fn unknown_permission(registry: &PermissionRegistry, name: &str) -> Meant {
    if let Some(permission) = permission_of_resource(name) {
        return Meant::Resource(permission);
    }
    let (bare, _) = with_ending(name).unwrap_or((name, ""));
    let permissions: Vec<_> = registry.iter().collect();
    let names = permissions.iter().map(|known| registry.name(*known));
    let aliases = permissions.iter().flat_map(|known| {
        let aliases = registry
            .builtin(*known)
            .map_or(&[][..], |known| known.aliases);
        aliases.iter().copied()
    });
    Meant::Near(owned(near(bare, names.chain(aliases))))
}

/// Returns what a caller may have meant by an unknown category.
pub(super) fn unknown_category(registry: &PermissionRegistry, name: &str) -> Vec<String> {
    let known: Vec<String> = categories(registry).into_iter().map(written).collect();
    owned(near(&written(name), known.iter().map(String::as_str)))
}

fn owned(names: Vec<&str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// Returns the permission that reading `/v1/NAME` needs, if Stripe has such a path.
fn permission_of_resource(name: &str) -> Option<&'static str> {
    let row = ROWS
        .iter()
        .find(|row| row.path.strip_prefix("/v1/") == Some(name))?;
    row.permissions.first().copied()
}

/// Returns the category with that name, as the catalogue spells it. Case does not matter, and a
/// blank may be `-` or `_`.
pub(super) fn category(registry: &PermissionRegistry, name: &str) -> Option<&'static str> {
    let wanted = written(name);
    let mut all = categories(registry).into_iter();
    all.find(|category| written(category) == wanted)
}

/// Returns all categories, by name.
#[must_use]
pub fn categories(registry: &PermissionRegistry) -> Vec<&'static str> {
    let mut all: Vec<&str> = registry
        .iter()
        .filter_map(|permission| registry.category(permission))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Returns a category as a command line spells it: `money-management`.
#[must_use]
pub fn written(name: &str) -> String {
    name.to_lowercase().replace([' ', '_'], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_answered_with_the_permission_it_needs() {
        let registry = PermissionRegistry::stripe();
        for (name, expected) in [("refunds", "charge"), ("prices", "plan")] {
            let meant = unknown_permission(&registry, name);
            assert_eq!(meant, Meant::Resource(expected), "{name}");
        }
    }

    #[test]
    fn a_slip_is_answered_with_near_names() {
        let registry = PermissionRegistry::stripe();
        for name in ["Customer", "custmer", "custmer_read"] {
            let meant = unknown_permission(&registry, name);
            assert_eq!(meant, Meant::Near(vec!["customer".to_owned()]), "{name}");
        }
    }

    #[test]
    fn nothing_alike_is_nothing() {
        assert!(near("qqqq", ["customer", "charge"].into_iter()).is_empty());
    }

    #[test]
    fn every_category_is_found_as_it_is_written_on_a_command_line() {
        let registry = PermissionRegistry::stripe();
        let all = categories(&registry);
        assert!(all.contains(&"Money Management"), "{all:?}");
        for name in all {
            for spelled in [name.to_owned(), written(name), name.to_uppercase()] {
                assert_eq!(category(&registry, &spelled), Some(name));
            }
        }
        assert_eq!(category(&registry, "qqqq"), None);
    }
}
