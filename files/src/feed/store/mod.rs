//! Where a feed is stored: a few named blobs in a folder or in a bucket of an object store. In a
//! bucket each operation is one request, and `swap` is a conditional request.

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

/// Identifies the content of a mutable blob for [`FeedStore::swap`], in any form that the store
/// uses, such as an ETag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(String);

impl Version {
    /// Creates a version from the store's text for it.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Returns the text, to send it back to the store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The result of a swap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The blob has the new content, with this version.
    Done(Version),
    /// Another writer was first: the blob has other content than expected, and keeps it.
    Lost,
}

/// An object in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: ObjectName,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written, in Unix seconds by the store's clock.
    pub put_at: u64,
}

/// Stores one feed.
pub trait FeedStore {
    /// Returns the store's name in messages.
    fn shown(&self) -> String;

    /// Reads a mutable blob if it exists. Fails if it has more than `most` bytes.
    fn read(&self, name: Mutable, most: u64) -> Result<Option<(Vec<u8>, Version)>>;

    /// Replaces a mutable blob if it still has the expected content, or is absent as expected.
    fn swap(&self, name: Mutable, expected: Option<&Version>, bytes: &[u8]) -> Result<Swap>;

    /// Reads an object if it exists. Fails if it has more than `most` bytes.
    fn get(&self, name: &ObjectName, most: u64) -> Result<Option<Vec<u8>>>;

    /// Writes an object. If it already exists it has the same bytes, and then counts as just
    /// written.
    fn put_new(&self, name: &ObjectName, bytes: &[u8]) -> Result<()>;

    /// Lists all objects.
    fn list(&self) -> Result<Vec<Listed>>;

    /// Removes an object. It is not an error if the object is already gone.
    fn delete(&self, name: &ObjectName) -> Result<()>;

    /// Removes temporary files of killed writers, and returns their number.
    fn tidy(&self, now: u64) -> Result<usize>;
}
