//! Servers for the folder of a feed.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use super::{Press, debian};
use crate::find::root;
use crate::process::Guarded;
use crate::wait::{BOUND, eventually};

/// A running nginx, and its port.
pub struct Nginx {
    _process: Guarded,
    pub address: SocketAddr,
}

impl Nginx {
    pub fn start(press: &Press) -> Option<Self> {
        Self::start_with(press, "")
    }

    /// The same, with more lines in its `server`.
    pub fn start_with(press: &Press, more: &str) -> Option<Self> {
        let nginx = debian("nginx", "nginx")?;
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = fs::read_to_string(root().join("envoy/feed/nginx.conf")).unwrap();
        let page = fs::read_to_string(root().join("docs/feed-publish.md")).unwrap();
        assert!(
            page.contains(&format!("```nginx\n{server}```")),
            "docs/feed-publish.md shows another nginx.conf"
        );
        let server = server
            .replace("/srv/feed", press.path("feed").to_str().unwrap())
            .replace("listen 8080;", &format!("listen 127.0.0.1:{port};\n{more}"));
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
            address: ([127, 0, 0, 1], port).into(),
        })
    }
}

/// A running `feed serve`.
pub struct Served {
    pub child: Child,
    pub address: SocketAddr,
}

impl Served {
    pub fn start(press: &Press, more: &[&str]) -> Self {
        Self::of(press, "feed", more)
    }

    /// Serves another folder of the press.
    pub fn of(press: &Press, folder: &str, more: &[&str]) -> Self {
        let arguments = ["feed", "serve", folder, "--listen", "127.0.0.1:0"];
        let mut child = press
            .command(&[&arguments, more].concat())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit(' ').next().unwrap().parse().unwrap();
        Self { child, address }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
