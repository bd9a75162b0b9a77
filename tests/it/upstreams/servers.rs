//! Starts the servers that `scripts/packages.sh` and `scripts/php.sh` set up, each on a free port
//! of loopback.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::sdk::script::skipped;
use crate::support::find::root;
use crate::support::http::{Connection, NO_HEADERS};
use crate::support::process::Folder;
use crate::support::{BOUND, eventually};

/// A server, and everything it needs. All of it ends when this value is dropped.
pub struct Server {
    pub address: SocketAddr,
    _processes: Vec<Held>,
    _folder: Folder,
}

/// The web server in front of PHP-FPM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// It turns `-` into `_`, and leaves other bytes to PHP.
    Caddy,
    /// It turns every byte that is not a letter or digit into `_`.
    Lighttpd,
}

/// Starts PHP-FPM with `tests/upstreams/php/index.php` for every path. Returns `None` if the
/// machine lacks it.
pub fn php(front: Front) -> Option<Server> {
    let fpm = set_up("php")?;
    let folder = Folder::new("php");
    let (place, port) = (folder.path(), free_port());
    let socket = place.join("fpm.sock");
    let pool = format!(
        "[global]\ndaemonize = no\nerror_log = {}\n[www]\nuser = root\nlisten = {}\npm = static\npm.max_children = 1\nphp_admin_value[display_errors] = off\n",
        place.join("fpm.log").display(),
        socket.display()
    );
    fs::write(place.join("fpm.conf"), pool).unwrap();
    let mut command = Command::new(fpm);
    // Without the machine's settings. `-R` allows root, which owns everything in a container.
    command
        .args(["-n", "-F", "-R", "-y"])
        .arg(place.join("fpm.conf"));
    let fpm = Held::spawn(&command, place);
    eventually("PHP-FPM listens", BOUND, || socket.exists().then_some(()));
    let documents = root().join("tests/upstreams/php");
    let (documents, socket) = (documents.display(), socket.display());
    let mut command = match front {
        Front::Caddy => {
            let text = format!(
                "{{\n\tadmin off\n\tauto_https off\n}}\nhttp://:{port} {{\n\tbind 127.0.0.1\n\troot * {documents}\n\tphp_fastcgi unix/{socket}\n}}\n"
            );
            fs::write(place.join("Caddyfile"), text).unwrap();
            let mut command = Command::new("caddy");
            command.args(["run", "--adapter", "caddyfile", "--config"]);
            command.arg(place.join("Caddyfile"));
            command
        }
        Front::Lighttpd => {
            let text = format!(
                "server.document-root = \"{documents}\"\nserver.bind = \"127.0.0.1\"\nserver.port = {port}\nserver.modules = (\"mod_rewrite\", \"mod_fastcgi\")\n\
                 url.rewrite-once = (\"^/[^?]*(\\?.*)?$\" => \"/index.php$1\")\nfastcgi.server = (\".php\" => ((\"socket\" => \"{socket}\")))\n"
            );
            fs::write(place.join("lighttpd.conf"), text).unwrap();
            let mut command = Command::new("/usr/sbin/lighttpd");
            command.args(["-D", "-f"]).arg(place.join("lighttpd.conf"));
            command
        }
    };
    for variable in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
        command.env(variable, place);
    }
    let front = Held::spawn(&command, place);
    Some(Server::ready(port, vec![front, fpm], folder))
}

/// Starts gunicorn with an application from `tests/upstreams/python/application.py`.
pub fn gunicorn(application: &str) -> Option<Server> {
    let python = set_up("python")?;
    let folder = Folder::new("gunicorn");
    let port = free_port();
    let mut command = Command::new(python);
    command
        .args(["-E", "-s", "-B", "-m", "gunicorn", "--bind"])
        .arg(format!("127.0.0.1:{port}"))
        .args(["--timeout", "30", "--graceful-timeout", "1"])
        .arg("--chdir")
        .arg(root().join("tests/upstreams/python"))
        .arg(format!("application:{application}"))
        .env("HOME", folder.path());
    let process = Held::spawn(&command, folder.path());
    Some(Server::ready(port, vec![process], folder))
}

/// Starts Express with method-override.
pub fn express() -> Option<Server> {
    let packages = set_up("node")?;
    let folder = Folder::new("express");
    let place = folder.path().join("address");
    let mut command = Command::new("node");
    command
        .args(["--preserve-symlinks", "--preserve-symlinks-main"])
        .arg(packages.join("scripts/application.mjs"))
        .arg(&place);
    let process = Held::spawn(&command, folder.path());
    let address: SocketAddr = eventually("Express listens", BOUND, || {
        fs::read_to_string(&place).ok()?.parse().ok()
    });
    Some(Server::ready(address.port(), vec![process], folder))
}

impl Server {
    fn ready(port: u16, processes: Vec<Held>, folder: Folder) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        eventually("the server answers", BOUND, || {
            let mut connection = Connection::try_open(address).ok()?;
            let answer = connection.try_request("GET", "/", NO_HEADERS, b"").ok()?;
            (answer.status == 200).then_some(())
        });
        Self {
            address,
            _processes: processes,
            _folder: folder,
        }
    }
}

/// Returns a port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A server with child processes, which it ends if it is asked to exit, but not if it is killed. A
/// shell asks it to exit once the pipe that this value holds closes, even if the test process ends
/// without dropping the value.
struct Held {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Held {
    fn spawn(command: &Command, folder: &Path) -> Self {
        let log = File::options()
            .create(true)
            .append(true)
            .open(folder.join("log"))
            .unwrap();
        let mut shell = Command::new("/bin/sh");
        shell
            .args([
                "-c",
                "\"$@\" & server=$!; read -r _; kill -TERM $server; wait $server",
                "sh",
            ])
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        for (name, value) in command.get_envs() {
            shell.env(name, value.unwrap());
        }
        let mut shell = shell.spawn().unwrap();
        let pipe = shell.stdin.take();
        Self { shell, pipe }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.shell.wait();
    }
}

/// Returns what `scripts/packages.sh upstreams` or `scripts/php.sh` prints. If a tool is not
/// available, prints a line and returns `None`. Any other failure fails the test.
fn set_up(kind: &str) -> Option<PathBuf> {
    let (script, arguments) = match kind {
        "php" => ("scripts/php.sh", &[][..]),
        kind => ("scripts/packages.sh", &["upstreams", kind][..]),
    };
    let output = Command::new(root().join(script))
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(3) {
        skipped(&format!("{kind}: {}", said.trim_end()));
        return None;
    }
    assert!(output.status.success(), "{script} {kind}: {said}");
    Some(PathBuf::from(
        String::from_utf8(output.stdout).unwrap().trim(),
    ))
}
