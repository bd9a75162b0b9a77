//! What the portal shows of the company that offers it: files that the server serves itself, as its pages load nothing from elsewhere.

use maud::{Markup, html};
use sha2::{Digest, Sha256};

use super::parts::Text;
use super::reply::Reply;
use crate::brand::Brand;

const STYLE: &str = "/portal/brand.css";
const LOGO: &str = "/portal/logo";

/// The file of a path, where there is one.
pub(super) fn asset(brand: &Brand, path: &str) -> Option<(&'static str, Reply)> {
    match path {
        STYLE => {
            let rules = brand.accent?.stylesheet();
            Some((STYLE, Reply::made("text/css; charset=utf-8", rules)))
        }
        LOGO => {
            let logo = brand.logo.as_ref()?;
            Some((LOGO, Reply::image(logo.content_type, logo.bytes)))
        }
        _ => None,
    }
}

/// The stylesheet of the accent, after the one of all pages.
pub(super) fn style(brand: &Brand) -> Markup {
    html! {
        @if let Some(accent) = brand.accent {
            link rel="stylesheet" href={(STYLE) "?v=" (version(accent.stylesheet().as_bytes()))};
        }
    }
}

/// The head of the portal's pages: the logo, and the name.
pub(super) fn mark(brand: &Brand, home: &str) -> Markup {
    html! {
        a.brand href=(home) {
            @if let Some(logo) = &brand.logo {
                img src={(LOGO) "?v=" (version(logo.bytes))} alt="" height="24";
            }
            (Text(brand.name.as_deref().unwrap_or("API keys")))
        }
    }
}

/// Where one gets help, and the terms.
pub(super) fn foot(brand: &Brand) -> Markup {
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
    digest.get(..8).unwrap_or_default().to_owned()
}
