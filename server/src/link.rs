//! `keyward-server link`: asks the server on its admin socket for a link to the console.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use zeroize::Zeroizing;

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
const LARGEST: u64 = 64 * 1024;

/// One request on a socket of this machine, and the body of its answer.
fn post(socket: &Path, path: &str, body: &str) -> Result<Zeroizing<Vec<u8>>> {
    let mut stream = UnixStream::connect(socket).with_context(|| {
        format!(
            "`{}` cannot be reached; a link is made by the server, so `keyward-server serve` has to run",
            socket.display()
        )
    })?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    // It takes the whole size at once: the old copies of a growing buffer are not wiped.
    let room = usize::try_from(LARGEST).unwrap_or(usize::MAX);
    let mut answer = Zeroizing::new(Vec::with_capacity(room));
    stream.take(LARGEST).read_to_end(&mut answer)?;
    let end = answer
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .context("the server's answer has no end of its head")?;
    let (head, body) = answer.split_at(end);
    let body = Zeroizing::new(body.get(4..).unwrap_or_default().to_vec());
    let status = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    if status == b"200" {
        return Ok(body);
    }
    let refusal: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = refusal
        .pointer("/error/message")
        .and_then(Value::as_str)
        .unwrap_or("the answer does not come from a keyward-server");
    bail!("the server refused: {message}")
}
