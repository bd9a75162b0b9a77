//! The stylesheet and the script. The name of each changes with its contents.

use std::sync::LazyLock;

use keyward::invariant::Held;
use sha2::{Digest, Sha256};

/// A file that pages load.
pub(crate) struct Asset {
    /// The path that serves it, below the root of console and portal: an operator who exposes one of them need not expose the other.
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) bytes: &'static [u8],
    version: LazyLock<String>,
}

impl Asset {
    /// Its address in a page. Browsers may cache the file there for ever.
    pub(crate) fn address(&self, root: &str) -> String {
        format!("{root}{}?v={}", self.path, *self.version)
    }
}

pub(crate) static CSS: Asset = Asset {
    path: "/assets/app.css",
    content_type: "text/css; charset=utf-8",
    bytes: include_bytes!("../../assets/app.css"),
    version: LazyLock::new(|| version(&CSS)),
};

pub(crate) static JS: Asset = Asset {
    path: "/assets/app.js",
    content_type: "text/javascript; charset=utf-8",
    bytes: include_bytes!("../../assets/app.js"),
    version: LazyLock::new(|| version(&JS)),
};

fn version(asset: &Asset) -> String {
    let digest = hex::encode(Sha256::digest(asset.bytes));
    digest.get(..8).held("a digest has 64 digits").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_at_most_12_kib() {
        for asset in [&CSS, &JS] {
            let length = asset.bytes.len();
            assert!(length <= 12 << 10, "{}: {length} bytes", asset.path);
        }
    }

    #[test]
    fn an_address_names_what_is_there() {
        let address = CSS.address("/portal");
        let (path, digest) = address.split_once("?v=").unwrap();
        assert_eq!(path, "/portal/assets/app.css");
        assert_eq!(digest.len(), 8);
        assert_ne!(*JS.version, digest);
    }
}
