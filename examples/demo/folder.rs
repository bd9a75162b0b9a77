//! A folder to start Envoy in: the bootstrap we ship, the ECDS file we ship with another configuration in it, and the `.wasm` at the path that both of
//! them name.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

const BOOTSTRAP: &str = "envoy/bootstrap.yaml";
const ECDS: &str = "envoy/ecds/keyward.yaml";
const WASM: &str = "target/wasm32-wasip1/release/keyward.wasm";

/// The project's root.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The released filter: `$KEYWARD_WASM`, or what `make build` made.
pub(crate) fn wasm() -> Result<PathBuf> {
    built("KEYWARD_WASM", WASM, "make build")
}

/// The filter whose VM fails on demand: `$KEYWARD_TRAP_DOOR_WASM`, or what `make trap-door` made.
pub(crate) fn trap_door_wasm() -> Result<PathBuf> {
    let place = "target/trap-door/wasm32-wasip1/release/keyward.wasm";
    built("KEYWARD_TRAP_DOOR_WASM", place, "make trap-door")
}

fn built(variable: &str, place: &str, made_by: &str) -> Result<PathBuf> {
    let path = std::env::var_os(variable).map_or_else(|| root().join(place), PathBuf::from);
    path.canonicalize()
        .with_context(|| format!("{}, which `{made_by}` makes", path.display()))
}

/// Where an Envoy is started.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// `path` is made anew.
    pub(crate) fn make(path: PathBuf, wasm: &Path, configuration: &Value) -> Result<Self> {
        remove(&path)?;
        let folder = Self(path);
        for file in [ECDS, WASM] {
            if let Some(parent) = folder.0.join(file).parent() {
                fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
            }
        }
        fs::copy(root().join(BOOTSTRAP), folder.0.join(BOOTSTRAP)).context(BOOTSTRAP)?;
        std::os::unix::fs::symlink(wasm, folder.0.join(WASM))?;
        folder.push(configuration)?;
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Changes the bootstrap before Envoy is started.
    pub(crate) fn edit_bootstrap(&self, edit: impl FnOnce(&mut Value) -> Result<()>) -> Result<()> {
        let mut bootstrap = shipped(BOOTSTRAP)?;
        edit(&mut bootstrap).context(BOOTSTRAP)?;
        let text = serde_norway::to_string(&bootstrap)?;
        fs::write(self.0.join(BOOTSTRAP), text)?;
        Ok(())
    }

    /// Puts a configuration in place, as an operator does: written beside the watched folder, and renamed into it.
    pub(crate) fn push(&self, configuration: &Value) -> Result<()> {
        let mut ecds = shipped(ECDS)?;
        let revision = &configuration["snapshot"]["revision"];
        *at(&mut ecds, "/version_info")? = json!(revision.to_string());
        let value = "/resources/0/typed_config/config/configuration/value";
        *at(&mut ecds, value)? = json!(configuration.to_string());
        let aside = self.0.join("envoy/keyward.yaml.new");
        fs::write(&aside, serde_norway::to_string(&ecds)?)?;
        fs::rename(aside, self.0.join(ECDS))?;
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

/// Ports that are free: the kernel picks the gateway's and the admin interface's. The upstream has to be named before it has a port, so it
/// listens on a socket in Envoy's folder.
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

/// Takes the interlock out of the gateway's filters.
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

fn at<'a>(value: &'a mut Value, pointer: &str) -> Result<&'a mut Value> {
    value
        .pointer_mut(pointer)
        .with_context(|| format!("`{pointer}` is missing"))
}
