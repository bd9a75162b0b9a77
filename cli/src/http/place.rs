//! The place of a server: a URL or a Unix socket.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// A host and a port: `HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Authority(String);

impl Authority {
    /// Returns the value for the header `Host`.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the host, without the brackets of an IPv6 address.
    pub(super) fn host(&self) -> &str {
        let host = self.0.rsplit_once(':').map_or(&*self.0, |(host, _)| host);
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Whether data for this host never leaves this machine.
    fn is_loopback(&self) -> bool {
        let host = self.host();
        host == "localhost" || host.parse().is_ok_and(|host: IpAddr| host.is_loopback())
    }

    /// Parses `HOST[:PORT][/]`, the text after a scheme.
    fn read(rest: &str, port: u16, scheme: &str) -> Result<Self> {
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.is_empty() || authority.contains(['/', '?', '#', '@']) {
            bail!("expected `{scheme}HOST[:PORT]` and nothing after it");
        }
        // An IPv6 address has colons inside its brackets.
        let after = authority.rsplit(']').next().unwrap_or(authority);
        Ok(Self(if after.contains(':') {
            authority.to_owned()
        } else {
            format!("{authority}:{port}")
        }))
    }
}

/// Parses `http://HOST[:PORT][/]`.
pub(crate) fn authority(url: &str) -> Result<Authority> {
    let Some(rest) = url.strip_prefix("http://") else {
        bail!("expected `http://HOST[:PORT]`; where TLS is needed, put a proxy in between");
    };
    Authority::read(rest, 80, "http://")
}

/// Where a server listens, and its protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// TCP.
    Plain(Authority),
    /// TCP with TLS.
    Tls(Authority),
    /// A Unix socket.
    Socket(PathBuf),
}

impl Place {
    /// Returns the place of a server without TLS.
    pub(crate) fn plain(authority: Authority) -> Self {
        Self::Plain(authority)
    }

    /// Parses `unix:PATH`, `https://HOST[:PORT]` or `http://127.0.0.1:PORT`, the places to which a
    /// key may be sent.
    pub(crate) fn of_server(text: &str) -> Result<Self> {
        if let Some(path) = text.strip_prefix("unix:") {
            if path.is_empty() {
                bail!("expected `unix:PATH`, such as `unix:/run/keyward/admin.sock`");
            }
            return Ok(Self::Socket(Path::new(path).to_owned()));
        }
        if let Some(rest) = text.strip_prefix("https://") {
            return Authority::read(rest, 443, "https://").map(Self::Tls);
        }
        let Some(rest) = text.strip_prefix("http://") else {
            bail!("expected `unix:PATH`, `https://HOST[:PORT]` or `http://127.0.0.1:PORT`");
        };
        let authority = Authority::read(rest, 80, "http://")?;
        if !authority.is_loopback() {
            bail!(
                "`http://` is for this machine only, such as `http://127.0.0.1:10000`: your key would cross the network unencrypted; use `https://`"
            );
        }
        Ok(Self::Plain(authority))
    }

    /// Returns the value of the header `Host`.
    pub(super) fn host_header(&self) -> &str {
        match self {
            Self::Plain(authority) | Self::Tls(authority) => authority.as_str(),
            Self::Socket(_) => "localhost",
        }
    }

    /// Formats the place for people.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Plain(authority) => format!("http://{}", authority.as_str()),
            Self::Tls(authority) => format!("https://{}", authority.as_str()),
            Self::Socket(path) => format!("unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_host_and_a_port() {
        for (url, expected) in [
            ("http://127.0.0.1:10000", Some("127.0.0.1:10000")),
            ("http://gateway/", Some("gateway:80")),
            ("http://[::1]", Some("[::1]:80")),
            ("http://[::1]:81", Some("[::1]:81")),
            ("https://gateway", None),
            ("http://gateway/v1", None),
            ("http://", None),
        ] {
            let found = authority(url).ok().map(|authority| authority.0);
            assert_eq!(found.as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn a_key_is_sent_over_tls_or_to_this_machine() {
        for (text, expected) in [
            ("unix:/run/admin.sock", Some("unix:/run/admin.sock")),
            (
                "https://keys.example.com",
                Some("https://keys.example.com:443"),
            ),
            (
                "https://[2001:db8::1]:8443/",
                Some("https://[2001:db8::1]:8443"),
            ),
            ("http://127.0.0.1:10000", Some("http://127.0.0.1:10000")),
            ("http://localhost:10000", Some("http://localhost:10000")),
            ("http://[::1]:10000", Some("http://[::1]:10000")),
            ("http://keys.example.com", None),
            ("http://10.0.0.7:10000", None),
            ("http://127.0.0.1.example.com:80", None),
            ("https://user@keys.example.com", None),
            ("https://keys.example.com/api", None),
            ("unix:", None),
            ("/run/admin.sock", None),
        ] {
            let found = Place::of_server(text).ok().map(|place| place.shown());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
