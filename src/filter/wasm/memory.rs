//! How much of the VM's memory is in use. A VM has at most 1 GiB and never gives memory back, and a worker holds an old and a new snapshot at once: so
//! what a load may take is bounded, by a rule that depends on the configuration's bytes alone. Whether there is room for that much is another matter:
//! where there is none, the load does not begin, because an allocation that fails in its midst would end the VM.
#![expect(
    unsafe_code,
    reason = "a global allocator is unsafe to implement; this one adds two counters to the system's"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The largest configuration that is looked at.
pub(super) const LARGEST_CONFIGURATION: usize = crate::configuration::LARGEST;

/// The most memory that one load may take, the configuration's text included: well under half of the VM.
const LARGEST_LOAD: usize = 320 << 20;

/// A load may take so many bytes for every byte of configuration, see [`Form`], and some for its own.
const LOAD_BASE: usize = 4 << 20;

/// What the VM may have, and what of it is left to requests.
const LARGEST_VM: usize = 1 << 30;
const LEFT_TO_REQUESTS: usize = 32 << 20;
const PAGE: usize = 1 << 16;

/// Old snapshots that open streams keep may stay while no more than this is in use.
const LOW: usize = 256 << 20;

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
            // Where a block moves, the old and the new one are there at once.
            add(size);
            LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        }
        moved
    }
}

/// How a configuration is written: what is parsed takes more memory than what is kept as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Packed,
}

impl Form {
    fn load_per_byte(self) -> usize {
        match self {
            Self::Text => 32,
            Self::Packed => 3,
        }
    }
}

/// The most that a load of `size` bytes of configuration may take.
pub(super) fn allowance(size: usize, form: Form) -> usize {
    size.saturating_mul(form.load_per_byte())
        .saturating_add(LOAD_BASE)
        .min(LARGEST_LOAD)
}

/// Whether a load that takes its whole allowance fits beside what is in use. Half as much again is for the gaps it leaves: a vector that doubles leaves
/// blocks behind that are too small for what comes next.
pub(super) fn has_room_for(size: usize, form: Form) -> bool {
    let allowance = allowance(size, form);
    let needed = allowance.saturating_add(allowance / 2);
    let grown = core::arch::wasm32::memory_size(0).saturating_mul(PAGE);
    let left = LARGEST_VM.saturating_sub(grown);
    // Memory that was never in use has no gaps. What was in use has, so there the room is tried.
    left >= needed.saturating_add(LEFT_TO_REQUESTS)
        || can_take(needed.saturating_add(LEFT_TO_REQUESTS))
}

/// Whether this much can be had at once: one block of a half, for the largest vector, one of a quarter, and so on down to a page.
fn can_take(size: usize) -> bool {
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    let mut left = size;
    while left > 0 {
        let piece = (left / 2).max(PAGE).min(left);
        let mut block = Vec::new();
        if blocks.try_reserve(1).is_err() || block.try_reserve_exact(piece).is_err() {
            return false;
        }
        // Or else the compiler may leave the allocation out, and its failure with it.
        std::hint::black_box(block.as_ptr());
        blocks.push(block);
        left -= piece;
    }
    true
}

/// What is in use, in bytes.
pub(super) fn live() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// Whether so little is in use that old snapshots may stay a while.
pub(super) fn is_low() -> bool {
    live() <= LOW
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
