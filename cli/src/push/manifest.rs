//! `--name` and the other values for a manifest without a template.

use keyward_files::publish::Names;

/// The arguments of both kinds of manifest: flatten them.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct NamesArguments {
    /// The name of the manifest and of the plugin; it also chooses one in a file with several
    #[arg(long, value_name = "NAME", default_value = "keyward")]
    name: String,
    /// The manifest's namespace
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// The place that the mesh loads the `.wasm` from, such as `oci://registry.example/keyward:0.1.0`
    #[arg(long, value_name = "URL")]
    image: Option<String>,
    /// The Gateway that an EnvoyExtensionPolicy is for
    #[arg(long, value_name = "NAME")]
    gateway: Option<String>,
}

impl NamesArguments {
    pub(super) fn names(&self) -> Names {
        Names {
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            image: self.image.clone(),
            gateway: self.gateway.clone(),
        }
    }
}
