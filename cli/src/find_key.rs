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
    let shown = repeated(id, file.profile().known_prefixes());
    let keys = file
        .keys()
        .map(|key| (key.id.as_str(), key.name.as_deref()));
    match meant(id, &keys.collect::<Vec<_>>()) {
        Meant::Named(ids) => format!("a key is named by its id; of that name: {}", quoted(&ids)),
        Meant::Near(ids) => {
            let next = did_you_mean(&ids).map(|question| format!(": {question}"));
            let next = next.unwrap_or_else(|| "; `keyward keys list --all` lists all".to_owned());
            format!("there is no key `{shown}`{next}")
        }
    }
}

/// Records that may be meant.
enum Meant<'a> {
    /// By their name.
    Named(Vec<&'a str>),
    /// By an id or a name that is nearly theirs; perhaps none.
    Near(Vec<&'a str>),
}

fn meant<'a>(asked: &str, all: &[(&'a str, Option<&'a str>)]) -> Meant<'a> {
    let of_names = |names: &[&str]| -> Vec<&'a str> {
        let is_one = |name: Option<&str>| name.is_some_and(|name| names.contains(&name));
        let found = all.iter().filter(|(_, name)| is_one(*name));
        found.map(|(id, _)| *id).take(3).collect()
    };
    let named = of_names(&[asked]);
    if !named.is_empty() {
        return Meant::Named(named);
    }
    let ids = near(asked, all.iter().map(|(id, _)| *id));
    Meant::Near(match ids.is_empty() {
        true => of_names(&near(asked, all.iter().filter_map(|(_, name)| *name))),
        false => ids,
    })
}

/// Checks that the account with this id exists.
pub(super) fn check_owner(file: &KeyFile, id: &str) -> Result<()> {
    if file.account(id).is_none() {
        bail!(missing_account(file, id));
    }
    Ok(())
}

/// What is said of an account that is not there.
pub(super) fn missing_account(file: &KeyFile, id: &str) -> String {
    let shown = repeated(id, file.profile().known_prefixes());
    let accounts = file
        .accounts()
        .map(|one| (one.id.as_str(), one.name.as_deref()));
    match meant(id, &accounts.collect::<Vec<_>>()) {
        Meant::Named(ids) => {
            format!(
                "an account is named by its id; of that name: {}",
                quoted(&ids)
            )
        }
        Meant::Near(ids) => {
            let next = did_you_mean(&ids).unwrap_or_else(|| {
                "`keyward accounts list` lists all, and `keyward accounts add` adds one".to_owned()
            });
            format!("there is no account `{shown}`: {next}")
        }
    }
}

/// Returns `did you mean …?`, or `None` without suggestions.
pub(super) fn did_you_mean(near: &[impl AsRef<str>]) -> Option<String> {
    (!near.is_empty()).then(|| format!("did you mean {}?", quoted(near)))
}

fn quoted(names: &[impl AsRef<str>]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    format!("`{}`", names.join("`, `"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward::digest::KeyDigest;

    fn file() -> KeyFile {
        let text = format!(
            "format = \"keyward.keys/v1\"\n[[accounts]]\nid = \"acct_1\"\nname = \"Widgets\"\n\
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
        assert_refused("Biling", "there is no key `Biling`: did you mean `mk_one`?");
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
            (
                "Widgets",
                "an account is named by its id; of that name: `acct_1`",
            ),
            (
                "widget",
                "there is no account `widget`: did you mean `acct_1`?",
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
