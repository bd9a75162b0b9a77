//! `keyward keys`: the functions of Stripe's Dashboard for keys, on a terminal and in a pipeline.
//! The keys are either in a key file, whose changes reach gateways with the next push, or on a
//! keyward-server, which publishes changes by itself.

mod bulk;
mod confirm;
mod create;
mod delete;
mod details;
mod duplicate;
mod edit;
mod expire;
mod export;
mod find;
mod grants;
mod import;
mod limit_ip;
mod lines;
mod list;
mod revoke;
mod rotate;
mod selection;
mod show;
mod told;
mod usage;
mod view;
mod words;

use anyhow::Result;
use clap::Subcommand;

use super::exit::Exit;
use super::records::OnRecords;

pub(super) use grants::grant;
pub(super) use words::{KindArgument, ModeArgument};

pub(super) type Arguments = OnRecords<Command>;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a key; its value is shown once, and only on standard output
    #[command(after_help = "\
A restricted key may do only what is granted. `--grant category:billing=write` grants every permission of a category: `write`, or `read` where a permission has no `write`. docs/permissions.md lists all permissions and categories.

Examples:
  keyward keys create --owner acct_1 --name Billing --grant customer=read --grant invoice=write
  keyward keys create --owner acct_1 --mode live --from-grant-set support --expires 90d --allow-ip '203.0.113.7 100.10.38.0/24'
  keyward keys create --owner acct_1 --kind secret | pass insert -e api/key
  keyward keys create --owner org_1 --mode live --name Reports --grant balance=read")]
    Create(create::Arguments),
    /// End a key; it stays in the file, so that keyward can give its users the reason
    #[command(after_help = "\
Examples:
  keyward keys delete mk_1
  keyward keys delete mk_1 --yes --purge
  keyward keys delete --select label=team=billing --select mode=test --dry-run")]
    Delete(delete::Arguments),
    /// Copy a restricted key's permissions and name to a new key
    #[command(after_help = "\
Examples:
  keyward keys duplicate mk_1
  keyward keys duplicate mk_1 --live --expires 90d    # after the test key worked")]
    Duplicate(duplicate::Arguments),
    /// Change a key's name, note, labels, permissions or enforcement
    #[command(after_help = "\
Examples:
  keyward keys edit mk_1 --name 'Billing, nightly' --label team=billing
  keyward keys edit mk_1 --grant charge=read --revoke customer
  keyward keys edit mk_1 --connect-grant balance=read --enforcement shadow
  keyward keys edit --select permission=charge --select level=write --grant charge=read --dry-run")]
    Edit(edit::Arguments),
    /// Set when a key expires
    #[command(after_help = "\
Examples:
  keyward keys expire mk_1 --in 90d
  keyward keys expire mk_1 --at 2026-12-31T00:00:00Z
  keyward keys expire mk_1 --never")]
    Expire(expire::Arguments),
    /// Print keys with their digests, a JSON object per line
    #[command(after_help = "\
`keyward keys import --lines` reads the lines. Deleted and expired keys are left out. A digest is not a key: no request passes with one.

Examples:
  keyward keys export > keys.jsonl
  keyward keys export --owner acct_1 | keyward keys import --lines --keys other.toml")]
    Export(export::Arguments),
    /// Find the keys in a text that leaked, and say what to do now
    #[command(after_help = "\
The text may be anything with one or more keys: a paste, an `.env` file, headers, a URL, a scanner's JSON, a log. The command reads escapes (JSON, URL, HTML, mail) and base64. For a masked key (`rk_test_****hVXR`) it lists the keys with that ending. It never prints a key.

Exit code 0 if the text has a key of this file, 1 if it has none, and 4 if part of the text could not be read, whatever was found: it is too long or binary, or has a key that is cut or masked.

Examples:
  keyward keys find --key-stdin < leaked.txt
  keyward keys find --key-stdin < app.log
  keyward keys find --key-stdin --json < leaked.txt")]
    Find(find::Arguments),
    /// Import an existing key, or many, from standard input; only digests are kept
    #[command(after_help = "\
Examples:
  printf %s \"$KEY\" | keyward keys import --owner acct_1 --grant customer=read
  pass show api/key | keyward keys import --owner org_1 --mode live --id mk_1Abc
  printf %s \"$OLD\" | keyward keys import --owner acct_1 --allow-short    # it really is that short
  keyward keys import --lines < keys.jsonl")]
    Import(import::Arguments),
    /// Set the addresses that a key works from
    #[command(after_help = "\
Examples:
  keyward keys limit-ip mk_1 set 203.0.113.7 100.10.38.0/24
  keyward keys limit-ip mk_1 add '203.0.113.8 203.0.113.9'
  keyward keys limit-ip mk_1 add 2001:db8::/32 --ipv6
  keyward keys limit-ip mk_1 clear")]
    LimitIp(limit_ip::Arguments),
    /// List keys
    #[command(after_help = "\
Examples:
  keyward keys list --owner acct_1 --kind secret --kind restricted
  keyward keys list --mode live --expiring-within 14d
  keyward keys list --permission charge --level write --name billing
  keyward keys list --usage http://127.0.0.1:9902 --unused-for 30d
  keyward keys list --status deleted --status expired --json")]
    List(list::Arguments),
    /// Delete many keys at once, after a preview
    #[command(after_help = "\
Examples:
  keyward keys revoke --owner acct_1 --created-before 2026-11-20T10:00:00Z --dry-run
  keyward keys revoke --kind secret --mode live --created-before 90d
  keyward keys revoke --owner acct_1 --yes")]
    Revoke(revoke::Arguments),
    /// Replace a key; the old one ends at once, or within 7 days
    #[command(after_help = "\
The replacement has the old key's permissions and address limits. It works from the next push on; on a server, as soon as it is published. The command shows it once, only on standard output, before the old key ends. If the output cannot be written, it changes nothing. Without --keep-for and --now it asks; without a terminal, one of them is required.

Examples:
  keyward keys rotate mk_1 --keep-for 24h
  keyward keys rotate mk_1 --keep-for 24h --expires 90d | pass insert -e api/key
  keyward keys rotate mk_1 --now                        # it has leaked
  keyward keys rotate --select owner=acct_1 --keep-for 24h --yes > new.jsonl")]
    Rotate(rotate::Arguments),
    /// Show everything about a key, with its history
    #[command(after_help = "\
Examples:
  keyward keys show mk_1
  keyward keys show mk_1 --json")]
    Show(show::Arguments),
}

impl OnRecords<Command> {
    /// Whether the command only prints, changes nothing, and shows no secret.
    pub(super) fn only_shows(&self) -> bool {
        match &self.command {
            Command::Export(_) | Command::Find(_) | Command::List(_) | Command::Show(_) => true,
            Command::Delete(arguments) => arguments.many.only_shows(),
            Command::Edit(arguments) => arguments.many.only_shows(),
            Command::Revoke(arguments) => arguments.only_shows(),
            Command::Rotate(arguments) => arguments.many.only_shows(),
            Command::Create(_)
            | Command::Duplicate(_)
            | Command::Expire(_)
            | Command::Import(_)
            | Command::LimitIp(_) => false,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let (records, output) = (&arguments.records.open()?, arguments.output);
    match &arguments.command {
        Command::Create(arguments) => create::run(arguments, records, output),
        Command::Delete(arguments) => delete::run(arguments, records, output),
        Command::Duplicate(arguments) => duplicate::run(arguments, records, output),
        Command::Edit(arguments) => edit::run(arguments, records, output),
        Command::Expire(arguments) => expire::run(arguments, records, output),
        Command::Export(arguments) => export::run(arguments, records),
        Command::Find(arguments) => find::run(arguments, records, output),
        Command::Import(arguments) => import::run(arguments, records, output),
        Command::LimitIp(arguments) => limit_ip::run(arguments, records, output),
        Command::List(arguments) => list::run(arguments, records, output),
        Command::Revoke(arguments) => revoke::run(arguments, records, output),
        Command::Rotate(arguments) => rotate::run(arguments, records, output),
        Command::Show(arguments) => show::run(arguments, records, output),
    }
}
