//! A server that is killed while it makes and ends keys. The store's own harness kills more often
//! (`store::crash`). This test covers the whole server, its answers and its file.

use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use keyward_harness::process::Folder;
use serde_json::{Value, json};

use crate::local::Local;
use crate::world::{command, try_straight};

/// The number of kills.
const KILLS: u64 = 4;
/// The number of clients.
const CLIENTS: u64 = 3;

/// A request with an idempotency key, and its answer if one came.
struct Sent {
    idempotency: String,
    made: Option<String>,
}

#[test]
fn a_killed_server_lost_nothing_it_answered_and_does_nothing_twice() {
    let folder = Folder::new("kills");
    let mut local = Local::start(folder.path());
    let mut revision = 0;
    for round in 0..KILLS {
        let clients: Vec<JoinHandle<Vec<Sent>>> = (0..CLIENTS)
            .map(|client| {
                let socket = local.socket();
                thread::spawn(move || talk(&socket, &format!("k{round}x{client}")))
            })
            .collect();
        // Each time at another moment. All of the following holds at any moment.
        thread::sleep(Duration::from_millis(150 + 130 * round));
        local.kill();
        let sent: Vec<Sent> = clients
            .into_iter()
            .flat_map(|client| client.join().unwrap())
            .collect();
        let published = local.published();
        let held = published["snapshot"]["revision"].as_u64().unwrap();
        assert!(held >= revision, "{held} after {revision}");
        revision = held;

        local.serve(&[]);
        for one in &sent {
            is_there_once(&local, one);
        }
    }
    local.kill();
    let data = local.data();
    let checked = command().arg("check").arg("--data").arg(data).output();
    let checked = checked.unwrap();
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}");
}

fn new_key(idempotency: &str) -> Value {
    json!({
        "type": "secret_key", "permissions": ["customer_read"], "name": idempotency,
        "keyward": {"owner": "acct_1", "livemode": true},
    })
}

/// Makes keys until the server stops answering.
fn talk(socket: &Path, name: &str) -> Vec<Sent> {
    let mut sent = Vec::new();
    for number in 0.. {
        let idempotency = format!("{name}x{number}");
        let (head, body) = (
            [("idempotency-key", idempotency.as_str())],
            new_key(&idempotency),
        );
        let asked = try_straight(socket, "POST", "/v2/iam/api_keys", &head, Some(&body));
        if asked.as_ref().is_some_and(|(status, _)| *status == 429) {
            continue;
        }
        let is_over = asked.is_none();
        let made = asked.map(|(status, made)| {
            assert_eq!(status, 200, "{made}");
            made["id"].as_str().unwrap().to_owned()
        });
        sent.push(Sent { idempotency, made });
        if is_over {
            break;
        }
    }
    sent
}

/// Asserts that a key whose request was answered exists once, even after the same request again. A
/// key whose request was not answered exists completely or not at all.
fn is_there_once(local: &Local, sent: &Sent) {
    let head = [("idempotency-key", sent.idempotency.as_str())];
    let body = new_key(&sent.idempotency);
    let (status, again) = local.ask("POST", "/v2/iam/api_keys", &head, Some(&body));
    let id = match (status, &sent.made) {
        (409, made) => {
            let id = again["error"]["keyward"]["api_key"].as_str().unwrap();
            if let Some(made) = made {
                assert_eq!(id, made, "{again}");
            }
            id.to_owned()
        }
        (200, None) => again["id"].as_str().unwrap().to_owned(),
        (_, made) => panic!("{status} {again}: {made:?} was answered and is lost"),
    };
    let (status, key) = local.ask("GET", &format!("/v2/iam/api_keys/{id}"), &[], None);
    assert_eq!((status, &key["name"]), (200, &json!(sent.idempotency)));
    let path = format!("/v2/iam/api_keys?limit=100&query={}", sent.idempotency);
    let (_, found) = local.ask("GET", &path, &[], None);
    let named = |key: &&Value| key["name"] == json!(sent.idempotency);
    let count = found["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(named)
        .count();
    assert_eq!(count, 1, "{}", sent.idempotency);
}
