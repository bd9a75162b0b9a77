//! A store for tests that fails or dies at one of its operations: before the operation, or after it
//! took effect but before its caller learned of it.

use std::cell::Cell;

use anyhow::{Result, bail};

use crate::feed::store::{FeedStore, Folder, Listed, Mutable, ObjectName, Swap, Version};

/// When the chosen operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Before it has an effect.
    Before,
    /// After it took effect.
    After,
}

/// A folder that counts its writing operations, and fails from one of them on, because a publisher
/// that was killed there does nothing more.
pub(super) struct Faulty<'a> {
    pub(super) inner: &'a Folder,
    pub(super) dies_at: Option<(usize, When)>,
    pub(super) count: Cell<usize>,
}

impl<'a> Faulty<'a> {
    pub(super) fn new(inner: &'a Folder, dies_at: Option<(usize, When)>) -> Self {
        Self {
            inner,
            dies_at,
            count: Cell::new(0),
        }
    }

    fn step<T>(&self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let number = self.count.get();
        self.count.set(number + 1);
        match self.dies_at {
            Some((at, When::Before)) if number >= at => bail!("killed before step {number}"),
            Some((at, When::After)) if number == at => {
                act()?;
                bail!("killed after step {number}")
            }
            Some((at, When::After)) if number > at => bail!("killed"),
            _ => act(),
        }
    }
}

impl FeedStore for Faulty<'_> {
    fn shown(&self) -> String {
        self.inner.shown()
    }

    fn read(&self, name: Mutable, most: u64) -> Result<Option<(Vec<u8>, Version)>> {
        self.inner.read(name, most)
    }

    fn swap(&self, name: Mutable, expected: Option<&Version>, bytes: &[u8]) -> Result<Swap> {
        self.step(|| self.inner.swap(name, expected, bytes))
    }

    fn get(&self, name: &ObjectName, most: u64) -> Result<Option<Vec<u8>>> {
        self.inner.get(name, most)
    }

    fn put_new(&self, name: &ObjectName, bytes: &[u8]) -> Result<()> {
        self.step(|| self.inner.put_new(name, bytes))
    }

    fn list(&self) -> Result<Vec<Listed>> {
        self.inner.list()
    }

    fn delete(&self, name: &ObjectName) -> Result<()> {
        self.step(|| self.inner.delete(name))
    }

    fn tidy(&self, now: u64) -> Result<usize> {
        self.step(|| self.inner.tidy(now))
    }
}
