//! `keyward push`: a checked configuration goes into the ECDS file that Envoy watches, by an atomic rename.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::exit::Exit;
use super::input;
use crate::configuration::Configuration;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The plugin configuration, JSON
    #[arg(long, short, value_name = "FILE")]
    configuration: PathBuf,
    /// The ECDS file, JSON or YAML by its ending; all of it but the configuration and the version stays as it is, except for comments in YAML
    #[arg(long, value_name = "FILE")]
    ecds: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let text = input::read(&arguments.configuration)?;
    let name = arguments.configuration.display();
    let configuration =
        Configuration::from_json(&text).with_context(|| format!("`{name}` is refused"))?;
    let Some(snapshot) = configuration.snapshot() else {
        bail!("`{name}` has no snapshot: every request would be denied");
    };
    let format = Format::of(&arguments.ecds)?;
    let mut resource = format.read(&arguments.ecds)?;
    let revision = snapshot.revision().number();
    place(&mut resource, String::from_utf8(text)?, revision).with_context(|| {
        format!(
            "`{}` is no ECDS file of keyward's",
            arguments.ecds.display()
        )
    })?;
    replace(&arguments.ecds, &format.write(&resource)?)?;
    let keys = snapshot.key_count();
    writeln!(
        std::io::stdout(),
        "pushed revision {revision} with {keys} keys to {}",
        arguments.ecds.display()
    )?;
    Ok(Exit::Good)
}

/// Puts the configuration into the one resource of the file.
fn place(resource: &mut Value, configuration: String, revision: u64) -> Result<()> {
    let value = resource
        .pointer_mut("/resources/0/typed_config/config/configuration")
        .context("expected `resources[0].typed_config.config.configuration`")?;
    *value = json!({
        "@type": "type.googleapis.com/google.protobuf.StringValue",
        "value": configuration,
    });
    if let Some(version) = resource.get_mut("version_info") {
        *version = json!(revision.to_string());
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Format {
    Json,
    Yaml,
}

impl Format {
    fn of(path: &Path) -> Result<Self> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => Ok(Self::Json),
            Some("yaml" | "yml") => Ok(Self::Yaml),
            _ => bail!(
                "`{}` must end in .json, .yaml or .yml: Envoy reads the format off the name",
                path.display()
            ),
        }
    }

    fn read(self, path: &Path) -> Result<Value> {
        let text = input::read(path)?;
        let name = path.display();
        match self {
            Self::Json => {
                serde_json::from_slice(&text).with_context(|| format!("`{name}` is no JSON"))
            }
            Self::Yaml => {
                serde_norway::from_slice(&text).with_context(|| format!("`{name}` is no YAML"))
            }
        }
    }

    fn write(self, value: &Value) -> Result<Vec<u8>> {
        Ok(match self {
            Self::Json => serde_json::to_vec_pretty(value)?,
            Self::Yaml => serde_norway::to_string(value)?.into_bytes(),
        })
    }
}

/// Writes beside the file and renames: Envoy watches the folder for renames and never sees half a file.
fn replace(path: &Path, contents: &[u8]) -> Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}.new", std::process::id()));
    let aside = PathBuf::from(aside);
    let written = File::create(&aside)
        .and_then(|mut file| file.write_all(contents).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&aside, path));
    if written.is_err() {
        // The half-written file is of no use to anybody.
        let _ = fs::remove_file(&aside);
    }
    written.with_context(|| format!("`{}` cannot be replaced", path.display()))
}
