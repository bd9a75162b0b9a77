//! `keyward explain`: the decision on one request, made by the same code that runs in Envoy, and
//! how it was reached: each rule, then the reply or the request that the upstream would get.

mod account;
mod found;
pub(super) mod question;
mod show;

use std::io::{BufRead, BufReader, Write};
use std::net::IpAddr;

use anyhow::{Context, Result, bail};

use super::exit::Exit;
use super::input;
use super::output::OutputArguments;
use super::source::{Source, SourceArguments};
use keyward::configuration::Configuration;
use keyward::decision::Environment;
use keyward::judge::judge_traced;
use keyward_files::key_file::Issue;
use question::Question;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    source: SourceArguments,
    /// Read the key from standard input and send it as `Authorization: Bearer`, or in --key-header
    #[arg(long)]
    key_stdin: bool,
    /// Send the key of --key-stdin in this header, one of the profile's `credential_headers`, such as `X-API-Key`
    #[arg(long, value_name = "NAME", requires = "key_stdin")]
    key_header: Option<String>,
    /// A header of the request; give the key by `--key-stdin`
    #[arg(long, short = 'H', value_name = "NAME: VALUE", value_parser = question::header)]
    header: Vec<(String, String)>,
    /// The client's address
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<IpAddr>,
    /// The time of the request: Unix seconds, or as in `2026-11-20T12:00:00Z` (default: now)
    #[arg(long, value_name = "TIME", value_parser = question::time)]
    at: Option<u64>,
    /// The request has a body
    #[arg(long)]
    body: bool,
    /// Read requests from standard input, a JSON object per line, and print one answer per line: `{"method": "GET", "path": "/v1/charges",
    /// "headers": [["authorization", "Bearer …"]], "ip": "203.0.113.9", "body": false}`. Each character of a string is one byte
    #[arg(long, conflicts_with_all = ["key_stdin", "key_header", "header", "ip", "body", "method"])]
    requests_stdin: bool,
    #[command(flatten)]
    output: OutputArguments,
    /// The method
    #[arg(required_unless_present = "requests_stdin")]
    method: Option<String>,
    /// The path, with its query if it has one
    #[arg(required_unless_present = "requests_stdin")]
    path: Option<String>,
}

/// The circumstances of the request.
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
    let now = arguments.at.unwrap_or_else(input::now);
    let configuration = configuration(&arguments.source.source(), now)?;
    if arguments.requests_stdin {
        return all(&configuration, now);
    }
    let (Some(method), Some(path)) = (&arguments.method, &arguments.path) else {
        bail!("expected a method and a path");
    };
    let names = &configuration.profile().names().credential_headers;
    let is_credential = |header: &str| names.iter().any(|name| header.eq_ignore_ascii_case(name));
    if arguments.header.iter().any(|(name, _)| is_credential(name)) {
        bail!("keys are not arguments; use --key-stdin with --key-header");
    }
    let key_header = arguments.key_header.as_deref();
    if !key_header.is_none_or(is_credential) {
        bail!(
            "--key-header names no header that the key may be in; `credential_headers` of the profile are: {}",
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        );
    }
    let key = arguments.key_stdin.then(input::key).transpose()?;
    let key = key
        .as_deref()
        .map(|key| question::credential(key_header, key));
    let question = Question::new(
        method,
        path,
        key,
        &arguments.header,
        arguments.ip,
        arguments.body,
    );
    let answer = answer(&configuration, &question, now);
    if arguments.output.json {
        super::output::print_json(&answer.to_json())?;
    } else {
        answer.print(&mut super::output::stdout())?;
    }
    Ok(if answer.is_allowed() {
        Exit::Good
    } else {
        Exit::Denied
    })
}

/// Returns the gateway's configuration. A key file is treated as if it were pushed at the time
/// `now`.
fn configuration(source: &Source, now: u64) -> Result<Configuration> {
    match source {
        Source::Configuration(path) => input::configuration(path),
        Source::Keys(_) => {
            let issue = Issue {
                revision: now,
                issued_at: now,
                may_be_empty: true,
            };
            Ok(source.build(Some(&issue))?.configuration)
        }
    }
}

/// Answers each line of standard input with a line.
fn all(configuration: &Configuration, now: u64) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    for (number, line) in BufReader::new(std::io::stdin()).lines().enumerate() {
        let line = line.context("standard input cannot be read")?;
        if line.trim().is_empty() {
            continue;
        }
        // The line may contain a key, so the error only names the line.
        let Ok(question) = Question::from_json(&line) else {
            let number = number.saturating_add(1);
            bail!(
                "line {number} of standard input: expected a request, `{{\"method\": …, \"path\": …, \"headers\": [[NAME, VALUE], …]}}`"
            );
        };
        writeln!(out, "{}", answer(configuration, &question, now).to_json())?;
    }
    Ok(Exit::Good)
}

fn answer(configuration: &Configuration, question: &Question, now: u64) -> show::Answer {
    let given = Given {
        now,
        address: question.address,
    };
    let request = question.head(configuration);
    let mut findings = Vec::new();
    let verdict = judge_traced(configuration, &request, &given, &mut findings);
    let asked = show::Asked {
        configuration,
        request: &request,
        now,
        findings: &findings,
    };
    asked.answer(&verdict)
}
