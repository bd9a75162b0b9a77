//! The `keyward` command: what can be said about a configuration without an Envoy, and how it gets to one.

mod access_log;
mod accounts;
mod arguments;
mod audit;
mod borrowed;
mod completions;
mod conformance;
mod doctor;
mod exit;
mod explain;
mod feed;
mod find_key;
mod fleet;
mod grant_sets;
mod http;
mod init;
mod input;
mod keys;
mod logs;
mod once;
mod output;
mod publish;
mod push;
mod records;
mod replay;
mod rules;
mod server;
mod snapshot;
mod source;
mod store;
mod times;
mod tour;
mod wait;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use exit::Exit;

/// API keys with Stripe's key model, checked inside Envoy.
#[derive(Parser)]
#[command(name = "keyward", version, about, after_help = tour::HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Add, move, remove, suspend and draw accounts
    #[command(
        after_help = "Examples:\n  keyward accounts add acct_1 --name 'Widgets Ltd'\n  keyward accounts tree"
    )]
    Accounts(accounts::Arguments),
    /// Say from access logs which permissions and keys could be taken away, and who called what
    #[command(after_help = "\
For each key: the permissions it used, was granted and never used, and was refused; when it was last used, from where and on which accounts; the grants that would have been enough, and the commands that make them so. Files are plain, gzip or zstd. Exit code 1 if no request is found, or if a file could not be read; what could be read is reported. docs/audit.md says what a log cannot tell.

Examples:
  keyward audit access.log access.log.1.gz
  keyward audit --html audit.html --unused-for 30d access.log
  keyward audit --keys keys.d --json access.log | jq .findings")]
    Audit(audit::Arguments),
    /// Print what a shell completes the command by
    Completions(completions::Arguments),
    /// Put the conformance cases of one file to a gateway, and say where it differs
    #[command(after_help = "Examples:\n  keyward conformance --url http://127.0.0.1:10000")]
    Conformance(conformance::Arguments),
    /// Look at a running Envoy, and say what lets requests past keyward or weakens it
    #[command(after_help = "Examples:\n  keyward doctor --admin http://127.0.0.1:9901")]
    Doctor(doctor::Arguments),
    /// Say what keyward would answer to one request, and why
    #[command(
        after_help = "Examples:\n  printf %s \"$KEY\" | keyward explain --key-stdin GET /v1/customers"
    )]
    Explain(explain::Arguments),
    /// List, make, change and remove grant sets: permissions by name, which keys follow
    #[command(
        after_help = "Examples:\n  keyward grant-sets put support --grant customer=read --grant charge=read\n  keyward grant-sets list"
    )]
    GrantSets(grant_sets::Arguments),
    /// Make signing keys for a feed, verify what a feed holds, and serve it
    #[command(
        after_help = "Examples:\n  keyward feed key new feed.sec\n  keyward feed serve /srv/feed --listen unix:/run/keyward/feed.sock"
    )]
    Feed(feed::Arguments),
    /// Make a first key file
    #[command(after_help = "Examples:\n  keyward init\n  keyward init --keys keys.d/billing.toml")]
    Init(init::Arguments),
    /// Make, change, rotate, end and find keys
    #[command(after_help = "\
Examples:
  keyward keys create --owner acct_1 --name Billing --grant customer=read
  keyward keys list --expiring-within 14d
  keyward keys rotate mk_1 --keep-for 24h")]
    Keys(Box<keys::Arguments>),
    /// Show requests from Envoy's access logs: which key did what, and whether it passed
    #[command(after_help = "\
Files are plain, gzip or zstd. A line that is none of the log's is skipped and counted. Exit code 1 if no request is found, or if a file could not be read to its end. docs/logs.md describes a line.

Examples:
  keyward logs --key mk_1 access.log access.log.1.gz
  keyward logs --decision deny --since 2d access.log
  keyward logs --endpoint 'POST /v1/charges/{id}/capture' --account acct_1 --json - < access.log")]
    Logs(logs::Arguments),
    /// Write the manual's pages
    Man(completions::ManArguments),
    /// Make a feed lead to what the key file says: gateways that follow it fetch what changed
    Publish(Box<publish::Arguments>),
    /// Build a configuration, check it, and deliver it to where Envoy or a mesh takes it from
    Push(push::Arguments),
    /// Say which requests of an access log a new snapshot would answer otherwise
    #[command(
        after_help = "Examples:\n  keyward replay --old served.json --new keyward.toml access.log\n  keyward replay --old served.json --new built.json --markdown access-*.log.zst"
    )]
    Replay(replay::Arguments),
    /// Check a snapshot
    #[command(
        after_help = "Examples:\n  keyward snapshot check\n  keyward snapshot build > keyward.json"
    )]
    Snapshot(snapshot::Arguments),
    /// Say from access logs of a feed's source which revision each gateway claimed last
    #[command(after_help = "\
Logs of nginx, Envoy, S3 or a CDN that hold the user agent; plain, gzip or zstd, the oldest first. A log is a claim: anyone who can ask the source can write such a line, and a worker that never asked is in none. Where a keyward-server serves the feed, ask it with `keyward wait --server`. Exit code 1 if no poll is found, if one claims less than --revision, or if a file could not be read to its end.

Examples:
  keyward fleet /var/log/nginx/feed.log
  keyward fleet --revision 1795194529 feed.log.2.gz feed.log.1 feed.log")]
    Fleet(fleet::Arguments),
    /// Wait until every named Envoy serves a revision on every worker
    #[command(
        after_help = "Examples:\n  keyward wait --revision 7 --admin http://10.0.0.7:9901 --admin http://10.0.0.8:9901\n  keyward wait --server https://keys.example.com --change 18234"
    )]
    Wait(wait::Arguments),
}

/// Runs the command with the process's arguments.
fn main() -> ExitCode {
    if let Err(exit) = arguments::refuse_keys() {
        return exit.into();
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return arguments::misread(&error).into(),
    };
    let result = match &arguments.command {
        Command::Accounts(arguments) => accounts::run(arguments),
        Command::Audit(arguments) => audit::run(arguments),
        Command::Completions(arguments) => completions::run(arguments, Arguments::command()),
        Command::Conformance(arguments) => conformance::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::GrantSets(arguments) => grant_sets::run(arguments),
        Command::Feed(arguments) => feed::run(arguments),
        Command::Fleet(arguments) => fleet::run(arguments),
        Command::Init(arguments) => init::run(arguments),
        Command::Keys(arguments) => keys::run(arguments),
        Command::Logs(arguments) => logs::run(arguments),
        Command::Man(arguments) => completions::man(arguments, Arguments::command()),
        Command::Publish(arguments) => publish::run(arguments),
        Command::Push(arguments) => push::run(arguments),
        Command::Replay(arguments) => replay::run(arguments),
        Command::Snapshot(arguments) => snapshot::run(arguments),
        Command::Wait(arguments) => wait::run(arguments),
    };
    match result {
        Ok(exit) => exit.into(),
        // `keyward keys list | head`: the reader has seen enough.
        Err(error) if only_shows(&arguments.command) && is_closed(&error) => Exit::Good.into(),
        Err(error) => {
            let error = arguments::without_keys(error);
            // Nowhere is left to say that standard error is closed.
            let _ = writeln!(output::stderr(), "keyward: {error:#}");
            Exit::Invalid.into()
        }
    }
}

/// Whether the command prints what there is, as much as is wanted. A command that changes something, that shows a secret, that delivers what it prints, or whose answer a script waits
/// for, has failed if it could not say so.
fn only_shows(command: &Command) -> bool {
    match command {
        Command::Accounts(arguments) => arguments.only_shows(),
        Command::Conformance(arguments) => arguments.only_shows(),
        Command::GrantSets(arguments) => arguments.only_shows(),
        Command::Feed(arguments) => arguments.only_shows(),
        Command::Keys(arguments) => arguments.only_shows(),
        Command::Publish(arguments) => arguments.only_shows(),
        Command::Push(arguments) => arguments.only_shows(),
        Command::Audit(_)
        | Command::Completions(_)
        | Command::Doctor(_)
        | Command::Explain(_)
        | Command::Fleet(_)
        | Command::Logs(_)
        | Command::Replay(_)
        | Command::Snapshot(_) => true,
        Command::Init(_) | Command::Man(_) | Command::Wait(_) => false,
    }
}

fn is_closed(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        let json = cause.downcast_ref::<serde_json::Error>();
        let kind = io.map(std::io::Error::kind);
        kind.or_else(|| json?.io_error_kind()) == Some(std::io::ErrorKind::BrokenPipe)
    })
}
