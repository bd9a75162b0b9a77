//! How much of the VM's memory is in use, and whether there is more: see [`crate::filter::load`].
#![expect(
    unsafe_code,
    reason = "a global allocator is unsafe to implement; this one adds two counters to the system's"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The maximum size of the VM.
const LARGEST_VM: usize = 1 << 30;
const PAGE: usize = 1 << 16;

/// Old snapshots that open streams keep may stay while no more memory than this is in use.
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

// SAFETY: every call passes the same arguments to the system allocator.
unsafe impl GlobalAlloc for Metered {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises what the system allocator requires.
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            add(layout.size());
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller promises what the system allocator requires.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises what the system allocator requires.
        let moved = unsafe { System.realloc(block, layout, size) };
        if !moved.is_null() {
            // If a block moves, the old and the new one exist at the same time.
            add(size);
            LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        }
        moved
    }
}

/// Returns whether this much memory is available.
pub(super) fn has_room(size: usize) -> bool {
    let grown = core::arch::wasm32::memory_size(0).saturating_mul(PAGE);
    // Memory that was never in use has no gaps. Memory that was in use may have gaps, so this tries
    // to allocate.
    LARGEST_VM.saturating_sub(grown) >= size || can_take(size)
}

/// Returns whether this much memory is available at once: one block of a half, for the largest
/// vector, one of a quarter, and so on down to a page.
fn can_take(size: usize) -> bool {
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    let mut left = size;
    while left > 0 {
        let piece = (left / 2).max(PAGE).min(left);
        let mut block = Vec::new();
        if blocks.try_reserve(1).is_err() || block.try_reserve_exact(piece).is_err() {
            return false;
        }
        // Otherwise, the compiler may leave out the allocation, and with it the failure.
        std::hint::black_box(block.as_ptr());
        blocks.push(block);
        left -= piece;
    }
    true
}

/// Returns the memory in use, in bytes.
pub(super) fn live() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// Returns whether so little memory is in use that old snapshots may stay for a while.
pub(super) fn is_low() -> bool {
    live() <= LOW
}

/// Measures a load: the maximum memory in use since [`Meter::start`], beyond what was in use then.
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
