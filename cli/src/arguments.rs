//! Keys are not accepted as arguments, because process lists and shell histories show arguments. If
//! an argument contains a key, keyward rejects it before doing anything else, and no error repeats
//! it.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Error, anyhow};
use clap::ArgMatches;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;

use super::exit::Exit;
use super::output;
use keyward::mask::masked;
use keyward::profile::Profile;
use keyward_files::key_file::has_secret_key;
use keyward_files::store::Store;

const REFUSAL: &str = "keyward: one of the arguments (or KEYWARD_KEYS or KEYWARD_SERVER, which name a place) looks like a key, and keys are not arguments: those show in process lists and shell histories, so treat it as leaked; commands that read a key have --key-stdin or read standard input";

const NO_SERVER: &str = "keyward: this command does not work on a server, which builds and publishes its snapshots itself; --server is for `keyward keys`, `keyward accounts`, `keyward grant-sets` and `keyward policies`";

/// Rejects arguments that contain a secret key in Stripe's format, because a command could repeat
/// it or write it down. It also checks `KEYWARD_KEYS` and `KEYWARD_SERVER`, whose names may be
/// misread.
pub(super) fn refuse_keys() -> Result<(), Exit> {
    let variables = ["KEYWARD_KEYS", "KEYWARD_SERVER"].into_iter();
    let variables = variables.filter_map(std::env::var_os);
    let variables = variables.map(|value| value.to_string_lossy().into_owned());
    if given()
        .chain(variables)
        .any(|argument| has_secret_key(&argument))
    {
        return Err(refused());
    }
    Ok(())
}

/// Reports arguments that cannot be parsed. clap's messages repeat them, and one may be a key of
/// any API.
pub(super) fn misread(error: &clap::Error) -> Exit {
    let text = error.render().to_string();
    if !error.use_stderr() {
        // If the help cannot be printed, there is nowhere to report it.
        let _ = error.print();
        return Exit::Good;
    }
    if Profile::stripe().known_prefixes().occur_in(&text) {
        return refused();
    }
    if is_server_unknown(error) {
        let _ = writeln!(output::stderr(), "{NO_SERVER}");
        return Exit::Usage;
    }
    let shortened = without_values(&text, given());
    let _ = if shortened == text {
        error.print()
    } else {
        write!(output::stderr(), "{shortened}")
    };
    Exit::Usage
}

/// Rejects a command that would work on the key file of this folder although `KEYWARD_SERVER` names
/// a server: its result would not include the server's keys.
pub(super) fn refuse_server(given: &ArgMatches) -> Result<(), Exit> {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !is_set("KEYWARD_SERVER") || is_set("KEYWARD_KEYS") || !takes_usual_file(given) {
        return Ok(());
    }
    let _ = writeln!(
        output::stderr(),
        "{NO_SERVER}. KEYWARD_SERVER is set: name the key file with --keys, or unset the variable"
    );
    Err(Exit::Usage)
}

/// Whether the command accepts `--keys` but not `--server`, and no argument names its input.
fn takes_usual_file(given: &ArgMatches) -> bool {
    let mut command = given;
    while let Some((_, below)) = command.subcommand() {
        command = below;
    }
    let is_known = |name| command.try_contains_id(name).is_ok();
    let is_named = |name| {
        is_known(name)
            && matches!(
                command.value_source(name),
                Some(ValueSource::CommandLine | ValueSource::EnvVariable)
            )
    };
    let about = ["keys", "configuration", "file", "a"];
    is_known("keys") && !is_known("server") && !about.into_iter().any(is_named)
}

/// Whether the command does not accept `--server`.
fn is_server_unknown(error: &clap::Error) -> bool {
    let unknown = error.get(ContextKind::InvalidArg);
    let is_server = |value: &ContextValue| value.to_string() == "--server";
    error.kind() == ErrorKind::UnknownArgument && unknown.is_some_and(is_server)
}

/// Returns the error, with arguments that are keys removed.
pub(super) fn without_keys(error: Error) -> Error {
    profiles().fold(error, |error, profile| {
        let text = format!("{error:#}");
        if profile.known_prefixes().occur_in(&text) {
            return anyhow!(masked(&text, profile.known_prefixes()));
        }
        error
    })
}

/// Returns a text that repeats an argument, with keys masked.
pub(super) fn shown(text: &str) -> String {
    profiles().fold(text.to_owned(), |text, profile| {
        masked(&text, profile.known_prefixes())
    })
}

/// Returns the profiles whose prefixes mark a key: Stripe's, and that of a custom API. The
/// arguments name its key file, or it is in the usual place.
fn profiles() -> impl Iterator<Item = Profile> {
    let own = key_files().filter_map(|path| {
        let file = Store::open(&path).and_then(|store| store.read());
        file.ok().map(|file| file.profile().clone())
    });
    std::iter::once(Profile::stripe()).chain(own)
}

/// Returns the possible places of the key file: the ones that `--keys` names, and the default ones.
fn key_files() -> impl Iterator<Item = PathBuf> {
    let all: Vec<String> = given().collect();
    let next = all.iter().zip(all.iter().skip(1));
    let apart = next
        .filter(|(name, _)| *name == "--keys")
        .map(|(_, path)| path);
    let glued = all
        .iter()
        .filter_map(|argument| argument.strip_prefix("--keys="));
    let named: Vec<PathBuf> = apart
        .map(String::as_str)
        .chain(glued)
        .map(PathBuf::from)
        .collect();
    let usual = std::env::var_os("KEYWARD_KEYS").map(PathBuf::from);
    named
        .into_iter()
        .chain(usual)
        .chain([PathBuf::from("keyward.toml")])
}

fn refused() -> Exit {
    let _ = writeln!(output::stderr(), "{REFUSAL}");
    Exit::Usage
}

fn given() -> impl Iterator<Item = String> {
    let all = std::env::args_os().skip(1);
    all.map(|argument| argument.to_string_lossy().into_owned())
}

/// Returns clap's message without the arguments that could be a key, either completely or after an
/// option's `=`.
fn without_values(text: &str, arguments: impl Iterator<Item = String>) -> String {
    let mut values: Vec<String> = arguments
        .flat_map(|argument| {
            let value = argument.split_once('=').map(|(_, value)| value.to_owned());
            [Some(argument), value]
        })
        .flatten()
        .filter(|value| !is_word(value))
        .collect();
    // Longer values first, because one may contain a shorter one.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    let mut shown = text.to_owned();
    for value in values {
        shown = shown.replace(&value, "…");
    }
    shown
}

/// Whether a value is too short for a key, or is a word that a person may have misspelled.
fn is_word(value: &str) -> bool {
    let is_spelled = |byte: u8| byte.is_ascii_alphabetic() || byte == b'-';
    value.len() <= 12 || (value.len() <= 32 && value.bytes().all(is_spelled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_keeps_words_and_loses_what_could_be_a_key() {
        let text = "error: invalid value 'acme_FAKE-alice-0001' for '--in <LENGTH>': expected 90d\n  tip: '--ownr'";
        let arguments = ["--in=acme_FAKE-alice-0001", "--ownr", "90d"];
        let shown = without_values(text, arguments.iter().map(|text| (*text).to_owned()));
        let expected =
            "error: invalid value '…' for '--in <LENGTH>': expected 90d\n  tip: '--ownr'";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_value_is_replaced_before_its_part() {
        let arguments = ["FAKE-alice-0001", "--x=FAKE-alice-0001-FAKE"];
        let arguments = arguments.iter().map(|text| (*text).to_owned());
        let shown = without_values("'--x=FAKE-alice-0001-FAKE' 'FAKE-alice-0001'", arguments);
        assert_eq!(shown, "'…' '…'");
    }

    #[test]
    fn an_error_without_keys_stays_what_it_is() {
        let io = || Error::new(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        let error = without_keys(io().context("x"));
        assert!(error.chain().any(|cause| cause.is::<std::io::Error>()));
        let error = io().context("no `sk_test_FAKE-alice-0001`");
        let text = without_keys(error).to_string();
        assert!(text.starts_with("no `sk_test_***********0001`: "), "{text}");
    }
}
