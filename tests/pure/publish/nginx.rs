//! The folder of a feed behind nginx, as `docs/feed-publish.md` sets it up.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use super::{Press, debian, revoke};
use crate::support::find::root;
use crate::support::process::Guarded;
use crate::support::restricted::restricted;
use crate::support::wait::{BOUND, eventually};

/// A running nginx, and the port that it listens on.
struct Nginx {
    _process: Guarded,
    port: u16,
}

impl Nginx {
    fn start(press: &Press) -> Option<Self> {
        let nginx = debian("nginx", "nginx")?;
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let page = fs::read_to_string(root().join("docs/feed-publish.md")).unwrap();
        let server = page
            .split("```nginx\n")
            .nth(1)
            .unwrap()
            .split("```")
            .next()
            .unwrap();
        let server = server
            .replace("/srv/feed", press.path("feed").to_str().unwrap())
            .replace("listen 8080", &format!("listen 127.0.0.1:{port}"));
        let folder = press.folder.path().display();
        let text = format!(
            "daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;\n\
             events {{}}\nhttp {{ access_log off; gzip on; gzip_types *; client_body_temp_path {folder}; proxy_temp_path {folder}; \
             fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};\n{server}\n}}\n"
        );
        fs::write(press.path("nginx.conf"), text).unwrap();
        let log = File::create(press.path("nginx.out")).unwrap();
        let mut command = Command::new(nginx);
        command
            .arg("-c")
            .arg(press.path("nginx.conf"))
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let process = Guarded::spawn(&mut command).unwrap();
        eventually("nginx listens", BOUND, || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Some(Self {
            _process: process,
            port,
        })
    }

    fn get(&self, path: &str, headers: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
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
    let (head, body) = nginx.get("/head", "");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("Cache-Control: no-cache"), "{head}");
    assert_eq!(body, fs::read(press.path("feed/head")).unwrap());
    let tag = head
        .lines()
        .find_map(|line| line.strip_prefix("ETag: "))
        .unwrap();
    let known = format!("if-none-match: {tag}\r\n");
    assert!(nginx.get("/head", &known).0.starts_with("HTTP/1.1 304"));
    let base = press.present().head.base;
    let path = format!("/o/{}.base", base.sha256);
    let whole = fs::read(press.path(&format!("feed{path}"))).unwrap();
    // Also for a client that would take it compressed: then there would be no ranges.
    for more in ["", "accept-encoding: gzip\r\n"] {
        let (head, part) = nginx.get(&path, &format!("range: bytes=1000-1999\r\n{more}"));
        assert!(head.starts_with("HTTP/1.1 206"), "{head}");
        assert!(
            head.contains(&format!("Content-Range: bytes 1000-1999/{}", base.size)),
            "{head}"
        );
        assert!(head.contains("immutable"), "{head}");
        assert!(part == whole[1000..2000]);
    }
    for path in ["/retired", "/o/", "/", "/o/../retired"] {
        assert!(nginx.get(path, "").0.starts_with("HTTP/1.1 404"), "{path}");
    }
    revoke(&mut state, 3);
    press.write(&state);
    press.published(&[]);
    let (head, body) = nginx.get("/head", &known);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(body, fs::read(press.path("feed/head")).unwrap());
}
