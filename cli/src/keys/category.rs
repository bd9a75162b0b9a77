//! Categories of permissions, as Stripe's page on restricted keys groups them. On a command line they are in lower case, with `-` for a blank.

use anyhow::{Result, bail};

use super::suggest;
use keyward::permission::PermissionRegistry;
use keyward::profile::Profile;

/// The category of that name, as the catalogue spells it. Case does not matter; a blank may be `-` or `_`.
pub(super) fn find(registry: &PermissionRegistry, name: &str) -> Result<&'static str> {
    let all = all(registry);
    let wanted = written(name);
    if let Some(found) = all.iter().find(|category| written(category) == wanted) {
        return Ok(found);
    }
    let known: Vec<String> = all.iter().map(|category| written(category)).collect();
    let near = suggest::near(&wanted, known.iter().map(String::as_str));
    let shown = suggest::shown(name, Profile::stripe().known_prefixes());
    match suggest::did_you_mean(&near) {
        Some(question) => bail!("there is no category `{shown}`: {question}"),
        None => bail!(
            "there is no category `{shown}`, only `{}`",
            known.join("`, `")
        ),
    }
}

/// All there are, by name.
fn all(registry: &PermissionRegistry) -> Vec<&'static str> {
    let mut all: Vec<&str> = registry
        .iter()
        .filter_map(|permission| registry.category(permission))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// `money-management`.
fn written(name: &str) -> String {
    name.to_lowercase().replace([' ', '_'], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_is_found_as_it_is_written_on_a_command_line() {
        let registry = PermissionRegistry::stripe();
        let all = all(&registry);
        assert!(all.contains(&"Money Management"), "{all:?}");
        for category in all {
            for name in [
                category.to_owned(),
                written(category),
                category.to_uppercase(),
            ] {
                assert_eq!(find(&registry, &name).unwrap(), category);
            }
        }
    }

    #[test]
    fn a_category_that_is_not_there_is_answered_with_all_there_are() {
        let error = find(&PermissionRegistry::stripe(), "qqqq").unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("there is no category `qqqq`, only `accounts-v2`, "),
            "{text}"
        );
    }
}
