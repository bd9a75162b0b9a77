//! The company's files that the portal shows. The server serves them itself, because its pages load nothing from elsewhere.

use maud::{Markup, html};
use sha2::{Digest, Sha256};

use super::Text;
use crate::brand::Brand;
use keyward::invariant::Held;

pub(in crate::pages) const STYLE: &str = "/portal/brand.css";
pub(in crate::pages) const LOGO: &str = "/portal/logo";

/// The stylesheet of the accent, after the one of all pages.
pub(in crate::pages) fn style(brand: &Brand) -> Markup {
    html! {
        @if let Some(accent) = brand.accent {
            link rel="stylesheet" href={(STYLE) "?v=" (version(accent.stylesheet().as_bytes()))};
        }
    }
}

/// The head of the portal's pages: the logo, and the name.
pub(in crate::pages) fn mark(brand: &Brand, home: &str) -> Markup {
    html! {
        a.brand href=(home) {
            @if let Some(logo) = &brand.logo {
                img src={(LOGO) "?v=" (version(logo.bytes))} alt="" height="24";
            }
            (Text(brand.name.as_deref().unwrap_or("API keys")))
        }
    }
}

/// Where people get help, and the terms.
pub(in crate::pages) fn foot(brand: &Brand) -> Markup {
    html! {
        @if brand.support_url.is_some() || brand.terms_url.is_some() {
            footer.top.small {
                @if let Some(url) = &brand.support_url { a href=(url) { "Help" } }
                @if let Some(url) = &brand.terms_url { a href=(url) { "Terms" } }
            }
        }
    }
}

fn version(bytes: &[u8]) -> String {
    let digest = hex::encode(Sha256::digest(bytes));
    digest.get(..8).held("a digest has 64 digits").to_owned()
}
