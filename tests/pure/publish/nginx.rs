//! The folder of a feed, served by nginx as set up in `docs/feed-publish.md`.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::publishing::{Nginx, Press, revoke};
use crate::support::restricted::restricted;

fn get(nginx: &Nginx, path: &str, headers: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(nginx.address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    (head, bytes[end + 4..].to_vec())
}

#[test]
fn nginx_serves_a_feed_with_tags_and_ranges() {
    let press = Press::new("nginx");
    let mut state = restricted(5_000);
    press.write(&state);
    press.published(&["--begin"]);
    let Some(nginx) = Nginx::start(&press) else {
        return;
    };
    let (head, body) = get(&nginx, "/head", "");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("Cache-Control: no-cache"), "{head}");
    assert_eq!(body, fs::read(press.path("feed/head")).unwrap());
    let tag = head
        .lines()
        .find_map(|line| line.strip_prefix("ETag: "))
        .unwrap();
    let known = format!("if-none-match: {tag}\r\n");
    assert!(get(&nginx, "/head", &known).0.starts_with("HTTP/1.1 304"));
    let base = press.present().head.base;
    let path = format!("/o/{}.base", base.sha256);
    let whole = fs::read(press.path(&format!("feed{path}"))).unwrap();
    // Even for a client that accepts compression, which would rule out ranges.
    for more in ["", "accept-encoding: gzip\r\n"] {
        let (head, part) = get(&nginx, &path, &format!("range: bytes=1000-1999\r\n{more}"));
        assert!(head.starts_with("HTTP/1.1 206"), "{head}");
        assert!(
            head.contains(&format!("Content-Range: bytes 1000-1999/{}", base.size)),
            "{head}"
        );
        assert!(head.contains("immutable"), "{head}");
        assert!(part == whole[1000..2000]);
    }
    for path in ["/retired", "/o/", "/", "/o/../retired"] {
        assert!(
            get(&nginx, path, "").0.starts_with("HTTP/1.1 404"),
            "{path}"
        );
    }
    revoke(&mut state, 3);
    press.write(&state);
    press.published(&[]);
    let (head, body) = get(&nginx, "/head", &known);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(body, fs::read(press.path("feed/head")).unwrap());
}
