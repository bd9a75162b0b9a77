//! An HTTP/1.1 client that sends exactly the bytes it is given and keeps headers as they arrived:
//! as bytes, in order, with repeated names.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::wait::BOUND;

/// No headers. For calls that would not determine the type otherwise.
pub const NO_HEADERS: &[(&str, &str)] = &[];

#[derive(Clone, Debug, Default)]
pub struct Response {
    pub status: u16,
    /// The headers in the order of arrival, with their names as sent.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Response {
    /// Returns the first header with that name as text. The case of the name does not matter.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name)
            .first()
            .map(|value| std::str::from_utf8(value).unwrap())
    }

    /// Returns all headers with that name. The case of the name does not matter.
    pub fn headers(&self, name: &str) -> Vec<&[u8]> {
        let named = self
            .headers
            .iter()
            .filter(|(held, _)| held.eq_ignore_ascii_case(name.as_bytes()));
        named.map(|(_, value)| value.as_slice()).collect()
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", String::from_utf8_lossy(&self.body)))
    }
}

/// Sends one request on its own connection.
#[track_caller]
pub fn request<N: AsRef<[u8]>, V: AsRef<[u8]>>(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(N, V)],
    body: &[u8],
) -> Response {
    Connection::open(to).request(method, path, headers, body)
}

#[track_caller]
pub fn get(to: SocketAddr, path: &str) -> Response {
    request(to, "GET", path, NO_HEADERS, b"")
}

/// Sends these bytes on its own connection and reads one response.
pub fn send_raw(to: SocketAddr, bytes: &[u8]) -> io::Result<Response> {
    let mut connection = Connection::open(to);
    connection.send_raw(bytes)?;
    connection.read_response(bytes.starts_with(b"HEAD "))
}

/// A connection. It stays on the worker that accepted it.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Connection {
    #[track_caller]
    pub fn open(to: SocketAddr) -> Self {
        Self::try_open(to).unwrap_or_else(|error| panic!("{to}: {error}"))
    }

    pub fn try_open(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&to, BOUND)?;
        stream.set_read_timeout(Some(BOUND))?;
        stream.set_write_timeout(Some(BOUND))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
            host: to.to_string(),
        })
    }

    /// Sets a longer time-out for a server that may be busy, as Envoy's main thread is while it
    /// reads a big configuration.
    pub fn with_timeout(self, timeout: std::time::Duration) -> Self {
        self.stream
            .get_ref()
            .set_read_timeout(Some(timeout))
            .unwrap();
        self
    }

    /// Sends a request. Adds `Host` unless it is given, and `Content-Length` if there is a body or
    /// the method usually has one.
    #[track_caller]
    pub fn request<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(N, V)],
        body: &[u8],
    ) -> Response {
        self.try_request(method, path, headers, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    pub fn try_request<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(N, V)],
        body: &[u8],
    ) -> io::Result<Response> {
        let given = |name: &str| {
            headers
                .iter()
                .any(|(held, _)| held.as_ref().eq_ignore_ascii_case(name.as_bytes()))
        };
        let mut bytes = format!("{method} {path} HTTP/1.1\r\n").into_bytes();
        if !given("host") {
            bytes.extend(format!("Host: {}\r\n", self.host).bytes());
        }
        for (name, value) in headers {
            bytes.extend([name.as_ref(), b": ", value.as_ref(), b"\r\n"].concat());
        }
        let has_body = !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH");
        if has_body && !given("content-length") && !given("transfer-encoding") {
            bytes.extend(format!("Content-Length: {}\r\n", body.len()).bytes());
        }
        bytes.extend(b"\r\n");
        bytes.extend(body);
        self.send_raw(&bytes)?;
        self.read_response(method == "HEAD")
    }

    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads one response, and skips a `100 Continue` before it. After a 101 or the 200 to a
    /// CONNECT, continue with `read_exact`.
    pub fn read_response(&mut self, to_head: bool) -> io::Result<Response> {
        loop {
            let (status, headers) = read_head(&mut self.stream)?;
            let mut response = Response {
                status,
                headers,
                body: Vec::new(),
            };
            if status == 100 {
                continue;
            }
            let bodiless = to_head || status < 200 || status == 204 || status == 304;
            if !bodiless {
                response.body = read_body(&mut self.stream, &response.headers, true)?;
            }
            return Ok(response);
        }
    }

    /// Reads only the head, for a CONNECT: what follows is not a body.
    pub fn read_head(&mut self) -> io::Result<Response> {
        let (status, headers) = read_head(&mut self.stream)?;
        Ok(Response {
            status,
            headers,
            body: Vec::new(),
        })
    }

    pub fn read_exact(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads everything until the other side closes.
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

type Head = (u16, Vec<(Vec<u8>, Vec<u8>)>);

fn read_head(stream: &mut impl BufRead) -> io::Result<Head> {
    let line = read_line(stream)?;
    let status = line
        .strip_prefix(b"HTTP/1.")
        .and_then(|rest| rest.get(2..5))
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    let status = status.ok_or_else(|| {
        invalid(format!(
            "no status line: {:?}",
            String::from_utf8_lossy(&line)
        ))
    })?;
    Ok((status, read_headers(stream)?))
}

/// Reads header lines up to the empty one. The upstream uses this as well.
pub(super) fn read_headers(stream: &mut impl BufRead) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut headers = Vec::new();
    loop {
        let line = read_line(stream)?;
        if line.is_empty() {
            return Ok(headers);
        }
        let colon = line
            .iter()
            .position(|&byte| byte == b':')
            .ok_or_else(|| invalid(format!("no header: {:?}", String::from_utf8_lossy(&line))))?;
        headers.push((
            line[..colon].to_vec(),
            line[colon + 1..].trim_ascii().to_vec(),
        ));
    }
}

/// Reads a body: by its length, in chunks, or (only a response's) up to the end of the connection.
pub(super) fn read_body(
    stream: &mut impl BufRead,
    headers: &[(Vec<u8>, Vec<u8>)],
    until_end: bool,
) -> io::Result<Vec<u8>> {
    let value = |name: &str| {
        headers
            .iter()
            .find(|(held, _)| held.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| String::from_utf8_lossy(value))
    };
    let mut body = Vec::new();
    if value("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        loop {
            let line = read_line(stream)?;
            let size = String::from_utf8_lossy(&line);
            let size = size.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(size, 16)
                .map_err(|_| invalid(format!("no chunk size: `{size}`")))?;
            if size == 0 {
                read_headers(stream)?;
                return Ok(body);
            }
            stream.by_ref().take(size).read_to_end(&mut body)?;
            read_line(stream)?;
        }
    } else if let Some(length) = value("content-length") {
        let length = length
            .parse()
            .map_err(|_| invalid(format!("no length: `{length}`")))?;
        body.resize(length, 0);
        stream.read_exact(&mut body)?;
    } else if until_end {
        stream.read_to_end(&mut body)?;
    }
    Ok(body)
}

/// Reads one line without its line ending. The end of the connection is an error of kind
/// `UnexpectedEof`.
pub(super) fn read_line(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    stream.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(line)
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}
