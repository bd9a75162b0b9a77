//! Requests of commands to the server that runs on this machine, by its admin socket.

use std::fmt;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use zeroize::Zeroizing;

/// How long the server may take.
const LONGEST: Duration = Duration::from_secs(120);

/// What the server refused, in its own words.
#[derive(Debug)]
pub(crate) struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server refused: {}", self.0)
    }
}

impl std::error::Error for Refused {}

/// One request, and the body of its answer, of so many bytes at most.
pub(crate) fn post(
    socket: &Path,
    path: &str,
    body: &str,
    largest: usize,
) -> Result<Zeroizing<Vec<u8>>> {
    let mut stream = UnixStream::connect(socket).with_context(|| {
        format!(
            "`{}` cannot be reached; the server does this, so `keyward-server serve` has to run",
            socket.display()
        )
    })?;
    stream.set_read_timeout(Some(LONGEST))?;
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    // It takes the whole size at once: the old copies of a growing buffer are not wiped.
    let mut answer = Zeroizing::new(Vec::with_capacity(largest));
    let most = u64::try_from(largest).unwrap_or(u64::MAX);
    stream.take(most).read_to_end(&mut answer)?;
    if answer.len() >= largest {
        bail!("the server's answer has more than {largest} bytes");
    }
    let end = answer
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .context("the server's answer has no end of its head")?;
    let (head, body) = answer.split_at(end);
    let body = Zeroizing::new(body.get(4..).unwrap_or_default().to_vec());
    let status = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    if status == b"200" {
        return Ok(body);
    }
    let refusal: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = refusal.pointer("/error/message").and_then(Value::as_str);
    match message {
        Some(message) => Err(Refused(message.to_owned()).into()),
        None => bail!("the answer does not come from a keyward-server"),
    }
}
