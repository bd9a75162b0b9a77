//! `[portal]` of the configuration: where the portal may lead back to.

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

/// The portal's part of the configuration.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Portal {
    /// The origins that a `return_url` may have: `https://app.example.com`. Without one no portal is opened.
    return_origins: Vec<String>,
}

impl Portal {
    /// Refuses what is no origin.
    pub(crate) fn check(&self) -> Result<()> {
        for origin in &self.return_origins {
            if origin_of(&format!("{origin}/")) != Some(origin) {
                bail!(
                    "`portal.return_origins`: expected an origin such as `https://app.example.com`, without a path"
                );
            }
        }
        Ok(())
    }

    /// Whether a portal may lead back there.
    pub(crate) fn leads_to(&self, url: &str) -> bool {
        let is_plain = url.len() <= 2_048 && url.bytes().all(|byte| matches!(byte, 0x21..=0x7e));
        let origin = origin_of(url).filter(|_| is_plain);
        origin.is_some_and(|origin| self.return_origins.iter().any(|one| one == origin))
    }
}

/// The origin of an address of a page: scheme, host and port. An address with a user, a backslash or an odd host has none.
fn origin_of(url: &str) -> Option<&str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':');
    if host.is_empty() || !host.bytes().all(is_plain) {
        return None;
    }
    let length = url.len().saturating_sub(rest.len());
    url.get(..length.saturating_add(host.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portal_leads_back_to_listed_origins_only() {
        let portal: Portal =
            toml::from_str("return_origins = [\"https://app.example.com\"]").unwrap();
        portal.check().unwrap();
        for url in ["https://app.example.com", "https://app.example.com/a?b#c"] {
            assert!(portal.leads_to(url), "{url}");
        }
        for url in [
            "",
            "http://app.example.com/",
            "https://app.example.com:444/",
            "https://app.example.com.evil.example/",
            "https://app.example.com@evil.example/",
            "https://app.example.com\\@evil.example/",
            "https://APP.example.com/",
            "//app.example.com/",
            "javascript:alert(1)//https://app.example.com/",
            "https://app.example.com/\n",
        ] {
            assert!(!portal.leads_to(url), "{url}");
        }
        for text in [
            "https://app.example.com/",
            "app.example.com",
            "https://",
            "",
        ] {
            let one = Portal {
                return_origins: vec![text.to_owned()],
            };
            assert!(one.check().is_err(), "{text}");
        }
    }
}
