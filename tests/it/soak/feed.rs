//! The same load while the gateway follows a feed of many keys that publishes ten changes a second.

use super::*;
use crate::feed::{followers, following};
use crate::support::feed::{Feed, configuration};

/// Keys that nothing changes, next to those of the plan: a million in a long run.
fn others() -> u64 {
    match std::env::var_os("SOAK_SECONDS") {
        Some(_) => 1_000_000,
        None => 10_000,
    }
}

/// A short run is part of `make test-all`, once for each host.
fn time() -> Duration {
    let is_long = std::env::var_os("SOAK_SECONDS").is_some();
    Duration::from_secs(if is_long { seconds() } else { 15 })
}

/// From one change to the next.
const PACE: Duration = Duration::from_millis(100);

/// No worker may lag by more changes than in so long a time.
const LAG: Duration = Duration::from_secs(10);

/// The revision that a worker serves: of six keys one after another, one works at any revision.
fn revision_of(connection: &mut Connection) -> u64 {
    (0..6)
        .find_map(|key| {
            let authorization = [("authorization", format!("Bearer {}", plan::raw(key)))];
            let answer = connection.request("GET", "/v1/balance", &authorization, b"");
            let principal = (answer.status == 200).then(|| answer.json()["principal"].clone())?;
            let (_, number) = principal.as_str()?.rsplit_once("revision=")?;
            number.parse().ok()
        })
        .unwrap_or(0)
}

/// Keeps an eye on every worker, and on how far the last of them lags.
fn watch(mut workers: Vec<Connection>, shared: &Arc<Shared>) -> JoinHandle<u64> {
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        let mut worst = 0;
        while !shared.stop.load(Ordering::SeqCst) {
            // A worker's answer is at least as old as what was published before the question.
            let published = shared.pushed.load(Ordering::SeqCst);
            let least = workers.iter_mut().map(revision_of).min().unwrap_or(0);
            shared.everywhere.fetch_max(least, Ordering::SeqCst);
            let everywhere = shared.everywhere.load(Ordering::SeqCst);
            worst = worst.max(published.saturating_sub(everywhere));
        }
        worst
    })
}

#[test]
fn ten_changes_a_second_among_many_keys_and_no_wrong_verdict() {
    let feed = Feed::empty();
    feed.publish_among(&plan::among(1, others()), &plan::snapshot(1));
    let mut settings = configuration();
    settings["feed"]["wait"] = json!(25);
    let envoy = following(&feed, &settings)
        .concurrency(2)
        .edit(|all| {
            hcm(all).as_object_mut().unwrap().remove("access_log");
        })
        .start();
    let workers = envoy.worker_connections();
    let shared = Arc::new(Shared::default());
    shared.pushed.store(1, Ordering::SeqCst);
    let mut first = envoy.worker_connections();
    for worker in &mut first {
        eventually("a worker follows", crate::support::LONG, || {
            (revision_of(worker) == 1).then_some(())
        });
    }
    shared.everywhere.store(1, Ordering::SeqCst);
    // It denied until it had loaded the base.
    let denied_at_first = envoy.stat("http.gateway.downstream_rq_5xx");
    let watch = watch(workers, &shared);
    let threads: Vec<_> = (0..5)
        .map(|number| load(&shared, envoy.address(), number * 131, number == 4))
        .collect();

    let (begun, time) = (Instant::now(), time());
    let (mut revision, mut memory) = (1_u64, Vec::new());
    while begun.elapsed() < time {
        revision += 1;
        shared.pushed.store(revision, Ordering::SeqCst);
        feed.publish(&plan::snapshot(revision));
        if revision > WARM / 2 {
            memory.push(resident(&envoy));
        }
        let due = PACE * u32::try_from(revision - 1).unwrap();
        sleep(due.saturating_sub(begun.elapsed()));
    }
    eventually("every worker has the last change", BOUND, || {
        (shared.everywhere.load(Ordering::SeqCst) == revision).then_some(())
    });
    shared.stop.store(true, Ordering::SeqCst);
    let worst = watch.join().unwrap();
    let told: Vec<Told> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    let requests: u64 = told.iter().map(|told| told.requests).sum();
    let passed: u64 = told.iter().map(|told| told.passed).sum();
    let faults: Vec<&String> = told.iter().flat_map(|told| &told.faults).collect();
    let part = (memory.len() / 10).max(1);
    let first = median(memory[..part].to_vec());
    let last = median(memory[memory.len() - part..].to_vec());
    println!(
        "soak: {:?}, {} keys, {requests} requests, {passed} passed, {} changes, the last worker at most {worst} behind, {} faults, {first} KiB at first, {last} KiB at the end",
        begun.elapsed(),
        others() + plan::KEYS,
        revision - 1,
        faults.len(),
    );
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(requests > time.as_secs() * 50, "{requests}");
    assert!(passed * 20 > requests && passed < requests, "{passed}");
    assert!(
        u128::from(worst) * PACE.as_millis() < LAG.as_millis(),
        "{worst}"
    );
    assert!(last * 20 <= first * 21, "{memory:?}");
    let troubles = envoy.stats("keyward[_.]feed_troubles_total");
    assert!(troubles.values().all(|count| *count == 0), "{troubles:?}");
    let bases = envoy.stats("keyward[_.]feed_bases_total");
    let loaded = u64::try_from(followers(2)).unwrap();
    assert_eq!(bases.values().copied().collect::<Vec<_>>(), [loaded]);
    assert_eq!(
        envoy.stat("http.gateway.downstream_rq_5xx"),
        denied_at_first
    );
    let zeroes =
        envoy.stats("keyward_interlock\\.denied$|vm_reload|workers_behind|rollbacks|host_failure");
    assert!(zeroes.values().all(|count| *count == 0), "{zeroes:?}");
}
