//! Only in test builds: makes a VM fail on demand, so that tests can show what happens. No release
//! contains this file.

use std::cell::{Cell, RefCell};

use super::abi;
use super::memory;
use crate::filter::host::LogLevel;
use crate::header_map;

/// A request with this header traps its VM, or makes it allocate as many MiB as the header names
/// and release the previous ones.
const TRAP_HEADER: &[u8] = b"x-keyward-trap-door";

/// A VM that has served a request rejects a configuration with this text. So workers reject it, but
/// the trial load does not.
const FAIL_ON_WORKERS: &[u8] = b"trap-door: fail on workers";

/// A configuration with this text is read as a whole, without a limit, and kept, as a filter
/// without limits would do.
const KEEP_WITHOUT_LIMIT: &[u8] = b"trap-door: keep without limit";

thread_local! {
    static HAS_SERVED: Cell<bool> = const { Cell::new(false) };
    static KEPT: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

pub(super) fn on_request() {
    HAS_SERVED.set(true);
    let map = abi::request_headers().unwrap_or_default();
    let headers = header_map::pairs(&map).unwrap_or_default();
    let Some((_, value)) = headers.iter().find(|(name, _)| *name == TRAP_HEADER) else {
        return;
    };
    let text = String::from_utf8_lossy(value);
    let Ok(size) = text.parse::<usize>() else {
        core::arch::wasm32::unreachable();
    };
    KEPT.take();
    let mut block = Vec::new();
    let is_had = block.try_reserve_exact(size << 20).is_ok();
    KEPT.set(vec![block]);
    abi::log(
        LogLevel::Info,
        &format!("trap-door: {size} MiB are held: {is_had}"),
    );
}

/// Logs the peak memory of a load, and the size of the VM now, in KiB.
pub(super) fn tell_peak(peak: usize) {
    let grown = core::arch::wasm32::memory_size(0) << 6;
    let (peak, live) = (peak >> 10, memory::live() >> 10);
    abi::log(
        LogLevel::Info,
        &format!("trap-door: peak {peak} live {live} grown {grown}"),
    );
}

/// Returns the answer to `on_configure`, if the trap door decides it.
pub(super) fn on_configure(size: usize) -> Option<bool> {
    let start = abi::plugin_configuration(0, size.min(4096)).unwrap_or_default();
    let says = |text: &[u8]| start.windows(text.len()).any(|window| window == text);
    if says(FAIL_ON_WORKERS) && HAS_SERVED.get() {
        return Some(false);
    }
    if says(KEEP_WITHOUT_LIMIT) {
        let mut text = Vec::new();
        if text.try_reserve_exact(size).is_err() {
            return Some(false);
        }
        while text.len() < size {
            match abi::plugin_configuration(text.len(), 1 << 20) {
                Ok(range) if !range.is_empty() => text.extend_from_slice(&range),
                _ => return Some(false),
            }
        }
        KEPT.with_borrow_mut(|kept| kept.push(text));
        return Some(true);
    }
    None
}
