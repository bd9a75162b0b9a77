//! `make run`: prints the keys with commands to paste, and becomes Envoy.

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};

use crate::envoy;
use crate::folder::{Folder, Host, root};
use crate::keys::{Key, Keys};
use crate::screen::Screen;
use crate::snapshot::{CONNECTED, ORGANIZATION, PLATFORM, SHOP, VERSION, configuration};

/// The ports of envoy/bootstrap.yaml, which is used unchanged.
const PORTS: [(u16, &str); 3] = [
    (10_000, "the gateway"),
    (9_901, "Envoy's admin interface"),
    (10_001, "the upstream"),
];

const URL: &str = "http://127.0.0.1:10000";

/// Becomes Envoy. Returns only if Envoy does not start, with the error.
pub(crate) fn become_envoy(arguments: impl Iterator<Item = OsString>) -> Result<anyhow::Error> {
    // Two Envoys of one user can listen on the same port, and each gets some of the requests. Envoy
    // itself does not notice, so this checks.
    for (port, whose) in PORTS {
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
                "port {port} of 127.0.0.1, for {whose}, is taken: stop what listens there, or play the tour on free ports with `make demo`"
            ),
            Err(error) => return Err(error).context(format!("127.0.0.1:{port}, for {whose}")),
        }
    }
    let keys = Keys::mint()?;
    let binary = envoy::binary()?;
    let host = Host::chosen()?;
    let folder = Folder::make(
        root().join("target/run"),
        (host, &host.filter()?),
        &configuration(&keys, 1)?,
    )?;
    print_keys(&keys);
    std::io::stdout().flush()?;
    let error = Command::new(&binary)
        .args(envoy::ARGUMENTS)
        // Otherwise Envoy's messages at its start would scroll the keys off the screen.
        .args(["--log-level", "warning"])
        .args(arguments)
        .current_dir(folder.path())
        .exec();
    Ok(anyhow!(error).context(binary.display().to_string()))
}

fn print_keys(keys: &Keys) {
    let screen = Screen::new();
    let on_connected = format!("-H 'Stripe-Account: {CONNECTED}' ");
    let in_context =
        format!("-H 'Stripe-Version: {VERSION}' -H 'Stripe-Context: {PLATFORM}/{CONNECTED}' ");
    screen.prose(&format!(
        "keyward in Envoy on {URL}, with the admin interface on http://127.0.0.1:9901. Ctrl-C stops it. The keys were made \
         just now, and are shown here and nowhere else. What passes is answered by an upstream that tells which identity \
         reached it. Below the keys: the access log, and Envoy's warnings."
    ));
    screen.heading("The organization's key");
    command(
        &screen,
        &format!(
            "For {ORGANIZATION}, on an account connected to its platform. Without -u: 401 missing_credential; without the \
             version: 400 missing_version; without the context: 400 missing_context."
        ),
        &keys.organization,
        &in_context,
        "/v1/balance",
    );
    screen.heading(&format!("Keys of the platform {PLATFORM}"));
    let commands = [
        (
            "Secret, test mode: every permission.",
            &keys.secret,
            "",
            "/v1/balance",
        ),
        (
            "Restricted: reads customers, writes charges, and reads the balance of connected accounts. With -X POST: 403 \
             insufficient_permission, and the message names what is missing.",
            &keys.support,
            "",
            "/v1/customers",
        ),
        (
            "Restricted: reads the balance, and has no permission on connected accounts: 403 no_connect_permission.",
            &keys.reports,
            &on_connected,
            "/v1/balance",
        ),
        (
            "Restricted: reads customers, in shadow: passes all the same, and the access log says would_deny.",
            &keys.shadow,
            "-X POST ",
            "/v1/refunds",
        ),
        (
            "Publishable: makes tokens and the like. With /v1/charges: 401 secret_key_required.",
            &keys.publishable,
            "-X POST ",
            "/v1/tokens",
        ),
        (
            "Secret, live mode: 401 livemode_mismatch, for this gateway serves test mode.",
            &keys.live,
            "",
            "/v1/balance",
        ),
        (
            "Expired an hour ago: 401 expired_key.",
            &keys.expired,
            "",
            "/v1/balance",
        ),
        (
            "Deleted: 401 deleted_key.",
            &keys.deleted,
            "",
            "/v1/balance",
        ),
    ];
    for (about, key, options, path) in commands {
        command(&screen, about, key, options, path);
    }
    screen.heading(&format!(
        "Keys of the account {SHOP}, to which none is connected"
    ));
    command(
        &screen,
        "Secret, but the owner is no platform: 403 not_a_platform. Without the header it passes.",
        &keys.shop,
        &on_connected,
        "/v1/balance",
    );
    command(
        &screen,
        "Secret, for clients in 203.0.113.0/24, whatever X-Forwarded-For says: 401 ip_not_allowed.",
        &keys.office,
        "-H 'X-Forwarded-For: 203.0.113.7' ",
        "/v1/balance",
    );
    println!();
}

/// Prints a command on one line, however long, so that it can be pasted.
fn command(screen: &Screen, about: &str, key: &Key, options: &str, path: &str) {
    println!();
    screen.prose(about);
    println!("  curl -u {}: {options}{URL}{path}", key.raw);
}
