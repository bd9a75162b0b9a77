//! A feed in a bucket of an S3-compatible object store. Each operation is one request, and a
//! conditional request replaces the head.

mod connector;
mod place;

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    PutResult, RetryConfig, UpdateVersion,
};
use tokio::runtime::{Builder, Runtime};

use super::{FeedStore, Listed, Mutable, ObjectName, Swap, Version};
pub use place::BucketPlace;

/// An ETag that no content has.
const NOBODYS: &str = "\"keyward-probe\"";

/// The `Cache-Control` of a head and of an object, for gateways and caches in between.
const NO_CACHE: &str = "no-cache";
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// A bucket. Its operations block, so call them on a thread that runs no asynchronous tasks.
#[derive(Debug)]
pub struct Bucket {
    runtime: Runtime,
    store: AmazonS3,
    place: BucketPlace,
    /// Set when the store has shown that it obeys conditions.
    is_conditional: OnceLock<()>,
}

impl Bucket {
    /// Opens a bucket with credentials from the `AWS_*` environment variables or from the machine's
    /// role. Sends no request yet.
    pub fn open(place: BucketPlace) -> Result<Self> {
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&place.bucket)
            .with_retry(retries())
            .with_http_connector(connector::Connector);
        if let Some(region) = &place.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &place.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        let store = builder.build();
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(Self {
            runtime: runtime.context("this process cannot use the network")?,
            store: store.with_context(|| format!("`{place}` cannot be opened"))?,
            place,
            is_conditional: OnceLock::new(),
        })
    }

    fn path(&self, name: &str) -> Path {
        path_of(&self.place, name)
    }

    fn failure(&self, name: &str, what: &str) -> String {
        format!("`{}/{name}` cannot be {what}", self.place)
    }

    fn fetch(&self, name: &str, most: u64) -> Result<Option<(Vec<u8>, Option<String>)>> {
        let failure = || self.failure(name, "read");
        let fetched = self.runtime.block_on(async {
            let found = self.store.get(&self.path(name)).await?;
            let (size, tag) = (found.meta.size, found.meta.e_tag.clone());
            Ok(match size <= most {
                true => Some((found.bytes().await?, tag)),
                false => None,
            })
        });
        match fetched {
            Ok(Some((bytes, tag))) => Ok(Some((bytes.to_vec(), tag))),
            Ok(None) => bail!("`{}/{name}` has more than {most} bytes", self.place),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error).with_context(failure),
        }
    }

    fn put(
        &self,
        name: &str,
        bytes: &[u8],
        mode: PutMode,
        cached: &'static str,
    ) -> object_store::Result<PutResult> {
        let attributes = Attributes::from_iter([
            (Attribute::CacheControl, cached),
            (Attribute::ContentType, "application/octet-stream"),
        ]);
        let options = PutOptions {
            mode,
            attributes,
            ..PutOptions::default()
        };
        let payload = PutPayload::from(bytes.to_vec());
        let path = self.path(name);
        let put = self.store.put_opts(&path, payload, options);
        self.runtime.block_on(put)
    }

    /// Checks that the store obeys conditions, before the first write that matters, by a write
    /// whose condition cannot hold. Otherwise two publishers could undo each other's changes,
    /// including revocations.
    fn demand_conditions(&self) -> Result<()> {
        if self.is_conditional.get().is_some() {
            return Ok(());
        }
        match self.put("probe", b"", update(NOBODYS), NO_CACHE) {
            Err(Error::Precondition { .. } | Error::NotFound { .. }) => {
                let _ = self.is_conditional.set(());
                Ok(())
            }
            Ok(_) => bail!(
                "the store of `{}` ignores `If-Match`, so two publishers could undo each other's revocations; use a store with conditional writes",
                self.place
            ),
            Err(error) => Err(error).with_context(|| self.failure("probe", "written")),
        }
    }
}

/// Returns the path of an object, exactly as written: `Path::from` would escape a `~`, but gateways
/// do not.
fn path_of(place: &BucketPlace, name: &str) -> Path {
    let path = format!("{}/{name}", place.prefix);
    Path::parse(&path).unwrap_or_else(|_| Path::from(path))
}

/// Allows few retries, soon after each other, because the publisher waits for them.
fn retries() -> RetryConfig {
    RetryConfig {
        max_retries: 3,
        retry_timeout: Duration::from_secs(30),
        ..RetryConfig::default()
    }
}

/// Returns the mode for a write that succeeds only if the content still has this ETag.
fn update(tag: &str) -> PutMode {
    PutMode::Update(UpdateVersion {
        e_tag: Some(tag.to_owned()),
        version: None,
    })
}

impl FeedStore for Bucket {
    fn shown(&self) -> String {
        self.place.to_string()
    }

    fn read(&self, name: Mutable, most: u64) -> Result<Option<(Vec<u8>, Version)>> {
        let Some((bytes, tag)) = self.fetch(name.as_str(), most)? else {
            return Ok(None);
        };
        let tag = tag.with_context(|| format!("the store of `{}` has no ETags", self.place))?;
        Ok(Some((bytes, Version::new(tag))))
    }

    fn swap(&self, name: Mutable, expected: Option<&Version>, bytes: &[u8]) -> Result<Swap> {
        self.demand_conditions()?;
        let mode = match expected {
            Some(version) => update(version.as_str()),
            None => PutMode::Create,
        };
        let most = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        match self.put(name.as_str(), bytes, mode, NO_CACHE) {
            Ok(PutResult {
                e_tag: Some(tag), ..
            }) => Ok(Swap::Done(Version::new(tag))),
            // The store did not return the ETag, or an answer was lost and the repeated request met
            // the result of the first.
            Ok(PutResult { e_tag: None, .. })
            | Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
                // If the content cannot be read or is longer, treat the swap as lost: the caller
                // reads it again and finds any failure.
                let held = self.read(name, most).unwrap_or_default();
                Ok(match held {
                    Some((held, version)) if held == bytes => Swap::Done(version),
                    Some(_) | None => Swap::Lost,
                })
            }
            Err(error) => Err(error).with_context(|| self.failure(name.as_str(), "written")),
        }
    }

    fn get(&self, name: &ObjectName, most: u64) -> Result<Option<Vec<u8>>> {
        let found = self.fetch(&format!("o/{name}"), most)?;
        Ok(found.map(|(bytes, _)| bytes))
    }

    fn put_new(&self, name: &ObjectName, bytes: &[u8]) -> Result<()> {
        let name = format!("o/{name}");
        // The name is the hash of the bytes. Writing the same bytes again only makes the object
        // count as new.
        self.put(&name, bytes, PutMode::Overwrite, FOR_EVER)
            .map(|_| ())
            .with_context(|| self.failure(&name, "written"))
    }

    fn list(&self) -> Result<Vec<Listed>> {
        let objects = self.path("o");
        let found = self
            .runtime
            .block_on(self.store.list_with_delimiter(Some(&objects)));
        let found = found.with_context(|| self.failure("o", "listed"))?;
        let listed = |meta: object_store::ObjectMeta| {
            Some(Listed {
                name: ObjectName::parse(meta.location.filename()?)?,
                size: meta.size,
                put_at: u64::try_from(meta.last_modified.timestamp()).unwrap_or_default(),
            })
        };
        let mut listed: Vec<Listed> = found.objects.into_iter().filter_map(listed).collect();
        listed.sort_by_key(|listed| listed.name);
        Ok(listed)
    }

    fn delete(&self, name: &ObjectName) -> Result<()> {
        let name = format!("o/{name}");
        match self.runtime.block_on(self.store.delete(&self.path(&name))) {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error).with_context(|| self.failure(&name, "removed")),
        }
    }

    fn tidy(&self, _now: u64) -> Result<usize> {
        // An object is stored completely or not at all.
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_where_gateways_ask_for_them() {
        let place: BucketPlace = "s3://keys-eu/feeds/a~b".parse().unwrap();
        assert_eq!(path_of(&place, "head").as_ref(), "feeds/a~b/head");
    }
}
