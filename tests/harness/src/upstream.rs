//! An upstream that reports what it received. Its answer is JSON (`method`, `path`, `headers` as
//! pairs, `body`). Anything that is not UTF-8 is exact only in [`Upstream::seen`]. It answers an
//! `Upgrade` with 101, and from then on it echoes every byte.

use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use serde_json::json;

use super::http::{read_body, read_headers, read_line};

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Vec<u8>,
    pub path: Vec<u8>,
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Seen {
    /// Returns all headers with that name. The case of the name does not matter.
    pub fn headers(&self, name: &str) -> Vec<&[u8]> {
        let named = self
            .headers
            .iter()
            .filter(|(held, _)| held.eq_ignore_ascii_case(name.as_bytes()));
        named.map(|(_, value)| value.as_slice()).collect()
    }

    /// Returns the first header with that name, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name)
            .first()
            .map(|value| std::str::from_utf8(value).unwrap())
    }
}

/// The upstream's answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn echo(seen: &Seen) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers: Vec<_> = seen
            .headers
            .iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect();
        let body = json!({"method": text(&seen.method), "path": text(&seen.path), "headers": headers, "body": text(&seen.body)});
        Self {
            status: 200,
            headers: vec![("content-type".into(), "application/json".into())],
            body: body.to_string().into_bytes(),
        }
    }
}

type Handler = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    seen: Mutex<Vec<Seen>>,
    /// The open connections, to be closed on drop. `None` once the drop has begun.
    open: Mutex<Option<Vec<TcpStream>>>,
}

impl Upstream {
    pub fn start() -> Self {
        Self::answering(Reply::echo)
    }

    pub fn answering(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            seen: Mutex::default(),
            open: Mutex::new(Some(Vec::new())),
        });
        let handler: Handler = Arc::new(handler);
        let acceptor = spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared, &handler)
        });
        Self {
            address,
            shared,
            acceptor: Some(acceptor),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the number of requests that have arrived.
    pub fn count(&self) -> usize {
        self.shared.seen.lock().unwrap().len()
    }

    /// Returns all requests in the order of arrival.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Forgets all requests that have arrived.
    pub fn forget(&self) {
        self.shared.seen.lock().unwrap().clear();
    }

    #[track_caller]
    pub fn last(&self) -> Seen {
        self.seen().pop().expect("no request reached the upstream")
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        for stream in self.shared.open.lock().unwrap().take().unwrap_or_default() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the acceptor.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, handler: &Handler) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let Ok(kept) = stream.try_clone() else {
            continue;
        };
        match shared.open.lock().unwrap().as_mut() {
            Some(open) => open.push(kept),
            None => return,
        }
        let (shared, handler) = (Arc::clone(shared), Arc::clone(handler));
        spawn(move || {
            // Ends with an error when either side closes, and every connection ends this way.
            let _ = serve(&stream, &shared, &handler);
            let _ = stream.shutdown(Shutdown::Both);
        });
    }
}

fn serve(stream: &TcpStream, shared: &Shared, handler: &Handler) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    loop {
        let line = read_line(&mut reader)?;
        let mut words = line.splitn(3, |&byte| byte == b' ');
        let (method, path) = (
            words.next().unwrap_or_default().to_vec(),
            words.next().unwrap_or_default().to_vec(),
        );
        let headers = read_headers(&mut reader)?;
        let body = read_body(&mut reader, &headers, false)?;
        let seen = Seen {
            method,
            path,
            headers,
            body,
        };
        let (upgrade, to_head) = (
            seen.header("upgrade").map(str::to_owned),
            seen.method == b"HEAD",
        );
        let reply = handler(&seen);
        shared.seen.lock().unwrap().push(seen);
        if let Some(protocol) = upgrade {
            write!(
                writer,
                "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: {protocol}\r\n\r\n"
            )?;
            return send_back(&mut reader, writer);
        }
        let mut bytes = format!("HTTP/1.1 {} Answer\r\n", reply.status).into_bytes();
        for (name, value) in &reply.headers {
            bytes.extend(format!("{name}: {value}\r\n").bytes());
        }
        bytes.extend(format!("content-length: {}\r\n\r\n", reply.body.len()).bytes());
        if !to_head {
            bytes.extend(reply.body);
        }
        writer.write_all(&bytes)?;
    }
}

fn send_back(reader: &mut impl Read, mut writer: impl Write) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let count = reader.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        writer.write_all(&buffer[..count])?;
    }
}
