//! The stylesheet and the script. Each is asked for under a name that changes with what it holds.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// A file that pages load.
pub(crate) struct Asset {
    /// Where it is served.
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) bytes: &'static [u8],
    address: LazyLock<String>,
}

impl Asset {
    /// Its address in a page. Browsers may keep what they find there for ever.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

pub(crate) static CSS: Asset = Asset {
    path: "/console/assets/app.css",
    content_type: "text/css; charset=utf-8",
    bytes: include_bytes!("../../assets/app.css"),
    address: LazyLock::new(|| address(&CSS)),
};

pub(crate) static JS: Asset = Asset {
    path: "/console/assets/app.js",
    content_type: "text/javascript; charset=utf-8",
    bytes: include_bytes!("../../assets/app.js"),
    address: LazyLock::new(|| address(&JS)),
};

fn address(asset: &Asset) -> String {
    let digest = hex::encode(Sha256::digest(asset.bytes));
    format!("{}?v={}", asset.path, digest.get(..8).unwrap_or_default())
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
        let (path, digest) = CSS.address().split_once("?v=").unwrap();
        assert_eq!(path, CSS.path);
        assert_eq!(digest.len(), 8);
        assert_ne!(
            Some(digest),
            JS.address().split_once("?v=").map(|two| two.1)
        );
    }
}
