//! `keyward conformance`: sends the cases of `conformance/` to any gateway over HTTP, and reports
//! how its answers differ from them.

mod compare;
mod file;
mod spell;
mod wire;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::exit::Exit;
use super::{http, input};
use file::{Case, File};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The gateway under test: `http://HOST[:PORT]`
    #[arg(long, value_parser = http::authority, required_unless_present = "print_configuration")]
    url: Option<http::Authority>,
    /// The folder of the files
    #[arg(long, default_value = "conformance")]
    dir: PathBuf,
    /// The file to use: the one whose snapshot and settings the gateway was set up with
    #[arg(long, value_name = "NAME")]
    file: Option<String>,
    /// The header that the gateway reads a client's address from; without it, cases from other addresses are skipped
    #[arg(long, value_name = "NAME")]
    header_address: Option<String>,
    /// Also check what only keyward promises: its reasons and identity headers
    #[arg(long)]
    keyward: bool,
    /// Print the file as a plugin configuration of keyward, with times relative to now, and send no case
    #[arg(long)]
    print_configuration: bool,
}

impl Arguments {
    /// Whether the command prints a file instead of sending cases to a gateway.
    pub(super) fn only_shows(&self) -> bool {
        self.print_configuration
    }
}

/// The maximum size of an answer. Answers to the cases are shorter.
const LONGEST_RESPONSE: u64 = 4 << 20;

/// The number of cases by result.
#[derive(Default)]
struct Count {
    passed: usize,
    failed: usize,
    skipped: usize,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let names = names(&arguments.dir)?;
    let Some(name) = &arguments.file else {
        bail!(
            "a gateway is set up for one file at a time; name it with --file: {}",
            names.join(", ")
        );
    };
    let name = name.strip_suffix(".json").unwrap_or(name);
    if !names.iter().any(|known| known == name) {
        bail!(
            "`{}` has no file of that name; there are {}",
            arguments.dir.display(),
            names.join(", ")
        );
    }
    let file = File::read(&arguments.dir.join(format!("{name}.json")))?;
    let mut out = std::io::stdout();
    match &arguments.url {
        Some(url) if !arguments.print_configuration => {
            writeln!(out, "{name}: {}", file.description)?;
            let count = put(&file, url, arguments, &mut out)?;
            write!(out, "{} passed, {} failed", count.passed, count.failed)?;
            match count.skipped {
                0 => writeln!(out)?,
                skipped => writeln!(out, ", {skipped} skipped without --header-address")?,
            }
            Ok(match count.failed {
                0 => Exit::Good,
                _ => Exit::Failed,
            })
        }
        Some(_) | None => {
            writeln!(out, "{:#}", file.configuration(input::now())?)?;
            Ok(Exit::Good)
        }
    }
}

/// Returns the names of the files in the folder.
fn names(folder: &Path) -> Result<Vec<String>> {
    let cannot = || format!("`{}` cannot be read", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let name = entry.with_context(cannot)?.file_name();
        let name = name.to_string_lossy();
        names.extend(name.strip_suffix(".json").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

fn put(
    file: &File,
    url: &http::Authority,
    arguments: &Arguments,
    out: &mut impl Write,
) -> Result<Count> {
    let mut count = Count::default();
    for case in &file.cases {
        let address_header = arguments.header_address.as_deref();
        if case.request.address.is_some() && address_header.is_none() {
            count.skipped += 1;
            continue;
        }
        let differences = ask(case, url, address_header, arguments.keyward);
        if differences.is_empty() {
            count.passed += 1;
            writeln!(out, "pass  {}", case.description)?;
        } else {
            count.failed += 1;
            writeln!(out, "FAIL  {}", case.description)?;
            for difference in differences {
                writeln!(out, "      {difference}")?;
            }
        }
    }
    Ok(count)
}

/// Returns the differences. If a gateway does not answer, that is also a difference.
fn ask(
    case: &Case,
    url: &http::Authority,
    address_header: Option<&str>,
    as_keyward: bool,
) -> Vec<String> {
    let answer = spell::spell(&case.request, url, address_header).and_then(|bytes| {
        wire::exchange(url, &bytes, case.request.method == "HEAD", LONGEST_RESPONSE)
    });
    match answer {
        Ok(response) => compare::differences(case, &response, as_keyward),
        Err(error) => vec![format!("no answer: {error:#}")],
    }
}
