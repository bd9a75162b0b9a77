//! TLS with rustls, which trusts the certificates of the machine or of `SSL_CERT_FILE`.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Returns a connector for TLS connections.
pub fn connector() -> Result<TlsConnector> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (good, _) = roots.add_parsable_certificates(found.certs);
    if good == 0 {
        let why = found.errors.first().map(|error| format!(" ({error})"));
        bail!(
            "this machine has no certificates to trust{}; install them, or name a file of them in SSL_CERT_FILE",
            why.unwrap_or_default()
        );
    }
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Parses the name that the server's certificate must have.
pub fn name(host: &str) -> Result<ServerName<'static>> {
    ServerName::try_from(host.to_owned()).context("expected a host's name or address in the URL")
}
