//! Checks who else could act as the gateway: processes that run as Envoy's user, and users that
//! could replace the server's socket. No dump contains this, so it is read from this machine, if
//! Envoy runs here.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use crate::http::Authority;

use super::report::{Check, Level, Report};
use super::server::Sockets;

const CHECK: Check = Check::Server;
const MEND: &str = "run Envoy as a separate user, and nothing else as that user: docs/server.md";

/// The maximum number of processes that are named.
const NAMED: usize = 5;

/// Checks the sockets. `admin` is `None` if the dump comes from a file.
pub(super) fn check(admin: Option<&Authority>, sockets: &Sockets<'_>, report: &mut Report) {
    let paths = sockets.paths();
    for path in &paths {
        let place = format!("the server's socket `{path}`");
        match look(admin, Path::new(path)) {
            Ok(seen) => seen.judge(&place, report),
            Err(why) => report.found(
                Level::Note,
                CHECK,
                &place,
                format!("{why}: whether another process runs as Envoy's user, whom the server believes, was not looked at"),
                "",
            ),
        }
    }
}

/// What this machine shows.
struct Seen {
    socket: String,
    /// Whether users other than the owner may change the socket's folder.
    is_replaceable: bool,
    admin: String,
    uid: u32,
    /// The names of all processes of Envoy's user.
    processes: Vec<String>,
}

impl Seen {
    fn judge(&self, place: &str, report: &mut Report) {
        let Self {
            socket,
            admin,
            uid,
            processes,
            ..
        } = self;
        if self.is_replaceable {
            report.found(
                Level::Warn,
                CHECK,
                place,
                format!("other users than its owner may change its folder, and put a socket in its place that is sent the gateway's secret. Looked at: {socket}"),
                "let the folder belong to the server's user, with mode 0750",
            );
        }
        let looked = format!(
            "Looked at: the port of `{admin}`, which a process of uid {uid} holds; the processes in this /proc; {socket}. Which uids the server trusts is not known here"
        );
        let names: BTreeSet<&str> = processes.iter().map(String::as_str).collect();
        let first: Vec<&str> = names.iter().take(NAMED).copied().collect();
        let more = if names.len() > NAMED { ", …" } else { "" };
        let shown = format!("`{}`{more}", first.join("`, `"));
        match processes.len() {
            0 => report.found(
                Level::Note,
                CHECK,
                place,
                format!("this /proc shows no process of Envoy's user, so whether another shares it cannot be said. {looked}"),
                "",
            ),
            1 => report.found(
                Level::Note,
                CHECK,
                place,
                format!("one process runs as Envoy's user, {shown}. {looked}"),
                "",
            ),
            count => report.found(
                Level::Warn,
                CHECK,
                place,
                format!("{count} processes run as Envoy's user ({shown}), and the server believes each as it believes Envoy: with the gateway's secret it speaks for any key. {looked}"),
                MEND,
            ),
        }
    }
}

/// Returns what this machine shows, or why it shows nothing.
fn look(admin: Option<&Authority>, path: &Path) -> Result<Seen, String> {
    let admin = admin.ok_or("the dump comes from a file")?.as_str();
    let (host, port) = admin
        .rsplit_once(':')
        .ok_or("the admin interface has no port")?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_here = host == "localhost" || host.parse().is_ok_and(|host: IpAddr| host.is_loopback());
    if !is_here {
        return Err(format!(
            "the admin interface `{admin}` is not asked over loopback"
        ));
    }
    let unreadable = |error: std::io::Error| format!("it cannot be looked at from here ({error})");
    let socket = fs::symlink_metadata(path).map_err(unreadable)?;
    if !socket.file_type().is_socket() {
        return Err("there is no socket at that path on this machine".to_owned());
    }
    let folder = fs::metadata(path.parent().unwrap_or(path)).map_err(unreadable)?;
    let port = port
        .parse()
        .map_err(|_| "the admin interface has no port")?;
    let uid = listener(port)
        .ok_or_else(|| format!("/proc/net/tcp does not say whose port `{admin}` is"))?;
    Ok(Seen {
        socket: format!(
            "the socket, of uid {} with mode {:04o}; its folder, of uid {} with mode {:04o}",
            socket.uid(),
            socket.mode() & 0o7777,
            folder.uid(),
            folder.mode() & 0o7777
        ),
        // In a folder with the sticky bit, only a file's own user can remove it.
        is_replaceable: folder.mode() & 0o022 != 0 && folder.mode() & 0o1000 == 0,
        admin: admin.to_owned(),
        uid,
        processes: processes(uid),
    })
}

/// Returns the user whose process listens on a port of this machine, if there is only one.
fn listener(port: u16) -> Option<u32> {
    let pages = ["/proc/net/tcp", "/proc/net/tcp6"]
        .map(|page| fs::read_to_string(page).unwrap_or_default());
    let uids: BTreeSet<u32> = pages
        .iter()
        .flat_map(|page| listening(page, port))
        .collect();
    uids.first().copied().filter(|_| uids.len() == 1)
}

/// Returns the users that listen on a port.
///
/// Source: `proc_net_tcp.txt` of Linux: `local_address` is the second column, the state `st` the
/// fourth, with `0A` for listening, and `uid` the eighth
fn listening(page: &str, port: u16) -> Vec<u32> {
    let end = format!(":{port:04X}");
    let uid = |line: &str| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let is_it = columns.get(1)?.ends_with(&end) && *columns.get(3)? == "0A";
        is_it.then(|| columns.get(7)?.parse().ok())?
    };
    page.lines().filter_map(uid).collect()
}

/// Returns the names of a user's processes, except this command.
fn processes(uid: u32) -> Vec<String> {
    let own = std::process::id().to_string();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let of_others = entries.filter(|entry| entry.file_name() != *own);
    let status = of_others.filter_map(|entry| fs::read_to_string(entry.path().join("status")).ok());
    status.filter_map(|page| name(&page, uid)).collect()
}

/// Returns the name of a process, if it runs as this user.
///
/// Source: proc_pid_status(5): `Uid:` has the real, effective, saved and file system user. The
/// server sees the effective one
fn name(status: &str, uid: u32) -> Option<String> {
    let line = |start| status.lines().find_map(|line| line.strip_prefix(start));
    let effective: u32 = line("Uid:")?
        .split_ascii_whitespace()
        .nth(1)?
        .parse()
        .ok()?;
    let name = line("Name:")?.trim();
    (effective == uid).then(|| name.escape_debug().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_belongs_to_the_users_that_listen_there() {
        let page = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:26AD 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        0 5 1 0 100 0 0 10 0\n   \
            1: 0100007F:26AD 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1002        0 6 1 0 100 0 0 10 0\n   \
            2: 0100007F:2710 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1003        0 7 1 0 100 0 0 10 0\n";
        assert_eq!(listening(page, 9901), [1001]);
        assert_eq!(listening(page, 10_000), [1003]);
        assert_eq!(listening(page, 9902), Vec::<u32>::new());
    }

    #[test]
    fn a_process_is_its_effective_users() {
        let status = "Name:\tenvoy\nUmask:\t0022\nUid:\t1000\t1001\t1000\t1001\nGid:\t5\t5\t5\t5\n";
        assert_eq!(name(status, 1001).as_deref(), Some("envoy"));
        assert_eq!(name(status, 1000), None);
        assert_eq!(name("Name:\tenvoy\n", 1001), None);
    }

    fn judged(processes: &[&str], is_replaceable: bool) -> String {
        let seen = Seen {
            socket: "the socket, of uid 7 with mode 0660".to_owned(),
            is_replaceable,
            admin: "127.0.0.1:9901".to_owned(),
            uid: 8,
            processes: processes.iter().map(ToString::to_string).collect(),
        };
        let mut report = Report::default();
        seen.judge("s", &mut report);
        let mut out = Vec::new();
        report.print(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_says_what_it_looked_at_and_no_more() {
        let shared = judged(&["envoy", "node", "node"], false);
        assert!(
            shared.starts_with(
                "warn  server at s\n      3 processes run as Envoy's user (`envoy`, `node`)"
            ),
            "{shared}"
        );
        let many = judged(&["a", "b", "c", "d", "e", "f"], false);
        assert!(many.contains("(`a`, `b`, `c`, `d`, `e`, …)"), "{many}");
        assert!(judged(&["envoy"], false).starts_with("note  server at s\n      one process runs"));
        assert!(
            judged(&[], false).starts_with("note  server at s\n      this /proc shows no process")
        );
        for text in [&shared, &judged(&["envoy"], false), &judged(&[], false)] {
            assert!(
                text.contains("of uid 8 holds") && text.contains("with mode 0660"),
                "{text}"
            );
        }
        let replaceable = judged(&["envoy"], true);
        assert!(
            replaceable.contains("warn  server at s\n      other users than its owner"),
            "{replaceable}"
        );
    }
}
