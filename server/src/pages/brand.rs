//! The files of the company that offers the portal. The server serves them itself, because its pages load nothing from elsewhere.

use super::parts::brand::{LOGO, STYLE};
use super::reply::Reply;
use crate::brand::Brand;

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
