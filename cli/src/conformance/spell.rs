//! Writes a case's request as the bytes that are sent.

use anyhow::{Context, Result};

use super::file::Request;
use crate::http::Authority;

/// Returns the request as bytes, without correcting anything.
pub(super) fn spell(
    request: &Request,
    to: &Authority,
    address_header: Option<&str>,
) -> Result<Vec<u8>> {
    let mut bytes = latin1(&request.method)?;
    bytes.push(b' ');
    bytes.extend(latin1(&request.path)?);
    bytes.extend_from_slice(format!(" HTTP/1.1\r\nHost: {}\r\n", to.as_str()).as_bytes());
    let mut push = |name: &str, value: &str| -> Result<()> {
        bytes.extend(latin1(name)?);
        bytes.extend_from_slice(b": ");
        bytes.extend(latin1(value)?);
        bytes.extend_from_slice(b"\r\n");
        Ok(())
    };
    if let Some((name, address)) = address_header.zip(request.address.as_deref()) {
        push(name, address)?;
    }
    for (name, value) in &request.headers {
        push(name, value)?;
        if name.eq_ignore_ascii_case("upgrade") {
            push("Connection", "upgrade")?;
        }
    }
    let body = request.body.as_deref().unwrap_or("");
    if request.body.is_some() {
        push("Content-Length", &body.len().to_string())?;
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body.as_bytes());
    Ok(bytes)
}

/// Returns the bytes of a text whose characters each represent one byte.
pub(super) fn latin1(text: &str) -> Result<Vec<u8>> {
    text.chars()
        .map(|c| u8::try_from(c).ok().context("a character above U+00FF"))
        .collect()
}
