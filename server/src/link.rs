//! `keyward-server link`: asks the server on its admin socket for a link to the console.

use std::io::Write;

use anyhow::{Context, Result};
use serde_json::json;

use crate::admin::post;
use crate::commands::Data;
use crate::configuration::{Configuration, FILE};

/// The arguments of `link`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    data: Data,
    /// What the person may do: `viewer` sees keys and accounts, `auditor` the trail as well, `operator` makes and ends keys, `admin` does everything
    #[arg(long, value_name = "ROLE", value_parser = ["viewer", "auditor", "operator", "admin"])]
    role: String,
    /// Who will use the link, for the trail: a mail address, for example
    #[arg(long = "for", value_name = "WHO")]
    person: String,
    /// How many seconds the link works, 60 to 900
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    expires_in: u64,
}

/// Prints the link, which is shown once.
pub fn run(arguments: &Arguments) -> Result<()> {
    let file = arguments.data.path().join(FILE);
    let configuration = Configuration::read(&file)?;
    let body = json!({
        "role": arguments.role,
        "actor": {"id": arguments.person},
        "expires_in": arguments.expires_in,
    });
    let answer = post(
        &configuration.listen.admin,
        "/v2/keyward/console_sessions",
        &body.to_string(),
        LARGEST,
    )?;
    #[derive(serde::Deserialize)]
    struct Link<'a> {
        url: &'a str,
    }
    let link: Link<'_> = serde_json::from_slice(&answer).context("the server's answer")?;
    let mut err = std::io::stderr().lock();
    writeln!(
        err,
        "The link can be used once, within {} seconds. Whoever opens it is signed in as {} ({}).",
        arguments.expires_in, arguments.person, arguments.role
    )?;
    let mut out = std::io::stdout().lock();
    out.write_all(link.url.as_bytes())?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// The most that is read of an answer: a link and its object are some hundred bytes.
const LARGEST: usize = 64 << 10;
