//! A folder for an Envoy: the shipped bootstrap, the shipped ECDS file with another configuration,
//! and the filter at the path that both of them name.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// The path of the bootstrap in the folder.
const BOOTSTRAP: &str = "envoy/bootstrap.yaml";

/// What runs the filter: a VM, or with `KEYWARD_HOST=native` Envoy itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    Wasm,
    Native,
}

impl Host {
    pub(crate) fn chosen() -> Result<Self> {
        match std::env::var("KEYWARD_HOST").as_deref() {
            Err(_) | Ok("" | "wasm") => Ok(Self::Wasm),
            Ok("native") => Ok(Self::Native),
            Ok(other) => bail!("KEYWARD_HOST is `{other}`: expected `wasm` or `native`"),
        }
    }

    /// Returns the shipped bootstrap for this host.
    pub(crate) fn bootstrap(self) -> &'static str {
        match self {
            Self::Wasm => BOOTSTRAP,
            Self::Native => "envoy/native.yaml",
        }
    }

    /// Returns the file that Envoy watches.
    fn ecds(self) -> &'static str {
        match self {
            Self::Wasm => "envoy/ecds/keyward.yaml",
            Self::Native => "envoy/native/keyward.yaml",
        }
    }

    /// Returns where that file contains the filter's configuration.
    fn configuration(self) -> &'static str {
        match self {
            Self::Wasm => "/resources/0/typed_config/config/configuration/value",
            Self::Native => "/resources/0/typed_config/filter_config/value",
        }
    }

    /// Returns the filter's path in the bootstrap and in the file.
    fn place(self) -> &'static str {
        match self {
            Self::Wasm => "target/wasm32-wasip1/release/keyward.wasm",
            Self::Native => "target/release/libkeyward.so",
        }
    }

    /// Returns the released filter: `$KEYWARD_WASM` or `$KEYWARD_NATIVE`, or the file that `make`
    /// builds.
    pub(crate) fn filter(self) -> Result<PathBuf> {
        match self {
            Self::Wasm => built("KEYWARD_WASM", self.place(), "make build"),
            Self::Native => built("KEYWARD_NATIVE", self.place(), "make native"),
        }
    }
}

/// Returns the project's root.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Returns the filter whose VM fails on demand: `$KEYWARD_TRAP_DOOR_WASM`, or the file that
/// `make trap-door` builds.
pub(crate) fn trap_door_wasm() -> Result<PathBuf> {
    let place = "target/trap-door/wasm32-wasip1/release/keyward.wasm";
    built("KEYWARD_TRAP_DOOR_WASM", place, "make trap-door")
}

fn built(variable: &str, place: &str, made_by: &str) -> Result<PathBuf> {
    let path = std::env::var_os(variable).map_or_else(|| root().join(place), PathBuf::from);
    path.canonicalize()
        .with_context(|| format!("{}, which `{made_by}` makes", path.display()))
}

/// The folder of an Envoy.
pub(crate) struct Folder {
    path: PathBuf,
    host: Host,
}

impl Folder {
    /// Makes a new folder at `path`, and removes an old one.
    pub(crate) fn make(
        path: PathBuf,
        (host, filter): (Host, &Path),
        configuration: &Value,
    ) -> Result<Self> {
        remove(&path)?;
        let folder = Self { path, host };
        for file in [host.ecds(), host.place()] {
            if let Some(parent) = folder.path.join(file).parent() {
                fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
            }
        }
        let bootstrap = root().join(host.bootstrap());
        fs::copy(bootstrap, folder.path.join(BOOTSTRAP)).context(host.bootstrap())?;
        std::os::unix::fs::symlink(filter, folder.path.join(host.place()))?;
        folder.push(configuration)?;
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Changes the bootstrap before Envoy is started.
    pub(crate) fn edit_bootstrap(&self, edit: impl FnOnce(&mut Value) -> Result<()>) -> Result<()> {
        let mut bootstrap = shipped(self.host.bootstrap())?;
        edit(&mut bootstrap).context(self.host.bootstrap())?;
        let text = serde_norway::to_string(&bootstrap)?;
        fs::write(self.path.join(BOOTSTRAP), text)?;
        Ok(())
    }

    /// Pushes a configuration as an operator does: writes it next to the watched folder, and
    /// renames it into place.
    pub(crate) fn push(&self, configuration: &Value) -> Result<()> {
        self.push_edited(configuration, |_| Ok(()))
    }

    /// Pushes a configuration, with more changes to the file.
    pub(crate) fn push_edited(
        &self,
        configuration: &Value,
        edit: impl FnOnce(&mut Value) -> Result<()>,
    ) -> Result<()> {
        let mut ecds = shipped(self.host.ecds())?;
        let revision = &configuration["snapshot"]["revision"];
        *at(&mut ecds, "/version_info")? = json!(revision.to_string());
        *at(&mut ecds, self.host.configuration())? = json!(configuration.to_string());
        edit(&mut ecds)?;
        let aside = self.path.join("envoy/keyward.yaml.new");
        fs::write(&aside, serde_norway::to_string(&ecds)?)?;
        fs::rename(aside, self.path.join(self.host.ecds()))?;
        Ok(())
    }
}

/// Removes a folder, if there is one.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| path.display().to_string())
        }
        _ => Ok(()),
    }
}

/// Sets free ports: the kernel chooses the gateway's and the admin interface's. The upstream needs
/// an address before it has a port, so it listens on a socket in Envoy's folder.
pub(crate) fn free_ports(bootstrap: &mut Value) -> Result<()> {
    *at(bootstrap, "/admin/address/socket_address/port_value")? = json!(0);
    let upstream = json!({"pipe": {"path": "upstream.sock"}});
    let endpoint =
        "/static_resources/clusters/0/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address";
    *at(bootstrap, endpoint)? = upstream.clone();
    let listeners = at(bootstrap, "/static_resources/listeners")?;
    for listener in listeners.as_array_mut().into_iter().flatten() {
        if listener["name"] == "upstream" {
            *at(listener, "/address")? = upstream.clone();
        } else {
            *at(listener, "/address/socket_address/port_value")? = json!(0);
        }
    }
    Ok(())
}

/// Removes the interlock from the gateway's filters.
pub(crate) fn without_interlock(bootstrap: &mut Value) -> Result<()> {
    let filters =
        "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
    let Some(filters) = at(bootstrap, filters)?.as_array_mut() else {
        bail!("expected a list of filters");
    };
    let before = filters.len();
    filters.retain(|filter| filter["name"] != "keyward.interlock");
    if filters.len() + 1 != before {
        bail!("expected one filter named `keyward.interlock`");
    }
    Ok(())
}

fn shipped(file: &str) -> Result<Value> {
    let text = fs::read_to_string(root().join(file)).context(file.to_owned())?;
    serde_norway::from_str(&text).context(file.to_owned())
}

pub(crate) fn at<'a>(value: &'a mut Value, pointer: &str) -> Result<&'a mut Value> {
    value
        .pointer_mut(pointer)
        .with_context(|| format!("`{pointer}` is missing"))
}
