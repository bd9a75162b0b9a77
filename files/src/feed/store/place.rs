//! Where a feed is stored, as a command's arguments name it: a folder or a bucket.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;

#[cfg(feature = "object-store")]
use super::bucket::{Bucket, BucketPlace};
use super::{FeedStore, Folder};

/// The start of a bucket's place.
const BUCKET: &str = "s3://";

/// A folder, or a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorePlace {
    /// An existing folder.
    Folder(PathBuf),
    /// `s3://BUCKET/PREFIX`.
    #[cfg(feature = "object-store")]
    Bucket(BucketPlace),
}

impl StorePlace {
    /// Parses a place. Everything that does not begin with `s3://` is a folder.
    pub fn parse(text: &str) -> Result<Self> {
        if !text.starts_with(BUCKET) {
            return Ok(Self::Folder(text.into()));
        }
        Self::of_bucket(text)
    }

    #[cfg(feature = "object-store")]
    fn of_bucket(text: &str) -> Result<Self> {
        Ok(Self::Bucket(text.parse()?))
    }

    #[cfg(not(feature = "object-store"))]
    fn of_bucket(_: &str) -> Result<Self> {
        anyhow::bail!(
            "this program was built without object stores; use a released one, or build it with `--features object-store`"
        )
    }

    /// The folder, if it is one.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(path) => Some(path),
            #[cfg(feature = "object-store")]
            Self::Bucket(_) => None,
        }
    }

    /// The place of that name below this one.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        match self {
            Self::Folder(path) => Self::Folder(path.join(name)),
            #[cfg(feature = "object-store")]
            Self::Bucket(place) => Self::Bucket(place.below(name)),
        }
    }

    /// The store there.
    pub fn open(&self) -> Result<Box<dyn FeedStore + Send>> {
        Ok(match self {
            Self::Folder(path) => Box::new(Folder::open(path)?),
            #[cfg(feature = "object-store")]
            Self::Bucket(place) => Box::new(Bucket::open(place.clone())?),
        })
    }
}

impl fmt::Display for StorePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            #[cfg(feature = "object-store")]
            Self::Bucket(place) => place.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_begin_as_a_bucket_is_a_folder() {
        let folder = StorePlace::parse("/srv/feed").unwrap();
        assert_eq!(folder, StorePlace::Folder("/srv/feed".into()));
        let bucket = StorePlace::parse("s3://keys/prod").map(|place| place.to_string());
        match cfg!(feature = "object-store") {
            true => assert_eq!(bucket.unwrap(), "s3://keys/prod"),
            false => assert!(bucket.unwrap_err().to_string().contains("--features")),
        }
    }
}
