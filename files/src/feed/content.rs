//! The content of a publication: a packed snapshot, from a key file or from another program's
//! configuration. It has passed every check of a gateway.

use anyhow::{Context, Result, bail};

use super::present::Present;
use crate::configuration::pack::{Parts, TOO_MUCH};
use crate::key_file::{Issue, KeyFile, SourceName};
use keyward::configuration::{Configuration, is_packed, packed_settings, split_packed};
use keyward::profile::Profile;
use keyward::snapshot::delta::Touched;
use keyward::snapshot::packed::{self, Packed, Trust};
use keyward::snapshot::{Revision, Snapshot};

/// A snapshot that is ready for a feed, and the settings of its configuration.
pub struct Content {
    packed: Packed,
    snapshot: Snapshot,
    profile: Profile,
    /// The settings of a packed configuration: everything before its snapshot.
    settings: Vec<u8>,
    max_snapshot_age: Option<u64>,
    source: Option<SourceName>,
}

impl Content {
    /// Returns the content of a key file. Errors call it `name`. The publisher chooses its revision
    /// and time.
    pub fn of_key_file(name: &str, file: &KeyFile, may_be_empty: bool) -> Result<Self> {
        if file.keys().next().is_none() && !may_be_empty {
            bail!(
                "`{name}` has no keys, so every request would be denied; make one with `keyward keys create`, or say --allow-empty if that is meant"
            );
        }
        let issue = Issue {
            revision: 0,
            issued_at: 0,
            may_be_empty,
        };
        let written = file.compile(&issue);
        let settings = serde_json::to_string(&written.settings)?;
        let snapshot = serde_json::to_vec(&written.snapshot)?;
        Self::of_parts(name, &settings, &snapshot, file.source())
    }

    /// Returns the content of another program's configuration, JSON or packed, or of a bare
    /// snapshot.
    pub fn of_configuration(name: &str, bytes: &[u8]) -> Result<Self> {
        let refused = || format!("`{name}` is refused");
        if is_packed(bytes) {
            let (settings, snapshot) = split_packed(bytes).with_context(refused)?;
            let packed = Packed::from_bytes(snapshot).with_context(refused)?;
            let settings = std::str::from_utf8(settings).with_context(refused)?;
            return Self::of_packed(name, settings, packed, Trust::Nothing, None);
        }
        if packed::is_packed(bytes) {
            let packed = Packed::from_bytes(bytes).with_context(refused)?;
            return Self::of_packed(name, "{}", packed, Trust::Nothing, None);
        }
        let parts = Parts::split(bytes).with_context(refused)?;
        let Some(snapshot) = parts.snapshot else {
            bail!("`{name}` has no snapshot: every request would be denied");
        };
        let settings = parts.settings.as_deref().unwrap_or("{}");
        Self::of_parts(name, settings, snapshot, None)
    }

    fn of_parts(
        name: &str,
        settings: &str,
        snapshot: &[u8],
        source: Option<SourceName>,
    ) -> Result<Self> {
        let refused = || format!("`{name}` is refused");
        let (_, profile) = packed_settings(settings.as_bytes()).with_context(refused)?;
        let packed = Packed::from_json(snapshot, &profile).with_context(refused)?;
        // Packing has checked everything.
        Self::of_packed(name, settings, packed, Trust::Content, source)
    }

    fn of_packed(
        name: &str,
        settings: &str,
        packed: Packed,
        trust: Trust,
        source: Option<SourceName>,
    ) -> Result<Self> {
        let refused = || format!("`{name}` is refused");
        let read = Configuration::from_json(settings.as_bytes()).with_context(refused)?;
        let (settings, profile) = packed_settings(settings.as_bytes()).with_context(refused)?;
        let snapshot = packed.snapshot(&profile, trust);
        Ok(Self {
            snapshot: snapshot.with_context(refused)?,
            packed,
            profile,
            settings,
            max_snapshot_age: read.settings().max_snapshot_age,
            source,
        })
    }

    /// Returns the snapshot as a gateway uses it.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Returns the profile in its configuration. Gateways that follow the feed must have the same
    /// one.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Returns the age of a snapshot, in seconds, after which its configuration makes gateways
    /// deny.
    #[must_use]
    pub fn max_snapshot_age(&self) -> Option<u64> {
        self.max_snapshot_age
    }

    /// Returns the source's name for itself, if it has one.
    #[must_use]
    pub fn source(&self) -> Option<&SourceName> {
        self.source.as_ref()
    }

    /// Whether the feed already has this content.
    #[must_use]
    pub fn is_the_same_as(&self, present: &Present) -> bool {
        Touched::between(&present.snapshot, &self.snapshot).is_empty()
    }

    /// Returns a packed configuration with this content, revision and time.
    pub fn configuration(&self, revision: Revision, issued_at: u64) -> Result<Vec<u8>> {
        let mut bytes = self.settings.clone();
        bytes.extend(base_bytes(&self.issued(revision, issued_at)?)?);
        Ok(bytes)
    }

    /// Returns the packed content with this revision and time.
    pub(super) fn issued(&self, revision: Revision, issued_at: u64) -> Result<Packed> {
        Ok(self.packed.reissued(revision, issued_at)?)
    }
}

/// Returns the bytes of a base.
pub(super) fn base_bytes(packed: &Packed) -> Result<Vec<u8>> {
    Ok(packed.chunks().context(TOO_MUCH)?.concat())
}
