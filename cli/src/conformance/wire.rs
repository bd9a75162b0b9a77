//! HTTP/1.1 over plain TCP, byte by byte, because many conformance cases are requests that a client
//! library would not send.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::http::Authority;

/// How long to wait for a connection, and for each piece of an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The answer.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// Sends one request on a new connection. An answer of more than `longest` bytes is cut, and its
/// framing then shows that it is incomplete.
pub(super) fn exchange(
    to: &Authority,
    request: &[u8],
    to_head: bool,
    longest: u64,
) -> Result<Response> {
    let mut addresses = to.as_str().to_socket_addrs()?;
    let address = addresses.next().context("the host has no address")?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // A gateway may answer and close before it has read everything. Its answer still counts.
    let written = stream.write_all(request);
    let response = read(&mut BufReader::new(stream.take(longest)), to_head);
    match (response, written) {
        (Err(_), Err(error)) => Err(error.into()),
        (response, _) => response,
    }
}

fn read(stream: &mut impl BufRead, to_head: bool) -> Result<Response> {
    let (status, headers) = loop {
        let (status, headers) = read_head(stream)?;
        if status != 100 {
            break (status, headers);
        }
    };
    let is_bodiless = to_head || status < 200 || status == 204 || status == 304;
    let body = if is_bodiless {
        Vec::new()
    } else {
        read_body(stream, &headers)?
    };
    Ok(Response {
        status,
        headers,
        body,
    })
}

fn read_head(stream: &mut impl BufRead) -> Result<(u16, Vec<(String, String)>)> {
    let line = read_line(stream)?;
    let status = line
        .strip_prefix("HTTP/1.")
        .and_then(|rest| rest.split(' ').nth(1)?.parse().ok())
        .context("no HTTP/1.1 status line")?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line.split_once(':').context("no header line")?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

fn read_body(stream: &mut impl BufRead, headers: &[(String, String)]) -> Result<Vec<u8>> {
    let value = |name: &str| {
        let mut named = headers
            .iter()
            .filter(|(of, _)| of.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.as_str())
    };
    let mut body = Vec::new();
    if value("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        loop {
            let line = read_line(stream)?;
            let size = line.split(';').next().unwrap_or("").trim();
            let size = u64::from_str_radix(size, 16).context("no chunk size")?;
            if size == 0 {
                break;
            }
            read_exactly(stream, size, &mut body)?;
            read_line(stream)?;
        }
    } else if let Some(length) = value("content-length") {
        let length = length.parse().context("no length")?;
        read_exactly(stream, length, &mut body)?;
    } else {
        stream.read_to_end(&mut body)?;
    }
    Ok(body)
}

fn read_exactly(stream: &mut impl BufRead, size: u64, body: &mut Vec<u8>) -> Result<()> {
    let read = stream.by_ref().take(size).read_to_end(body)?;
    if u64::try_from(read)? < size {
        bail!("the answer ends too early");
    }
    Ok(())
}

/// Reads one line without its line end.
fn read_line(stream: &mut impl BufRead) -> Result<String> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line)?;
    let Some(line) = line.strip_suffix(b"\n") else {
        bail!("the connection was closed");
    };
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    Ok(String::from_utf8_lossy(line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(text: &str) -> Option<(u16, String)> {
        let response = read(&mut text.as_bytes(), false).ok()?;
        Some((response.status, String::from_utf8(response.body).unwrap()))
    }

    #[test]
    fn bodies_end_by_length_by_chunks_or_by_the_connection() {
        for (text, body) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nabc", "ab"),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n",
                "abc",
            ),
            ("HTTP/1.0 200\r\n\r\nabc", "abc"),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
                "",
            ),
        ] {
            assert_eq!(response(text), Some((200, body.to_owned())), "{text}");
        }
        for text in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "SSH-2.0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab",
        ] {
            assert_eq!(response(text), None, "{text}");
        }
    }
}
