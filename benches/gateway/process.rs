//! What the kernel shows about a running Envoy: the run time of its worker, and its memory.

use std::fs;

/// Returns the worker's thread. There is one.
pub fn worker(process: u32) -> u32 {
    let named = threads(process).filter(|(_, name)| name == "wrk:worker_0");
    let found: Vec<u32> = named.map(|(thread, _)| thread).collect();
    let [thread] = found[..] else {
        panic!("expected one worker, and there are {}", found.len());
    };
    thread
}

fn threads(process: u32) -> impl Iterator<Item = (u32, String)> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    tasks.filter_map(|task| {
        let task = task.ok()?;
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        Some((
            task.file_name().to_str()?.parse().ok()?,
            name.trim_end().to_owned(),
        ))
    })
}

/// Returns the nanoseconds that a thread has run, in user and kernel mode.
pub fn ran(process: u32, thread: u32) -> u64 {
    let path = format!("/proc/{process}/task/{thread}/schedstat");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.split(' ').next().unwrap().parse().unwrap()
}

/// Returns the same for all threads of this process with this name.
pub fn ran_here(name: &str) -> u64 {
    let here = std::process::id();
    let named = threads(here).filter(|(_, thread)| thread == name);
    named.map(|(thread, _)| ran(here, thread)).sum()
}

/// Returns the resident memory of a process, in bytes.
pub fn resident(process: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        << 10
}

/// Only a VM's memory has a reservation of this size: V8 reserves all addresses that a 32-bit
/// pointer can name.
const RESERVED: u64 = 4 << 30;

/// Returns the linear memories of all VMs, in bytes, the largest first. At the start of a VM's
/// reservation, V8 makes as much memory accessible as the VM has asked for.
pub fn linear_memories(process: u32) -> Vec<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let mut found = Vec::new();
    let mut before: Option<(u64, u64)> = None;
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (start, end) = words.next().unwrap().split_once('-').unwrap();
        let [start, end] = [start, end].map(|hex| u64::from_str_radix(hex, 16).unwrap());
        let access = words.next().unwrap();
        match before {
            Some((from, to)) if access == "---p" && to == start && end - start >= RESERVED => {
                found.push(to - from);
            }
            _ => {}
        }
        before = (access == "rw-p").then_some((start, end));
    }
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
}
