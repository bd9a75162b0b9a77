use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use crate::support::publishing::{Press, Served, revoke};
use crate::support::restricted::restricted;
use crate::support::wait::{BOUND, eventually};

fn ask(server: &Served, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(BOUND)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

fn all(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a_publication_ends_the_waiting_of_a_poll() {
    let press = Press::new("serve");
    let mut state = restricted(50);
    press.write(&state);
    press.published(&["--begin"]);
    let mut server = Served::start(&press, &["--path", "/feeds/prod/"]);
    let first = all(ask(&server, "/feeds/prod/head", ""));
    assert!(first.starts_with("HTTP/1.1 200"), "{first}");
    let tag = first
        .lines()
        .find_map(|line| line.strip_prefix("etag: "))
        .unwrap();
    let waits = format!(
        "if-none-match: {tag}\r\nprefer: wait=50\r\n\
        user-agent: keyward/0.1.0 (gw=edge-1; vm=00c0ffee; rev=1; state=ok)\r\n"
    );
    let waiting = ask(&server, "/feeds/prod/head", &waits);
    eventually("the fleet shows who waits", BOUND, || {
        all(ask(&server, "/feeds/prod/fleet", ""))
            .contains("\"is_waiting\":true")
            .then_some(())
    });
    revoke(&mut state, 1);
    press.write(&state);
    press.published(&[]);
    let next = all(waiting);
    assert!(
        next.starts_with("HTTP/1.1 200") && next.contains("preference-applied: wait=50"),
        "{next}"
    );
    let revision = press.present().head.revision.number();
    assert!(next.contains(&format!("\"revision\":{revision}")), "{next}");
    let id = server.child.id().to_string();
    assert!(
        Command::new("/bin/kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    let status = eventually("the server ends", BOUND, || {
        server.child.try_wait().unwrap()
    });
    assert_eq!(status.code(), Some(0));
}

#[test]
fn other_machines_are_not_served_without_tls() {
    let press = Press::new("serve-refused");
    for (address, code) in [("0.0.0.0:0", 2), ("localhost:80", 2)] {
        let said = press.run(&["feed", "serve", "feed", "--listen", address]);
        assert_eq!(said.code, Some(code), "{address}: {}", said.err);
    }
    let said = press.run(&["feed", "serve", "absent", "--listen", "127.0.0.1:0"]);
    assert_eq!(said.code, Some(4), "{}", said.err);
}
