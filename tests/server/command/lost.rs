//! Answers that are lost on the network: the command sends the request again, but the server
//! carries it out only once.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use keyward_support::command::Said;
use serde_json::Value;

use super::both::on_server;
use crate::world::World;

/// A network that passes requests on to the gateway, and loses the answers to the first few that
/// change something.
struct Lossy {
    address: SocketAddr,
    lost: Arc<AtomicUsize>,
    /// The number of passed requests that change something.
    sent: Arc<AtomicUsize>,
}

impl Lossy {
    fn before(gateway: SocketAddr, to_lose: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (lost, sent) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counted = (Arc::clone(&lost), Arc::clone(&sent));
        // The thread ends with the process: no one connects once the test is over.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (lost, sent) = &counted;
                let _ = hand_on(stream.unwrap(), gateway, to_lose, lost, sent);
            }
        });
        Self {
            address,
            lost,
            sent,
        }
    }
}

/// Passes on the requests of one connection, until an answer is lost or the client disconnects.
fn hand_on(
    client: TcpStream,
    gateway: SocketAddr,
    to_lose: usize,
    lost: &AtomicUsize,
    sent: &AtomicUsize,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut client = client;
    let mut beyond = TcpStream::connect(gateway)?;
    let mut answers = BufReader::new(beyond.try_clone()?);
    loop {
        let request = message(&mut reader)?;
        let changes = !request.starts_with(b"GET ");
        beyond.write_all(&request)?;
        let answer = message(&mut answers)?;
        if changes {
            sent.fetch_add(1, Ordering::SeqCst);
            if lost.load(Ordering::SeqCst) < to_lose {
                lost.fetch_add(1, Ordering::SeqCst);
                return Ok(());
            }
        }
        client.write_all(&answer)?;
    }
}

/// Reads a head and its body, which has a length or comes in chunks.
fn message(stream: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let (mut bytes, mut length, mut is_chunked) = (Vec::new(), 0, false);
    loop {
        let start = bytes.len();
        if stream.read_until(b'\n', &mut bytes)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = String::from_utf8_lossy(&bytes[start..]).to_ascii_lowercase();
        if let Some(text) = line.strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        is_chunked |= line.starts_with("transfer-encoding:") && line.contains("chunked");
        if line == "\r\n" {
            break;
        }
    }
    while is_chunked {
        let start = bytes.len();
        stream.read_until(b'\n', &mut bytes)?;
        let size = String::from_utf8_lossy(&bytes[start..]).trim().to_owned();
        let size = usize::from_str_radix(&size, 16).unwrap();
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk)?;
        bytes.extend(chunk);
        is_chunked = size > 0;
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    bytes.extend(body);
    Ok(bytes)
}

fn run(world: &World, lossy: &Lossy, line: &str) -> Said {
    let mut command = on_server(world);
    command.env("KEYWARD_SERVER", format!("http://{}", lossy.address));
    command.args(line.split(' ')).output().unwrap().into()
}

fn keys(world: &World, query: &str) -> Vec<Value> {
    let path = format!("/v2/iam/api_keys?limit=100&owner=acct_widgets{query}");
    world.api("GET", &path, None).json()["data"]
        .as_array()
        .unwrap()
        .clone()
}

#[test]
fn a_key_is_made_once_though_its_answer_was_lost() {
    let world = World::start();
    world.account("acct_widgets");
    // By its digest, so the value was never in the answer.
    let lossy = Lossy::before(world.gateway, 1);
    let said = run(
        &world,
        &lossy,
        "keys create --owner acct_widgets --grant customer=read --json",
    );
    assert_eq!(said.code, Some(0), "{}", said.err);
    let made: Value = serde_json::from_str(&said.out).unwrap();
    let all = keys(&world, "&include_expired=true");
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["id"], made["id"]);
    let value = made["value"].as_str().unwrap();
    let shown = all[0]["secret_key"]["secret_token_redacted"]
        .as_str()
        .unwrap();
    assert_eq!(
        shown,
        format!("rk_test_****{}", value.split_at(value.len() - 4).1)
    );
    assert_eq!(
        (
            lossy.lost.load(Ordering::SeqCst),
            lossy.sent.load(Ordering::SeqCst)
        ),
        (1, 2)
    );
    keyward_harness::eventually("the key works", crate::world::PROPAGATION, || {
        (world.call(value, "GET", "/v1/customers", None).status == 200).then_some(())
    });

    // A publishable key, which the server makes.
    let lossy = Lossy::before(world.gateway, 2);
    let said = run(
        &world,
        &lossy,
        "keys create --owner acct_widgets --kind publishable",
    );
    assert_eq!(said.code, Some(0), "{}", said.err);
    let all = keys(&world, "&kind=publishable");
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["publishable_key"]["token"], said.out.trim());

    let id = made["id"].as_str().unwrap();
    let lossy = Lossy::before(world.gateway, 1);
    let said = run(&world, &lossy, &format!("keys rotate {id} --keep-for 1h"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(keys(&world, "&kind=restricted").len(), 2);

    let lossy = Lossy::before(world.gateway, 1);
    let said = run(&world, &lossy, &format!("keys delete {id} --yes"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(keys(&world, "&state=deleted").len(), 1);

    // The first keys, whose values the server makes: no second account is made, and the retry makes
    // all keys.
    let lossy = Lossy::before(world.gateway, 1);
    let line = "accounts add acct_two --policy operator";
    let said = run(&world, &lossy, line);
    assert_eq!(said.code, Some(4));
    assert!(
        said.err.contains("the account was removed again"),
        "{}",
        said.err
    );
    let said = run(&world, &lossy, line);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert_eq!(said.out.lines().count(), 5);
}

#[test]
fn a_server_that_is_gone_is_said_to_be() {
    let world = World::start();
    let nowhere = Lossy::before(world.gateway, usize::MAX);
    let said = run(&world, &nowhere, "accounts add org_1");
    assert_eq!(said.code, Some(4));
    assert!(
        said.err
            .contains("whether the change was made is not known"),
        "{}",
        said.err
    );
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut command = on_server(&world);
    command.env("KEYWARD_SERVER", format!("http://{port}"));
    let said: Said = command.args(["keys", "list"]).output().unwrap().into();
    assert_eq!(said.code, Some(4));
    assert!(
        said.err
            .contains(&format!("`http://{port}` cannot be asked")),
        "{}",
        said.err
    );
}
