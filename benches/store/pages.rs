//! The console's pages over the same store: the whole server, in this process, asked on its socket as Envoy asks it. What is measured ends with the first byte
//! of an answer.

use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keyward_server::serve::{self, Takes};
use keyward_server::uid::Uid;

use crate::fill::Filled;
use crate::work::Times;

/// What Envoy sends to the server, and the digest of it that the server keeps.
pub(crate) const SECRET: &str = "FAKE-gateway-of-the-bench";
const SECRET_SHA256: &str = "b774bc4293c71de50ae45f048a275e6d6ef53ff4bd348439dfcfb0f0d27ae771";

/// How many pages are asked for, one after the other.
const PAGES: usize = 300;

/// A server that is asked, and the session of the person who asks.
pub(crate) struct Console {
    api: PathBuf,
    admin: PathBuf,
    cookie: String,
}

impl Console {
    /// Starts the server on the store in `data`, which is not open elsewhere, and signs in.
    pub(crate) fn start(folder: &Path, data: &Path) -> Self {
        let (api, admin) = (folder.join("run/api.sock"), folder.join("admin/admin.sock"));
        let file = folder.join("keyward-server.toml");
        let text = format!(
            "data = {data:?}\noperator_account = \"acct_0\"\npublic_url = \"http://localhost:10000\"\n\n[listen]\napi = {api:?}\n\
             admin = {admin:?}\ntrusted_uids = [\"{}\"]\ngateway_sha256 = \"{SECRET_SHA256}\"\n\n[limits]\nkeys = 4000000\n",
            Uid::own().number()
        );
        for (socket, mode) in [(&api, 0o750), (&admin, 0o700)] {
            let parent = socket.parent().unwrap();
            std::fs::DirBuilder::new()
                .mode(mode)
                .create(parent)
                .unwrap();
        }
        std::fs::write(&file, text).unwrap();
        // It ends with the process.
        std::thread::spawn(move || serve::run(&file, Takes::Everything).unwrap());
        let end = Instant::now() + Duration::from_secs(120);
        while UnixStream::connect(&admin).is_err() {
            assert!(Instant::now() < end, "the server did not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        let body = r#"{"role": "admin", "actor": {"id": "bench@example.com"}}"#;
        let made = post(&admin, "/v2/keyward/console_sessions", body);
        let token = between(&made.text, "#", "\"");
        let form = format!("code={token}");
        let entered = ask(
            &api,
            &format!(
                "POST /console/enter HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-keyward-gateway: {SECRET}\r\nsec-fetch-site: same-origin\r\n\
                 content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
                form.len()
            ),
        );
        let cookie = between(&entered.text, "__Host-keyward_console=", ";").to_owned();
        Self { api, admin, cookie }
    }

    /// Sends a request to the API, as a person on the machine, and returns the answer.
    pub(crate) fn post(&self, path: &str, body: &str) -> String {
        loop {
            let answer = post(&self.admin, path, body).text;
            if !answer.starts_with("HTTP/1.1 429") {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The socket that Envoy asks on.
    pub(crate) fn api(&self) -> &Path {
        &self.api
    }

    /// The socket of the machine's own user.
    pub(crate) fn admin(&self) -> &Path {
        &self.admin
    }

    /// How long the first byte of a page took, page after page from the newest on where it has more than one.
    pub(crate) fn walk(&self, first: &str) -> Times {
        let mut times = Times::default();
        let mut path = first.to_owned();
        for _ in 0..PAGES {
            let page = self.patient(&path);
            assert!(page.text.starts_with("HTTP/1.1 200"), "{}", page.text);
            times.push(page.first_byte);
            path = older(&page.text).unwrap_or_else(|| first.to_owned());
        }
        times
    }

    /// How many rows a page of the list has.
    pub(crate) fn rows(&self, path: &str) -> usize {
        self.get(path).text.matches("role=\"rowheader\"").count()
    }

    /// Waits while the session has asked for too many pages: no person does.
    fn patient(&self, path: &str) -> Page {
        loop {
            let page = self.get(path);
            if !page.text.starts_with("HTTP/1.1 429") {
                return page;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn get(&self, path: &str) -> Page {
        ask(
            &self.api,
            &format!(
                "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx-keyward-gateway: {SECRET}\r\ncookie: __Host-keyward_console={}\r\n\r\n",
                self.cookie
            ),
        )
    }
}

/// The lists that people look at, by what they are called.
pub(crate) fn lists(filled: &Filled) -> Vec<(&'static str, String)> {
    vec![
        ("no filter", "/console/keys".to_owned()),
        ("by account", "/console/keys?account=acct_3".to_owned()),
        ("live ones", "/console/keys?mode=live".to_owned()),
        ("a word of the name", "/console/keys?q=word-77".to_owned()),
        ("the last four", format!("/console/keys?q={}", filled.end)),
        ("by label", "/console/keys?label=team%3Ateam-7".to_owned()),
    ]
}

struct Page {
    first_byte: Duration,
    text: String,
}

/// Sends one request on a new connection, like the first request of a page.
fn ask(socket: &Path, question: &str) -> Page {
    let mut stream = UnixStream::connect(socket).unwrap();
    let began = Instant::now();
    stream.write_all(question.as_bytes()).unwrap();
    let mut answer = vec![0];
    stream.read_exact(&mut answer).unwrap();
    let first_byte = began.elapsed();
    stream.read_to_end(&mut answer).unwrap();
    Page {
        first_byte,
        text: String::from_utf8(answer).unwrap(),
    }
}

fn post(socket: &Path, path: &str, body: &str) -> Page {
    ask(
        socket,
        &format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        ),
    )
}

/// Where the link to older keys leads.
fn older(page: &str) -> Option<String> {
    let (before, _) = page.split_once("Older ›</a>")?;
    let (_, href) = before.rsplit_once("href=\"")?;
    Some(href.split('"').next()?.replace("&amp;", "&"))
}

pub(crate) fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let (_, after) = text
        .split_once(from)
        .unwrap_or_else(|| panic!("no {from} in {text}"));
    after.split(to).next().unwrap()
}
