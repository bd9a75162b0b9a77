//! `keyward keys import`: a key that exists already, from standard input. Its digest is kept; a publishable key's value is public and kept, too.

use std::collections::HashSet;

use anyhow::{Context, Result, bail};

use super::create::kind_for;
use super::details::{Details, GrantArguments};
use super::told::Told;
use super::words::{KindArgument, ModeArgument};
use crate::exit::Exit;
use crate::input;
use crate::output::OutputArguments;
use keyward::key::{KeyKind, Livemode};
use keyward::profile::Profile;
use keyward_files::key_file::{Key, KeyFile, is_id};
use keyward_files::secret::new_key_id;
use keyward_files::store::Store;

/// The longest key a gateway reads.
const LONGEST: usize = 512;

/// How many characters after the prefix make a key hard to guess, if they are random: 24 of base62 are 142 bits.
const STRONG: usize = 24;

/// How many different ones there must be among them: 24 random ones of base62 have some 20, and a masked key (`****hVXR`) or `xxxx…` has few.
const DIFFERENT: usize = 8;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The account it belongs to; for an organization key the organization
    #[arg(long, value_name = "ID")]
    owner: String,
    /// Which kind, where its prefix does not tell
    #[arg(long, value_enum)]
    kind: Option<KindArgument>,
    /// In which mode it works, where its prefix does not tell
    #[arg(long, value_enum)]
    mode: Option<ModeArgument>,
    /// The id it is to have; a new one unless it is said
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Take in a key of which so little follows the prefix that it can be guessed, or may be cut short or masked
    #[arg(long)]
    allow_short: bool,
    #[command(flatten)]
    grants: GrantArguments,
    #[command(flatten)]
    details: Details,
}

pub(super) fn run(arguments: &Arguments, store: &Store, output: OutputArguments) -> Result<Exit> {
    let now = input::now();
    let value = input::key()?;
    let (told, notes) = store.edit("keys import", |file| {
        let (key, notes) = imported(arguments, file, &value)?;
        let key = arguments.details.put_into(key, now)?;
        let key = arguments.grants.put_into(key, file)?;
        let id = key.id.clone();
        file.add_key(key, arguments.details.file.as_deref())?;
        let key = file
            .key(&id)
            .context("the key was not added; please report this")?;
        Ok((Told::of(file, key, now), notes))
    })?;
    told.show("imported", &notes, output)
}

fn imported(arguments: &Arguments, file: &KeyFile, value: &str) -> Result<(Key, Vec<String>)> {
    let profile = file.profile();
    let kind = kind_of(profile, value, arguments.kind.map(KeyKind::from))?;
    let kind = kind_for(file, &arguments.owner, Some(kind))?;
    let mode = mode_of(profile, value, kind, arguments.mode.map(Livemode::from))?;
    let id = match &arguments.id {
        Some(id) if is_id(id) && !profile.known_prefixes().occur_in(id) => id.clone(),
        Some(_) => bail!(
            "an id has 1 to 64 letters, digits, `_`, `.` or `-`, such as `mk_1`, and is no key; leave --id out for a new one"
        ),
        None => new_key_id()?,
    };
    let mut notes = Vec::new();
    if is_short(body(profile, value, kind))? {
        if !arguments.allow_short {
            bail!(
                "{SHORT}: look whether it is whole, or give --allow-short if it really is so short"
            );
        }
        if kind != KeyKind::Publishable {
            notes.push(format!(
                "note: {SHORT}, so rotate it soon: `keyward keys rotate {id} --keep-for 24h`"
            ));
        }
    }
    let key = match kind {
        KeyKind::Publishable => Key::publishable(&id, mode, &arguments.owner, value),
        KeyKind::Secret | KeyKind::Restricted | KeyKind::Organization => {
            let prefixes = profile.known_prefixes();
            Key::of_value(&id, kind, mode, &arguments.owner, value, prefixes)
        }
    };
    Ok((key, notes))
}

/// The kind by the key's prefix. A gateway refuses a key whose prefix is not one of its kind's, so this does, too.
fn kind_of(profile: &Profile, value: &str, said: Option<KeyKind>) -> Result<KeyKind> {
    let is_spelled = value
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b',');
    if value.len() > LONGEST || !is_spelled {
        bail!(
            "what stands on standard input is no key: give one alone, of printable ASCII without blanks and commas, at most {LONGEST} bytes"
        );
    }
    let fitting: Vec<KeyKind> = KeyKind::ALL
        .into_iter()
        .filter(|kind| profile.is_key_of_kind(value, *kind))
        .collect();
    match (said, fitting.as_slice()) {
        (Some(said), kinds) if kinds.contains(&said) => Ok(said),
        (Some(said), _) => bail!(
            "the key's prefix is not one of a {} key: `{}`",
            said.name(),
            profile.key_prefixes(said).collect::<Vec<_>>().join("`, `")
        ),
        (None, [kind]) => Ok(*kind),
        (None, []) => bail!(
            "the key has no prefix of this API's keys; they stand in `configuration.profile.prefixes` of the key file, or are Stripe's (`sk_test_`, `rk_live_`, …)"
        ),
        (None, [_, _, ..]) => {
            bail!("the key's prefix is one of several kinds; say which, with --kind")
        }
    }
}

/// The mode by the key's prefix, or the word after it: `sk_org_live_…`.
fn mode_of(
    profile: &Profile,
    value: &str,
    kind: KeyKind,
    said: Option<Livemode>,
) -> Result<Livemode> {
    let told = prefix_of(profile, value, kind).and_then(|prefix| {
        let after = value.strip_prefix(prefix)?.split_once(['_', '-']);
        let words = prefix.split(['_', '-']).chain(after.map(|(word, _)| word));
        words.filter_map(named_mode).next()
    });
    match (told, said) {
        (Some(told), Some(said)) if told != said => bail!(
            "the key's prefix says {} mode and --mode says {}; leave --mode out",
            told.name(),
            said.name()
        ),
        (Some(mode), _) | (None, Some(mode)) => Ok(mode),
        (None, None) => bail!("the key's prefix names no mode; say which, with --mode"),
    }
}

fn named_mode(word: &str) -> Option<Livemode> {
    match word {
        "live" => Some(Livemode::Live),
        "test" => Some(Livemode::Test),
        _ => None,
    }
}

const SHORT: &str = "so little follows the key's prefix that it can be guessed";

/// What follows the prefix, and the mode where that comes next.
fn body<'a>(profile: &Profile, value: &'a str, kind: KeyKind) -> &'a str {
    let prefix = prefix_of(profile, value, kind).unwrap_or_default();
    let body = value.strip_prefix(prefix).unwrap_or(value);
    match body.split_once(['_', '-']) {
        Some((word, rest)) if named_mode(word).is_some() => rest,
        _ => body,
    }
}

/// Whether a key can be guessed by what follows its prefix. Refuses one that has nothing there, as an unset variable leaves it: whoever sends the prefix would be let in.
fn is_short(body: &str) -> Result<bool> {
    if !body.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
        bail!(
            "nothing follows the key's prefix, so this is no key; is a variable not set, or the value masked?"
        );
    }
    let different: HashSet<u8> = body.bytes().collect();
    Ok(body.len() < STRONG || different.len() < DIFFERENT)
}

fn prefix_of<'a>(profile: &'a Profile, value: &str, kind: KeyKind) -> Option<&'a str> {
    let prefixes = profile.key_prefixes(kind);
    prefixes
        .filter(|prefix| value.starts_with(prefix))
        .max_by_key(|prefix| prefix.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_tells_kind_and_mode() {
        let stripe = Profile::stripe();
        for (value, kind, mode) in [
            ("sk_test_FAKE-alice-0001", KeyKind::Secret, Livemode::Test),
            (
                "rk_live_FAKE-alice-0001",
                KeyKind::Restricted,
                Livemode::Live,
            ),
            (
                "pk_live_FAKE-alice-0001",
                KeyKind::Publishable,
                Livemode::Live,
            ),
            (
                "sk_org_live_FAKE-alice",
                KeyKind::Organization,
                Livemode::Live,
            ),
        ] {
            let found = kind_of(&stripe, value, None).unwrap();
            assert_eq!(found, kind);
            assert_eq!(mode_of(&stripe, value, found, None).unwrap(), mode);
        }
    }

    #[track_caller]
    fn assert_refused<T>(result: Result<T>, expected: &str) {
        let text = result.err().unwrap().to_string();
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("FAKE"), "{text}");
    }

    #[test]
    fn what_a_prefix_does_not_tell_must_be_said() {
        let stripe = Profile::stripe();
        let organization = "sk_org_FAKE-alice-0001";
        let kind = KeyKind::Organization;
        assert_refused(mode_of(&stripe, organization, kind, None), "with --mode");
        let said = Some(Livemode::Live);
        let mode = mode_of(&stripe, organization, kind, said).unwrap();
        assert_eq!(mode, Livemode::Live);
    }

    #[test]
    fn what_contradicts_the_prefix_is_refused() {
        let stripe = Profile::stripe();
        let key = "sk_test_FAKE-alice-0001";
        let live = Some(Livemode::Live);
        assert_refused(
            mode_of(&stripe, key, KeyKind::Secret, live),
            "says test mode",
        );
        let restricted = Some(KeyKind::Restricted);
        assert_refused(kind_of(&stripe, key, restricted), "`rk_test_`");
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        let stripe = Profile::stripe();
        for (value, expected) in [
            ("sk_test_FAKE alice", "is no key"),
            ("sk_test_FAKE,alice", "is no key"),
            ("acme_FAKE-alice-0001", "no prefix of this API's keys"),
        ] {
            assert_refused(kind_of(&stripe, value, None), expected);
        }
        let long = format!("sk_test_{}", "FAKE-".repeat(120));
        assert_refused(kind_of(&stripe, &long, None), "is no key");
    }

    #[test]
    fn what_follows_the_prefix_makes_the_key() {
        let stripe = Profile::stripe();
        for (value, kind) in [
            ("sk_live_", KeyKind::Secret),
            ("sk_live_****", KeyKind::Secret),
            ("rk_test_...", KeyKind::Restricted),
            ("pk_test_", KeyKind::Publishable),
            ("sk_org_", KeyKind::Organization),
            ("sk_org_live_", KeyKind::Organization),
        ] {
            assert_refused(is_short(body(&stripe, value, kind)), "nothing follows");
        }
        for (value, is_expected) in [
            ("sk_live_FAKE", true),
            ("sk_live_FAKE-as-long-as-it-must0", false),
            ("sk_live_FAKE-as-long-as-it-must", true),
            ("sk_live_************************************hVXR", true),
            (
                concat!("sk_live_", "xxxxxxxxxxxxxxxx", "xxxxxxxxxxxxxxxx"),
                true,
            ),
        ] {
            let found = is_short(body(&stripe, value, KeyKind::Secret)).unwrap();
            assert_eq!(found, is_expected, "{value}");
        }
        let organization = body(&stripe, "sk_org_live_FAKE", KeyKind::Organization);
        assert_eq!(organization, "FAKE");
    }
}
