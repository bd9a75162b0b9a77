//! The machine, and the use of its cores: one worker of Envoy has a core to itself, and everything
//! else uses the others.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores that threads run on.
pub struct Cores {
    worker: CpuSet,
    others: CpuSet,
    pub count: u32,
}

impl Cores {
    /// Reserves the last core that this process may use for the worker, and moves this process off
    /// it. With only one core, everything shares it.
    pub fn part() -> Self {
        let all = sched_getaffinity(None).unwrap();
        let last = (0..CpuSet::MAX_CPU).rev().find(|core| all.is_set(*core));
        let mut worker = CpuSet::new();
        worker.set(last.unwrap());
        let mut others = all;
        if all.count() > 1 {
            others.unset(last.unwrap());
        }
        // New threads and children inherit this from their parent.
        sched_setaffinity(None, &others).unwrap();
        Self {
            worker,
            others,
            count: all.count(),
        }
    }

    /// Puts a thread of another process onto the worker's core.
    pub fn pin_worker(&self, thread: u32) {
        sched_setaffinity(Some(pid(thread)), &self.worker).unwrap();
    }

    pub fn say(&self) -> String {
        let list = |set: &CpuSet| {
            let cores = (0..CpuSet::MAX_CPU).filter(|core| set.is_set(*core));
            cores
                .map(|core| core.to_string())
                .collect::<Vec<_>>()
                .join(", ")
        };
        format!(
            "the worker on core {}, everything else on {}",
            list(&self.worker),
            list(&self.others)
        )
    }
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap()).unwrap()
}

/// Returns the first line of `program`'s output.
fn first_line(program: impl AsRef<Path>, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program.as_ref())
        .args(arguments)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(
        text.lines()
            .find(|line| !line.trim().is_empty())?
            .trim()
            .to_owned(),
    )
}

fn line_of(file: &str, start: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(start))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Describes where and when this was measured, as names and values.
pub fn describe(cores: &Cores, envoy: &Path) -> Vec<(&'static str, String)> {
    let unknown = || "unknown".to_owned();
    let rows = [
        ("processor", line_of("/proc/cpuinfo", "model name")),
        ("cores", Some(format!("{}: {}", cores.count, cores.say()))),
        ("memory", line_of("/proc/meminfo", "MemTotal")),
        (
            "kernel",
            fs::read_to_string("/proc/sys/kernel/osrelease")
                .ok()
                .map(|text| text.trim().to_owned()),
        ),
        (
            "Envoy",
            first_line(envoy, &["--version"]).and_then(|line| {
                line.split_once("version: ")
                    .map(|(_, version)| version.to_owned())
            }),
        ),
        ("rustc", first_line("rustc", &["--version"])),
        (
            "keyward",
            first_line("git", &["describe", "--always", "--dirty", "--abbrev=12"]),
        ),
        ("day", first_line("date", &["-u", "+%Y-%m-%d"])),
        (
            "load before",
            fs::read_to_string("/proc/loadavg")
                .ok()
                .map(|text| text.split(' ').take(3).collect::<Vec<_>>().join(" ")),
        ),
    ];
    rows.map(|(name, value)| (name, value.unwrap_or_else(unknown)))
        .to_vec()
}
