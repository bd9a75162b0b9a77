//! The `keyward` command: works on keys and configurations without an Envoy, and delivers
//! configurations to Envoys.

mod access_log;
mod accounts;
mod arguments;
mod audit;
mod borrowed;
mod completions;
mod conformance;
mod counted;
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
mod key_file;
mod keys;
mod logs;
mod once;
mod output;
mod policies;
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
mod watching;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use exit::Exit;

/// API keys with Stripe's key model, checked inside Envoy.
#[derive(Parser)]
#[command(name = "keyward", version, after_help = tour::HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Add, move, remove, suspend and list accounts
    #[command(
        after_help = "Examples:\n  keyward accounts add acct_1 --name 'Widgets Ltd'\n  keyward accounts tree"
    )]
    Accounts(accounts::Arguments),
    /// Find permissions and keys that are not needed, from access logs, and report who called what
    #[command(after_help = "\
For each key: the permissions it used, was granted and never used, and was refused; when it was last used, from where and on which accounts; the grants that would have been enough, and the commands to change them. Files are plain, gzip or zstd. Exit code 1 if no request is found, or if a file could not be read; what could be read is reported. docs/audit.md lists what a log cannot show.

Examples:
  keyward audit access.log access.log.1.gz
  keyward audit --html audit.html --unused-for 30d access.log
  keyward audit --keys keys.d --json access.log | jq .findings")]
    Audit(audit::Arguments),
    /// Print completions for a shell
    Completions(completions::Arguments),
    /// Send the conformance cases of one file to a gateway, and report the differences
    #[command(after_help = "Examples:\n  keyward conformance --url http://127.0.0.1:10000")]
    Conformance(conformance::Arguments),
    /// Check a running Envoy for ways around keyward and for weak settings
    #[command(after_help = "Examples:\n  keyward doctor --admin http://127.0.0.1:9901")]
    Doctor(doctor::Arguments),
    /// Explain what keyward would answer to a request, and why
    #[command(
        after_help = "Examples:\n  printf %s \"$KEY\" | keyward explain --key-stdin GET /v1/customers"
    )]
    Explain(explain::Arguments),
    /// Make signing keys for a feed, verify a feed, and serve it
    #[command(
        after_help = "Examples:\n  keyward feed key new feed.sec\n  keyward feed serve /srv/feed --listen unix:/run/keyward/feed.sock"
    )]
    Feed(feed::Arguments),
    /// Report which revision each gateway claimed last, from the access logs of a feed's source
    #[command(after_help = "\
The logs of nginx, Envoy, S3 or a CDN, with the user agent in each line; plain, gzip or zstd, the oldest first. A log is a claim: anyone who can ask the source can write such a line, and a worker that never asked is in no log. If a keyward-server serves the feed, `keyward wait --server` has proof. Exit code 1 if no poll is found, if one claims less than --revision, or if a file could not be read to its end.

Examples:
  keyward fleet /var/log/nginx/feed.log
  keyward fleet --revision 1795194529 feed.log.2.gz feed.log.1 feed.log")]
    Fleet(fleet::Arguments),
    /// List, make, change and remove grant sets: named permissions that keys follow
    #[command(
        after_help = "Examples:\n  keyward grant-sets put support --grant customer=read --grant charge=read\n  keyward grant-sets list"
    )]
    GrantSets(grant_sets::Arguments),
    /// Make a first key file
    #[command(after_help = "Examples:\n  keyward init\n  keyward init --keys keys.d/billing.toml")]
    Init(init::Arguments),
    /// On a server: make the records that come from a key file equal to it, and export records as a key file
    #[command(
        after_help = "Examples:\n  keyward key-file apply --as billing --dry-run keys.d\n  keyward key-file export --owner org_1 --scope tree"
    )]
    KeyFile(key_file::Arguments),
    /// Make, change, rotate, end and find keys
    #[command(after_help = "\
Examples:
  keyward keys create --owner acct_1 --name Billing --grant customer=read
  keyward keys list --expiring-within 14d
  keyward keys rotate mk_1 --keep-for 24h")]
    Keys(Box<keys::Arguments>),
    /// Show requests from Envoy's access logs: which key did what, and whether it passed
    #[command(after_help = "\
Files are plain, gzip or zstd. Lines that do not belong to the log are skipped and counted. Exit code 1 if no request is found, or if a file could not be read to its end. docs/logs.md describes a line.

Examples:
  keyward logs --key mk_1 access.log access.log.1.gz
  keyward logs --decision deny --since 2d access.log
  keyward logs --endpoint 'POST /v1/charges/{id}/capture' --account acct_1 --json - < access.log")]
    Logs(logs::Arguments),
    /// Write the manual pages
    Man(completions::ManArguments),
    /// On a server: list, make, change and assign policies, which bound what accounts do with their keys
    #[command(
        after_help = "Examples:\n  keyward policies create customers --grant customer=write --max-keys 10\n  keyward policies assign customers acct_1"
    )]
    Policies(policies::Arguments),
    /// Publish the key file to a feed: gateways that follow it fetch what changed
    Publish(Box<publish::Arguments>),
    /// Build a configuration, check it, and deliver it to Envoy or a mesh
    Push(push::Arguments),
    /// Report which requests of an access log a new snapshot would answer differently
    #[command(
        after_help = "Examples:\n  keyward replay --old served.json --new keyward.toml access.log\n  keyward replay --old served.json --new built.json --markdown access-*.log.zst"
    )]
    Replay(replay::Arguments),
    /// Make, check, compare and pack snapshots
    #[command(
        after_help = "Examples:\n  keyward snapshot check\n  keyward snapshot build > keyward.json"
    )]
    Snapshot(snapshot::Arguments),
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
    let parsed = Arguments::command().try_get_matches().and_then(|given| {
        let arguments = Arguments::from_arg_matches(&given)?;
        Ok((given, arguments))
    });
    let (given, arguments) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return arguments::misread(&error).into(),
    };
    if let Err(exit) = arguments::refuse_server(&given) {
        return exit.into();
    }
    let result = match &arguments.command {
        Command::Accounts(arguments) => accounts::run(arguments),
        Command::Audit(arguments) => audit::run(arguments),
        Command::Completions(arguments) => completions::run(arguments, Arguments::command()),
        Command::Conformance(arguments) => conformance::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Feed(arguments) => feed::run(arguments),
        Command::Fleet(arguments) => fleet::run(arguments),
        Command::GrantSets(arguments) => grant_sets::run(arguments),
        Command::Init(arguments) => init::run(arguments),
        Command::KeyFile(arguments) => key_file::run(arguments),
        Command::Keys(arguments) => keys::run(arguments),
        Command::Logs(arguments) => logs::run(arguments),
        Command::Man(arguments) => completions::man(arguments, Arguments::command()),
        Command::Policies(arguments) => policies::run(arguments),
        Command::Publish(arguments) => publish::run(arguments),
        Command::Push(arguments) => push::run(arguments),
        Command::Replay(arguments) => replay::run(arguments),
        Command::Snapshot(arguments) => snapshot::run(arguments),
        Command::Wait(arguments) => wait::run(arguments),
    };
    match result {
        Ok(exit) => exit.into(),
        // In `keyward keys list | head`, the reader has seen enough.
        Err(error) if only_shows(&arguments.command) && is_closed(&error) => Exit::Good.into(),
        Err(error) => {
            let error = arguments::without_keys(error);
            // If standard error is closed, there is nowhere to report it.
            let _ = writeln!(output::stderr(), "keyward: {error:#}");
            Exit::Invalid.into()
        }
    }
}

/// Whether the command only prints information, so that it may stop early. A command fails if it
/// cannot print its output and it changes something, shows a secret, delivers its output, or gives
/// an answer that a script waits for.
fn only_shows(command: &Command) -> bool {
    match command {
        Command::Accounts(arguments) => arguments.only_shows(),
        Command::Conformance(arguments) => arguments.only_shows(),
        Command::GrantSets(arguments) => arguments.only_shows(),
        Command::Feed(arguments) => arguments.only_shows(),
        Command::KeyFile(arguments) => arguments.only_shows(),
        Command::Keys(arguments) => arguments.only_shows(),
        Command::Policies(arguments) => arguments.only_shows(),
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
