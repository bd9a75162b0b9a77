//! What is published: a snapshot in the packed form, from a key file or from a configuration that another program wrote. It has passed every check that a gateway makes.

use anyhow::{Context, Result, bail};

use super::present::Present;
use crate::configuration::pack::{Parts, TOO_MUCH};
use crate::key_file::{Issue, KeyFile, SourceName};
use keyward::configuration::{Configuration, is_packed, packed_settings, split_packed};
use keyward::profile::Profile;
use keyward::snapshot::delta::Touched;
use keyward::snapshot::packed::{self, Packed, Trust};
use keyward::snapshot::{Revision, Snapshot};

/// A snapshot that is ready for a feed, and what its configuration says next to it.
pub struct Content {
    packed: Packed,
    snapshot: Snapshot,
    profile: Profile,
    /// The settings of a packed configuration, with all that is before its snapshot.
    settings: Vec<u8>,
    max_snapshot_age: Option<u64>,
    source: Option<SourceName>,
}

impl Content {
    /// The content of a key file. Errors call it `name`. The publisher decides its revision and time.
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

    /// A configuration of another program, JSON or packed, or a snapshot by itself.
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
        // Packing looked at everything.
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

    /// The same, as a gateway decides by it.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The profile that its configuration names: gateways that follow the feed must also have it.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// After how many seconds gateways deny, as its configuration says.
    #[must_use]
    pub fn max_snapshot_age(&self) -> Option<u64> {
        self.max_snapshot_age
    }

    /// The name of the key file that it was made from.
    #[must_use]
    pub fn source(&self) -> Option<&SourceName> {
        self.source.as_ref()
    }

    /// Whether a feed holds this.
    #[must_use]
    pub fn is_the_same_as(&self, present: &Present) -> bool {
        Touched::between(&present.snapshot, &self.snapshot).is_empty()
    }

    /// A packed configuration with this content under a revision.
    pub fn configuration(&self, revision: Revision, issued_at: u64) -> Result<Vec<u8>> {
        let mut bytes = self.settings.clone();
        bytes.extend(base_bytes(&self.issued(revision, issued_at)?)?);
        Ok(bytes)
    }

    /// The same under a revision.
    pub(super) fn issued(&self, revision: Revision, issued_at: u64) -> Result<Packed> {
        Ok(self.packed.reissued(revision, issued_at)?)
    }
}

/// The bytes of a base.
pub(super) fn base_bytes(packed: &Packed) -> Result<Vec<u8>> {
    Ok(packed.chunks().context(TOO_MUCH)?.concat())
}
