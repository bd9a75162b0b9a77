//! `keyward feed serve`: serves a feed's folder over HTTP, on this machine.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};

use super::output;
use crate::exit::Exit;
use keyward_files::feed::serve::listen::{self, Address, Listener};
use keyward_files::feed::serve::{self, Feed};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Connections in addition to those of waiting polls: for objects, and for polls that have just
/// been answered.
const BESIDES: usize = 1_000;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The feed's folder
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Where to listen: `unix:PATH`, or an address of this machine with a port
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse)]
    listen: Address,
    /// Serve below this path, such as `/feeds/prod`
    #[arg(long, value_name = "PATH", default_value = "/")]
    path: String,
    /// How many polls may wait at once; others are answered at once
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    most_polls: usize,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    if !arguments.path.starts_with('/') || arguments.path.contains(['{', '}', '*', '?', '#', '%']) {
        bail!("--path: expected a path such as `/feeds/prod`");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: &Arguments) -> Result<Exit> {
    // This comes first, because binding a socket changes the process's umask.
    let listener = Listener::bind(&arguments.listen).await?;
    let wanted = arguments.most_polls.saturating_add(BESIDES);
    let connections = listen::connections(wanted);
    let settings = serve::Settings {
        most_polls: arguments.most_polls.min(connections),
        ..serve::Settings::default()
    };
    let feed = Feed::open(&arguments.folder, settings)?;
    let router = match arguments.path.trim_end_matches('/') {
        "" => feed.router(),
        path => feed.router_below(path),
    };
    let mut out = output::stdout();
    match listener.port() {
        Some(port) => writeln!(
            out,
            "serving `{}` on 127.0.0.1:{port}",
            arguments.folder.display()
        )?,
        None => writeln!(
            out,
            "serving `{}` on {}",
            arguments.folder.display(),
            arguments.listen
        )?,
    }
    out.flush()?;
    if connections < wanted {
        writeln!(
            output::stderr(),
            "keyward: this process may open no more than {connections} connections; raise its limit of open files for {wanted}"
        )?;
    }
    let (stop, stopped) = watch::channel(false);
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let signals = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.send_replace(true);
        feed.stop();
    };
    tokio::join!(
        signals,
        listen::serve(listener, router, connections, stopped)
    );
    Ok(Exit::Good)
}
