//! `keyward explain`: the decision on one request, by the same code that runs in Envoy.

use std::io::Write;
use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Result, bail};

use super::exit::Exit;
use super::input;
use crate::configuration::Configuration;
use crate::decision::{Decision, Environment, decide};
use crate::reply::{Reply, RequestId};
use crate::request::RequestHead;
use crate::upstream::{HeaderChange, header_changes};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The plugin configuration, JSON
    #[arg(long, short, value_name = "FILE")]
    configuration: PathBuf,
    /// Read the key from standard input and send it as `Authorization: Bearer`
    #[arg(long)]
    key_stdin: bool,
    /// A header of the request; give the key by `--key-stdin`
    #[arg(long, short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// The client's address
    #[arg(long)]
    ip: Option<IpAddr>,
    /// The time of the request in Unix seconds (default: now)
    #[arg(long, value_name = "SECONDS")]
    at: Option<u64>,
    /// The request has a body
    #[arg(long)]
    body: bool,
    /// The method
    method: String,
    /// The path, with its query if it has one
    path: String,
}

fn header(text: &str) -> Result<(String, String)> {
    let Some((name, value)) = text.split_once(':') else {
        bail!("expected `NAME: VALUE`");
    };
    let name = name.trim().to_ascii_lowercase();
    if name == "authorization" {
        bail!("keys are not arguments; use --key-stdin");
    }
    Ok((name, value.trim().to_owned()))
}

struct Given {
    now: u64,
    address: Option<IpAddr>,
}

impl Environment for Given {
    fn now(&self) -> Option<u64> {
        Some(self.now)
    }

    fn client_address(&self) -> Option<IpAddr> {
        self.address
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let configuration = input::configuration(&arguments.configuration)?;
    let mut headers = vec![
        (":method".to_owned(), arguments.method.clone()),
        (":path".to_owned(), arguments.path.clone()),
    ];
    if arguments.key_stdin {
        headers.push((
            "authorization".to_owned(),
            format!("Bearer {}", input::key()?),
        ));
    }
    headers.extend(arguments.header.iter().cloned());
    let request = RequestHead::read(
        configuration.profile(),
        configuration.identity_names(),
        headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes())),
        arguments.body,
    );
    let given = Given {
        now: arguments.at.unwrap_or_else(input::now),
        address: arguments.ip,
    };
    report(&configuration, &request, &given)
}

fn report(configuration: &Configuration, request: &RequestHead<'_>, given: &Given) -> Result<Exit> {
    let mut out = std::io::stdout();
    match decide(configuration, request, given) {
        Decision::Allow(permit) => {
            writeln!(out, "{permit}")?;
            for change in header_changes(configuration, request, &permit) {
                match change {
                    HeaderChange::Set(name, value) => writeln!(out, "+ {name}: {value}")?,
                    HeaderChange::Remove(name) => {
                        writeln!(out, "- {}", String::from_utf8_lossy(&name))?
                    }
                }
            }
            Ok(Exit::Good)
        }
        Decision::Deny(denial) => {
            writeln!(out, "{denial}")?;
            let rule = denial.reason().rule();
            writeln!(out, "rule {rule} of 11 failed; the reply:\n")?;
            let reply = Reply::new(configuration, &denial, RequestId::new(0));
            writeln!(out, "{}", reply.status)?;
            for (name, value) in &reply.headers {
                writeln!(out, "{name}: {value}")?;
            }
            write!(out, "\n{}", reply.body)?;
            Ok(Exit::Denied)
        }
    }
}
