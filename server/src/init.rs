//! `keyward-server init`: a store, the files of the Envoy before it, and the first key, which is shown once.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use keyward::management::{Randomness, random_id};
use keyward::profile::Profile;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::configuration::{
    Configuration, Console, FILE, Group, Limits, Listen, Portal, Requests, Target,
};
use crate::profile;
use crate::publish;
use crate::randomness::System;
use crate::routes::endpoint_rows;
use crate::service::failure::Stored;
use crate::service::{Sender, standing};
use crate::store::{Options, Store, database_in};
use crate::time;
use crate::uid::Uid;

/// The arguments of `init`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The folder to make: the store, the sockets, the configuration and Envoy's files
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The folder of api.sock, which Envoy's user must be able to enter [default: DIR/run]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// The folder of Envoy's files, which Envoy's user must be able to enter [default: DIR/envoy]
    #[arg(long, value_name = "DIR")]
    envoy: Option<PathBuf>,
    /// A user that Envoy may run as, name or number [default: this user]
    #[arg(long = "trusted-uid", value_name = "USER")]
    trusted_uids: Vec<String>,
    /// The filter
    #[arg(
        long,
        value_name = "FILE",
        default_value = "/usr/share/keyward/keyward.wasm"
    )]
    wasm: PathBuf,
    /// The address that people reach the gateway at, for the console's links: https://HOST [default: http://localhost:PORT]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// A TOML file with the profile of your own API: the members that a key file has under `[configuration.profile]` [default: Stripe's]
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// The port of the gateway, on 127.0.0.1
    #[arg(long, value_name = "PORT", default_value_t = 10_000)]
    port: u16,
    /// The port of Envoy's admin interface
    #[arg(long, value_name = "PORT", default_value_t = 9_901)]
    admin_port: u16,
    /// The port of the upstream that Envoy serves itself
    #[arg(long, value_name = "PORT", default_value_t = 10_001)]
    upstream_port: u16,
}

/// The account whose keys see everything is called so, after the prefix of accounts.
const OPERATOR: &str = "operator";

const CONTROL: &str = include_str!("../../envoy/control.yaml");
const ECDS: &str = include_str!("../../envoy/ecds/keyward.yaml");

/// Makes it all. The value of the first key goes to standard output, and everything else that is said to standard error.
pub fn run(arguments: &Arguments) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(make(arguments))
}

async fn make(arguments: &Arguments) -> Result<()> {
    let data = absolute(&arguments.data)?;
    if database_in(&data).exists() || data.join(FILE).exists() {
        bail!(
            "`{}` has a store already; nothing was changed",
            data.display()
        );
    }
    let members = arguments.profile.as_deref().map(read_profile).transpose()?;
    let profile = match &members {
        Some(members) => profile::read(&Value::Object(members.clone()))?,
        None => Profile::stripe(),
    };
    let operator = format!("{}{OPERATOR}", profile.names().ids.account);
    folder(&data, 0o700)?;
    let envoy = match &arguments.envoy {
        Some(folder) => absolute(folder)?,
        None => data.join("envoy"),
    };
    folder(&envoy, 0o750)?;
    folder(&envoy.join("ecds"), 0o750)?;
    let secret = secret()?;
    let configuration = Configuration {
        data: data.clone(),
        api_url: None,
        public_url: Some(match &arguments.public_url {
            Some(url) => url.clone(),
            None => format!("http://localhost:{}", arguments.port),
        }),
        operator_account: operator.clone(),
        listen: Listen {
            api: match &arguments.run {
                Some(folder) => absolute(folder)?.join("api.sock"),
                None => data.join("run/api.sock"),
            },
            trusted_uids: if arguments.trusted_uids.is_empty() {
                vec![Uid::own().number().to_string()]
            } else {
                arguments.trusted_uids.clone()
            },
            admin: data.join("admin/admin.sock"),
            gateway_sha256: hex::encode(Sha256::digest(secret.as_bytes())),
        },
        publish: vec![Target {
            file: envoy.join("ecds/keyward.pb"),
            group: Group::Control,
        }],
        feed: None,
        limits: Limits::default(),
        console: Console::default(),
        portal: Portal::default(),
        requests: Requests::default(),
        profile: members.clone(),
    };
    let text = toml::to_string_pretty(&configuration)?;
    Configuration::parse(&text, &data)?;
    write(
        &envoy.join("control.yaml"),
        0o640,
        &control(arguments, &configuration, &envoy, &secret)?,
    )?;
    write(&data.join(FILE), 0o600, &text)?;
    let template = envoy.join("template.yaml");
    write(
        &template,
        0o640,
        &filled(
            ECDS,
            &[(WASM_IN_ECDS, &shown(&absolute(&arguments.wasm)?)?)],
        )?,
    )?;
    let id = random_id(&mut System)?;
    let store = Store::create(&configuration.data, &id, &Options::at(time::now()))?;
    let sender = Sender::local(Uid::own());
    let first: Result<_, Stored> = store
        .write(move |tx| {
            standing::bring_profile(tx, members.as_ref())?;
            standing::first(tx, &operator, &sender, &endpoint_rows())
        })
        .await;
    let (id, value) = first.map_err(|error| anyhow::anyhow!("the first key: {error:?}"))?;
    for target in &configuration.publish {
        publish::first(&store, &target.file, &template).await?;
    }
    fs::remove_file(&template)?;
    said(&data, &envoy, &id)?;
    // The last thing that happens: a key that was shown works.
    let mut out = std::io::stdout().lock();
    out.write_all(value.expose().as_bytes())?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// The members of a profile.
fn read_profile(path: &Path) -> Result<Map<String, Value>> {
    let failure = || format!("`{}`", path.display());
    let text = fs::read_to_string(path).with_context(failure)?;
    let members: Map<String, Value> = toml::from_str(&text).with_context(failure)?;
    profile::check(&members).with_context(failure)?;
    Ok(members)
}

fn said(data: &Path, envoy: &Path, id: &str) -> Result<()> {
    let mut err = std::io::stderr().lock();
    writeln!(
        err,
        "Made `{}`. Start:\n  keyward-server serve --config {}\n  envoy -c {}\nThe first key, {id}, may manage everything. Its value is shown once, here:",
        data.display(),
        data.join(FILE).display(),
        envoy.join("control.yaml").display()
    )?;
    Ok(())
}

const WASM_IN_ECDS: &str = "target/wasm32-wasip1/release/keyward.wasm";

/// The gateway's bootstrap with the paths, the ports and the secret of this installation.
fn control(
    arguments: &Arguments,
    configuration: &Configuration,
    envoy: &Path,
    secret: &str,
) -> Result<Zeroizing<String>> {
    let port = |port: u16| format!("port_value: {port}}}");
    filled(
        CONTROL,
        &[
            ("/var/lib/keyward/envoy/ecds", &shown(&envoy.join("ecds"))?),
            (
                "/usr/share/keyward/keyward.wasm",
                &shown(&absolute(&arguments.wasm)?)?,
            ),
            ("/run/keyward/api.sock", &shown(&configuration.listen.api)?),
            ("written-by-init", secret),
            ("port_value: 10000}", &port(arguments.port)),
            ("port_value: 9901}", &port(arguments.admin_port)),
            ("port_value: 10001}", &port(arguments.upstream_port)),
        ],
    )
}

/// A path that YAML accepts without quotes.
fn shown(path: &Path) -> Result<String> {
    let text = path.to_str().filter(|text| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/._-+@".contains(&byte))
    });
    match text {
        Some(text) => Ok(text.to_owned()),
        None => bail!(
            "`{}` has characters that Envoy's configuration would have to quote; choose a path of letters, digits, `.`, `_` and `-`",
            path.display()
        ),
    }
}

/// A text with each of these replaced; each must occur.
fn filled(text: &str, all: &[(&str, &str)]) -> Result<Zeroizing<String>> {
    // In one pass, so that nothing that was put in is taken for a place to fill.
    let mut out = Zeroizing::new(String::with_capacity(text.len().saturating_mul(2)));
    for (from, _) in all {
        if !text.contains(from) {
            bail!("the template has no `{from}`");
        }
    }
    let mut rest = text;
    while let Some((at, from, to)) = all
        .iter()
        .filter_map(|(from, to)| rest.find(from).map(|at| (at, *from, *to)))
        .min()
    {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        out.push_str(to);
        rest = after.strip_prefix(from).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(out)
}

/// 32 bytes that cannot be guessed, in hexadecimal.
fn secret() -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; 32]);
    System.fill(bytes.as_mut())?;
    Ok(Zeroizing::new(hex::encode(bytes.as_ref())))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("`{}`", path.display()))
}

fn folder(path: &Path, mode: u32) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .with_context(|| format!("`{}` cannot be made", path.display()))
}

fn write(path: &Path, mode: u32, text: &str) -> Result<()> {
    let failure = || format!("`{}` cannot be written", path.display());
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .with_context(failure)?;
    file.write_all(text.as_bytes()).with_context(failure)?;
    file.sync_all().with_context(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_no_place_to_fill() {
        let text = filled("a b", &[("a", "b"), ("b", "c")]).unwrap();
        assert_eq!(*text, "b c");
        assert!(filled("a", &[("b", "c")]).is_err());
    }

    #[test]
    fn the_templates_have_every_place() {
        for place in [
            "/var/lib/keyward/envoy/ecds/keyward.pb",
            "/run/keyward/api.sock",
            "value: written-by-init}",
        ] {
            assert_eq!(CONTROL.matches(place).count(), 1, "{place}");
        }
        assert_eq!(ECDS.matches(WASM_IN_ECDS).count(), 1);
    }

    #[test]
    fn a_path_that_yaml_would_read_otherwise_is_refused() {
        assert!(shown(Path::new("/var/lib/keyward")).is_ok());
        for path in ["/a b", "/a: b", "/a}", "/ä"] {
            assert!(shown(Path::new(path)).is_err(), "{path}");
        }
    }
}
