//! A typical service for `ext_authz`: an HTTP service that looks a key up in a table. It has a
//! thread for each of Envoy's connections (one worker keeps a few) and no framework, so it is as
//! fast as it can be.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::Builder;

/// The name of its threads. It identifies them when their time is counted.
pub const THREADS: &str = "authz";

/// Serves for as long as the process runs.
pub fn serve(keys: Vec<String>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let keys: Arc<HashSet<String>> = Arc::new(keys.into_iter().collect());
    let named = || Builder::new().name(THREADS.to_owned());
    let accept = move || {
        for stream in listener.incoming().flatten() {
            let keys = Arc::clone(&keys);
            named().spawn(move || answer(&stream, &keys)).unwrap();
        }
    };
    Builder::new()
        .name(THREADS.to_owned())
        .spawn(accept)
        .unwrap();
    address
}

/// Answers until Envoy closes the connection. A check has no body.
fn answer(stream: &TcpStream, keys: &HashSet<String>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let (mut lines, mut out) = (BufReader::new(stream), stream);
    let mut line = String::new();
    let mut is_known = false;
    loop {
        line.clear();
        if lines.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let text = line.trim_end();
        if let Some((name, value)) = text.split_once(": ")
            && name.eq_ignore_ascii_case("authorization")
        {
            is_known = value
                .strip_prefix("Bearer ")
                .is_some_and(|key| keys.contains(key));
        }
        if text.is_empty() {
            let status = if is_known {
                "200 OK"
            } else {
                "401 Unauthorized"
            };
            let response = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            out.write_all(response.as_bytes()).ok()?;
            is_known = false;
        }
    }
}
