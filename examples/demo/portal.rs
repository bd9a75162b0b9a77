//! `make portal`: Envoy with keyward-server, and next to them an application that opens the portal
//! for its customers.

use std::fs::File;
use std::io::Write;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::folder::root;
use crate::screen::Screen;
use crate::server::{Running, Stage, URL, free, made, requests, shown};

/// The application's port.
const PORT: u16 = 8_000;

/// What customers may do with their keys.
const POLICY: &str = r#"{"name": "customers", "permissions": ["customer_write", "charge_write", "invoice_read", "balance_read"], "max_lifetime": "366d", "default_lifetime": "90d", "max_keys": 10}"#;

/// The key of the application, which may open portals and nothing else.
const BACKEND: &str = r#"{"type": "secret_key", "name": "Application", "permissions": ["portal_session_write"], "keyward": {"owner": "acct_operator", "livemode": true, "override_policy": true, "reason": "the application opens the portal"}}"#;

/// Runs until one of the three ends. Ctrl-C ends all of them.
pub(crate) fn run() -> Result<()> {
    free(PORT)?;
    let python = python()?;
    let mut stage = Stage::set("portal", &configured)?;
    made(&stage.first, "/v2/keyward/key_policies", POLICY)?;
    for (id, name) in [("acct_acme", "Acme GmbH"), ("acct_globex", "Globex")] {
        let body = format!(r#"{{"id": "{id}", "name": "{name}", "policy": "customers"}}"#);
        made(&stage.first, "/v2/keyward/accounts", &body)?;
    }
    let backend: Value = serde_json::from_str(&made(&stage.first, "/v2/iam/api_keys", BACKEND)?)?;
    let value = backend.pointer("/secret_key/token").and_then(Value::as_str);
    let value = value.context("the new key has no value")?;
    let log = stage.data.with_file_name("application.log");
    let mut application = Running::start(
        Command::new(python)
            .arg(root().join("examples/portal/app.py"))
            .env("KEYWARD_URL", URL)
            .env("KEYWARD_KEY", value)
            .env("PORT", PORT.to_string())
            .stderr(File::create(&log)?),
    )?;
    say(&stage);
    std::io::stdout().flush()?;
    stage.stay(&mut [&mut application])
}

/// Returns the Python that has Stripe's SDK.
fn python() -> Result<String> {
    let set_up = Command::new(root().join("scripts/packages.sh"))
        .args(["server", "python"])
        .output()?;
    if !set_up.status.success() {
        bail!(
            "the application needs Python with Stripe's SDK: {}",
            String::from_utf8_lossy(&set_up.stderr)
        );
    }
    Ok(String::from_utf8(set_up.stdout)?.trim().to_owned())
}

/// Returns the configuration with the application and a brand added.
fn configured(text: &str) -> Result<String> {
    let none = "return_origins = []";
    if !text.contains(none) {
        bail!("the configuration has no `{none}`");
    }
    let portal = format!(
        "return_origins = [\"http://localhost:{PORT}\"]\nsign_in_url = \"http://localhost:{PORT}/keys\"\nname = \"Widgets\"\naccent = \"#0b6b3a\"\nsupport_url = \"mailto:help@widgets.example\""
    );
    requests(&text.replace(none, &portal))
}

fn say(stage: &Stage) {
    let screen = Screen::new();
    screen.prose(&format!(
        "An application with a page for API keys, keyward-server, and Envoy on {URL}. Ctrl-C stops them. This is a demonstration: everything runs as one \
         user, and the application believes whoever signs in (docs/portal.md)."
    ));
    screen.heading("The application");
    screen.prose("Open this address, sign in as one of two customers, and go to API keys.");
    println!("\n  http://localhost:{PORT}/");
    screen.heading("Use a key that you made there");
    println!("\n  curl -u \"$KEY:\" {URL}/v1/customers");
    println!();
    let logs = ["access.log", "envoy.log", "server.log", "application.log"];
    let logs: Vec<String> = logs
        .iter()
        .map(|log| shown(&stage.data.with_file_name(log)))
        .collect();
    screen.prose(&format!("Logs: {}", logs.join(", ")));
}
