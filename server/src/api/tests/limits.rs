//! What holds up a request, and what never holds up an end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::store::tests::all;
use crate::store::{Answer as Kept, Holds, Reader, while_holds};

const KEYS: &str = "/v2/iam/api_keys";

impl Desk {
    /// Leaves no room for another answer of the local user.
    async fn fill_answers(&self) {
        let principal = Caller::local(Uid::own()).id();
        let filled: Result<(), Stored> = (self.app.store)
            .write(move |tx: &mut Tx<'_>| {
                for number in 0..10_000 {
                    let is_kept = tx.remember(&Kept {
                        principal: &principal,
                        key: &number.to_string(),
                        fingerprint: &[0; 32],
                        status: 200,
                        body: "{}",
                        object_id: None,
                        at: crate::time::now(),
                    })?;
                    assert!(is_kept, "{number}");
                }
                Ok(())
            })
            .await;
        filled.unwrap();
    }
}

#[test]
fn an_end_is_carried_out_even_if_there_is_no_room_for_its_answer() {
    wait(async {
        let desk = Desk::of(100).await;
        let mut ids = Vec::new();
        for _ in 0..4 {
            let made = desk.make(&new_key(), None).await;
            ids.push(made["id"].as_str().unwrap().to_owned());
        }
        desk.fill_answers().await;
        let no_room = desk.call("POST", KEYS, &new_key(), Some("a")).await;
        assert!(no_room.err().unwrap().is(Code::RateLimited));
        let expire = format!("{KEYS}/{}/expire", ids[0]);
        let ended = desk.good("POST", &expire, &json!({}), Some("b")).await;
        assert_eq!(ended["status"], "expired");
        let delete = format!("/v2/keyward/api_keys/{}", ids[1]);
        let ended = desk.good("DELETE", &delete, &json!({}), Some("c")).await;
        assert_eq!(ended["status"], "deleted");
        let purge = format!("/v2/keyward/api_keys/{}?purge=true", ids[2]);
        desk.good("DELETE", &purge, &json!({}), Some("d")).await;
        let revoke = "/v2/keyward/api_keys/revoke";
        let dry = json!({"filter": {"owner": "acct_1"}, "dry_run": true});
        let plan = desk.good("POST", revoke, &dry, Some("e")).await;
        let carry = json!({"plan": plan["id"], "confirm": 1});
        let done = desk.good("POST", revoke, &carry, Some("f")).await;
        assert_eq!(done["revoked"], 1);
        let suspend = "/v2/keyward/accounts/acct_1/suspend";
        let ended = desk.good("POST", suspend, &json!({}), Some("g")).await;
        assert_eq!(ended["status"], "suspended");
    });
}

#[test]
fn what_a_client_calls_its_requests_is_not_kept_in_the_clear() {
    wait(async {
        let desk = Desk::of(100).await;
        let name = "a unique name";
        let first = desk.good("POST", KEYS, &digest_key(), Some(name)).await;
        let again = desk.call("POST", KEYS, &digest_key(), Some(name)).await;
        assert!(again.unwrap().is_replayed);
        assert!(first["id"].is_string());
        let mut files = 0;
        for file in std::fs::read_dir(desk._fixture.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            files += 1;
            let is_there = memchr::memmem::find(&bytes, name.as_bytes()).is_some();
            assert!(!is_there);
        }
        assert!(files > 1);
    });
}

fn digest_key() -> Value {
    let mut new = new_key();
    new["keyward"]["sha256"] = json!("ab".repeat(32));
    new
}

/// A question that always holds, and how often it was asked.
fn counted() -> (Arc<AtomicUsize>, Holds) {
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reads);
    let holds = Arc::new(move |_: &Reader<'_>| {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(true)
    });
    (reads, holds)
}

#[test]
fn a_key_holds_ten_answers_open_and_the_others_come_at_once() {
    wait(async {
        let desk = Desk::of(100).await;
        let path = "/v2/iam/activity_logs?after=1000000&wait=30";
        // Whoever waits reads at the beginning, and then holds a place.
        let at_once = AtomicUsize::new(0);
        let ask = async || {
            let answer = desk.call("GET", path, &Value::Null, None).await.unwrap();
            let answer: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(answer["data"], json!([]));
            at_once.fetch_add(1, Ordering::SeqCst);
        };
        let everyone = all((0..12).map(|_| ask()).collect());
        let two_came = async {
            while at_once.load(Ordering::SeqCst) < 2 {
                tokio::task::yield_now().await;
            }
            let me = Caller::local(Uid::own()).id();
            assert!(desk.app.waits.enter(&me).is_none(), "the others hold ten");
        };
        tokio::select! {
            _ = everyone => panic!("those who wait came before their time"),
            () = two_came => {}
        }
        assert_eq!(at_once.load(Ordering::SeqCst), 2);
        // A change as well, which no gateway confirms here.
        let places: Vec<_> = (0..10)
            .map(|_| {
                desk.app
                    .waits
                    .enter(&Caller::local(Uid::own()).id())
                    .unwrap()
            })
            .collect();
        let asked = "/v2/keyward/changes/1?wait=1";
        let at_once = desk.call("GET", asked, &Value::Null, None).await.unwrap();
        assert_eq!(at_once.waited, None);
        drop(places);
        let held = desk.call("GET", asked, &Value::Null, None).await.unwrap();
        assert_eq!(held.waited, Some(Duration::from_secs(1)));
    });
}

#[test]
fn a_list_that_waits_reads_only_when_something_changed() {
    wait(async {
        let desk = Desk::of(100).await;
        let path = "/v2/iam/activity_logs?after=1000000&wait=4";
        let (reads, holds) = counted();
        let quiet = while_holds(holds.clone(), desk.call("GET", path, &Value::Null, None));
        quiet.await.unwrap();
        // At the beginning and at the end, which are one on a machine that stands still meanwhile.
        let read = reads.swap(0, Ordering::SeqCst);
        assert!((1..=2).contains(&read), "{read}");
        let sequence: Result<_, Stored> = desk
            .app
            .store
            .read(|reader| Ok(reader.head()?.sequence))
            .await;
        let path = format!("/v2/iam/activity_logs?after={}&wait=30", sequence.unwrap());
        let listed = while_holds(holds, desk.call("GET", &path, &Value::Null, None));
        let change = async {
            // The list waits by then: it has read once.
            while reads.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
            desk.make(&new_key(), None).await
        };
        let (listed, made) = tokio::join!(listed, change);
        let listed: Value = serde_json::from_slice(&listed.unwrap().body).unwrap();
        assert_eq!(listed["data"][0]["keyward"]["object"]["id"], made["id"]);
        // Once, if the change came before its first look had begun to read.
        let read = reads.load(Ordering::SeqCst);
        assert!((1..=2).contains(&read), "{read}");
    });
}
