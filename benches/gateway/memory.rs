//! The memory that keys take in an Envoy with the native module, by the number of workers, which
//! share one copy.

use std::thread;
use std::time::Duration;

use crate::bootstraps;
use crate::process;
use crate::support::pb::Wrapper;
use crate::support::{Ecds, Envoy, Host, LONG, Push};
use crate::world::{Kind, World, sdk_request};

/// An Envoy's memory in bytes, without keys and with them.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub keys: u32,
    pub workers: u32,
    pub without: u64,
    pub with: u64,
}

/// The time within which the allocator returns what it no longer needs. After that, it keeps the
/// memory.
const SETTLES: Duration = Duration::from_secs(5);

/// Measures each number of workers in its own Envoy.
pub fn measure(keys: u32, workers: &[u32]) -> Vec<Memory> {
    let world = World::new(keys, Kind::Restricted);
    let packed = world.packed(1, None);
    let key = world.keys_of(Kind::Restricted, 1).remove(0);
    let each = workers.iter().map(|workers| {
        eprintln!("bench: memory of {keys} keys, native, {workers} workers");
        let envoy = Envoy::builder()
            .host(Host::Native)
            .concurrency(*workers)
            .edit(bootstraps::strip)
            .ecds(Ecds::Pb)
            .config("{}")
            .start();
        envoy.settled(LONG);
        let request = sdk_request(&key, None);
        everywhere(&envoy, &request, 503);
        let without = resident(&envoy);
        let push = envoy.push_pb_and_wait(Wrapper::Bytes, &packed, LONG);
        assert_eq!(push, Push::Accepted);
        everywhere(&envoy, &request, 200);
        let with = resident(&envoy);
        Memory {
            keys,
            workers: *workers,
            without,
            with,
        }
    });
    each.collect()
}

/// Makes every worker decide, because the memory for that counts as well.
fn everywhere(envoy: &Envoy, request: &[u8], status: u16) {
    envoy.on_every_worker("every worker decides", LONG, |connection| {
        connection.send_raw(request).unwrap();
        let answer = connection.read_response(false).unwrap();
        (answer.status == status).then_some(())
    });
}

fn resident(envoy: &Envoy) -> u64 {
    thread::sleep(SETTLES);
    process::resident(envoy.process_id())
}
