//! Where a feed is kept: a few named blobs. A folder is one such place, a bucket of an object store another, for which each operation is one request, and `swap` is a conditional one.

#[cfg(feature = "object-store")]
mod bucket;
mod folder;
mod name;
mod place;

use anyhow::Result;

#[cfg(feature = "object-store")]
pub use bucket::{Bucket, BucketPlace};
pub use folder::Folder;
pub use name::{Mutable, ObjectKind, ObjectName};
pub use place::StorePlace;

/// Which content of a mutable blob was read, for [`FeedStore::swap`]: whatever the store knows it by, such as an ETag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(String);

impl Version {
    /// What the store knows a content by.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The same, as it is sent back.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a swap ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The blob has the new content, which is of this version.
    Done(Version),
    /// Another writer was first: the blob has other content than expected, and keeps it.
    Lost,
}

/// An object that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: ObjectName,
    /// Its bytes.
    pub size: u64,
    /// When it was put there last, Unix seconds, by the store's clock.
    pub put_at: u64,
}

/// A place for one feed.
pub trait FeedStore {
    /// What messages call it.
    fn shown(&self) -> String;

    /// A mutable blob, if it is there; an error if it has more than `most` bytes.
    fn read(&self, name: Mutable, most: u64) -> Result<Option<(Vec<u8>, Version)>>;

    /// Replaces a mutable blob if it still has the expected content, or is absent as expected.
    fn swap(&self, name: Mutable, expected: Option<&Version>, bytes: &[u8]) -> Result<Swap>;

    /// An object, if it is there; an error if it has more than `most` bytes.
    fn get(&self, name: &ObjectName, most: u64) -> Result<Option<Vec<u8>>>;

    /// Puts an object there. One that is there already has the same bytes, and counts as put now.
    fn put_new(&self, name: &ObjectName, bytes: &[u8]) -> Result<()>;

    /// All objects.
    fn list(&self) -> Result<Vec<Listed>>;

    /// Removes an object. One that is gone already is not an error.
    fn delete(&self, name: &ObjectName) -> Result<()>;

    /// Removes what writers that were killed left, and says how much.
    fn tidy(&self, now: u64) -> Result<usize>;
}
