//! One Envoy to ask, through its admin interface or through the page for Prometheus.

use anyhow::{Context, Result, bail};

use super::page::{FILTER, Page};
use super::verdict::{Verdict, Wanted, judge};
use crate::http::{self, Authority};

/// The maximum size of a page. Pages of statistics are smaller.
const LONGEST_PAGE: usize = 256 << 20;

/// Where and how to ask.
#[derive(Clone, Debug)]
pub(super) struct Target {
    url: String,
    authority: Authority,
    path: String,
    form: Form,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Stats,
    Prometheus,
}

/// Parses the URL of an admin interface, which may have a path.
pub(super) fn admin(url: &str) -> Result<Target> {
    let (authority, path) = split(url)?;
    if path.contains(['?', '#']) {
        bail!("expected `http://HOST[:PORT][/PATH]`, the admin interface itself");
    }
    let filter: String = FILTER
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'_' | b'.' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    Ok(Target {
        url: url.to_owned(),
        authority,
        path: format!("{}/stats?filter={filter}", path.trim_end_matches('/')),
        form: Form::Stats,
    })
}

/// Parses the URL of a metrics page. Without a path, the path is `/stats/prometheus`.
pub(super) fn prometheus(url: &str) -> Result<Target> {
    let (authority, path) = split(url)?;
    if path.contains('#') {
        bail!("expected `http://HOST[:PORT][/PATH][?QUERY]`");
    }
    let path = if path.is_empty() || path == "/" {
        "/stats/prometheus"
    } else {
        path
    };
    Ok(Target {
        url: url.to_owned(),
        authority,
        path: path.to_owned(),
        form: Form::Prometheus,
    })
}

/// Returns the authority, and the text after it.
fn split(url: &str) -> Result<(Authority, &str)> {
    const SCHEME: &str = "http://";
    let Some(rest) = url.strip_prefix(SCHEME) else {
        bail!(
            "expected `http://HOST[:PORT]`; where TLS is needed, put a proxy in between (`kubectl port-forward`)"
        );
    };
    if rest.bytes().any(|byte| !byte.is_ascii_graphic()) {
        bail!("expected a URL in printable ASCII");
    }
    let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    Ok((http::authority(&format!("{SCHEME}{authority}"))?, path))
}

impl Target {
    /// Returns the URL as it was given.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Asks once.
    pub(super) fn look(&self, wanted: Wanted<'_>) -> Verdict {
        match self.page() {
            Ok(page) => judge(&page, wanted),
            // The Envoy may still be starting.
            Err(error) => Verdict::Waiting(format!("does not answer: {error:#}")),
        }
    }

    fn page(&self) -> Result<Page> {
        let response = http::ask(&self.authority, "GET", &self.path, LONGEST_PAGE)?;
        if response.status != 200 {
            bail!("status {}, expected a page of statistics", response.status);
        }
        let text = std::str::from_utf8(&response.body)
            .ok()
            .context("the page is not text")?;
        Ok(match self.form {
            Form::Stats => Page::of_stats(text),
            Form::Prometheus => Page::of_prometheus(text),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_before_the_page() {
        let target = |url| admin(url).unwrap();
        for (url, host, path) in [
            ("http://127.0.0.1:9901", "127.0.0.1:9901", "/stats?filter="),
            ("http://127.0.0.1:9901/", "127.0.0.1:9901", "/stats?filter="),
            (
                "http://[::1]:9901/envoy/7/",
                "[::1]:9901",
                "/envoy/7/stats?filter=",
            ),
            ("http://[::1]", "[::1]:80", "/stats?filter="),
        ] {
            assert_eq!(target(url).authority.as_str(), host);
            assert!(target(url).path.starts_with(path), "{}", target(url).path);
        }
    }

    #[test]
    fn a_prometheus_page_is_asked_for_as_it_is_named() {
        let path = |url| prometheus(url).unwrap().path;
        assert_eq!(path("http://h:15090"), "/stats/prometheus");
        assert_eq!(
            path("http://h:15020/stats/prometheus?x=1"),
            "/stats/prometheus?x=1"
        );
        assert_eq!(path("http://h/metrics"), "/metrics");
    }

    #[test]
    fn what_is_no_url_says_what_is_expected() {
        for url in [
            "127.0.0.1:9901",
            "https://h",
            "http://",
            "http://a b",
            "http://u@h",
            "http://h/?x",
        ] {
            assert!(admin(url).is_err(), "{url}");
        }
    }
}
