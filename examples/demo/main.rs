//! `make demo`, `make run`, `make server` and `make portal`: the shipped gateway, with keys made on
//! the spot.
//!
//! Without arguments it plays a tour: it starts real Envoys, sends them real requests, prints the
//! answers, and fails on a surprise. With `run` it prints the keys and becomes Envoy in the
//! foreground. Further arguments go to Envoy. With `server` it starts keyward-server and an Envoy
//! in front of it. With `portal` it also starts an application that opens the portal. Keys exist
//! only in memory and on the terminal.
#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a program for a terminal, which has a clock; a JSON value indexed by a name that is missing is null"
)]

mod envoy;
mod folder;
mod http;
mod keys;
mod portal;
mod run;
mod screen;
mod server;
mod snapshot;
mod tour;
mod wait;

use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> ExitCode {
    match start() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    match arguments.next() {
        None => tour::play(),
        Some(command) if command == "run" => Err(run::become_envoy(arguments)?),
        Some(command) if command == "server" => {
            server::run()?;
            Ok(ExitCode::SUCCESS)
        }
        Some(command) if command == "portal" => {
            portal::run()?;
            Ok(ExitCode::SUCCESS)
        }
        Some(_) => {
            bail!("expected no argument, `server`, `portal`, or `run` and arguments for Envoy")
        }
    }
}
