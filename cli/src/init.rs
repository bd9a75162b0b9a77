//! `keyward init`: creates a first key file, with comments on what it can contain.

use std::io::Write;

use anyhow::Result;
use serde_json::json;

use super::arguments;
use super::exit::Exit;
use super::output::{self, OutputArguments};
use super::store::StoreArguments;
use keyward_files::store::Store;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    output: OutputArguments,
}

/// The first key file. Tests read it unchanged, and with its examples uncommented.
pub(super) const FIRST: &str = r#"# Who may call the API. Commands (`keyward accounts`, `keyward keys`) and people edit this file; comments and order stay as they are.
# It holds digests and never a key, and is best kept under version control. docs/key-file.md describes every member. Examples:
#
# [configuration]              # settings of the gateway
# max_snapshot_age = 604800    # refuse requests when the snapshot is older, in seconds; `keyward push --watch` renews it in time
#
# [push]                       # where `keyward push` writes: the file that Envoy watches
# ecds = "keyward.ecds.yaml"
#
# [[accounts]]                 # or: keyward accounts add acct_1 --name "Widgets Ltd"
# id = "acct_1"
# name = "Widgets Ltd"
#
# [grant_sets.support]         # permissions that several keys share; in a key: grants = "support"
# customer = "read"
# charge = "write"
#
# [[endpoints]]                # your endpoints, with Stripe's or instead of them
# method = "POST"
# path = "/v1/widgets/search"
# permission = "widget"
# access = "read"

format = "keyward.keys/v1"
"#;

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let path = &arguments.store.path;
    Store::create(path, FIRST)?;
    let path = arguments::shown(&path.display().to_string());
    if arguments.output.json {
        output::print_json(&json!({"created": path}))?;
    } else {
        let mut out = output::stdout();
        writeln!(out, "made {path}")?;
        writeln!(
            out,
            "next: an account with its first keys, `keyward accounts add acct_1 --name \"Widgets Ltd\"`"
        )?;
    }
    Ok(Exit::Good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward_files::key_file::KeyFile;

    #[test]
    fn the_first_file_is_read_with_and_without_its_examples() {
        let read = |text: String| KeyFile::read(vec![("keyward.toml".to_owned(), text)]);
        assert_eq!(read(FIRST.to_owned()).unwrap().keys().count(), 0);
        let examples = FIRST.lines().filter_map(|line| line.strip_prefix("# "));
        let examples: Vec<&str> = examples.skip_while(|line| !line.starts_with('[')).collect();
        let file = read(format!("{FIRST}{}\n", examples.join("\n"))).unwrap();
        assert_eq!(file.accounts().count(), 1);
        assert!(file.permissions().find("widget").is_some());
    }
}
