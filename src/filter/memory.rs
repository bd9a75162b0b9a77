//! How much of the VM's memory is in use. A VM has at most 1 GiB and never gives memory back, and a worker holds an old and a new snapshot at once: so
//! what a load may take is bounded, by a rule that depends on the configuration's bytes alone.
#![expect(
    unsafe_code,
    reason = "a global allocator is unsafe to implement; this one adds two counters to the system's"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The largest configuration that is looked at.
pub(super) const LARGEST_CONFIGURATION: usize = 128 << 20;

/// The most memory that one load may take, the configuration's text included: well under half of the VM.
const LARGEST_LOAD: usize = 384 << 20;

/// What may be in use once a load has taken all it may: the rest of the VM's 1 GiB is left to gaps and to requests.
const CEILING: usize = 896 << 20;

/// A load may take this many bytes for every byte of configuration, and some for its own.
const LOAD_PER_BYTE: usize = 32;
const LOAD_BASE: usize = 4 << 20;

#[global_allocator]
static ALLOCATOR: Metered = Metered;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct Metered;

fn add(size: usize) {
    let live = LIVE.fetch_add(size, Ordering::Relaxed).saturating_add(size);
    PEAK.fetch_max(live, Ordering::Relaxed);
}

// SAFETY: every call is the system allocator's with the same arguments.
unsafe impl GlobalAlloc for Metered {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is the system allocator's.
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            add(layout.size());
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is the system allocator's.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise is the system allocator's.
        let moved = unsafe { System.realloc(block, layout, size) };
        if !moved.is_null() {
            LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
            add(size);
        }
        moved
    }
}

/// The most that a load of `size` bytes of configuration may take.
pub(super) fn allowance(size: usize) -> usize {
    size.saturating_mul(LOAD_PER_BYTE)
        .saturating_add(LOAD_BASE)
        .min(LARGEST_LOAD)
}

/// Whether a load that takes its whole allowance fits beside what is in use.
pub(super) fn has_room_for(size: usize) -> bool {
    LIVE.load(Ordering::Relaxed).saturating_add(allowance(size)) <= CEILING
}

/// Measures one load: from [`Meter::start`] on, the most that was in use beyond what was then.
pub(super) struct Meter {
    start: usize,
}

impl Meter {
    pub(super) fn start() -> Self {
        let start = LIVE.load(Ordering::Relaxed);
        PEAK.store(start, Ordering::Relaxed);
        Self { start }
    }

    pub(super) fn peak(&self) -> usize {
        PEAK.load(Ordering::Relaxed).saturating_sub(self.start)
    }
}
