//! Finds the key or account whose id an argument contains. If the argument is a key's value
//! instead, keyward rejects it without repeating it, because process lists and shell histories show
//! arguments.

use anyhow::{Result, anyhow, bail};

use keyward::management::near;
use keyward_files::key_file::{Key, KeyFile, repeated};

/// Returns the key with this id.
pub(super) fn find<'a>(file: &'a KeyFile, id: &str) -> Result<&'a Key> {
    file.key(id).ok_or_else(|| anyhow!(missing(file, id)))
}

/// Returns the error for a key that does not exist.
pub(super) fn missing(file: &KeyFile, id: &str) -> String {
    if file.profile().known_prefixes().occur_in(id) {
        return "name a key by its id, such as `mk_1`, never by its value: arguments show in process lists and shell histories, so treat it as leaked; `keyward keys find --key-stdin` finds its owner".to_owned();
    }
    let named: Vec<&str> = file
        .keys()
        .filter(|key| key.name.as_deref() == Some(id))
        .map(|key| key.id.as_str())
        .collect();
    if !named.is_empty() {
        return format!(
            "a key is named by its id; of that name: `{}`",
            named.join("`, `")
        );
    }
    let shown = repeated(id, file.profile().known_prefixes());
    let near_ids = near(id, file.keys().map(|key| key.id.as_str()));
    let names = file.keys().filter_map(|key| key.name.as_deref());
    let near_names = near(id, names);
    let near = match near_ids.is_empty() {
        true => of_names(file, &near_names),
        false => near_ids.into_iter().map(str::to_owned).collect(),
    };
    match did_you_mean(&near) {
        Some(question) => format!("there is no key `{shown}`: {question}"),
        None => {
            format!("there is no key `{shown}`; `keyward keys list --all` shows all there are")
        }
    }
}

/// Returns the ids of the keys with these names, each with its name.
fn of_names(file: &KeyFile, names: &[&str]) -> Vec<String> {
    let keys = file.keys().filter(|key| {
        key.name
            .as_deref()
            .is_some_and(|name| names.contains(&name))
    });
    keys.take(3).map(|key| key.id.clone()).collect()
}

/// Checks that the account with this id exists.
pub(super) fn check_owner(file: &KeyFile, id: &str) -> Result<()> {
    if file.account(id).is_none() {
        bail!(missing_owner(file, id));
    }
    Ok(())
}

/// Returns the error for an owner that does not exist.
pub(super) fn missing_owner(file: &KeyFile, id: &str) -> String {
    let near = near(id, file.accounts().map(|account| account.id.as_str()));
    let shown = repeated(id, file.profile().known_prefixes());
    let next = did_you_mean(&near).unwrap_or_else(|| {
        "`keyward accounts list` shows all there are, and `keyward accounts add` adds one"
            .to_owned()
    });
    format!("there is no account `{shown}`: {next}")
}

/// Returns `did you mean …?`, or `None` without suggestions.
pub(super) fn did_you_mean(near: &[impl AsRef<str>]) -> Option<String> {
    let near: Vec<&str> = near.iter().map(AsRef::as_ref).collect();
    (!near.is_empty()).then(|| format!("did you mean `{}`?", near.join("`, `")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward::digest::KeyDigest;

    fn file() -> KeyFile {
        let text = format!(
            "format = \"keyward.keys/v1\"\n[[accounts]]\nid = \"acct_1\"\n\
             [[keys]]\nid = \"mk_one\"\nname = \"Billing\"\nkind = \"secret\"\nmode = \"test\"\n\
             owner = \"acct_1\"\nsha256 = \"{}\"\n",
            KeyDigest::of(b"1")
        );
        KeyFile::read(vec![("keyward.toml".to_owned(), text)]).unwrap()
    }

    #[track_caller]
    fn assert_refused(id: &str, expected: &str) {
        let text = find(&file(), id).unwrap_err().to_string();
        assert!(text.starts_with(expected), "{text}");
        assert!(!text.contains("FAKE"), "{text}");
    }

    #[test]
    fn a_key_is_found_by_its_id_alone() {
        assert_eq!(find(&file(), "mk_one").unwrap().id, "mk_one");
        assert_refused("mk_onw", "there is no key `mk_onw`: did you mean `mk_one`?");
        assert_refused(
            "Billing",
            "a key is named by its id; of that name: `mk_one`",
        );
        assert_refused("qq", "there is no key `qq`; `keyward keys list --all`");
    }

    #[test]
    fn an_owner_that_is_not_there_is_answered_with_those_that_are() {
        check_owner(&file(), "acct_1").unwrap();
        for (id, expected) in [
            (
                "acct_2",
                "there is no account `acct_2`: did you mean `acct_1`?",
            ),
            ("org", "there is no account `org`: `keyward accounts list`"),
            ("sk_test_FAKE-alice-0001", "there is no account `…`: "),
        ] {
            let text = check_owner(&file(), id).unwrap_err().to_string();
            assert!(text.starts_with(expected), "{text}");
        }
    }

    #[test]
    fn a_value_in_place_of_an_id_is_not_repeated() {
        assert_refused("sk_test_FAKE-alice-0001", "name a key by its id");
        assert_refused("x y rk_live_FAKE-alice-0001", "name a key by its id");
    }
}
