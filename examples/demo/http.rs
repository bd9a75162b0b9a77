//! HTTP/1.1 with the standard library: one request on each new connection.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::keys::Key;
use crate::screen::NO_BREAK;
use crate::wait::BOUND;

/// A request. It is shown without its key.
pub(crate) struct Request {
    method: &'static str,
    path: &'static str,
    headers: Vec<(String, String)>,
    shown: Vec<String>,
    body: String,
}

pub(crate) fn get(path: &'static str) -> Request {
    request("GET", path)
}

pub(crate) fn post(path: &'static str) -> Request {
    request("POST", path)
}

pub(crate) fn request(method: &'static str, path: &'static str) -> Request {
    Request {
        method,
        path,
        headers: Vec::new(),
        shown: Vec::new(),
        body: String::new(),
    }
}

impl Request {
    /// Adds a key and a JSON body.
    pub(crate) fn json(mut self, key: &str, body: &str) -> Self {
        self.body = body.to_owned();
        self.headers
            .push(("Content-Type".to_owned(), "application/json".to_owned()));
        self.secret_header(format!("Bearer {key}"))
    }

    pub(crate) fn bearer(mut self, key: &Key) -> Self {
        self.shown
            .push(format!("Authorization: Bearer {}", key.brief()));
        self.secret_header(format!("Bearer {}", key.raw))
    }

    /// Adds a key as curl's `-u KEY:` does.
    pub(crate) fn basic(mut self, key: &Key) -> Self {
        self.shown.push(format!("-u {}:", key.brief()));
        self.secret_header(format!("Basic {}", key.basic()))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.shown.push(format!("{name}: {value}"));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the request in one line, which may break between two headers, but not within one.
    pub(crate) fn shown(&self) -> String {
        let mut text = format!("{} {}", self.method, self.path);
        for header in &self.shown {
            text += &format!(" ·{NO_BREAK}{}", header.replace(' ', NO_BREAK));
        }
        text
    }

    fn secret_header(mut self, value: String) -> Self {
        self.headers.push(("Authorization".to_owned(), value));
        self
    }
}

pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Response {
    /// Returns the first header with this name, which is in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(held, _)| held == name)
            .map(|(_, value)| value.as_str())
    }

    /// Returns the body, or null if it is not JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

pub(crate) fn send(to: SocketAddr, request: &Request) -> Result<Response> {
    let line = format!("{} {}", request.method, request.path);
    exchange(to, request).with_context(|| format!("{line} to {to}"))
}

fn exchange(to: SocketAddr, request: &Request) -> Result<Response> {
    let mut stream = TcpStream::connect_timeout(&to, BOUND)?;
    stream.set_read_timeout(Some(BOUND))?;
    let mut text = format!(
        "{} {} HTTP/1.1\r\nHost: {to}\r\n",
        request.method, request.path
    );
    for (name, value) in &request.headers {
        text += &format!("{name}: {value}\r\n");
    }
    if request.method == "POST" {
        text += &format!("Content-Length: {}\r\n", request.body.len());
    }
    text += "\r\n";
    text += &request.body;
    stream.write_all(text.as_bytes())?;
    read_response(&mut BufReader::new(stream))
}

fn read_response(stream: &mut impl BufRead) -> Result<Response> {
    let status = read_line(stream)?;
    let status = status.split(' ').nth(1).context("no status")?.parse()?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').context("no header")?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut response = Response {
        status,
        headers,
        body: String::new(),
    };
    // Never reads up to the end of the connection: Envoy may keep it open for a second after its
    // own replies.
    let body = match response.header("content-length") {
        Some(length) => read_exact(stream, length.parse()?)?,
        None if response.header("transfer-encoding") == Some("chunked") => read_chunks(stream)?,
        None => Vec::new(),
    };
    response.body = String::from_utf8_lossy(&body).into_owned();
    Ok(response)
}

fn read_chunks(stream: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let size = usize::from_str_radix(&read_line(stream)?, 16)?;
        whole.extend(read_exact(stream, size)?);
        read_line(stream)?;
        if size == 0 {
            return Ok(whole);
        }
    }
}

fn read_exact(stream: &mut impl BufRead, length: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Reads one line without its line ending.
fn read_line(stream: &mut impl BufRead) -> Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let line = line
        .strip_suffix("\r\n")
        .context("the response is cut off")?;
    Ok(line.to_owned())
}
