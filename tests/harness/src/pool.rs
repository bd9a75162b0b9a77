//! Things that take long to start and that their users leave unchanged. One test uses a thing at a
//! time and passes it on to the next test that needs the same shape.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

/// The things that no test is using at the moment, by shape. There are never more of a shape than
/// tests that use this shape at the same time. A `static` is not dropped: the processes in it end
/// with the test process, see [`Guarded`](super::process::Guarded).
#[derive(Debug)]
pub struct Pool<T>(Mutex<BTreeMap<String, Vec<T>>>);

impl<T> Pool<T> {
    #[expect(clippy::new_without_default, reason = "it is in a `static`")]
    pub const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Returns a free thing with this shape, or starts a new one. Only the caller uses it.
    pub fn take(&'static self, shape: String, start: impl FnOnce() -> T) -> Lent<T> {
        self.try_take(shape, || Some(start()))
            .expect("it was started")
    }

    /// Like [`Self::take`], for things that may not be able to start on this machine.
    pub fn try_take(
        &'static self,
        shape: String,
        start: impl FnOnce() -> Option<T>,
    ) -> Option<Lent<T>> {
        let free = self.free().get_mut(&shape).and_then(Vec::pop);
        let is_used = free.is_some();
        Some(Lent {
            held: Some(free.or_else(start)?),
            is_used,
            shape,
            pool: self,
        })
    }

    fn free(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thing from a [`Pool`], which returns to it on drop. A test that fails does not return it but
/// ends it, because its state is unknown.
#[derive(Debug)]
pub struct Lent<T: 'static> {
    held: Option<T>,
    is_used: bool,
    shape: String,
    pool: &'static Pool<T>,
}

impl<T> Lent<T> {
    /// Returns whether another test has used it before.
    pub fn is_used(&self) -> bool {
        self.is_used
    }
}

impl<T> Deref for Lent<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.held.as_ref().expect("it is there until the drop")
    }
}

impl<T> Drop for Lent<T> {
    fn drop(&mut self) {
        let held = self.held.take();
        if !std::thread::panicking() {
            let mut free = self.pool.free();
            free.entry(std::mem::take(&mut self.shape))
                .or_default()
                .extend(held);
        }
    }
}
