//! `[portal]` of the configuration: where the portal may lead back to, and how it looks.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use keyward_files::visible::is_line;
use serde::{Deserialize, Serialize};

pub(crate) use crate::brand::Brand;
use crate::brand::{Accent, Logo};

/// The portal's part of the configuration.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Portal {
    /// The origins that a `return_url` may have: `https://app.example.com`. Without an origin, no portal opens.
    return_origins: Vec<String>,
    /// The page of the application that opens the portal. The portal sends people there who follow a link to a key without being signed in, with
    /// `?key=` and `?ask=`.
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_in_url: Option<String>,
    /// The company or product whose API the keys are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Its logo, a file: SVG without scripts, or PNG.
    #[serde(skip_serializing_if = "Option::is_none")]
    logo: Option<PathBuf>,
    /// The colour of the main buttons: `#0b6b3a`.
    #[serde(skip_serializing_if = "Option::is_none")]
    accent: Option<String>,
    /// Where people ask for what their policy does not allow: a page, or `mailto:` and an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    support_url: Option<String>,
    /// The terms of the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    terms_url: Option<String>,
}

impl Portal {
    /// Rejects an invalid origin, address or colour, and takes the logo's path relative to a folder.
    pub(crate) fn check(&mut self, folder: &Path) -> Result<()> {
        for origin in &self.return_origins {
            if !is_origin(origin) {
                bail!(
                    "`portal.return_origins`: expected an origin such as `https://app.example.com`, without a path"
                );
            }
        }
        for (name, url) in [
            ("sign_in_url", &self.sign_in_url),
            ("terms_url", &self.terms_url),
        ] {
            if url.as_deref().is_some_and(|url| !is_page(url)) {
                bail!(
                    "`portal.{name}`: expected the address of a page, `https://app.example.com/keys`, without `#`"
                );
            }
        }
        let is_support = |url: &str| is_page(url) || url.starts_with("mailto:") && is_plain(url);
        if self
            .support_url
            .as_deref()
            .is_some_and(|url| !is_support(url))
        {
            bail!(
                "`portal.support_url`: expected the address of a page, or `mailto:` and a mail address"
            );
        }
        if self
            .name
            .as_deref()
            .is_some_and(|name| !is_line(name) || name.chars().count() > 64)
        {
            bail!("`portal.name`: expected one line of at most 64 visible characters");
        }
        if let Some(logo) = &mut self.logo {
            *logo = folder.join(&*logo);
        }
        Ok(())
    }

    /// How the portal looks: reads the logo, and checks the colour.
    pub(crate) fn brand(&self) -> Result<Brand> {
        Ok(Brand {
            name: self.name.clone(),
            logo: self.logo.as_deref().map(Logo::read).transpose()?,
            accent: self.accent.as_deref().map(Accent::read).transpose()?,
            support_url: self.support_url.clone(),
            terms_url: self.terms_url.clone(),
        })
    }

    /// The page where people sign in.
    pub(crate) fn sign_in_url(&self) -> Option<&str> {
        self.sign_in_url.as_deref()
    }

    /// Whether a portal may lead back there.
    pub(crate) fn leads_to(&self, url: &str) -> bool {
        let origin = origin_of(url).filter(|_| is_plain(url));
        origin.is_some_and(|origin| self.return_origins.iter().any(|one| one == origin))
    }
}

/// Whether it is a scheme, a host and perhaps a port, and nothing else.
pub(crate) fn is_origin(text: &str) -> bool {
    origin_of(&format!("{text}/")) == Some(text)
}

/// Visible ASCII, of a length that every browser takes.
fn is_plain(url: &str) -> bool {
    url.len() <= 2_048 && url.bytes().all(|byte| matches!(byte, 0x21..=0x7e))
}

fn is_page(url: &str) -> bool {
    origin_of(url).is_some() && is_plain(url) && !url.contains('#')
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
        let mut portal: Portal =
            toml::from_str("return_origins = [\"https://app.example.com\"]").unwrap();
        portal.check(Path::new("/nowhere")).unwrap();
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
            let mut one = Portal {
                return_origins: vec![text.to_owned()],
                ..Portal::default()
            };
            assert!(one.check(Path::new("/nowhere")).is_err(), "{text}");
        }
    }

    #[test]
    fn what_leads_elsewhere_is_an_address_of_a_page() {
        for (member, good, bad) in [
            (
                "sign_in_url",
                "https://app.example.com/keys?from=portal",
                "javascript:alert(1)",
            ),
            ("terms_url", "https://example.com/terms", "/terms"),
            ("support_url", "mailto:help@example.com", "mailto:a b"),
            ("support_url", "https://example.com/help", "help"),
            ("name", "Widgets Inc.", "Widgets\\nInc."),
        ] {
            let read = |text: &str| {
                let mut portal: Portal = toml::from_str(&format!("{member} = \"{text}\"")).unwrap();
                portal.check(Path::new("/nowhere"))
            };
            assert!(read(good).is_ok(), "{member}");
            assert!(read(bad).is_err(), "{member}");
        }
    }
}
